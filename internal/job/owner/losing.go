package owner

import (
	"fmt"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
	"hyperscale/internal/stats"
)

// loss is how a share was lost.
type loss struct {
	what  string        // in words, of its holder
	dead  bool          // its holder says no more: what it did ended now
	again bool          // its holder may have it again
	idle  bool          // its holder began nothing
	blind bool          // when its holder ended nobody can tell
	since time.Duration // dead: when it ended, on the owner's clock; 0: now
}

// lost gives up what a child holds that is not heard any more.
func (o *Owner) lost(ev Lost) {
	if o.over != nil {
		return
	}
	what := "is not heard any more"
	if ev.Dead {
		what = "is gone"
	}
	for _, l := range slices.Clone(o.state.Legs) {
		for _, s := range l.Shares {
			if s.Holder == ev.Holder && !s.over() {
				o.lose(l, s, loss{what: what, dead: ev.Dead && !o.dark.blind, blind: o.dark.blind, since: ev.Since})
			}
		}
	}
}

// lose takes a share from its holder. Before the load begins it is simply given to
// another; else there is a hole where its last windows would have been.
func (o *Owner) lose(l *leg, s *share, why loss) {
	o.change()
	holder := s.Holder
	if !l.begun() {
		o.giveBack(l, s, why)
		return
	}
	if l.Leg.Load.Kind == hyperscale.LoadOnce {
		if l.Tries++; l.Tries > mostTries {
			o.tell(o.lossEvent(l, holder, why.what))
			o.release(l, s)
			return
		}
	}
	why.idle = why.idle || !s.Started
	o.open(l, s, why)
	s.Holder, s.seen, s.Started = link.Holder{}, false, false
	if l.Stop != nil {
		o.release(l, s) // it was ending anyway: nobody goes on
		o.tell(o.lossEvent(l, holder, why.what))
		return
	}
	o.want(l)
	o.tell(o.lossEvent(l, holder, why.what+"; its slots are given to others"))
}

// open opens a hole where the windows of a share would have been.
func (o *Owner) open(l *leg, s *share, why loss) {
	x := &hole{
		Share: s.Share, Holder: s.Holder, Dead: never, Fence: never, First: s.First, Reserve: s.Reserve, Again: why.again,
		Idle: why.idle, Blind: why.blind,
	}
	if why.dead && o.clock.runs {
		x.Dead = o.at() + max(s.ahead, 0)
		if why.since > 0 {
			x.Dead = max(x.Dead-(o.now-why.since), 0)
		}
	}
	l.Holes = append(l.Holes, x)
}

func (o *Owner) lossEvent(l *leg, h link.Holder, detail string) hyperscale.Event {
	return hyperscale.Event{What: "worker lost", Workflow: l.workflow(), Node: h.Node, Detail: detail}
}

// giveBack takes a share that was not started from its holder.
func (o *Owner) giveBack(l *leg, s *share, why loss) {
	o.tell(o.lossEvent(l, s.Holder, why.what+" before the start"))
	for _, other := range l.Shares {
		if other != s {
			o.order(other.Holder, link.Order{Do: link.Drop, Hold: o.hold(l, other.Share)}, nil)
		}
	}
	l.Stage, l.Shares = wanting, nil
	o.want(l)
}

// coverLead is how long before the fence a cover is decided at least.
const coverLead = 50 * time.Millisecond

// cover gives shares without a holder to those who have cores. If there are fewer
// cores than shares some go on waiting.
func (o *Owner) cover(l *leg, cores []link.Cores) {
	var open []*share
	width := 0
	for _, s := range l.Shares {
		if !s.placed() && !s.over() {
			open, width = append(open, s), width+int(s.Width())
		}
	}
	fence := ceilSecond(o.at() + coverLead)
	for _, s := range open {
		mine := takeCores(&cores, max(int(s.Width())*(total(cores))/max(width, 1), 1))
		width -= int(s.Width())
		if len(mine) == 0 {
			o.want(l)
			return
		}
		o.coverOne(l, s, mine, fence)
	}
	o.change()
}

// takeCores takes so many cores off the front of the list.
func takeCores(list *[]link.Cores, n int) []link.Cores {
	var taken []link.Cores
	for n > 0 && len(*list) > 0 {
		c := &(*list)[0]
		k := min(n, c.N)
		taken = append(taken, link.Cores{Holder: c.Holder, N: k})
		n -= k
		if c.N -= k; c.N == 0 {
			*list = (*list)[1:]
		}
	}
	return taken
}

// coverOne cuts a share without a holder into shares of a higher turn, from the
// fence on.
func (o *Owner) coverOne(l *leg, s *share, cores []link.Cores, fence hyperscale.JobTime) {
	// What a holder with a faster clock told is its own.
	fence = max(fence, ceilSecond(o.marks().Standing(l.workflow(), s.Share).Reach))
	for _, x := range l.Holes {
		if x.Share == s.Share {
			x.Fence = fence
			s.First = x.next(l)
			o.marks().Cover(l.workflow(), s.Share, fence)
			if x.Idle {
				o.closeHole(l, x)
			}
		}
	}
	s.Share.From = fence
	parts := o.cut(l, s, cores)
	i := slices.Index(l.Shares, s)
	l.Shares = slices.Replace(l.Shares, i, i+1, parts...)
	for _, p := range parts {
		o.hand(l, p)
		o.tell(hyperscale.Event{
			What: "covered", Workflow: l.workflow(), Node: p.Holder.Node,
			Detail: fmt.Sprintf("slots [%d,%d) of %d, turn %d, from %s", p.Lo, p.Hi, p.Of, p.Turn, hyperscale.FormatDuration(fence)),
		})
	}
}

// next is where another goes on with work that has no times: what the holder did
// not reach, by what it last said, or before it said anything by what it may do
// unasked. What has no load is done again.
func (x *hole) next(l *leg) reserve {
	if l.Leg.Load.Kind == hyperscale.LoadOnce || x.Idle {
		return x.First
	}
	places, passes := schedule.Ahead(l.Leg.Load, x.Share)
	unasked := reserve{link.Reserve{Place: x.First.Place + places, Pass: x.First.Pass + passes}}
	return x.Reserve.most(unasked)
}

// back gives a share back to a holder that was only silent, before anybody took
// it over.
func (o *Owner) back(l *leg, x *hole) {
	for _, s := range l.Shares {
		if s.Share == x.Share && !s.placed() && !s.over() {
			s.Holder, s.seen, s.Started, s.rose = x.Holder, true, true, o.now
			l.Holes = slices.DeleteFunc(l.Holes, func(y *hole) bool { return y == x })
			o.change()
			o.tell(hyperscale.Event{What: "worker back", Workflow: l.workflow(), Node: x.Holder.Node, Detail: "before anybody took its slots over"})
			return
		}
	}
}

// bury closes the books on all earlier starts of a node.
func (o *Owner) bury(h link.Holder) {
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			if x.Holder.Node == h.Node && x.Holder.Boot < h.Boot {
				if !x.Blind {
					x.Dead = min(x.Dead, o.at())
				}
				o.closeHole(l, x)
			}
		}
	}
}

// closeHole books what a lost holder lost and what was missed until another went
// on. A hole that nobody covered ends where the load does, or now.
func (o *Owner) closeHole(l *leg, x *hole) {
	if x.Closed || x.Fence == never && o.over == nil {
		return
	}
	x.Closed = true
	o.change()
	ends := l.over(o.source(l))
	if l.Stop != nil {
		ends = min(ends, max(l.stopOf(x, o.at()), l.Begin))
	}
	fence := min(x.Fence, ends)
	if fence == never {
		fence = o.at()
	}
	from := o.marks().Standing(l.workflow(), x.Share)
	reach := max(from.Reach, l.Begin, x.Share.From)
	fence = max(fence, reach)
	losses := stats.Losses{Interval: stats.Interval{From: reach, To: fence, Stretch: l.stretch(reach, o.source(l))}}
	passes := uint64(0)
	switch gone := min(max(x.Dead, reach), fence); l.Leg.Load.Kind {
	case hyperscale.LoadOpen:
		if x.Idle {
			gone = reach
		}
		untold, since := o.untold(l, x.Share, min(reach, ends), from.Slots)
		losses.Interval = stats.Interval{From: since, To: fence, Stretch: l.stretch(since, o.source(l))}
		losses.Lost = untold + o.due(l, x.Share, reach, gone)
		losses.Missed = o.due(l, x.Share, gone, fence)
	case hyperscale.LoadClosed:
		passes = x.begun(l, o.peak(l), int64(never), from.Slots)
	default:
		w := schedule.NewIterations(l.Leg.Load)
		losses.Lost = x.unheard(l, w, from.Slots)
		if x.Fence == never && l.Stop == nil {
			losses.Missed = x.rest(l, w)
		}
	}
	if from.Final && !from.Past { // it told all that it began
		losses.Lost, losses.Missed = 0, losses.Lost+losses.Missed
	}
	if w := o.marks().Close(l.workflow(), x.Share, losses); w != nil {
		o.joints.Add(w)
		if w.Slots.Lost > 0 || w.Missed > 0 || passes > 0 {
			o.story.loss(stats.NewLoss(string(x.Holder.Node), o.plan(l), w, passes))
		}
	}
}

// stopOf is when a lost holder stopped a load that was ended before its time: one
// that was only silent may not have heard of it, and goes on.
func (l *leg) stopOf(x *hole, now hyperscale.JobTime) hyperscale.JobTime {
	if x.Idle {
		return l.Stop.At
	}
	return max(l.Stop.At, min(x.Dead, now))
}

// untold is how many slots of an open load were due before a time that windows
// reached and are in none of them, and since when: a holder that was halted cuts
// its windows at once when it wakes, and what was due in them it begins later.
func (o *Owner) untold(l *leg, s hyperscale.Share, reach hyperscale.JobTime, told stats.Slots) (n uint64, since hyperscale.JobTime) {
	all, first := l.arrivals(o.source(l)), l.Leg.First
	before := func(t hyperscale.JobTime) int64 { return s.Count(int64(first) + all.Before(t-l.Begin)) }
	next, end := before(max(l.Begin, s.From))+int64(told.Due), before(reach)
	if next >= end {
		return 0, reach
	}
	due, _ := all.Due(s.At(next) - first)
	return uint64(end - next), min(l.Begin+due, reach)
}

// peak is how many virtual users a closed load has at most.
func (o *Owner) peak(l *leg) int64 { return schedule.NewUsers(l.Leg.Load, l.changes...).Peak() }

// unheard is how many slots that the holder may have begun no window told of.
func (x *hole) unheard(l *leg, w schedule.Iterations, told stats.Slots) uint64 {
	if x.Idle {
		return 0
	}
	if l.Leg.Load.Kind == hyperscale.LoadEach {
		return x.begun(l, w.VUs, w.Passes, told)
	}
	places := min(x.next(l).Place, x.total(w)) - x.First.Place
	if l.Leg.Load.Kind == hyperscale.LoadOnce {
		places = 1
	}
	return uint64(max(places-int64(told.Due), 0))
}

// begun is how many passes of so many virtual users the holder may have begun that
// no window told of.
func (x *hole) begun(l *leg, users, most int64, told stats.Slots) uint64 {
	if x.Idle {
		return 0
	}
	share := x.Share
	if l.Leg.Load.Kind == hyperscale.LoadEach {
		share, _ = schedule.NewIterations(l.Leg.Load).Share(share)
	}
	passes := min(x.next(l).Pass, most) - x.First.Pass
	return uint64(max(passes*share.Count(users)-int64(told.Due), 0))
}

// total is how many slots the share has.
func (x *hole) total(w schedule.Iterations) int64 {
	share, some := w.Share(x.Share)
	if !some {
		return 0
	}
	return share.Count(w.Slots)
}

// rest is how many slots nobody begins, if nobody goes on.
func (x *hole) rest(l *leg, w schedule.Iterations) uint64 {
	next := x.next(l)
	switch {
	case l.Leg.Load.Kind == hyperscale.LoadOnce && !x.Idle:
		return 0
	case l.Leg.Load.Kind == hyperscale.LoadEach:
		return uint64(max((w.Passes-next.Pass)*x.total(w), 0))
	}
	return uint64(max(x.total(w)-next.Place, 0))
}

// due is how many slots of a share of an open load are due in [from, to) of job
// time.
func (o *Owner) due(l *leg, s hyperscale.Share, from, to hyperscale.JobTime) uint64 {
	if from >= to {
		return 0
	}
	all := l.arrivals(o.source(l))
	first := int64(l.Leg.First)
	before := func(t hyperscale.JobTime) int64 { return s.Count(first + all.Before(t-l.Begin)) }
	return uint64(before(to) - before(from))
}

// stretch is the part of its schedule that a time of a leg lies in.
func (l *leg) stretch(at hyperscale.JobTime, source hyperscale.Source) stats.Stretch {
	switch {
	case at < l.Begin+l.Leg.Warmup:
		return stats.InWarmup
	case at >= l.over(source):
		return stats.InGrace
	}
	return stats.InLoad
}

// ceilSecond is the first whole second of job time that is not before t.
func ceilSecond(t hyperscale.JobTime) hyperscale.JobTime {
	return (t + time.Second - 1).Truncate(time.Second)
}

// closeAll closes all books, at the end of the job.
func (o *Owner) closeAll() {
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			o.closeHole(l, x)
		}
	}
}

// abandon ends the job because it was without an owner for too long.
func (o *Owner) abandon(silence time.Duration) {
	reason := fmt.Sprintf("it was without an owner for %v", silence.Round(time.Second))
	for _, w := range o.story.job.Workflows() {
		if !w.Phase.Terminal() {
			o.job(job.LegBroken{Workflow: w.Workflow, Leg: o.legNumber(w.Workflow), Reason: reason})
		}
	}
}

// legNumber is the number of the leg of a workflow that runs.
func (o *Owner) legNumber(workflow string) int {
	for _, l := range o.state.Legs {
		if l.workflow() == workflow && l.Stage != ended {
			return l.Leg.Leg
		}
	}
	return 0
}

// plan is what the plan says of a leg's workflow.
func (o *Owner) plan(l *leg) *hyperscale.Workflow {
	for i := range o.cfg.Plan.Workflows {
		if o.cfg.Plan.Workflows[i].Name == l.workflow() {
			return &o.cfg.Plan.Workflows[i]
		}
	}
	panic("owner: no workflow " + l.workflow())
}
