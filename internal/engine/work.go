package engine

import (
	"hyperscale"
	"hyperscale/internal/schedule"
)

// work is a fixed number of iterations: shared by the lane's VUs, or so many of
// each.
type work struct {
	load   hyperscale.Load
	part   schedule.Lane
	each   bool
	vus    int64 // of the lane
	slots  int64 // of the lane: iterations, or with each its VUs
	passes int64 // of each slot
	made   int64 // VUs of the lane that were opened
	begun  int64 // iterations, those before the leg's own included
	ended  int64
	from   int64   // first pass
	parked []*user // wait for a reserve, or the end of a pause
	paused bool
}

// newWork makes the lane's part of a load of work.
func newWork(l *Leg, part schedule.Lane) *work {
	load := l.Load
	w := schedule.NewIterations(load)
	c := &work{load: load, part: part, each: load.Kind == hyperscale.LoadEach, passes: w.Passes}
	// Fewer VUs than shares or lanes: those beyond have nothing to do.
	share, some := w.Share(part.Share)
	used := int64(w.Lanes(share, int(part.Of)))
	if some && part.Index < used {
		c.part.Share, c.part.Of = share, used
		c.vus, c.slots = c.part.Count(w.VUs), c.part.Count(w.Slots)
	}
	if c.each {
		c.from = min(l.From.Pass, c.passes)
		c.begun = c.slots * c.from
	} else {
		c.begun = min(c.part.Count(int64(share.At(l.From.Place))), c.slots)
	}
	c.ended = c.begun
	return c
}

func (c *work) advance(g *laneLeg, now hyperscale.JobTime) (hyperscale.JobTime, bool) {
	for range burst {
		if c.made == c.vus {
			return never, c.ended == c.slots*c.passes || g.present == 0
		}
		u := g.newUser(int64(c.part.At(c.made)))
		c.made++
		g.enter(u, g.opens)
		u.due, u.pass = g.opens, c.from
		c.loop(g, u)
		now = g.lane.tick()
	}
	return now, false
}

// loop begins u's next iteration, or lets it go when there is none.
func (c *work) loop(g *laneLeg, u *user) {
	it := iteration{due: u.due}
	switch {
	case c.each && u.pass < c.passes:
		it.slot, it.pass = hyperscale.Slot(u.number), u.pass
	case !c.each && c.begun < c.slots:
		it.slot = c.part.At(c.begun)
	default:
		g.leave(u, g.lane.now)
		return
	}
	if c.paused || !g.allows(it.slot, it.pass) {
		c.parked = g.park(c.parked, u)
		return
	}
	it.row = it.pass*c.load.VUs + int64(it.slot)
	c.begun++
	u.pass++
	g.rec.Due++
	if !g.begin(u, it) {
		g.rec.Missed++
		c.ended++
		g.goes(u)
	}
}

func (c *work) granted(g *laneLeg) {
	waiting := c.parked
	c.parked = nil
	g.unpark(waiting)
}

func (c *work) next(g *laneLeg, u *user) {
	c.ended++
	if u.state == leaving {
		g.retire(u)
		return
	}
	u.state = resting
	g.again(u, g.lane.now)
}

func (c *work) stop(g *laneLeg, at hyperscale.JobTime, asked bool) {
	// What nobody began is missed; after an interrupt it was never due.
	if left := c.slots*c.passes - c.begun; left > 0 && !asked {
		g.rec.Due += uint64(left)
		g.rec.Missed += uint64(left)
	}
	c.made = c.vus
	for _, u := range g.users {
		g.leave(u, at)
	}
}
