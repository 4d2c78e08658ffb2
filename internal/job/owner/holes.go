package owner

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
	"hyperscale/internal/stats"
)

// holes are where the windows of lost holders would have been, from the last that
// came to the fence. Each is opened when a share is lost, and its books are closed
// once.
type holes struct{ *orders }

// bury closes the books on all earlier starts of a node.
func (o *holes) bury(h link.Holder) {
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			if x.Holder.Boot < h.Boot && x.Holder.Node == h.Node {
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
func (o *holes) closeHole(l *leg, x *hole) {
	handedUp := o.up != nil && l.Stage == ended
	if x.Closed || x.Fence == never && o.over == nil && !handedUp {
		return
	}
	x.Closed = true
	o.change()
	ends, fence := o.endsOf(l, x)
	from := o.marks().Standing(l.workflow(), x.Share)
	reach := max(from.Reach, l.Begin, x.Share.From)
	fence = max(fence, reach)
	losses := stats.Losses{Interval: stats.Interval{From: reach, To: fence, Stretch: l.stretch(reach)}}
	passes := uint64(0)
	switch gone := min(max(o.goneBy(x), reach), fence); l.Leg.Load.Kind {
	case hyperscale.LoadOpen:
		met, since := l.met(x, min(reach, ends), from.Slots)
		back := l.before(x.Share, min(fence, ends))
		if x.Fence != never {
			back = max(back, x.next(l).Place)
		}
		losses.Interval = stats.Interval{From: since, To: fence, Stretch: l.stretch(since)}
		losses.Lost, losses.Missed = schedule.Lapsed(met, min(o.reached(l, x, min(gone, ends)), back), back)
	case hyperscale.LoadClosed:
		passes = x.begun(l, l.peak(), int64(never), from.Slots)
	default:
		w := schedule.NewIterations(l.Leg.Load)
		losses.Lost = x.unheard(l, w, from.Slots)
		if x.Fence == never && l.Stop == nil {
			losses.Missed = x.rest(l, w)
		}
	}
	if n := from.Slots.Lost; o.cfg.Datacenters && n > 0 && !from.Final && !x.Told { // which its last window would explain
		o.story.loss(stats.NewSilence(string(x.Holder.Node), l.flow, l.Begin, reach, n))
	}
	if from.Final && !from.Past || x.Told { // it told all that it began
		losses.Lost, losses.Missed, passes = 0, losses.Lost+losses.Missed, 0
	}
	if w := o.marks().Close(l.workflow(), x.Share, losses); w != nil {
		o.joints.Add(w, o.partOf(o.hold(l, x.Share)))
		if w.Slots.Lost > 0 || w.Missed > 0 || passes > 0 {
			o.story.loss(stats.NewLoss(string(x.Holder.Node), l.flow, w, passes))
		}
	}
}

// endsOf is when the load of a lost holder ends, and the books of its hole.
func (o *holes) endsOf(l *leg, x *hole) (load, books hyperscale.JobTime) {
	load = l.over()
	if l.Stop != nil {
		load = min(load, max(l.stopOf(x, o.at()), l.Begin))
	}
	if books = min(x.Fence, load); books >= schedule.Far {
		books = o.at()
	}
	return load, books
}

// stopOf is when a lost holder stopped a load that was ended before its time: one
// that was only silent may not have heard of it, and goes on.
func (h *head) stopOf(x *hole, now hyperscale.JobTime) hyperscale.JobTime {
	if x.Idle {
		return h.Stop.At
	}
	return max(h.Stop.At, min(x.Dead, now))
}

// met is how many slots of a share of an open load windows told of, counted from the
// beginning of the load, and since when the others are due. They need not end where
// windows do: a holder that was halted cuts its windows at once when it wakes, and
// what was due in them it begins later; and one that cuts a moment late tells of a
// slot that was due after the end.
func (l *leg) met(x *hole, reach hyperscale.JobTime, told stats.Slots) (n int64, since hyperscale.JobTime) {
	s := x.Share
	n = max(l.before(s, max(l.Begin, s.From)), x.First.Place) + int64(told.Due)
	if n >= l.before(s, reach) {
		return n, reach
	}
	due, _ := l.arrivals().Due(s.At(n) - l.Leg.First)
	return n, min(l.Begin+due, reach)
}

// goneBy is when a lost holder must have ended; never: nobody can tell.
func (o *holes) goneBy(x *hole) hyperscale.JobTime {
	switch {
	case o.cfg.OneHolder:
		return min(x.Dead, o.stops(x))
	case o.cfg.Datacenters && !x.Blind: // nobody may have covered for it
		return min(x.Dead, x.Heard+outlast*o.cfg.Autonomy)
	}
	return x.Dead
}

// reached is how many slots of a share of an open load, counted from its beginning, its
// lost holder may have begun by a time.
func (o *holes) reached(l *leg, x *hole, by hyperscale.JobTime) int64 {
	st := o.marks().Standing(l.workflow(), x.Share)
	most, _ := l.met(x, l.Begin, st.Slots)
	if x.Idle {
		return most
	}
	for _, as := range l.asHeard(max(x.Known, st.Adjustment)) {
		most = max(most, as.before(x.Share, min(by, as.over())))
	}
	return most
}

// asHeard is the leg as a holder may go by it that knows of the changes up to a number:
// of later ones it may not have heard.
func (l *leg) asHeard(known uint64) []*leg {
	list := []*leg{l}
	for i := len(l.changes) - 1; i >= 0 && l.changes[i].Number > known; i-- {
		list = append(list, &leg{Leg: l.Leg, head: l.head, flow: l.flow, draws: l.draws, changes: l.changes[:i:i]})
	}
	return list
}

// unheard is how many slots that the holder may have begun no window told of.
func (x *hole) unheard(l *leg, w schedule.Iterations, told stats.Slots) uint64 {
	if x.Idle {
		return 0
	}
	if l.Leg.Load.Kind == hyperscale.LoadEach {
		return x.begun(l, w.VUs, w.Passes, told)
	}
	places := min(x.next(l).Place, w.Count(x.Share)) - x.First.Place
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

// rest is how many slots nobody begins, if nobody goes on.
func (x *hole) rest(l *leg, w schedule.Iterations) uint64 {
	next := x.next(l)
	switch {
	case l.Leg.Load.Kind == hyperscale.LoadOnce && !x.Idle:
		return 0
	case l.Leg.Load.Kind == hyperscale.LoadEach:
		return uint64(max((w.Passes-next.Pass)*w.Count(x.Share), 0))
	}
	return uint64(max(w.Count(x.Share)-next.Place, 0))
}

// before is how many slots of a share of an open load are due before a job time.
func (l *leg) before(s hyperscale.Share, t hyperscale.JobTime) int64 {
	return s.Count(int64(l.Leg.First) + l.arrivals().Before(t-l.Begin))
}

// stretch is the part of its schedule that a time of a leg lies in.
func (l *leg) stretch(at hyperscale.JobTime) stats.Stretch {
	switch {
	case at < l.Begin+l.Leg.Warmup:
		return stats.InWarmup
	case at >= l.over():
		return stats.InGrace
	}
	return stats.InLoad
}

// ceilSecond is the first whole second of job time that is not before t.
func ceilSecond(t hyperscale.JobTime) hyperscale.JobTime {
	return (t + time.Second - 1).Truncate(time.Second)
}

// open opens a hole where the windows of a share would have been.
func (o *holes) open(l *leg, s *share, why loss) *hole {
	x := &hole{lost: lost{
		Share: s.Share, Holder: s.Holder, Dead: never, Fence: never, First: s.First, Reserve: s.Reserve, Known: s.Known, Again: why.again,
		Idle: why.idle, Blind: why.blind, Told: why.told, Sure: why.dead && why.since > 0 && s.seen, Heard: o.at(),
		Ahead: max(s.ahead, 0),
	}}
	if o.cfg.OneHolder && !why.dead && !x.Idle {
		x.Barred, x.Heard = true, o.heardAt(x.Holder)
	}
	if o.keptFor(l) {
		x.Barred = true
	}
	if why.dead && o.clock.runs {
		x.Dead = o.at() + x.Ahead
		if why.since > 0 {
			x.Dead = max(x.Dead-(o.now-why.since), 0)
		}
	}
	l.lack(x)
	return x
}

// back gives a share back to a holder that was only silent, before anybody took
// it over, and reports whether it did.
func (o *holes) back(l *leg, x *hole) bool {
	s := l.find().shares[x.Share]
	if s == nil || s.placed() || s.over() {
		return false
	}
	s.Holder, s.seen, s.Started, s.rose = x.Holder, true, true, o.now
	l.Holes = slices.DeleteFunc(l.Holes, func(y *hole) bool { return y == x })
	l.divide(l.Shares) // of them one has a holder again
	o.change()
	o.tell(hyperscale.Event{What: o.child() + " back", Workflow: l.workflow(), Node: x.Holder.Node, Detail: "before anybody took its slots over"})
	return true
}

// closeAll closes all books, at the end of the job.
func (o *holes) closeAll() {
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			o.closeHole(l, x)
		}
	}
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			if o.up == nil { // else it was booked with its part
				o.bookSilence(l, x)
			}
		}
	}
}

// past closes the hole of a holder that delivered past its fence.
func (o *holes) past(h link.Hold) {
	if l, x := o.state.hole(h); x != nil {
		o.closeHole(l, x)
	}
}
