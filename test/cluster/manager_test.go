//go:build unix

package cluster_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/test/cluster"
)

func TestOwnerIsKilled(t *testing.T) {
	s := start(t, cluster.Setup{})
	j := s.submit(steady("owner-killed", 0))
	j.at(fault())
	s.Managers[0].Kill()
	j.exact(j.end())
	j.flowed()
	j.changed(0)
}

// The owner is halted for longer than its lease, and wakes up while another owns
// the job.
func TestOwnerSleeps(t *testing.T) {
	s := start(t, cluster.Setup{})
	j := s.submit(steady("owner-sleeps", 0))
	from, sleep := 2*time.Second, 6*time.Second
	if *long {
		from, sleep = 8*time.Second, 10*time.Second
	}
	j.at(from)
	s.signal(s.Managers[0], syscall.SIGSTOP)
	j.at(from + sleep)
	s.signal(s.Managers[0], syscall.SIGCONT)
	j.exact(j.end())
	j.flowed()
	j.changed(0)
	s.agree(j.ID)
}

// agree holds managers to saying the same of a job that has ended.
func (s *scenario) agree(job hyperscale.JobID) {
	s.Helper()
	for _, m := range s.Managers {
		s.until("the word of "+string(m.Name), 10*time.Second, func() error {
			status, err := s.AskStatus(s.ctx, m, job)
			if err == nil && (status.Phase != hyperscale.Completed || status.Percent != 100) {
				err = fmt.Errorf("it is %s with %v %%", status.Phase, status.Percent)
			}
			return err
		})
	}
}

func (s *scenario) signal(n *cluster.Node, what syscall.Signal) {
	s.Helper()
	if err := n.Signal(what); err != nil {
		s.Fatal(err)
	}
}

// Without any manager the load goes on; from what they wrote down they go on too.
func TestAllManagersAreKilled(t *testing.T) {
	s := start(t, cluster.Setup{})
	l := steady("all-killed", 0)
	l.For += 5 * time.Second
	j := s.submit(l)
	j.at(fault())
	for _, m := range s.Managers {
		m.Kill()
	}
	s.pause(4 * time.Second)
	for _, m := range s.Managers {
		if err := m.Start(); err != nil {
			t.Fatal(err)
		}
	}
	j.exact(j.end())
	j.flowed()
	s.agree(j.ID)
}

func TestStoreLeaderIsKilled(t *testing.T) {
	s := start(t, cluster.Setup{})
	leader, err := s.Leader(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	l := steady("leader-killed", (leader+1)%len(s.Managers))
	j := s.submit(l)
	j.at(fault())
	s.Managers[leader].Kill()
	j.exact(j.end())
	j.flowed()
	for _, w := range j.watchers {
		if h, ok := w.Find("owner changed"); ok {
			t.Errorf("a watcher heard of a new owner, %+v; the owner lived", h.Event)
		}
	}
}

func TestOwnerWhoLeadsTheStoreIsKilled(t *testing.T) {
	s := start(t, cluster.Setup{})
	leader, err := s.Leader(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	j := s.submit(steady("both-killed", leader))
	j.at(fault())
	s.Managers[leader].Kill()
	j.exact(j.end())
	j.flowed()
	j.changed(leader)
}

// An owner that is asked to hand over does, while it lives.
func TestOwnerDrains(t *testing.T) {
	s := start(t, cluster.Setup{})
	j := s.submit(steady("owner-drains", 0))
	j.at(fault())
	if out, code, err := s.Command(s.ctx, "drain", "m1"); err != nil || code != 0 {
		t.Fatalf("drain: exit code %d, %v: %s", code, err, out)
	}
	j.exact(j.end())
	j.flowed()
	j.changed(0)
	if !s.Managers[0].Running() {
		t.Error("the manager that was drained has ended by itself")
	}
}

// A manager that is asked to end hands over first.
func TestOwnerIsToldToEnd(t *testing.T) {
	s := start(t, cluster.Setup{})
	j := s.submit(steady("owner-ends", 0))
	j.at(fault())
	s.signal(s.Managers[0], syscall.SIGTERM)
	if code, err := s.Managers[0].Wait(s.ctx); err != nil || code != 0 {
		t.Errorf("the manager ended with code %d, %v", code, err)
	}
	if _, ok := j.watchers[1].Find("owner changed"); !ok {
		t.Error("it ended before another owned the job")
	}
	j.exact(j.end())
	j.flowed()
	j.changed(0)
}

// Two jobs run at once; the end of one is not the other's.
func TestOneOfTwoJobsIsCancelled(t *testing.T) {
	s := start(t, cluster.Setup{})
	l := steady("goes-on", 0)
	l.Rate = 600
	goesOn := s.submit(l)
	l.Name, l.Manager, l.For = "cancelled", 1, time.Minute
	cancelled := s.submit(l)
	goesOn.at(fault())
	out, code, err := s.Command(s.ctx, "cancel", string(cancelled.ID))
	if err != nil || code != 0 || !strings.Contains(out, "being cancelled") {
		t.Errorf("cancel: exit code %d, %v: %s", code, err, out)
	}
	o := cancelled.end()
	hits := cancelled.hits()
	if r := o.Totals.Requests; o.Phase != "CANCELLED" || r.Started != uint64(len(hits.Times)) || r.Lost != 0 || len(hits.Doubled()) > 0 {
		t.Errorf("the cancelled job ended %s with %+v; the target saw %d", o.Phase, r, len(hits.Times))
	}
	goesOn.exact(goesOn.end())
	goesOn.flowed()
}

// Whoever submits twice with one key, even to two managers at once, has one job.
func TestOneKeyIsOneJob(t *testing.T) {
	s := start(t, cluster.Setup{Workers: 1})
	var ids [6]hyperscale.JobID
	var asking sync.WaitGroup
	for i := range ids {
		l := cluster.Load{Name: fmt.Sprintf("once-%d", i), Rate: 100, For: 2 * time.Second, Cores: 1, Key: "the-same", Manager: i % len(s.Managers)}
		asking.Go(func() {
			id, err := s.HandAs(s.ctx, s.target, "once", l)
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	asking.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("the jobs are %v, want one", ids)
		}
	}
	s.until("the end of the job", 20*time.Second, func() error {
		status, err := s.Status(s.ctx, ids[0])
		if err == nil && status.Phase != hyperscale.Completed {
			err = fmt.Errorf("it is %s", status.Phase)
		}
		return err
	})
	if n := s.target.Count("once"); n != 200 {
		t.Errorf("the target saw %d requests, want 200", n)
	}
}

// A crowd that connects and says nothing keeps nobody from work.
func TestStormOfConnections(t *testing.T) {
	s := start(t, cluster.Setup{})
	j := s.submit(steady("storm", 0))
	j.at(2 * time.Second)
	var crowd []net.Conn
	for range 5000 {
		c, err := net.DialTimeout("tcp", s.Managers[0].Address, 5*time.Second)
		if err != nil {
			t.Logf("the crowd is of %d: %v", len(crowd), err)
			break
		}
		crowd = append(crowd, c)
	}
	if out, code, err := s.Command(s.ctx, "status", string(j.ID)); err != nil || code != 0 {
		t.Errorf("status, in the crowd: exit code %d, %v: %s", code, err, out)
	}
	j.at(fault() + 2*time.Second)
	for _, c := range crowd {
		_ = c.Close() // it said nothing
	}
	j.exact(j.end())
	j.flowed()
}
