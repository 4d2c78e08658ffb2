package owner

import (
	"fmt"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
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
			o.tell(lossEvent(l, holder, why.what))
			o.release(l, s)
			return
		}
	}
	why.idle = why.idle || !s.Started
	o.open(l, s, why)
	s.Holder, s.seen, s.Started = link.Holder{}, false, false
	if l.Stop != nil {
		o.release(l, s) // it was ending anyway: nobody goes on
		o.tell(lossEvent(l, holder, why.what))
		return
	}
	o.want(l)
	o.tell(lossEvent(l, holder, why.what+"; its slots are given to others"))
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

func lossEvent(l *leg, h link.Holder, detail string) hyperscale.Event {
	return hyperscale.Event{What: "worker lost", Workflow: l.workflow(), Node: h.Node, Detail: detail}
}

// giveBack takes a share that was not started from its holder.
func (o *Owner) giveBack(l *leg, s *share, why loss) {
	o.tell(lossEvent(l, s.Holder, why.what+" before the start"))
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
			o.job(job.LegBroken{Workflow: w.Workflow, Leg: o.state.legNumber(w.Workflow), Reason: reason})
		}
	}
}

// legNumber is the number of the leg of a workflow that runs.
func (st *state) legNumber(workflow string) int {
	for _, l := range st.Legs {
		if l.workflow() == workflow && l.Stage != ended {
			return l.Leg.Leg
		}
	}
	return 0
}
