//go:build unix

package cluster_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"hyperscale/test/cluster"
)

// bounded holds the outcome to what is promised when a part of the load died with
// its worker: the target saw no less and no more than the bounds that are told,
// the verdict says where and when, and others went on with the load.
func (j *job) bounded(o cluster.Outcome, worker *cluster.Node) {
	j.s.Helper()
	hits := j.hits()
	r, seen := o.Totals.Requests, uint64(len(hits.Times))
	if seen < r.Started-r.Lost || seen > r.Started+o.Unreported {
		j.s.Errorf("the target saw %d; the report says %d started, %d of them lost, at most %d not counted", seen, r.Started, r.Lost, o.Unreported)
	}
	due := uint64(j.Load.Rate) * uint64(j.Load.For/time.Second)
	i := o.Totals.Iterations
	if i.Due != due || o.Phase != "COMPLETED" {
		j.s.Errorf("it ended %s with %+v; want %d due", o.Phase, i, due)
	}
	if state := o.Verdict.State; state != "DEGRADED" && (state != "INVALID" || (i.Missed+i.Lost)*20 < due && !busy(o)) {
		j.s.Errorf("the verdict is %s, want DEGRADED: %+v", state, o.Verdict.Causes)
	}
	named := slices.ContainsFunc(o.Verdict.Causes, func(c cause) bool {
		return c.Node != nil && *c.Node == string(worker.Name) && c.To > c.From
	})
	if !named {
		j.s.Errorf("no cause names %s and its interval: %+v", worker.Name, o.Verdict.Causes)
	}
	j.s.Logf("%+v, at most %d not counted, causes %+v", r, o.Unreported, o.Verdict.Causes)
}

// whole holds the last part of the load to having come slot by slot, once each.
func (j *job) whole(last time.Duration) {
	j.s.Helper()
	end := int64(j.Load.Rate) * int64(j.Load.For/time.Second)
	from := end - int64(j.Load.Rate)*int64(last/time.Second)
	seen := make(map[int64]int)
	for _, hit := range j.hits().Times {
		seen[hit.Slot]++
	}
	missing, more := 0, 0
	for slot := from; slot < end; slot++ {
		switch {
		case seen[slot] == 0:
			missing++
		case seen[slot] > 1:
			more++
		}
	}
	if missing > 0 || more > 0 {
		j.s.Errorf("of the slots of the last %v, %d never came and %d came more than once", last, missing, more)
	}
}

// covered holds watchers to having heard of the loss and of the cover.
func (j *job) covered(worker *cluster.Node) {
	j.s.Helper()
	for _, w := range j.watchers {
		lost, ok := w.Find("worker lost")
		if !ok || lost.Node != worker.Name {
			j.s.Errorf("a watcher heard that a worker was lost: %v, %+v; want %s", ok, lost.Event, worker.Name)
		}
		if _, ok := w.Find("covered"); !ok {
			j.s.Errorf("a watcher heard of no cover: %v", w.Events())
		}
	}
}

func TestWorkerIsKilled(t *testing.T) {
	s := start(t, cluster.Setup{})
	j := s.submit(steady("worker-killed", 0))
	j.at(fault())
	s.Workers[1].Kill()
	o := j.end()
	j.bounded(o, s.Workers[1])
	j.covered(s.Workers[1])
	j.whole(3 * time.Second)
	if twice := j.hits().Doubled(); len(twice) > 0 {
		t.Errorf("%d slots came twice, such as %d", len(twice), twice[0])
	}
	if n := len(o.Losses); n == 0 {
		t.Error("the report names no loss")
	}
}

func TestEngineIsKilled(t *testing.T) {
	s := start(t, cluster.Setup{})
	j := s.submit(steady("engine-killed", 0))
	j.at(fault())
	engines := s.engines(s.Workers[1])
	if err := syscall.Kill(engines[0], syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	o := j.end()
	j.bounded(o, s.Workers[1])
	j.whole(3 * time.Second)
	if twice := j.hits().Doubled(); len(twice) > 0 {
		t.Errorf("%d slots came twice, such as %d", len(twice), twice[0])
	}
	if !s.Workers[1].Running() {
		t.Error("the worker ended with its engine")
	}
}

// engines are the processes below a worker.
func (s *scenario) engines(n *cluster.Node) []int {
	s.Helper()
	engines, err := n.Children()
	if err != nil || len(engines) == 0 {
		s.Fatalf("the engines of %s: %v, %v", n.Name, engines, err)
	}
	return engines
}

// A machine with a worker halts for longer than others wait, and comes back.
func TestWorkerSleeps(t *testing.T) {
	s := start(t, cluster.Setup{})
	l := steady("worker-sleeps", 0)
	l.For += 5 * time.Second
	j := s.submit(l)
	from := 2 * time.Second
	j.at(from)
	all := append(s.engines(s.Workers[1]), s.Workers[1].Pid())
	for _, pid := range all {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Error(err)
		}
	}
	j.at(from + 8*time.Second)
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGCONT) // it may have ended meanwhile
	}
	o := j.end()
	j.bounded(o, s.Workers[1])
	j.covered(s.Workers[1])
	j.whole(2 * time.Second)
	s.until("the worker to be of use again", 20*time.Second, func() error { return s.Ready(s.ctx) })
}

// A worker stands still while its engine goes on, of a job that lets no two hold a slot:
// its engine ends by itself, others go on only after that, and no slot comes twice.
func TestOneHolder(t *testing.T) {
	s := start(t, cluster.Setup{})
	j := s.submit(cluster.Load{Name: "one-holder", Rate: 300, For: 20 * time.Second, Single: true})
	from := 3 * time.Second
	j.at(from)
	s.signal(s.Workers[1], syscall.SIGSTOP)
	j.at(from + 15*time.Second)
	s.signal(s.Workers[1], syscall.SIGCONT)
	o := j.end()
	j.bounded(o, s.Workers[1])
	j.covered(s.Workers[1])
	if twice := j.hits().Doubled(); len(twice) > 0 {
		t.Errorf("%d slots came twice, such as %d", len(twice), twice[0])
	}
	for _, w := range j.watchers {
		if c, _ := w.Find("covered"); c.Event.At < from+8*time.Second {
			t.Errorf("others went on at %v, while the worker that stood still from %v on might", c.Event.At, from)
		}
	}
	j.whole(2 * time.Second)
}

// A worker that drains finishes what it runs, takes nothing new, and goes.
func TestWorkerDrains(t *testing.T) {
	s := start(t, cluster.Setup{})
	l := steady("worker-drains", 0)
	l.For = 6 * time.Second
	j := s.submit(l)
	j.at(3 * time.Second)
	if out, code, err := s.Command(s.ctx, "drain", "w2"); err != nil || code != 0 {
		t.Fatalf("drain: exit code %d, %v: %s", code, err, out)
	}
	j.exact(j.end())
	j.flowed()
	if code, err := s.Workers[1].Wait(s.ctx); err != nil || code != 0 {
		t.Errorf("the worker ended with code %d, %v", code, err)
	}
	l.Name, l.For = "after-drain", 2*time.Second
	after := s.submit(l)
	o := after.end()
	after.exact(o)
	for _, w := range o.Workers {
		if w.Node == "w2" {
			t.Error("a worker that drained was given a share")
		}
	}
}

// Nothing is left of a worker that dies: its engines end with it.
func TestEnginesEndWithTheirWorker(t *testing.T) {
	s := start(t, cluster.Setup{Managers: 1, Workers: 1})
	j := s.submit(cluster.Load{Name: "orphans", Rate: 200, For: 5 * time.Second, Cores: 2})
	engines := s.engines(s.Workers[0])
	s.Workers[0].Kill()
	s.until("the end of its engines", 5*time.Second, func() error {
		for _, pid := range engines {
			if syscall.Kill(pid, 0) == nil {
				return fmt.Errorf("process %d lives", pid)
			}
		}
		return nil
	})
	if err := s.Workers[0].Start(); err != nil {
		t.Fatal(err)
	}
	j.bounded(j.end(), s.Workers[0])
}
