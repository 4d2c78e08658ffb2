package tier

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/tier/seat"
)

// B-02: concurrent submissions with one key, to different nodes, make one job.
func TestOneKeyMakesOneJob(t *testing.T) {
	r := newRig(t, 3)
	p := planOf("browse")
	s := submissionOf(t, p, func(s *rpc.Submission) { s.Key = "nightly" })
	var made sync.Map
	var running sync.WaitGroup
	for i := range 12 {
		c := r.client(r.stations[i%3])
		running.Go(func() {
			a, err := c.Submit(t.Context(), s)
			if err != nil {
				t.Error(err)
				return
			}
			made.Store(a.Job, true)
		})
	}
	running.Wait()
	n := 0
	made.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d jobs were made", n)
	}
	list, err := r.client().List(t.Context(), rpc.Query{})
	if err != nil || len(list) != 1 {
		t.Errorf("the cluster has %d jobs: %v", len(list), err)
	}
}

// The same key with another plan is refused, and says which job has it.
func TestKeyOfAnotherPlan(t *testing.T) {
	r := newRig(t, 1)
	c := r.client()
	key := func(s *rpc.Submission) { s.Key = "k" }
	a := r.submit(c, planOf("browse"), key)
	_, err := c.Submit(t.Context(), submissionOf(t, planOf("order"), key))
	if !errors.Is(err, rpc.Invalid) || !bytes.Contains([]byte(err.Error()), []byte(a.Job)) {
		t.Errorf("another plan under the key gives %v", err)
	}
}

// B-56: a retry after the owner is gone gives the same job, also once that has
// ended.
func TestRetryAfterFailoverIsTheSameJob(t *testing.T) {
	r := newRig(t, 3)
	p := planOf("browse")
	key := func(s *rpc.Submission) { s.Key = "k" }
	first := r.submit(r.client(r.stations[0]), p, key)
	r.stations[0].stop()
	c := r.client(r.stations[1], r.stations[2])
	again := r.submit(c, p, key)
	if again.Job != first.Job || !again.Again {
		t.Errorf("the retry gives %+v after %+v", again, first)
	}
	r.newChild("w1", 4)
	status, _ := r.ended(c, first.Job)
	if status.Phase != hyperscale.Completed {
		t.Errorf("it ends %+v", status)
	}
	if last := r.submit(c, p, key); last.Job != first.Job || !last.Again {
		t.Errorf("the retry after the end gives %+v", last)
	}
}

// What can't be run is refused at submission, with a word about why.
func TestRefusedSubmissions(t *testing.T) {
	r := newRig(t, 1)
	r.newChild("w1", 2)
	r.newChild("w2", 2)
	r.wait(func() bool { return r.stations[0].room.Load().Cores == 4 }, "the workers are not there")
	huge := planOf("browse")
	huge.Workflows[0].Load = hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 8_001, To: 8_001, Over: time.Minute}}}
	together := planOf("a", "b")
	for i := range together.Workflows {
		together.Workflows[i].Load = hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 6_000, To: 6_000, Over: time.Minute}}}
	}
	cycle := planOf("a", "b")
	cycle.Workflows[0].After = []hyperscale.Dependency{{Workflow: "b"}}
	cycle.Workflows[1].After = []hyperscale.Dependency{{Workflow: "a"}}
	unknown := planOf("a")
	unknown.Workflows[0].After = []hyperscale.Dependency{{Workflow: "b"}}
	for _, c := range []struct {
		name string
		s    rpc.Submission
		want []string
	}{
		{"no spec", rpc.Submission{Spec: []byte("that is no plan")}, []string{"spec"}},
		{"empty spec", rpc.Submission{}, []string{"spec"}},
		{"cycle", submissionOf(t, cycle), []string{"spec", "waits for itself"}},
		{"unknown name", submissionOf(t, unknown), []string{"spec", "b"}},
		{"cores", submissionOf(t, planOf("a"), func(s *rpc.Submission) { s.Cores = 5 }), []string{"5", "4", "2 workers"}},
		{"across datacenters", submissionOf(t, planOf("a"), func(s *rpc.Submission) { s.Across.FailFast = true }), []string{"for gates", "--fail-fast", "a manager of datacenter", "submit it to a gate"}},
		{"no such policy", submissionOf(t, planOf("a"), func(s *rpc.Submission) { s.Across.OnLoss = "ignore" }), []string{"on-datacenter-loss", "ignore", "degrade, rebalance, abort"}},
		{"no name of a datacenter", submissionOf(t, planOf("a"), func(s *rpc.Submission) { s.Across.Datacenters = []string{"a b"} }), []string{"datacenters[0]", "letters, digits"}},
		{"larger than the cluster", submissionOf(t, huge), []string{"browse", "5 cores", "2 workers with 4 cores together", "2 workers", "--cores 4"}},
		{"together larger than the cluster", submissionOf(t, together), []string{"begin together", "6 cores", "2 workers with 4 cores together"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.client().Submit(t.Context(), c.s)
			if !errors.Is(err, rpc.Invalid) {
				t.Fatalf("it gives %v", err)
			}
			for _, want := range c.want {
				if !bytes.Contains([]byte(err.Error()), []byte(want)) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
	if list, err := r.client().List(t.Context(), rpc.Query{}); err != nil || len(list) != 0 {
		t.Errorf("the cluster has %v: %v", list, err)
	}
}

// Who names the cores is believed, and what begins later needs its cores later.
func TestSubmissionsThatFit(t *testing.T) {
	load := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 6_000, To: 6_000, Over: time.Minute}}}
	later := planOf("a", "b")
	later.Workflows[0].Load, later.Workflows[1].Load = load, load
	later.Workflows[1].After = []hyperscale.Dependency{{Workflow: "a"}}
	for _, c := range []struct {
		name  string
		plan  *hyperscale.Plan
		cores int
		room  seat.Room
	}{
		{"one after the other", later, 0, seat.Room{Workers: 1, Cores: 3}},
		{"cores named", later, 1, seat.Room{Workers: 1, Cores: 1}},
		{"no workers yet", later, 0, seat.Room{}},
	} {
		if err := (Config{}).fits(c.plan, c.cores, c.room); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Thirty jobs at once wait for each other and all complete, each exactly.
func TestQueueOfJobs(t *testing.T) {
	r := newRig(t, 3)
	r.newChild("w1", 2)
	r.newChild("w2", 2)
	p := planOf("browse")
	var jobs []hyperscale.JobID
	for i := range 30 {
		jobs = append(jobs, r.submit(r.client(r.stations[i%3]), p).Job)
	}
	for _, job := range jobs {
		status, events := r.ended(r.client(), job)
		if status.Phase != hyperscale.Completed {
			t.Fatalf("%s ends %+v%s", job, status, story(events))
		}
		if got := r.result(r.client(), p, job).Tally.Job().Slots.Started; got != slots {
			t.Errorf("%s started %d slots", job, got)
		}
	}
}

// Of jobs that wait the one of higher priority goes first, and an exclusive one
// runs alone.
func TestPrioritiesAndExclusiveness(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 2, func(c *labourer) { c.windows = 0; c.pace = 10 * time.Millisecond })
	c := r.client()
	with := func(change func(*rpc.Submission)) hyperscale.JobID {
		return r.submit(c, planOf("browse"), func(s *rpc.Submission) { s.Cores = 2; change(s) }).Job
	}
	first := with(func(*rpc.Submission) {})
	w.holds(link.Running, 1)
	low := with(func(s *rpc.Submission) { s.Priority = link.PriorityLow })
	normal := with(func(*rpc.Submission) {})
	high := with(func(s *rpc.Submission) { s.Priority = link.PriorityHigh; s.Exclusive = true })
	w.do(func() { w.windows = 3 })
	var began []time.Time
	for _, job := range []hyperscale.JobID{first, high, normal, low} {
		status, events := r.ended(c, job)
		if status.Phase != hyperscale.Completed {
			t.Fatalf("%s ends %+v%s", job, status, story(events))
		}
		for _, ev := range events {
			if ev.What == "started" && ev.Workflow != "" {
				began = append(began, ev.Wall)
				break
			}
		}
	}
	if len(began) != 4 {
		t.Fatalf("%d of 4 jobs tell that they started", len(began))
	}
	for i := 1; i < len(began); i++ {
		if began[i].Before(began[i-1]) {
			t.Errorf("the jobs began at %v, in another order than their priorities", began)
		}
	}
}

// That no two may hold a slot travels with the submission to the workers.
func TestOneHolderReachesTheWorkers(t *testing.T) {
	r := newRig(t, 1)
	w := r.newChild("w1", 2)
	for what, change := range map[string]func(*rpc.Submission){
		"": func(*rpc.Submission) {}, "10s": func(s *rpc.Submission) { s.OneHolder = true },
	} {
		a := r.submit(r.client(), planOf("browse"), change)
		r.ended(r.client(), a.Job)
		w.do(func() {
			prepared := 0
			for _, o := range w.orders {
				if o.Do == link.Prepare && o.Hold.Job == a.Job {
					prepared++
				}
				want, _ := time.ParseDuration("0" + what)
				if o.Do == link.Prepare && o.Hold.Job == a.Job && o.Autonomy != want {
					t.Errorf("one holder %q: prepare with an autonomy of %v", what, o.Autonomy)
				}
			}
			if prepared == 0 {
				t.Error("nothing was prepared")
			}
		})
	}
}
