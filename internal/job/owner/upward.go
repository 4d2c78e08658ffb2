package owner

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/outbox"
	"hyperscale/internal/stats"
)

// Parent is what an owner is told of the parent of its job, to which it is as a
// worker is to it: the parent gives it parts of workflows ([Ordered]), and decides
// when they begin and what becomes of them.
type Parent struct {
	// Place is the datacenter, by which the parent tells nodes apart from others of
	// their names.
	Place string
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
	flows []*upflow // in the order in which they were given
	to    outbox.Way
	came  time.Duration // when a part was given last, or the job taken over; 0: not known yet
	until time.Duration // of a job that has ended: longer it does not wait; 0: not known yet
}

// upflow is what a part comes to that the parent gave.
type upflow struct {
	workflow string
	group    uint64 // parts of one group want cores together
	stream   *stats.Stream
	box      outbox.Box
	level    link.Level   // what the parent can take
	released uint64       // the number up to which windows are
	frozen   uint64       // … and up to which they are once the save under way is durable
	ending   *link.Ending // how the part ended, once nothing more comes of it; nil: it goes on
	broken   broken
	over     bool   // its last window was cut
	gone     bool   // the parent wants nothing more of it
	news     upNews // since the last save
}

// broken is how a part came to no end of its own: Refused, Stopped or Broken, and why.
// The zero value: it did not.
type broken struct {
	State  link.State `json:",omitzero"`
	Reason string     `json:",omitzero"`

	Reserve link.Reserve `json:",omitzero"` // where others may go on
}

// newUpward is what goes to a parent that gave nothing yet.
func newUpward(cfg *Parent) *upward { return &upward{cfg: cfg, open: stats.NewJoints()} }

// flow is that of a part; nil: the parent did not give it.
func (u *upward) flow(workflow string, part hyperscale.Share) *upflow {
	for _, f := range u.flows {
		if f.workflow == workflow && f.stream.Share() == part {
			return f
		}
	}
	return nil
}

// given is the flow of a part, which is begun if it is new.
func (u *upward) given(workflow string, part hyperscale.Share) *upflow {
	f := u.flow(workflow, part)
	if f == nil {
		f = &upflow{workflow: workflow, stream: stats.NewStream(workflow, part)}
		u.flows = append(u.flows, f)
	}
	return f
}

// lift makes ready what goes up with the save that is made now: what is open is cut
// if that is wanted, or if a part has ended, or all has. It gives what of that is to
// be saved.
func (u *upward) lift(cut, over bool) upChange {
	var last []func()
	for _, f := range u.flows {
		if f.ending != nil && !f.over {
			last = append(last, func() { f.last(*f.ending) })
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
		f.news.Workflow, f.news.Part = f.workflow, f.stream.Share()
		f.news.Acked, f.news.Frozen, f.news.Gone = f.box.Acked(), f.frozen, f.gone
		f.news.Broken, f.news.Group = f.broken, f.group
		c.Flows = append(c.Flows, f.news)
		f.news = upNews{}
	}
	return c
}

// add numbers a window and keeps it. With an ending it is the last; it is final unless
// the part was broken off, which others may go on with.
func (f *upflow) add(w *stats.Window, ending *link.Ending) {
	numbered := *w
	f.stream.Take(&numbered, ending != nil && f.broken == (broken{}))
	if ending != nil {
		f.over, f.ending, f.news.Last = true, ending, ending
	}
	if !f.gone {
		f.box.Add(outbox.Pack(&numbered, ending), 0)
	}
}

// pends reports whether of a part that has ended not all is released yet.
func (f *upflow) pends() bool { return f.ending != nil && !f.over || f.released < f.stream.Seq() }

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
		if f := u.flow(w.ID.Workflow, w.ID.Share); f != nil && !f.over {
			f.add(w.Within(u.cfg.Place+"/"), nil)
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
	f := u.flow(r.Hold.Workflow, r.Hold.Share)
	switch {
	case f == nil:
		return
	case r.Unknown: // it was read that nobody knows the job
		f.drop(true)
		return
	case r.Epoch < u.to.Epoch:
		return
	case r.Broken:
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
func (d *desk) lift() upChange { return d.up.lift(d.need.due, d.over != nil) }

// parentAt says how the parent is reached from now on.
func (d *desk) parentAt(ev ParentAt) {
	if d.up != nil {
		d.up.to = outbox.Way{Link: ev.Link, Epoch: ev.Epoch}
		for _, f := range d.up.flows {
			f.level = ev.Level
		}
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
