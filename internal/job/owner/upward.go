package owner

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/outbox"
	"hyperscale/internal/stats"
)

// Parent is what an owner is told of the parent of its job, to which it is as a
// worker is to it.
type Parent struct {
	// Shares are what the parent gave, by workflow, under their turns.
	Shares map[string]hyperscale.Share
	// MaxKept is how many bytes of windows are kept, above which those that were
	// never released are merged; 0: 1 MiB.
	MaxKept int
	// Waited is how long the parent has had to acknowledge all, when the owner takes
	// up a job that has ended.
	Waited time.Duration
}

// patience is how long a job that has ended keeps an owner for what its parent did
// not acknowledge.
const patience = 24 * time.Hour

// upward is what goes to the parent of the job: what the windows of its children
// came to, by second of job time and workflow.
//
//	open      received, and in no window yet
//	cut       in a window with a number, which may yet be merged with its neighbours
//	frozen    named as released by a save that is under way
//	released  that save is durable: whoever owns the job may send it
//
// What may be merged, and when, is decided as a save is made, and goes with it; so
// whoever reads the saves has the same windows under the same numbers.
type upward struct {
	cfg   *Parent
	open  *stats.Joints
	flows []*upflow // in the plan's order
	to    outbox.Way
	until time.Duration // of a job that has ended: longer it does not wait; 0: not known yet
}

// upflow is a workflow's part of it.
type upflow struct {
	workflow string
	stream   *stats.Stream
	box      outbox.Box
	level    link.Level // what the parent can take
	released uint64     // the number up to which windows are
	frozen   uint64     // … and up to which they are once the save under way is durable
	over     bool       // its last window was cut
	gone     bool       // the parent wants nothing more of it
	news     upNews     // since the last save
}

// newUpward is what goes to a parent that had nothing yet.
func newUpward(cfg *Parent, plan *hyperscale.Plan) *upward {
	u := &upward{cfg: cfg, open: stats.NewJoints()}
	for i := range plan.Workflows {
		name := plan.Workflows[i].Name
		if share, given := cfg.Shares[name]; given {
			u.flows = append(u.flows, &upflow{workflow: name, stream: stats.NewStream(name, share)})
		}
	}
	return u
}

// flow is the part of the workflow; nil: the parent gave none of it.
func (u *upward) flow(workflow string) *upflow {
	for _, f := range u.flows {
		if f.workflow == workflow {
			return f
		}
	}
	return nil
}

// lift makes ready what goes up with the save that is made now: what is open is cut
// if that is wanted, or if a workflow has ended, which ended tells, or all has. It
// gives what of that is to be saved.
func (u *upward) lift(cut, over bool, ended func(workflow string) *link.Ending) upChange {
	var last []func()
	for _, f := range u.flows {
		if e := ended(f.workflow); e != nil && !f.over {
			last = append(last, func() { f.last(*e) })
		}
	}
	c := upChange{Cut: cut || over || len(last) > 0}
	if c.Cut {
		u.cut()
	}
	for _, do := range last {
		do()
	}
	u.squeeze()
	u.freeze(over)
	for _, f := range u.flows {
		f.news.Workflow, f.news.Acked, f.news.Frozen, f.news.Gone = f.workflow, f.box.Acked(), f.frozen, f.gone
		c.Flows = append(c.Flows, f.news)
		f.news = upNews{}
	}
	return c
}

// add numbers a window and keeps it. With an ending it is the last.
func (f *upflow) add(w *stats.Window, ending *link.Ending) {
	numbered := *w
	f.stream.Take(&numbered, ending != nil)
	if ending != nil {
		f.over, f.news.Last = true, ending
	}
	if !f.gone {
		f.box.Add(outbox.Pack(&numbered, ending), 0)
	}
}

// last cuts the last window. It is empty: what there was is in those before.
func (f *upflow) last(ending link.Ending) {
	w := &stats.Window{}
	if list, _ := f.box.Windows(); len(list) > 0 {
		before := list[len(list)-1]
		w.Interval, w.Adjustment = before.Interval, before.Adjustment
		w.From = w.To
	}
	f.add(w, &ending)
}

// cut makes windows of what is open.
func (u *upward) cut() {
	for _, w := range u.open.Cut() {
		if f := u.flow(w.ID.Workflow); f != nil {
			f.add(w, nil)
		}
	}
}

// squeeze merges what was never released, as far as the parent wants it coarser,
// or there is too much of it.
func (u *upward) squeeze() {
	most := u.cfg.MaxKept
	if most == 0 {
		most = 1 << 20
	}
	before := make([]int, len(u.flows))
	for i, f := range u.flows {
		before[i] = f.box.Len()
		f.box.Stretch(outbox.LengthOf(f.level))
	}
	u.boxes().Squeeze(most)
	for i, f := range u.flows {
		if f.box.Len() < before[i] {
			f.news.Firsts = f.box.Firsts()
		}
	}
}

// boxes are where the windows of all workflows wait.
func (u *upward) boxes() outbox.Boxes {
	list := make(outbox.Boxes, len(u.flows))
	for i, f := range u.flows {
		list[i] = &f.box
	}
	return list
}

// freeze names what is to be released with the save that is made now.
func (u *upward) freeze(over bool) {
	for _, f := range u.flows {
		n := f.box.Len()
		if !over { // else nothing follows that it could be merged with
			n = min(f.box.Ready(f.level, !f.over), outbox.MaxSent)
		}
		f.frozen = f.box.Freeze(n)
	}
}

// release lets go what the save that is durable now named.
func (u *upward) release() {
	for _, f := range u.flows {
		f.released = f.frozen
	}
}

// waits reports whether something is not acknowledged.
func (u *upward) waits() bool {
	for _, f := range u.flows {
		if f.box.Len() > 0 {
			return true
		}
	}
	return false
}

// receipt takes what the parent acknowledges, or that it wants no more.
func (u *upward) receipt(r link.Receipt, now time.Duration) {
	f := u.flow(r.Hold.Workflow)
	if f == nil || r.Hold.Share != f.stream.Share() || r.Epoch < u.to.Epoch {
		return
	}
	if r.Unknown || r.Broken {
		f.drop(true)
		return
	}
	f.level = r.Level
	f.box.Acknowledge(r.Seq, now)
	if r.Delay > 0 {
		f.box.HoldOff(r.Delay, now)
	}
	if r.Again {
		f.box.Again(r.Seq, now)
	}
}

// drop forgets what is kept, if the parent wants nothing more.
func (f *upflow) drop(gone bool) {
	if gone && !f.gone {
		f.gone, f.box = true, outbox.Restore(f.stream.Seq(), 0, nil)
	}
}

// send gives what may go now, in order.
func (u *upward) send(now time.Duration, do func(f *upflow, w outbox.Window)) {
	for _, f := range u.flows {
		if u.to == (outbox.Way{}) {
			f.box.Nowhere()
			continue
		}
		f.box.Aim(u.to, now)
		for {
			w, some := f.box.Send(f.box.UpTo(f.released), u.boxes().Room(u.to.Link), now)
			if !some {
				break
			}
			do(f, w)
		}
	}
}

// next is when time alone lets something go.
func (u *upward) next(now time.Duration) time.Duration {
	next := never
	for _, f := range u.flows {
		next = min(next, f.box.Next(now))
	}
	if u.until != 0 {
		next = min(next, u.until)
	}
	return next
}

// lift makes ready what goes up to the parent with the save that is made now.
func (d *desk) lift() upChange { return d.up.lift(d.need.due, d.over != nil, d.ended) }

// ended is how a workflow ended of which nothing more can be told; nil: it can.
func (o *book) ended(workflow string) *link.Ending {
	for _, l := range o.state.Legs {
		if l.workflow() == workflow && o.over == nil {
			return nil // it goes on, or a hole of it is open
		}
	}
	for _, w := range o.story.job.Workflows() {
		if w.Workflow == workflow && w.Phase.Terminal() {
			return &link.Ending{
				Failed: w.Phase == hyperscale.Failed, Interrupted: w.Phase == hyperscale.Cancelled || w.Phase == hyperscale.TimedOut,
				Reason: w.Reason, Stopped: w.Ended, Exports: o.story.exports(workflow),
			}
		}
	}
	return nil
}

// parentAt says how the parent is reached from now on.
func (d *desk) parentAt(ev ParentAt) {
	if d.up != nil {
		d.up.to = outbox.Way{Link: ev.Link, Epoch: ev.Epoch}
	}
}

// parentTells takes what the parent acknowledges. That it did may be saved later:
// another owner would send again what the parent has.
func (d *desk) parentTells(ev ParentTells) {
	if d.up == nil {
		return
	}
	d.up.receipt(ev.Receipt, d.now)
	d.need.later = true
	if ev.Receipt.Broken && d.over == nil { // else the last event was told
		d.tell(hyperscale.Event{What: "refused", Workflow: ev.Receipt.Hold.Workflow, Detail: "its parent says that no honest child sends such windows"})
	}
}

// leave gives the job up once it is over and nothing keeps its owner any more.
func (d *desk) leave() {
	if d.end != closed {
		return
	}
	if d.up.until == 0 {
		d.up.until = d.now + max(patience-d.up.cfg.Waited, 0)
	}
	d.need.now = d.need.now || !d.keeps()
}

// goUp sends the parent what it may have.
func (d *desk) goUp() {
	if d.up == nil || d.end == gone {
		return
	}
	d.up.send(d.now, func(f *upflow, w outbox.Window) {
		d.do(Deliver{link.Delivery{
			Hold: link.Hold{Job: d.cfg.Job, Workflow: f.workflow, Share: f.stream.Share()}, Start: d.state.Start, Window: w.Bytes, Ending: w.Ending,
		}})
	})
}
