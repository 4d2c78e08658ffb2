package tier

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
)

// cancels cancels and checks what is answered.
func (r *rig) cancels(job hyperscale.JobID, workflow string, want rpc.CancelStatus) {
	r.t.Helper()
	got, err := r.client().Cancel(r.t.Context(), rpc.Cancellation{Job: job, Workflow: workflow, Reason: "a test"})
	if err != nil || got != want {
		r.t.Errorf("cancelling %s %s gives %s, %v; want %s", job, workflow, got, err, want)
	}
}

// B-44: cancelling in every state of a job, and twice, says what became of it.
func TestCancelInAllStates(t *testing.T) {
	r := newRig(t, 2)
	c := r.client()
	r.cancels("none", "", rpc.NothingToCancel)

	waiting := r.submit(c, planOf("browse")).Job // there are no workers
	r.cancels(waiting, "nothing", rpc.NothingToCancel)
	r.cancels(waiting, "", rpc.PendingCancelled)
	if status, events := r.ended(c, waiting); status.Phase != hyperscale.Cancelled || status.Percent == 100 || !has(events, "cancel") {
		t.Errorf("what was cancelled while it waited ends %+v%s", status, story(events))
	}
	r.cancels(waiting, "", rpc.AlreadyCancelled)

	w := r.newChild("w1", 2, longRun)
	running := r.submit(c, planOf("browse")).Job
	w.holds(link.Running, 1)
	r.cancels(running, "", rpc.PendingCancelled)
	status, events := r.ended(c, running)
	if status.Phase != hyperscale.Cancelled || status.Percent >= 99 {
		t.Errorf("what was cancelled while it ran ends %+v%s", status, story(events))
	}
	if !has(events, "cancel") || !strings.Contains(story(events), "default/tester: a test") {
		t.Errorf("its story does not say who cancelled it%s", story(events))
	}
	if got := r.result(c, planOf("browse"), running); got.Phase != hyperscale.Cancelled || got.Tally.Job().Slots.Started == 0 {
		t.Errorf("its result is %s with %+v", got.Phase, got.Tally.Job().Slots)
	}
	r.cancels(running, "", rpc.AlreadyCancelled)

	w.finish()
	done := r.submit(c, planOf("browse")).Job
	r.ended(c, done)
	r.cancels(done, "", rpc.AlreadyCompleted)
	r.cancels(done, "browse", rpc.AlreadyCompleted)
	r.cancels(done, "nothing", rpc.NothingToCancel)
}

// B-44: cancelling is pending while a worker does not confirm, twice says so, and
// survives a change of owner.
func TestCancelSurvivesTakeover(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 2, longRun, func(c *labourer) { c.slow = true })
	job := r.submit(r.client(r.stations[0]), planOf("browse")).Job
	w.holds(link.Running, 1)
	r.cancels(job, "", rpc.PendingCancelled)
	r.cancels(job, "", rpc.AlreadyCancelled)
	r.stations[0].stop()
	r.owner(job, r.stations[1])
	c := r.client(r.stations[1])
	if status, err := c.Get(t.Context(), job); err != nil || status.Phase.Terminal() {
		t.Errorf("before the worker confirmed it is %+v, %v", status, err)
	}
	if got, err := c.Cancel(t.Context(), rpc.Cancellation{Job: job}); err != nil || got != rpc.AlreadyCancelled {
		t.Errorf("cancelling once more gives %s, %v", got, err)
	}
	w.do(func() { w.slow = false })
	if status, events := r.ended(c, job); status.Phase != hyperscale.Cancelled {
		t.Errorf("it ends %+v%s", status, story(events))
	}
}

// B-44: a cancelled workflow takes those with it that depend on it, and leaves
// others alone.
func TestCancelOneWorkflow(t *testing.T) {
	r := newRig(t, 1)
	w := r.newChild("w1", 4, longRun)
	p := planOf("browse", "order", "after")
	p.Workflows[2].After = []hyperscale.Dependency{{Workflow: "browse"}}
	c := r.client()
	job := r.submit(c, p).Job
	w.holds(link.Running, 2)
	r.cancels(job, "browse", rpc.PendingCancelled)
	r.wait(func() bool {
		s, err := c.Get(t.Context(), job)
		return err == nil && s.Workflows[0].Phase == hyperscale.Cancelled
	}, "browse goes on")
	r.cancels(job, "browse", rpc.AlreadyCancelled)
	w.finish()
	r.ended(c, job)
	result := r.result(c, p, job)
	for i, want := range []hyperscale.Phase{hyperscale.Cancelled, hyperscale.Completed, hyperscale.Cancelled} {
		if got := result.Workflows[i]; got.Phase != want {
			t.Errorf("%s is %s, want %s", got.Name, got.Phase, want)
		}
	}
}

// B-37: at its deadline a job ends TIMEOUT with what was measured.
func TestDeadline(t *testing.T) {
	r := newRig(t, 2)
	r.newChild("w1", 2, longRun)
	p := planOf("browse")
	c := r.client()
	job := r.submit(c, p, func(s *rpc.Submission) { s.Deadline = 1500 * time.Millisecond }).Job
	status, events := r.ended(c, job)
	if status.Phase != hyperscale.TimedOut || status.Elapsed < 1500*time.Millisecond {
		t.Errorf("it ends %+v%s", status, story(events))
	}
	p.Deadline = 1500 * time.Millisecond
	if got := r.result(c, p, job); !got.Stop.Deadline || got.Tally.Job().Slots.Started == 0 {
		t.Errorf("its result is %+v with %+v", got.Stop, got.Tally.Job().Slots)
	}
}

// B-24, B-27: a job that has ended stays as it is, whatever is asked of it.
func TestEndedStaysEnded(t *testing.T) {
	r := newRig(t, 2)
	r.newChild("w1", 2)
	p := planOf("browse")
	c := r.client()
	job := r.submit(c, p).Job
	r.ended(c, job)
	before, err := c.Result(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	r.cancels(job, "", rpc.AlreadyCompleted)
	if _, err := c.Adjust(t.Context(), job, hyperscale.Adjustment{Workflow: "browse"}); err == nil {
		t.Error("a job that has ended is adjusted")
	}
	_, events := r.ended(c, job)
	n := 0
	for _, ev := range events {
		if ev.What == "job ended" {
			n++
		}
	}
	after, err := c.Result(t.Context(), job)
	if n != 1 || err != nil || string(before) != string(after) {
		t.Errorf("it ended %d times; the result changed: %v, %v", n, string(before) != string(after), err)
	}
	if _, err := c.Result(t.Context(), "none"); !errors.Is(err, rpc.NotFound) {
		t.Errorf("the result of a job that is not there gives %v", err)
	}
}

// The result of a job that has not ended is refused, and says where it stands.
func TestResultTooEarly(t *testing.T) {
	r := newRig(t, 1)
	w := r.newChild("w1", 2, longRun)
	c := r.client()
	job := r.submit(c, planOf("browse")).Job
	w.holds(link.Running, 1)
	if _, err := c.Result(t.Context(), job); !errors.Is(err, rpc.Conflict) || !strings.Contains(err.Error(), "has not ended") {
		t.Errorf("it gives %v", err)
	}
	w.finish()
	r.ended(c, job)
}

// While no manager reaches the store any of them stops the load of whoever asks for
// it, and the job is cancelled once the store is back: by what its holders tell.
func TestCancelWithoutAStore(t *testing.T) {
	r := newRig(t, 2)
	c := r.client()
	w := r.newChild("w1", 2, longRun)
	job := r.submit(c, planOf("browse")).Job
	w.holds(link.Running, 1)
	for _, s := range r.stations {
		s.cable.sever()
	}
	who := rpc.Caller{ID: identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Client, Tenant: "default", Name: "tester"}}
	_, err := r.stations[1].Jobs().Cancel(t.Context(), who, rpc.Cancellation{Job: job})
	if rpc.KindOf(err) != rpc.Unavailable || !strings.Contains(err.Error(), "stopped all the same, on workers: 1") {
		t.Errorf("cancelling without a store gives %v", err)
	}
	w.holds(link.Ended, 1)
	who.Proved = true // where there are certificates a word is not enough
	if _, err := r.stations[1].Jobs().Cancel(t.Context(), who, rpc.Cancellation{Job: job}); rpc.KindOf(err) != rpc.Unavailable || strings.Contains(err.Error(), "stopped all the same") {
		t.Errorf("cancelling without a proof gives %v", err)
	}
	for _, s := range r.stations {
		s.cable.mend()
	}
	status, events := r.ended(c, job)
	if status.Phase != hyperscale.Cancelled || !strings.Contains(story(events), "nothing could be written down, by default/tester") {
		t.Errorf("it ends %+v%s", status, story(events))
	}
	if got := r.result(c, planOf("browse"), job); got.Tally.Job().Slots.Missed != 0 || len(got.Losses) != 0 {
		t.Errorf("its result has %+v and losses %+v", got.Tally.Job().Slots, got.Losses)
	}
}
