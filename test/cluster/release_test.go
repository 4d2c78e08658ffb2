//go:build unix

package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hyperscale/internal/cli"
	"hyperscale/internal/rpc"
	"hyperscale/test/cluster"
)

// release makes the program as another release.
func release(t *testing.T, r cluster.Release) (program string) {
	t.Helper()
	needsProcesses(t)
	program, err := cluster.BuildRelease(t.Context(), "../..", t.TempDir(), r)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// A datacenter of an earlier release, which has fewer features, becomes one of this
// release while it works: managers first, then workers, each drained, ended and
// started anew on its data.
func TestRollingUpgrade(t *testing.T) {
	const earlier = "0.0.9"
	s := start(t, cluster.Setup{Program: release(t, cluster.Release{Version: earlier, Bare: true})})
	s.runs(earlier, s.Managers...)
	load := cluster.Load{Name: "during", Rate: 600, For: 11 * time.Second, Cores: 1}
	during := s.submit(load)
	for _, m := range s.Managers {
		s.drain(m)
		s.signal(m, syscall.SIGTERM)
		s.upgrade(m)
	}
	s.runs(cli.Version, s.Managers...)
	holder := s.holder()
	for _, w := range s.Workers {
		if w != holder {
			s.drain(w) // it holds nothing, and goes
			s.upgrade(w)
		}
	}
	if s.target.Count(load.Name) >= load.Rate*int(load.For/time.Second) {
		t.Error("the load was over before the last worker's turn")
	}
	t.Logf("all but %s are of this release %v after the first request", holder.Name, time.Since(during.began).Round(time.Second/10))
	load.Name, load.For, load.Manager = "beside", 3*time.Second, 1
	s.drain(holder)
	beside := s.submit(load) // which only those of this release take
	during.exact(during.end())
	during.flowed()
	s.upgrade(holder)
	beside.exact(beside.end())
	beside.flowed()
	s.agree(during.ID)
	if h, ok := during.watchers[0].Find("owner changed"); !ok || h.Epoch < 2 {
		t.Errorf("a watcher heard of no new owner: %v, %+v", ok, h)
	}
}

// runs holds nodes to running a release, as members of the first manager say.
func (s *scenario) runs(version string, nodes ...*cluster.Node) {
	s.Helper()
	s.until("releases "+version, 10*time.Second, func() error {
		s.pause(asking)
		members, err := s.Members(s.ctx, s.Managers[0])
		if err != nil {
			return err
		}
		for _, m := range members {
			if slices.ContainsFunc(nodes, func(n *cluster.Node) bool { return n.Name == m.Node }) && m.Version != version {
				return fmt.Errorf("%s runs release %q", m.Node, m.Version)
			}
		}
		return nil
	})
}

// asking is the time between questions of who is there: they are counted.
const asking = 200 * time.Millisecond

// holder is the worker that runs the load there is.
func (s *scenario) holder() *cluster.Node {
	s.Helper()
	var found *cluster.Node
	s.until("the worker that runs the load", 5*time.Second, func() error {
		s.pause(asking)
		members, err := s.Members(s.ctx, s.Managers[0])
		if err != nil {
			return err
		}
		for _, m := range members {
			if m.Role == "worker" && m.Free < m.Cores {
				found = s.Find(m.Node)
				return nil
			}
		}
		return fmt.Errorf("nobody runs it")
	})
	return found
}

// drain asks a node to hand over what it has.
func (s *scenario) drain(n *cluster.Node) {
	s.Helper()
	if out, code, err := s.Command(s.ctx, "drain", string(n.Name)); err != nil || code != 0 {
		s.Fatalf("draining %s: exit code %d, %v: %s", n.Name, code, err, out)
	}
}

// upgrade waits until a node has ended and starts it as this release on its data.
func (s *scenario) upgrade(n *cluster.Node) {
	s.Helper()
	if code, err := n.Wait(s.ctx); err != nil || code != 0 {
		s.Fatalf("%s ended with code %d, %v", n.Name, code, err)
	}
	n.Replace(program)
	if err := n.Start(); err != nil {
		s.Fatal(err)
	}
	s.until(string(n.Name)+" to be back", 15*time.Second, func() error {
		s.pause(asking)
		for _, m := range s.Managers {
			members, err := s.Members(s.ctx, m)
			if err != nil {
				return err
			}
			back := slices.ContainsFunc(members, func(is rpc.Member) bool { return is.Node == n.Name && is.State == "alive" })
			if !back {
				return fmt.Errorf("%s does not hear %s", m.Name, n.Name)
			}
		}
		return nil
	})
}

// A node, and a client, of another major version of the protocol is refused with a
// word about which is the older; it disturbs nobody.
func TestAnotherMajorVersionIsRefused(t *testing.T) {
	later := release(t, cluster.Release{Version: "9.0.0", Protocol: "2.0"})
	s := start(t, cluster.Setup{Managers: 1, Workers: 2})
	s.Workers[1].Kill()
	s.Workers[1].Replace(later)
	if err := s.Workers[1].Start(); err != nil {
		t.Fatal(err)
	}
	word := "the other side speaks protocol"
	for _, log := range []*cluster.Node{s.Workers[1], s.Managers[0]} {
		s.until("a word of "+string(log.Name), 10*time.Second, func() error {
			if !strings.Contains(log.Tail(50), word) {
				return fmt.Errorf("it has logged\n%s", log.Tail(20))
			}
			return nil
		})
	}
	l := steady("not-disturbed", 0)
	l.Rate, l.For, l.Cores = 300, 2*time.Second, 1
	j := s.submit(l)
	j.exact(j.end())
}
