package sim

import (
	"fmt"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/stats"
)

// truth is what really happened of one job: what its target saw, and what managers
// and workers did.
type truth struct {
	id     hyperscale.JobID
	plan   *hyperscale.Plan
	flows  map[string]*flowTruth
	done   []shown // by owners in their order
	owners []ownership
	sent   map[link.Hold]map[uint64]string // windows by number: always the same bytes
	acked  map[link.Hold]uint64            // windows that were acknowledged
	end    decision                        // of the owner of the highest epoch that decided
	over   time.Duration                   // when its result was written; 0: it was not
	phase  hyperscale.Phase                // … and what it says
	tokens map[string][]string             // what workflows exported
	uses   map[string]string               // what workflows used
	wishes wishes
	single bool // no two may hold a slot at once
	hurt   bool // a worker or engine that held a part of it was lost
}

// ownership is a tenure as it began.
type ownership struct {
	at    time.Duration
	node  hyperscale.NodeID
	epoch hyperscale.Epoch
}

// decision is an owner's that the job is over. Only that of the last owner can be
// written: those before it may not know yet that they were replaced.
type decision struct {
	epoch hyperscale.Epoch
	at    time.Duration
	marks map[link.Hold]uint64 // windows that it had received
}

// shown is the most that an owner showed of a job's progress.
type shown struct {
	epoch hyperscale.Epoch
	done  float64
}

// flowTruth is what the target saw of a workflow.
type flowTruth struct {
	starts map[iteration][]start
	count  uint64 // until the job ended
}

// iteration is a slot with its pass.
type iteration struct {
	slot hyperscale.Slot
	pass int64
}

// start is one start of an iteration.
type start struct {
	at     time.Duration
	due    hyperscale.JobTime
	worker link.Holder
	share  hyperscale.Share
	engine uint64
}

func newTruth(id hyperscale.JobID, plan *hyperscale.Plan) *truth {
	t := &truth{id: id, plan: plan, flows: map[string]*flowTruth{}, sent: map[link.Hold]map[uint64]string{}, acked: map[link.Hold]uint64{}}
	t.tokens, t.uses, t.wishes = map[string][]string{}, map[string]string{}, newWishes()
	for _, f := range plan.Workflows {
		t.flows[f.Name] = &flowTruth{starts: map[iteration][]start{}}
	}
	return t
}

// started notes what the target saw.
func (t *truth) started(e *engine, f *flight) {
	if t.over != 0 { // its holder has not heard yet
		if e.k.w.now > t.over+autonomy+10*time.Second {
			e.k.w.fail("%s: %s begins iterations long after the end of the job", t.id, e.k.id)
		}
		return
	}
	flow := t.flows[e.hold.Workflow]
	it := iteration{f.slot, f.pass}
	t.heldOnce(e, flow.starts[it])
	flow.starts[it] = append(flow.starts[it], start{
		at: e.k.w.now, due: f.due, worker: link.Holder{Node: e.k.id, Boot: e.k.boot}, share: e.hold.Share, engine: e.id,
	})
	e.k.w.trace.note(uint64(f.slot))
}

// decided notes that an owner decided that the job is over, and what it had received.
func (t *truth) decided(now time.Duration, epoch hyperscale.Epoch, o *owner.Owner) {
	if epoch < t.end.epoch {
		return
	}
	t.end = decision{epoch: epoch, at: now, marks: map[link.Hold]uint64{}}
	for h := range t.sent {
		t.end.marks[h] = o.Mark(h)
	}
}

// close counts what began until the job was decided to be over: of the rest nobody
// could know.
func (f *flowTruth) close(ends time.Duration) {
	for it, list := range f.starts {
		f.starts[it] = slices.DeleteFunc(list, func(s start) bool { return s.at > ends })
		f.count += uint64(len(f.starts[it]))
	}
}

// owned notes a tenure: epochs only rise.
func (t *truth) owned(w *world, m *manager, tenure *own.Tenure) {
	for _, o := range t.owners {
		if o.epoch == tenure.Epoch() && o.node != m.id {
			w.fail("%s and %s both own %s under epoch %d", o.node, m.id, t.id, o.epoch)
		}
	}
	t.owners = append(t.owners, ownership{w.now, m.id, tenure.Epoch()})
}

// acknowledged notes what a worker is told that it need not keep.
func (t *truth) acknowledged(r link.Receipt) {
	if !r.Unknown && !r.Broken {
		t.acked[r.Hold] = max(t.acked[r.Hold], r.Seq)
	}
}

// readBy demands that a new owner knows of all that was acknowledged.
func (t *truth) readBy(w *world, m *manager, o *owner.Owner) {
	if o.Phase().Terminal() {
		return // only what its parent waits for is left
	}
	for h, seq := range t.acked {
		if mark := o.Mark(h); mark < seq {
			w.fail("%s: %s took it over and knows %d windows of %s, %d were acknowledged", t.id, m.id, mark, holdText(h), seq)
			return
		}
	}
}

// shown checks what people are shown: no less than by this owner, or one before it.
// One that does not know yet that it was replaced may be behind those who follow.
func (t *truth) shown(w *world, epoch hyperscale.Epoch, e owner.Show) {
	for _, before := range t.done {
		if before.epoch <= epoch && e.Done < before.done {
			w.fail("%s: progress falls from %.3f to %.3f", t.id, before.done, e.Done)
		}
	}
	t.done = append(slices.DeleteFunc(t.done, func(s shown) bool { return s.epoch == epoch }), shown{epoch, e.Done})
}

// witness notes what workers and engines really do.
type witness struct{ *world }

// sent checks that a window of one number is always the same.
func (w witness) sent(k *worker, d link.Delivery) {
	t := w.jobs[d.Hold.Job]
	v, err := stats.DecodeWindow(d.Window)
	if err != nil {
		w.fail("%s sends a window that can't be read: %v", k.id, err)
		return
	}
	if t.sent[d.Hold] == nil {
		t.sent[d.Hold] = map[uint64]string{}
	}
	before, known := t.sent[d.Hold][v.ID.Seq]
	if known && before != string(d.Window) {
		w.fail("%s sends window %d of %s with other content", k.id, v.ID.Seq, holdText(d.Hold))
	}
	t.sent[d.Hold][v.ID.Seq] = string(d.Window)
	t.wishes.window(w.world, v)
}

// doubt notes that an engine was lost while it ran.
func (w witness) doubt(_ *worker, e *engine) {
	if e.run != nil {
		w.jobs[e.hold.Job].hurt = true
	}
}

// sourceOf is where a workflow's draws come from.
func (w witness) sourceOf(h link.Hold) hyperscale.Source {
	return hyperscale.NewSource(w.jobs[h.Job].plan.Seed, h.Workflow)
}

// serviceOf is how long the target takes for an iteration, and whether it fails: a
// function of its name, so that who runs it changes nothing.
func (w witness) serviceOf(job hyperscale.JobID, workflow string, slot hyperscale.Slot, pass int64) (time.Duration, bool) {
	source := hyperscale.NewSource(w.jobs[job].plan.Seed, workflow)
	x := source.Draw(slot, pass, 99)
	takes := 2*time.Millisecond + time.Duration(x%80)*time.Millisecond
	switch {
	case x>>32%200 == 0:
		takes = 2500 * time.Millisecond
	case x>>32%20 == 0:
		takes = 400 * time.Millisecond
	}
	return takes, x>>16%30 == 0
}

// fail notes that something is wrong.
func (w *world) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.say("WRONG: %s", text)
	if len(w.wrong) < 20 {
		w.wrong = append(w.wrong, text)
	}
}
