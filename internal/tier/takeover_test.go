package tier

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/member"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/stats"
	"hyperscale/internal/store"
)

// longRun makes a worker go on until it is told otherwise.
func longRun(c *labourer) { c.windows, c.pace = 0, 10*time.Millisecond }

// finish lets the shares of a worker end.
func (c *labourer) finish() { c.do(func() { c.windows = 1 }) }

// B-01: a job that makes its owner panic goes on from what was saved.
func TestPanicOnceGoesOn(t *testing.T) {
	var left atomic.Int64
	left.Store(1)
	r := newRig(t, 2, func(c *Config, _ *Deps) {
		c.trap = func(hyperscale.JobID, owner.Event) {
			if left.Add(-1) == 0 {
				panic("a fault of ours")
			}
		}
	})
	r.newChild("w1", 2)
	p := planOf("browse")
	a := r.submit(r.client(), p)
	status, events := r.ended(r.client(), a.Job)
	if status.Phase != hyperscale.Completed || !has(events, own.OwnerChanged) {
		t.Errorf("it ends %+v%s", status, story(events))
	}
	if got := r.result(r.client(), p, a.Job).Tally.Job().Slots.Started; got != slots {
		t.Errorf("%d slots were started", got)
	}
}

// B-01: the third time it ends FAILED with the stack, and the node lives.
func TestPanicThriceFails(t *testing.T) {
	var culprit atomic.Value
	r := newRig(t, 2, func(c *Config, _ *Deps) {
		c.trap = func(job hyperscale.JobID, ev owner.Event) {
			if _, begin := ev.(owner.Begin); begin && culprit.Load() == nil {
				culprit.Store(job)
			}
			if job == culprit.Load() {
				panic("a fault of ours")
			}
		}
	})
	a := r.submit(r.client(), planOf("browse"))
	status, events := r.ended(r.client(), a.Job)
	if status.Phase != hyperscale.Failed || !strings.Contains(status.Reason, "3 times") || !strings.Contains(status.Reason, "a fault of ours") {
		t.Errorf("it ends %+v", status)
	}
	last := events[len(events)-1]
	if last.What != owner.JobEnded || !strings.Contains(last.Detail, "takeover_test.go") {
		t.Errorf("its last event is %+v", last)
	}
	r.newChild("w1", 2)
	if status, _ := r.ended(r.client(), r.submit(r.client(), planOf("browse")).Job); status.Phase != hyperscale.Completed {
		t.Errorf("the next job ends %+v", status)
	}
}

// B-21: a change of owner is an event with both nodes, the epoch and when it was, epochs
// grow, and the load goes on and is counted exactly.
func TestOwnersChange(t *testing.T) {
	r := newRig(t, 3)
	w := r.newChild("w1", 2, longRun)
	p := planOf("browse")
	a := r.submit(r.client(r.stations[0]), p)
	w.holds(link.Running, 1)
	const ran = 300 * time.Millisecond // longer than what was saved says
	r.wait(func() bool {
		return r.stations[1].jobTime(t.Context(), a.Job) > 2*ran && r.stations[2].jobTime(t.Context(), a.Job) > 2*ran // it may be off by half a trip
	}, "who does not own the job does not know what time it is for it")
	r.stations[0].stop()
	second := r.owner(a.Job, r.stations[1:]...)
	second.stop()
	c := r.client(r.other2(r.stations[0].id, second.id))
	r.owner(a.Job, r.other2(r.stations[0].id, second.id))
	w.finish()
	status, events := r.ended(c, a.Job)
	if status.Phase != hyperscale.Completed {
		t.Fatalf("it ends %+v%s", status, story(events))
	}
	epoch := hyperscale.Epoch(0)
	for _, ev := range events {
		if ev.Epoch < epoch {
			t.Errorf("event %d is of epoch %d after %d", ev.Seq, ev.Epoch, epoch)
		}
		if ev.What == own.OwnerChanged && (ev.Epoch != epoch+1 || ev.At < ran || ev.Node == "" || !strings.Contains(ev.Detail, "from ")) {
			t.Errorf("the change of owner is told as %+v", ev)
		}
		epoch = ev.Epoch
	}
	if epoch != 3 {
		t.Errorf("it ends under epoch %d%s", epoch, story(events))
	}
	if got := r.result(c, p, a.Job).Tally.Job().Slots.Started; got != slots {
		t.Errorf("%d slots were started", got)
	}
}

// owner waits until one of the nodes owns the job, and gives it.
func (r *rig) owner(job hyperscale.JobID, of ...*station) *station {
	r.t.Helper()
	var found *station
	r.wait(func() bool {
		for _, s := range of {
			if s.registry.desk(job) != nil {
				found = s
			}
		}
		return found != nil
	}, "nobody owns job %s", job)
	return found
}

// other2 gives a node that is neither.
func (r *rig) other2(a, b hyperscale.NodeID) *station {
	for _, s := range r.stations {
		if s.id != a && s.id != b {
			return s
		}
	}
	r.t.Fatal("there is no third node")
	return nil
}

// B-40: a node whose session can't be renewed stops acting before another takes
// over; the job goes on there, and when the node is back it leaves the job alone.
func TestSessionLost(t *testing.T) {
	r := newRig(t, 3)
	w := r.newChild("w1", 2, longRun)
	p := planOf("browse")
	a := r.submit(r.client(r.stations[0]), p)
	w.holds(link.Running, 1)
	r.stations[0].cable.sever()
	r.wait(func() bool { return r.stations[0].registry.desk(a.Job) == nil }, "the node without a session goes on")
	for _, s := range r.stations[1:] {
		if s.registry.desk(a.Job) != nil {
			t.Errorf("%s took over while the node before still acted", s.id)
		}
	}
	if r.stations[0].Ready() == nil {
		t.Error("a node without a session says that it is ready")
	}
	second := r.owner(a.Job, r.stations[1:]...)
	r.stations[0].cable.mend()
	r.wait(func() bool { return r.stations[0].Ready() == nil }, "the node does not come back")
	w.finish()
	status, events := r.ended(r.client(), a.Job)
	if status.Phase != hyperscale.Completed || status.Epoch > 2 {
		t.Errorf("it ends %+v%s", status, story(events))
	}
	if got := r.result(r.client(), p, a.Job).Tally.Job().Slots.Started; got != slots {
		t.Errorf("%d slots were started; the second owner was %s", got, second.id)
	}
}

// Submissions to a node without a session are refused so that the client asks
// another.
func TestSubmitWithoutSession(t *testing.T) {
	r := newRig(t, 2)
	r.stations[0].cable.sever()
	r.wait(func() bool { return r.stations[0].Ready() != nil }, "it says that it is ready")
	_, err := r.stations[0].Jobs().Submit(t.Context(), tester, submissionOf(t, planOf("browse"), func(s *rpc.Submission) { s.Key = "k" }))
	if !errors.Is(err, rpc.Unavailable) {
		t.Errorf("it gives %v", err)
	}
	if _, err := r.client().Submit(t.Context(), submissionOf(t, planOf("browse"))); err != nil {
		t.Errorf("a client that knows both gives %v", err)
	}
}

var tester = rpc.Caller{ID: identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Client, Tenant: "default", Name: "tester"}}

// B-54: of two nodes that both want a job the one whose write the store takes has
// it; the other stops at once, and the children go by the higher epoch.
func TestTwoNodesDisagree(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 2, longRun)
	p := planOf("browse")
	a := r.submit(r.client(r.stations[0]), p)
	w.holds(link.Running, 1)
	d := r.stations[0].registry.desk(a.Job)
	o := r.stations[1].inside.Load()
	take := own.Take{Job: a.Job, Gone: d.tenure.Owner().Fence, How: own.ByEvidence, Why: "a test says so"}
	if err := o.takeOver(o.ctx, take); err != nil {
		t.Fatal(err)
	}
	if err := o.takeOver(o.ctx, take); !errors.Is(err, own.ErrLostRace) {
		t.Errorf("taking over twice by the same evidence gives %v", err)
	}
	r.wait(func() bool { return r.stations[0].registry.desk(a.Job) == nil }, "the owner before goes on")
	r.until(w.changes, func() bool { return w.owners[a.Job] == owned{"m2", 2} }, "the worker goes by another owner")
	w.finish()
	status, events := r.ended(r.client(), a.Job)
	if status.Phase != hyperscale.Completed {
		t.Fatalf("it ends %+v%s", status, story(events))
	}
	if got := r.result(r.client(), p, a.Job).Tally.Job().Slots.Started; got != slots {
		t.Errorf("%d slots were started", got)
	}
	text := r.log.String()
	for _, want := range []string{"took a job over", "owns the job no more"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

// B-39: a job that its workers heard no owner of for more than 300 s ends FAILED
// with what was merged.
func TestTakenOverTooLate(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 2, longRun)
	p := planOf("browse")
	a := r.submit(r.client(r.stations[0]), p)
	w.holds(link.Running, 1)
	r.until(w.changes, func() bool { return len(w.receipts) > 3 }, "nothing is acknowledged")
	r.stations[0].stop()
	w.do(func() { w.silence = 400 * time.Second })
	c := r.client(r.stations[1])
	status, events := r.ended(c, a.Job)
	if status.Phase != hyperscale.Failed || !strings.Contains(status.Reason, "without an owner") {
		t.Errorf("it ends %+v%s", status, story(events))
	}
	if got := r.result(c, p, a.Job).Tally.Job().Slots.Started; got == 0 {
		t.Error("nothing of what was merged is in the result")
	}
}

// A job that had ended and waits for nobody any more loses its owner, also when the store
// has no room for that at first.
func TestAnEndedJobIsLetGo(t *testing.T) {
	r := newRig(t, 1)
	s := r.stations[0]
	a := r.submit(r.client(), planOf("browse"))
	r.owner(a.Job, s).registry.desk(a.Job).fenced("a test says so")
	r.wait(func() bool { return s.registry.desk(a.Job) == nil }, "its owner goes on")
	o := s.inside.Load()
	tenure, saved, err := own.Adopt(t.Context(), o.session, a.Job)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tenure.Finish(t.Context(), own.Ending{Phase: hyperscale.Failed, Pending: true, Now: time.Now(), Commit: own.Commit{Meta: saved.Meta}}); err != nil {
		t.Fatal(err)
	}
	var refused atomic.Int64
	s.cable.fill(func(t store.Txn) bool {
		gives := slices.ContainsFunc(t.Then, func(op store.Op) bool { return op.Kind == store.Delete && strings.Contains(op.Key, string(a.Job)) })
		return gives && refused.Add(1) == 1
	})
	if tenure, saved, err = own.Adopt(t.Context(), o.session, a.Job); err != nil {
		t.Fatal(err)
	}
	if err := o.run(tenure, saved); err != nil || refused.Load() != 1 {
		t.Fatalf("it gives %v, and %d times there was no room", err, refused.Load())
	}
	r.wait(func() bool {
		saved, err := own.Look(t.Context(), r.store, a.Job)
		return err == nil && saved.Owner.Node == "" && !saved.Head.Pending
	}, "it keeps an owner")
}

// B-28: a job that is offered is taken by the takeover transaction, watchers and
// all go on, and a drained node takes nothing new.
func TestHandOver(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 2, longRun)
	p := planOf("browse")
	c := r.client()
	a := r.submit(r.client(r.stations[0]), p)
	w.holds(link.Running, 1)
	if err := c.Drain(t.Context(), "m1"); err != nil {
		t.Fatal(err)
	}
	r.owner(a.Job, r.stations[1])
	if _, err := r.stations[0].Jobs().Submit(t.Context(), tester, submissionOf(t, p, func(s *rpc.Submission) { s.Key = "k" })); !errors.Is(err, rpc.Unavailable) {
		t.Errorf("a drained node answers a submission with %v", err)
	}
	r.stations[0].stop()
	w.finish()
	c = r.client(r.stations[1])
	status, events := r.ended(c, a.Job)
	if status.Phase != hyperscale.Completed || status.Epoch > 2 {
		t.Errorf("it ends %+v%s", status, story(events))
	}
	if got := r.result(c, p, a.Job).Tally.Job().Slots.Started; got != slots {
		t.Errorf("%d slots were started", got)
	}
}

// A node that nobody can take jobs over from says so, and keeps them.
func TestDrainWithNobodyElse(t *testing.T) {
	r := newRig(t, 1)
	w := r.newChild("w1", 2, longRun)
	c := r.client()
	a := r.submit(c, planOf("browse"))
	w.holds(link.Running, 1)
	err := c.Drain(t.Context(), "m1")
	if !errors.Is(err, rpc.Conflict) || !strings.Contains(err.Error(), "keeps 1 of its jobs") {
		t.Errorf("draining the only manager gives %v", err)
	}
	w.finish()
	if status, _ := r.ended(c, a.Job); status.Phase != hyperscale.Completed {
		t.Errorf("it ends %+v", status)
	}
	if err := c.Drain(t.Context(), "m9"); !errors.Is(err, rpc.NotFound) {
		t.Errorf("draining a node that is not there gives %v", err)
	}
}

// B-28: offers that are not the owner's, or of something else, are refused with
// the reason.
func TestWrongOffers(t *testing.T) {
	r := newRig(t, 3)
	w := r.newChild("w1", 2, longRun)
	c := r.client()
	a := r.submit(r.client(r.stations[0]), planOf("browse"))
	w.holds(link.Running, 1)
	fence := int64(r.stations[0].registry.desk(a.Job).tenure.Owner().Fence)
	asOwner, asOther := r.peer("m1", r.stations[1]), r.peer("m3", r.stations[1])
	for _, o := range []struct {
		name  string
		conn  *rpc.Conn
		offer link.Offer
		want  string
	}{
		{"not the owner", asOther, link.Offer{Job: a.Job, Epoch: 1, Fence: fence}, "m1"},
		{"another fence", asOwner, link.Offer{Job: a.Job, Epoch: 1, Fence: fence + 1}, "epoch 1"},
		{"no such job", asOwner, link.Offer{Job: "none", Epoch: 1, Fence: 1}, "not found"},
	} {
		taken, err := o.conn.Peer().Offer(t.Context(), o.offer)
		if err != nil || taken.Epoch != 0 || !strings.Contains(taken.Refused, o.want) {
			t.Errorf("%s: it is answered %+v, %v; wanted it to say %q", o.name, taken, err, o.want)
		}
	}
	if err := c.Drain(t.Context(), "m2"); err != nil {
		t.Fatal(err)
	}
	if taken, err := asOwner.Peer().Offer(t.Context(), link.Offer{Job: a.Job, Epoch: 1, Fence: fence}); err != nil || taken.Refused == "" {
		t.Errorf("a drained node answers an offer with %+v, %v", taken, err)
	}
	if r.stations[0].registry.desk(a.Job) == nil {
		t.Error("the job was taken from its owner")
	}
}

// peer is a connection to a node as another node has it.
func (r *rig) peer(as string, to *station) *rpc.Conn {
	r.t.Helper()
	self := identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Manager, DC: "dc1", Node: hyperscale.NodeID(as)}
	conn, err := rpc.Dial(to.address, rpc.Dialing{Self: self})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Members tell who left, who died and who only looks so.
func TestMembersThatWent(t *testing.T) {
	r := newRig(t, 3)
	states := func() map[hyperscale.NodeID]string {
		list, err := r.client(r.stations[0]).Members(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		states := map[hyperscale.NodeID]string{}
		for _, m := range list {
			states[m.Node] = m.State
		}
		return states
	}
	// Of one that goes by the name of m2 and has no session, nothing counts.
	stranger := member.Member{ID: "m2", Boot: 99}
	for _, kind := range []member.Kind{member.Joined, member.Dead, member.Left} {
		r.stations[0].Heard(member.Event{Kind: kind, Member: stranger})
	}
	r.stations[0].Draining(stranger.ID, stranger.Boot, true)
	if got := states(); got["m2"] != "alive" {
		t.Errorf("a stranger in the name of m2 left: %v", got)
	}
	r.stations[0].Heard(member.Event{Kind: member.Dead, Member: member.Member{ID: "m2", Boot: r.stations[1].cfg.Boot}})
	if got := states(); got["m1"] != "alive" || got["m2"] != "suspect" || got["m3"] != "alive" {
		t.Errorf("m2 looks gone: %v", got)
	}
	r.stations[0].Draining("m3", r.stations[2].cfg.Boot, true)
	if got := states(); got["m3"] != "draining" {
		t.Errorf("m3 drains: %v", got)
	}
	r.stations[0].Draining("m3", r.stations[2].cfg.Boot, false)
	if got := states(); got["m3"] != "alive" {
		t.Errorf("m3 drains no more: %v", got)
	}
	r.stations[0].Draining("m3", r.stations[2].cfg.Boot, true)
	r.stations[0].Heard(member.Event{Kind: member.Left, Member: member.Member{ID: "m3", Boot: r.stations[2].cfg.Boot}})
	r.stations[1].stop()
	r.stations[2].stop()
	r.wait(func() bool { got := states(); return got["m2"] == "dead" && got["m3"] == "left" }, "they did not go")
	r.stations[0].Heard(member.Event{Kind: member.Joined, Member: member.Member{ID: "m3", Boot: 9}})
	r.newStation("m3")
	r.wait(func() bool { return states()["m3"] == "alive" }, "m3 is not as new when it is back")
}

// B-22, B-23: of a node that is gone no connection is kept, nor anything else; one that
// is back is reached again.
func TestNodesAreForgotten(t *testing.T) {
	r := newRig(t, 2)
	lines := r.stations[0].lines
	connected := func() bool {
		lines.mu.Lock()
		defer lines.mu.Unlock()
		return lines.conns["m2"] != nil && lines.talks["m2"] != nil
	}
	known := func() bool {
		lines.mu.Lock()
		defer lines.mu.Unlock()
		return lines.conns["m2"] != nil || lines.talks["m2"] != nil || r.stations[0].registry.parent("m2").Address != ""
	}
	r.wait(connected, "m1 does not talk to m2")
	r.stations[1].stop()
	r.wait(func() bool { return !known() }, "something is left of m2")
	r.newStation("m2")
	r.wait(connected, "m1 does not talk to m2 once it is back")
}

// A job that a restore of the store ended has a result: what was saved of it.
func TestResultAfterARestore(t *testing.T) {
	r := newRig(t, 1)
	w := r.newChild("w1", 2, longRun)
	job := r.submit(r.client(), planOf("browse")).Job
	w.holds(link.Running, 1)
	r.wait(func() bool {
		s, err := r.client().Get(t.Context(), job)
		return err == nil && s.Totals.Started > 0 && s.Percent > 0
	}, "nothing is saved")
	r.stations[0].stop()
	w.stop()
	if err := own.AfterRestore(t.Context(), r.store, time.Now()); err != nil {
		t.Fatal(err)
	}
	s := r.newStation("m2")
	r.wait(func() bool { return s.Ready() == nil }, "%s is not ready", s.id)
	c := r.client(s)
	if status, _ := r.ended(c, job); status.Phase != hyperscale.Failed || status.Totals.Started == 0 {
		t.Errorf("it ends %+v", status)
	}
	got := r.result(c, planOf("browse"), job)
	if got.Phase != hyperscale.Failed || got.Tally.Job().Slots.Started == 0 || len(stats.Identities(got.Tally)) > 0 {
		t.Errorf("its result is %s with %+v, %v", got.Phase, got.Tally.Job().Slots, stats.Identities(got.Tally))
	}
}
