package station_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"hyperscale"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
	"hyperscale/internal/store/etcdstore"
)

// three are nodes that begin together.
func three(t *testing.T, of identity.Role) (cfgs []station.Config, managers []*running) {
	t.Helper()
	for i := range 3 {
		cfgs = append(cfgs, config(t, of, fmt.Sprintf("m%d", i+1)))
		cfgs[i].Expect = 3
	}
	for i := range cfgs {
		for k := range cfgs {
			if k != i {
				cfgs[i].Join = append(cfgs[i].Join, cfgs[k].At.Gossip)
			}
		}
	}
	for i := range cfgs {
		managers = append(managers, start(t, cfgs[i]))
	}
	for _, m := range managers {
		m.mustServe(t)
	}
	return cfgs, managers
}

// voters are the names of those that have a vote in the store.
func (r *running) voters(t *testing.T) []string {
	t.Helper()
	members, err := r.Members(soon(t))
	if err != nil {
		return []string{err.Error()}
	}
	var names []string
	for _, m := range members {
		if m.Learner {
			m.Name += "?"
		}
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return names
}

// number is that of a member of the store.
func (r *running) number(t *testing.T, name string) string {
	t.Helper()
	members, err := r.Members(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if m.Name == name {
			return m.ID
		}
	}
	return ""
}

func (r *running) mustHave(t *testing.T, voters ...string) {
	t.Helper()
	until(t, "members of the store", func() error {
		if got := r.voters(t); !slices.Equal(got, voters) {
			return fmt.Errorf("%v, want %v", got, voters)
		}
		return nil
	})
}

// drain drains a node: it takes nothing new, and another one says so, too.
func drain(t *testing.T, which, asked station.Config) {
	t.Helper()
	if err := ask(t, asked.At.Listen).Drain(soon(t), which.Self.Node); err != nil {
		t.Fatal(err)
	}
	if code, body := get(t, which.At.HTTP, "/readyz"); code != 503 || !strings.Contains(body, "draining") {
		t.Errorf("drained, and /readyz says %d %s", code, body)
	}
	until(t, "another one does not say that it drains", func() error {
		members, err := ask(t, asked.At.Listen).Members(soon(t))
		for _, m := range members {
			if m.Node == which.Self.Node && m.State == "draining" {
				return nil
			}
		}
		return fmt.Errorf("%v, %w", members, err)
	})
}

// sameLeader waits until all say of the same node that it leads the store.
func sameLeader(t *testing.T, cfgs []station.Config) {
	t.Helper()
	until(t, "they don't agree on who leads", func() error {
		leaders := map[hyperscale.NodeID]int{}
		for _, c := range cfgs {
			members, err := ask(t, c.At.Listen).Members(soon(t))
			if err != nil {
				return err
			}
			for _, m := range members {
				if m.StoreLeader {
					leaders[m.Node]++
				}
			}
		}
		for _, said := range leaders {
			if len(leaders) == 1 && said == len(cfgs) {
				return nil
			}
		}
		return fmt.Errorf("%v", leaders)
	})
}

// A node whose directory was wiped, or that is on another machine, comes back
// under its name as a new member; and one that was not there before is let in.
func TestNodesJoinAClusterThatRuns(t *testing.T) { forBoth(t, testNodesJoinAClusterThatRuns) }

func testNodesJoinAClusterThatRuns(t *testing.T, of identity.Role) {
	cfgs, managers := three(t, of)
	managers[0].mustHave(t, "m1", "m2", "m3")
	sameLeader(t, cfgs)

	drain(t, cfgs[2], cfgs[0])
	if err := managers[2].stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(cfgs[2].Data); err != nil {
		t.Fatal(err)
	}
	back := cfgs[2] // as if it had begun with the members named by hand: the store finds that it was wiped
	back.Expect, back.Store.Peers = 0, map[string]string{}
	for _, c := range cfgs {
		back.Store.Peers[string(c.Self.Node)] = "http://" + c.At.Store
	}
	before := managers[0].number(t, "m3")
	again := start(t, back)
	again.mustServe(t)
	managers[0].mustHave(t, "m1", "m2", "m3")
	if managers[0].number(t, "m3") == before {
		t.Error("it votes in its old place")
	}

	if err := again.stop(); err != nil {
		t.Fatal(err)
	}
	moved := config(t, of, "m3")            // another machine: other addresses
	moved.Join, moved.Expect = back.Join, 3 // with the flags of a first start
	other := start(t, moved)
	other.mustServe(t)
	managers[1].mustHave(t, "m1", "m2", "m3")

	fourth := config(t, of, "m4")
	fourth.Join = []string{cfgs[0].At.Gossip}
	last := start(t, fourth)
	last.mustServe(t)
	managers[0].mustHave(t, "m1", "m2", "m3", "m4")
	if members, err := ask(t, fourth.At.Listen).Members(soon(t)); err != nil || len(members) != 4 {
		t.Errorf("members: %+v, %v", members, err)
	}

	if err := last.stop(); err != nil {
		t.Fatal(err)
	}
	if err := station.Remove(soon(t), of, cfgs[0].Data, "m5"); err == nil || !strings.Contains(err.Error(), "m4 (") {
		t.Errorf("removing who is not there: %v", err)
	}
	until(t, "m4 is not removed", func() error { return station.Remove(soon(t), of, cfgs[0].Data, "m4") })
	managers[0].mustHave(t, "m1", "m2", "m3")

	// Nobody takes the name of one that is there.
	thief := config(t, of, "m1")
	_, err := dial(t, cfgs[1].At.Listen, rpc.Dialing{Self: thief.Self}).Peer().Invite(soon(t), rpc.Invitation{Name: "m1", URL: "http://" + thief.At.Store})
	if rpc.KindOf(err) != rpc.Conflict {
		t.Errorf("another m1 asks to be let in: %v", err)
	}

	// What it was before its place was taken is of no use.
	if err := start(t, cfgs[2]).ended(); !errors.Is(err, etcdstore.ErrRemoved) || !strings.Contains(err.Error(), cfgs[2].Data) {
		t.Errorf("the m3 of before: %v", err)
	}
}
