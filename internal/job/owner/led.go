package owner

import (
	"cmp"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// leading is a job whose parent decides: what it orders, and what is stated to it.
// A part that it gives is a leg here.
type leading struct{ *settling }

// ordered does what the parent wants. Given twice it does no more than once, for the
// parent orders again what it does not see in a statement.
func (o *leading) ordered(ev Ordered) {
	order := ev.Order
	if o.up == nil || o.over != nil || order.Epoch < o.state.Above {
		return
	}
	if order.Epoch > o.state.Above && order.Epoch != link.NoOwner {
		o.state.Above = order.Epoch
		o.change()
	}
	o.above.hear(o.now, 0)
	switch {
	case order.Do == link.Prepare:
		o.given(order.Hold, ev.Prepare)
		return
	case order.Do == link.Drop && order.Hold.Workflow == "":
		o.ends(order)
		return
	case order.Do == link.Drop:
		o.forget(order.Hold)
	}
	l := o.part(order.Hold)
	if l == nil {
		return
	}
	switch order.Do {
	case link.Start:
		o.lets(l, order)
	case link.Stop, link.Cut:
		o.toldBy(order)
		o.job(job.Halt{Workflow: l.workflow(), Leg: l.Leg.Leg, Within: order.Within, Cut: order.Do == link.Cut})
	case link.Adjust:
		o.readjusted(ev.Adjust)
	case link.Drop:
		o.job(job.Withdraw{Workflow: l.workflow(), Leg: l.Leg.Leg})
	}
}

// toldBy takes what time it is from an order, if nobody here told it yet: what is
// stopped then was due up to then.
func (o *leading) toldBy(order link.Order) {
	if !o.clock.runs && o.state.Start != 0 && order.At > 0 {
		o.learn(o.now, order.At)
		o.resume()
	}
}

// part is the leg of a part; nil: there is none, or it has ended.
func (o *book) part(h link.Hold) *leg {
	for _, l := range o.state.Legs {
		if l.workflow() == h.Workflow && l.Leg.Part == h.Share && l.Stage != ended {
			return l
		}
	}
	return nil
}

// given begins a part, unless it was given before.
func (o *leading) given(h link.Hold, p *Prepare) {
	f := o.up.flow(h.Workflow, h.Share)
	if p == nil || f != nil && (!f.gone || f.stream.Seq() > 0 || o.part(h) != nil) {
		return
	}
	f = o.up.given(h.Workflow, h.Share)
	f.group, f.gone, f.broken = p.Group, false, broken{} // it may have been dropped before it began
	o.up.came = o.now
	o.adopt(p.Adjustments)
	o.job(job.Lead{Leg: job.StartLeg{
		Workflow: p.Workflow, Load: p.Load, First: p.First, Warmup: p.Warmup, Graceful: p.Graceful, Use: p.Use,
		Part: p.Share, Place: p.From.Place, Pass: p.From.Pass, Group: p.Group, Parts: p.Parts,
	}})
	o.gather(p.Group, p.Parts)
}

// gather looks whether all parts of a group came, which then want cores together:
// those of them that are left.
func (o *leading) gather(group uint64, parts int) {
	came := 0
	for _, f := range o.up.flows {
		if f.group == group {
			came++
		}
	}
	for _, l := range o.state.Legs {
		l.Whole = l.Whole || l.Leg.Group == group && came >= parts
	}
}

// gathering is for how long parts wait for others of their group. Of one that the parent
// gave up meanwhile nobody may have heard.
const gathering = 5 * time.Second

// gathers lets parts wait no longer for others that do not come.
func (o *leading) gathers() {
	switch {
	case o.up == nil || o.over != nil:
	case o.up.came == 0:
		o.up.came = o.now
	case o.now-o.up.came >= gathering:
		for _, l := range o.state.Legs {
			if l.Stage == wanting && l.Leg.Group != 0 && !l.Whole {
				l.Whole = true
				o.change()
			}
		}
	}
}

// forget keeps nothing more for the parent of a part that it wants no more.
func (o *leading) forget(h link.Hold) {
	if f := o.up.flow(h.Workflow, h.Share); f != nil && !f.gone {
		f.drop(true)
		o.change()
	}
}

// ends is the end of the job, as the parent says.
func (o *leading) ends(order link.Order) {
	phase := cmp.Or(order.Phase, hyperscale.Failed)
	reason := order.Reason
	if order.Phase == "" {
		reason = "no gate knows of it"
	}
	for _, f := range o.up.flows {
		f.drop(true)
	}
	o.job(job.Over{Phase: phase, Reason: reason})
}

// lets lets a part begin, at the moment that the parent means.
func (o *leading) lets(l *leg, order link.Order) {
	if l.Go || l.begun() {
		return
	}
	if o.state.Start != order.Number {
		if o.state.Start != 0 && slices.ContainsFunc(o.state.Legs, (*leg).begun) {
			return // it counts from another start; the parent sees so, and drops what does
		}
		o.state.Start, o.clock, o.seconds = order.Number, clock{}, 0
	}
	if !o.clock.runs {
		o.learn(o.now+order.In, order.At)
		if o.state.Began.IsZero() {
			o.state.Began = o.cfg.Clock.Add(o.clock.origin).UTC()
		}
	}
	l.Go, l.Begin = true, order.Begin
	o.readjust(l) // adjustments count from its begin
	o.change()
}

// adopt takes over the adjustments that the parent tells, all so far, and reports
// whether there are new ones.
func (o *book) adopt(all []hyperscale.Adjustment) bool {
	known := len(o.state.Adjustments)
	if len(all) <= known {
		return false
	}
	for _, a := range all[known:] {
		o.state.Adjustments = append(o.state.Adjustments, adjustment{Adjustment: a})
		o.story.adjusted(a)
	}
	for _, l := range o.state.Legs {
		o.readjust(l)
	}
	return true
}

// readjusted goes on as the parent's adjustments say.
func (o *leading) readjusted(all []hyperscale.Adjustment) {
	if !o.adopt(all) {
		return
	}
	o.change()
	for _, l := range o.state.Legs {
		if last := o.state.lastOf(l.workflow()); last != nil && l.Stage != ended {
			o.legAdjusted(l, adjustText(last.Adjustment, ""))
		}
	}
}

// Held is what is stated to the parent of the job: its parts, and in the last place
// the job itself, without a workflow. nil: the job has no parent.
func (o *Owner) Held() []link.Held {
	if o.up == nil {
		return nil
	}
	var list []link.Held
	for _, f := range o.up.flows {
		if !f.gone {
			list = append(list, o.heldOf(f))
		}
	}
	h := link.Held{Hold: link.Hold{Job: o.cfg.Job}, State: link.Prepared}
	o.common(&h)
	o.since(&h)
	return append(list, h)
}

// Lease is how long holders go on after the last statement that their owner is known to
// have heard, of a job that lets no two hold a slot; 0: it lets them.
func (o *Owner) Lease() time.Duration {
	if !o.cfg.OneHolder {
		return 0
	}
	return o.cfg.Autonomy
}

// common fills in what is alike of all that is stated of the job.
func (o *Owner) common(h *link.Held) {
	h.Epoch, h.Tenure, h.Cancelled = o.state.Above, o.cfg.Epoch, o.state.cancelled(h.Workflow)
	if o.above.known {
		h.Silence = o.above.age(o.now)
	}
}

// since fills in the start that job time counts from, and what time it is, below zero as
// long as that is yet to come; nothing before there was one.
func (o *Owner) since(h *link.Held) {
	if o.state.Start == 0 {
		return
	}
	h.Start, h.JobTime = o.state.Start, o.at()
	if h.JobTime == 0 && o.clock.runs {
		h.JobTime = o.now - o.clock.origin
	}
}

// cancelled is which client cancelled a workflow of a job that is led, or with "" the
// job; zero: none did here.
func (st *state) cancelled(workflow string) link.Cancelled {
	if by, whole := st.Cancels[""]; whole {
		return link.Cancelled{By: by, Whole: true}
	}
	return link.Cancelled{By: st.Cancels[workflow]}
}

// heldOf is what is stated of one part.
func (o *Owner) heldOf(f *upflow) link.Held {
	h := link.Held{Hold: link.Hold{Job: o.cfg.Job, Workflow: f.workflow, Share: f.stream.Share()}, Cut: f.released, Acked: f.box.Acked()}
	o.common(&h)
	l := o.part(h.Hold)
	if l == nil {
		o.since(&h)
		h.State, h.Reserve = link.Running, f.broken.Reserve
		if !f.pends() { // its end says that what it came to is all sent
			h.State, h.Reason = cmp.Or(f.broken.State, link.Ended), f.broken.Reason
		}
		return h
	}
	h.Aborted, h.Lowered = l.Aborted, l.Lowered
	if last := o.state.lastOf(f.workflow); last != nil {
		h.Adjustment = last.Number
	}
	switch {
	case l.begun():
		h.State, h.Reserve = link.Running, l.reach()
		o.since(&h)
	case l.Stage == preparing && l.all((*share).ready):
		h.State = link.Prepared
	default:
		h.State = link.Preparing
		if l.waits() {
			h.Reason = o.placing.queue[l.Want].String()
		}
	}
	return h
}

// reach is the first place and pass of a part that none of its holders reaches; see
// [link.Reserve].
func (l *leg) reach() link.Reserve {
	var r link.Reserve
	beyond := func(s hyperscale.Share, next reserve) {
		r.Pass = max(r.Pass, next.Pass)
		if next.Place > 0 {
			r.Place = max(r.Place, l.Leg.Part.Count(int64(s.At(next.Place-1))+1))
		}
	}
	for _, s := range l.Shares {
		beyond(s.Share, s.Reserve.most(s.First))
	}
	for _, x := range l.Holes {
		beyond(x.Share, x.next(l))
	}
	return r
}

// handUp ends a part for which nothing more is done here: what it came to goes up,
// with its last window if it came to an end of its own.
func (o *course) handUp(l *leg, ending *link.Ending, how broken) {
	if o.up == nil {
		return
	}
	f := o.up.flow(l.workflow(), l.Leg.Part)
	if f == nil || f.ending != nil || f.broken != (broken{}) {
		return
	}
	for _, x := range l.Holes {
		o.closeHole(l, x)
		o.bookSilence(l, x)
	}
	o.join()
	o.change()
	if f.broken = how; how != (broken{}) {
		f.broken.Reserve = l.reach()
	}
	if ending != nil {
		ending.Cancelled = o.state.cancelled(l.workflow())
		ending.Losses = o.unhanded(l.workflow())
		f.ending = ending
	}
}

// unhanded is what was lost of a workflow that no part of it told yet, and how many
// requests beyond that are in no count, as stray.
func (o *course) unhanded(workflow string) []link.Loss {
	var told int
	var stray uint64
	for _, f := range o.up.flows {
		if f.workflow != workflow || f.ending == nil {
			continue
		}
		for _, l := range f.ending.Losses {
			if l.Node == o.up.cfg.Place {
				stray += l.Requests
			} else {
				told++
			}
		}
	}
	var list []link.Loss
	for _, l := range o.story.account.Lost(workflow)[told:] {
		l.Node = o.up.cfg.Place + "/" + l.Node
		list = append(list, link.Loss(l))
	}
	if n := stats.StrayOf(o.marks(), workflow); n > stray {
		list = append(list, link.Loss{Node: o.up.cfg.Place, Workflow: workflow, Requests: n - stray})
	}
	return list
}

// quit ends a part whose holders stopped, for nobody above was heard. It may go on
// once the parent is, which gives it anew.
func (o *stating) quit(l *leg, why string) {
	l.quit = true
	o.job(job.LegBroken{Workflow: l.workflow(), Leg: l.Leg.Leg, Reason: why})
}
