package engine

import (
	"sync/atomic"

	"hyperscale"
	"hyperscale/internal/schedule"
)

// bound is how far a load of virtual users may go, and how far it came. Another
// holder that takes the share over goes on at what was granted last, so whatever
// lies at or beyond it must not begin.
type bound struct {
	share  hyperscale.Share // as the work is divided
	slots  bool             // the load is one of iterations: it is its slots that are bounded, not passes
	upTo   atomic.Int64     // slot or pass
	lanes  []laneReach
	origin Reserve
}

// laneReach is the slot or pass after the highest that a lane began. It has its
// cache line to itself.
type laneReach struct {
	next atomic.Int64
	_    [56]byte
}

// newBound gives a leg's bound; nil if it has none.
func newBound(l *Leg, lanes int) *bound {
	if l.UpTo == nil || l.Load.Kind == hyperscale.LoadOpen {
		return nil
	}
	b := &bound{share: l.Share, slots: l.Load.Kind == hyperscale.LoadIterations, lanes: make([]laneReach, lanes), origin: l.From}
	if b.slots {
		if share, some := schedule.NewIterations(l.Load).Share(l.Share); some {
			b.share = share
		}
	}
	b.grant(*l.UpTo)
	return b
}

// grant moves the bound and reports whether it now is where it was asked to be:
// a lower one than before is not taken.
func (b *bound) grant(to Reserve) bool {
	at := to.Pass
	if b.slots {
		at = int64(b.share.At(to.Place))
	}
	for {
		now := b.upTo.Load()
		if at <= now {
			return at == now
		}
		if b.upTo.CompareAndSwap(now, at) {
			return true
		}
	}
}

// allows reports whether an iteration may begin on a lane, and notes that it
// does.
func (b *bound) allows(l *lane, slot hyperscale.Slot, pass int64) bool {
	if b == nil {
		return true
	}
	at := pass
	if b.slots {
		at = int64(slot)
	}
	if at >= b.upTo.Load() {
		return false
	}
	if next := &b.lanes[l.index].next; at >= next.Load() {
		next.Store(at + 1)
	}
	return true
}

// reach is what no lane has reached.
func (b *bound) reach() Reserve {
	r, next := b.origin, int64(0)
	for i := range b.lanes {
		next = max(next, b.lanes[i].next.Load())
	}
	if b.slots {
		r.Place = max(r.Place, b.share.Count(next))
	} else {
		r.Pass = max(r.Pass, next)
	}
	return r
}

// lease is until when a leg may begin something. The zero value ends never.
type lease struct{ until atomic.Int64 }

// renew makes it end at the time given; 0: never.
func (e *lease) renew(until hyperscale.JobTime) { e.until.Store(int64(until)) }

// over reports whether nothing may begin any more.
func (e *lease) over(now hyperscale.JobTime) bool {
	until := e.until.Load()
	return until != 0 && int64(now) >= until
}

// park puts a virtual user, which rests, to those that wait for a reserve. What time
// it waits is not delivered: that nobody let it go on is the generator's fault.
func (g *laneLeg) park(waiting []*user, u *user) []*user {
	g.delivered(g.lane.now)
	g.parked++
	u.parked = true
	return append(waiting, u)
}

// unpark begins the next iteration of virtual users that waited, as far as it is
// granted. How long they waited is lateness, since their due time stays.
func (g *laneLeg) unpark(waiting []*user) {
	for _, u := range waiting {
		if u.parked && u.state == resting {
			g.delivered(g.lane.now)
			g.parked--
			u.parked = false
			g.course.loop(g, u)
		}
	}
}
