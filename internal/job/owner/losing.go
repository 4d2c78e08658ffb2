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
	what  string // in words, of its holder
	dead  bool   // its holder says no more: what it did ended now
	again bool   // its holder may have it again
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
				o.lose(l, s, loss{what: what, dead: ev.Dead})
			}
		}
	}
}

// lose takes a share from its holder. What was never started is simply given to
// another; else there is a hole where its last windows would have been.
func (o *Owner) lose(l *leg, s *share, why loss) {
	o.change()
	holder := s.Holder
	if l.Stage != running || !s.Started {
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
	x := &hole{
		Share: s.Share, Holder: holder, Dead: never, Fence: never, From: s.From, Reserve: s.Reserve, Again: why.again,
	}
	if why.dead {
		x.Dead = o.at()
	}
	l.Holes = append(l.Holes, x)
	s.Holder, s.seen = link.Holder{}, false
	if l.Stop != nil {
		o.release(l, s) // it was ending anyway: nobody goes on
		o.tell(o.lossEvent(l, holder, why.what))
		return
	}
	o.want(l)
	o.tell(o.lossEvent(l, holder, why.what+"; its slots are given to others"))
}

func (o *Owner) lossEvent(l *leg, h link.Holder, detail string) hyperscale.Event {
	return hyperscale.Event{What: "worker lost", Workflow: l.workflow(), Node: h.Node, Detail: detail}
}

// giveBack takes a share that was not started from its holder.
func (o *Owner) giveBack(l *leg, s *share, why loss) {
	o.tell(o.lossEvent(l, s.Holder, why.what+" before the start"))
	if l.Stage == running {
		// A cover that was lost before it began: another one covers.
		s.Holder, s.seen = link.Holder{}, false
		o.want(l)
		return
	}
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
	began := slices.ContainsFunc(l.Holes, func(x *hole) bool { return x.Share == s.Share })
	if began {
		for _, x := range l.Holes {
			if x.Share == s.Share {
				x.Fence = fence
				s.From = x.next(l)
			}
		}
		o.marks().Cover(l.workflow(), s.Share, fence)
		s.Share.From = fence
	}
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

// next is where another goes on with work that has no times: at the reserve last
// heard. What has no load is done again.
func (x *hole) next(l *leg) reserve {
	if l.Leg.Load.Kind == hyperscale.LoadOnce || x.Reserve == (reserve{}) {
		return x.From
	}
	return x.Reserve
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
				x.Dead = min(x.Dead, o.at())
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
	fence := min(x.Fence, l.over(o.source(l)))
	if fence == never {
		fence = o.at()
	}
	from := o.marks().Standing(l.workflow(), x.Share)
	reach := max(from.Reach, l.Begin, x.Share.From)
	gone := min(max(min(x.Dead, fence), reach), max(fence, reach))
	losses := stats.Losses{Interval: stats.Interval{From: reach, To: max(fence, reach), Stretch: l.stretch(reach, o.source(l))}}
	switch l.Leg.Load.Kind {
	case hyperscale.LoadOpen:
		losses.Lost = o.due(l, x.Share, reach, gone)
		losses.Missed = o.due(l, x.Share, gone, fence)
	case hyperscale.LoadIterations, hyperscale.LoadEach:
		losses.Lost = x.unheard(l, from.Slots)
	}
	if w := o.marks().Close(l.workflow(), x.Share, losses); w != nil {
		o.joints.Add(w)
		o.story.loss(stats.NewLoss(string(x.Holder.Node), o.workflow(l), w, 0))
	}
}

func (o *Owner) workflow(l *leg) *hyperscale.Workflow {
	i := slices.IndexFunc(o.cfg.Plan.Workflows, func(w hyperscale.Workflow) bool { return w.Name == l.workflow() })
	return &o.cfg.Plan.Workflows[i]
}

// unheard is how many slots before the reserve no window told of.
func (x *hole) unheard(l *leg, told stats.Slots) uint64 {
	places := x.Reserve.Place - x.From.Place
	if l.Leg.Load.Kind == hyperscale.LoadEach {
		w := schedule.NewIterations(l.Leg.Load)
		places = (x.Reserve.Pass - x.From.Pass) * x.Share.Count(w.Slots)
	}
	return uint64(max(places-int64(told.Due), 0))
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
