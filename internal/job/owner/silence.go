package owner

import (
	"math"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
	"hyperscale/internal/stats"
)

// outlast is how long at most a holder goes on unheard, in times of its autonomy:
// once while its agent stands still, and once more after that.
const outlast = 2

// heardOf notes that the holder of a lost turn was heard again: it had not ended.
func (o *holes) heardOf(x *hole) {
	x.Heard = o.at()
	if x.alive {
		return
	}
	x.alive, x.Dead, x.Sure = true, never, false
	o.note()
}

// unheard notes that the holder of lost turns, which had been heard again, is not
// any more.
func (o *holes) unheard(ev Lost) {
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			if x.Holder != ev.Holder || !x.alive {
				continue
			}
			x.alive, x.Heard = false, o.at()
			if o.died(ev) {
				x.Dead = x.Heard
			}
			o.change()
		}
	}
}

// heardBefore: whoever owned the job before heard lost holders until now, perhaps.
func (o *holes) heardBefore() {
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			x.Heard = o.at() + o.lasts(lingering) - o.lasts(0)
		}
	}
}

// settled reports whether all is known of a lost turn that ever will be.
func (o *holes) settled(l *leg, x *hole) bool {
	return x.Closed && (x.Idle || x.Told || o.marks().Standing(l.workflow(), x.Share).Final)
}

// bookSilence books what a lost holder may have done that is in no count, at the end
// of the job, or of a part: one that was given up unheard may have gone on.
func (o *holes) bookSilence(l *leg, x *hole) {
	n := o.beyond(l, x)
	if n == 0 {
		return
	}
	from := x.Fence
	if from == never {
		from = x.Heard
	}
	o.story.loss(stats.NewSilence(string(x.Holder.Node), l.flow, from, o.at(), n))
}

// beyond is how many iterations at most the holder of a lost turn may have begun
// that no window told of, and that are not booked as lost. Of a closed load nobody
// can say.
func (o *holes) beyond(l *leg, x *hole) uint64 {
	open := l.Leg.Load.Kind == hyperscale.LoadOpen
	if x.Sure || o.settled(l, x) || o.cfg.OneHolder && x.Fence != never && !open {
		return 0
	}
	st := o.marks().Standing(l.workflow(), x.Share)
	var most int64
	switch w := schedule.NewIterations(l.Leg.Load); l.Leg.Load.Kind {
	case hyperscale.LoadOnce:
		return 0
	case hyperscale.LoadClosed:
		return math.MaxUint64
	case hyperscale.LoadOpen:
		most = o.dueAtMost(l, x)
	case hyperscale.LoadEach:
		most = (w.Passes - x.First.Pass) * w.Count(x.Share)
	default:
		most = w.Count(x.Share) - x.First.Place
	}
	return uint64(max(most-int64(st.Slots.Due+st.Stray), 0))
}

// dueAtMost is how many slots may have come due for the holder of a lost turn. Of the
// last changes of its load it may not have heard.
func (o *holes) dueAtMost(l *leg, x *hole) int64 {
	most := int64(0)
	for _, as := range l.asHeard(x.Known) {
		from := max(as.before(x.Share, max(l.Begin, x.Share.From)), x.First.Place)
		most = max(most, as.before(x.Share, o.outlasts(as, x))-from)
	}
	return most
}

// outlasts is until when the holder of a lost turn may have begun what was due.
func (o *holes) outlasts(l *leg, x *hole) hyperscale.JobTime {
	if x.Blind {
		return l.over() // it went by a clock that nobody here can tell
	}
	heard := x.Heard + outlast*o.cfg.Autonomy
	if o.cfg.OneHolder {
		heard = min(o.stops(x), x.Fence) // nobody goes on before it has stopped
	}
	if o.up != nil || !o.clock.runs || o.clock.guessed { // a part is over, and its job may go on; or nobody tells what time it is
		return min(x.Dead, heard, l.over())
	}
	return min(x.Dead, heard, o.at()+ahead+x.Ahead, l.over())
}

// heardLost deals with a holder that still has a turn it lost: it is to begin
// nothing from the fence on, but may tell all that it did.
func (o *holes) heardLost(l *leg, x *hole, h *link.Held) {
	o.heardOf(x)
	switch {
	case h.State == link.Running && x.Fence == never && o.back(l, x):
	case h.State == link.Running:
		o.cutPast(l, x)
	case h.State != link.Preparing && h.Acked >= h.Cut:
		x.Told = true
		o.change()
		o.closeHole(l, x)
		o.order(x.Holder, link.Order{Do: link.Drop, Hold: h.Hold}, nil)
	}
}
