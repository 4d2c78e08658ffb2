package engine

import (
	"hyperscale"
	"hyperscale/internal/schedule"
)

// never is later than everything.
const never = hyperscale.JobTime(1<<63 - 1)

// burst is how many iterations a lane begins before it looks at its sockets.
const burst = 32

// backlog is how long after the end of an open load slots that were due before
// it may still be started. It lets the last slots of a schedule be started by a
// lane that wakes up microseconds late; what a lane is further behind is missed.
const backlog = 100 * hyperscale.JobTime(1e6)

// course begins a lane's iterations of one kind of load. Times are those of the
// engine's clock.
type course interface {
	// advance begins what is due and tells when there is more to do; never: not by
	// itself. Over: this load has nothing more to begin, ever.
	advance(g *laneLeg, now hyperscale.JobTime) (next hyperscale.JobTime, over bool)
	// next lets u, whose iteration has ended, go or begin another; loop begins it.
	next(g *laneLeg, u *user)
	loop(g *laneLeg, u *user)
	// granted begins what waited for the reserve that was granted.
	granted(g *laneLeg)
	// adjust goes on under a change, and tells the load's end from its start.
	adjust(g *laneLeg, to *change) (end hyperscale.JobTime)
	// stop books what was due before the time given and was not started: by the
	// load's own end, or asked for.
	stop(g *laneLeg, at hyperscale.JobTime, asked bool)
}

// newCourse makes the lane's part of a load under changes, and tells its end:
// never if only the work itself ends it.
func newCourse(l *Leg, changes []schedule.Change, lane, lanes int) (course, hyperscale.JobTime) {
	part := schedule.Lane{Share: l.Share, Index: int64(lane), Of: int64(lanes)}
	switch l.Load.Kind {
	case hyperscale.LoadOpen:
		a := schedule.NewArrivals(l.Load, l.Source, changes...).Numbered(l.First)
		c := &arrivals{all: a, first: int64(l.First), part: part}
		c.met = max(c.before(l.Share.From), part.From(l.From.Place))
		c.cursor = a.CursorAt(l.Share, lane, lanes, c.met)
		if l.MaxInFlight > 0 {
			c.limit = max(part.Count(l.MaxInFlight), 1)
		}
		return c, l.At + a.End()
	case hyperscale.LoadClosed:
		u := schedule.NewUsers(l.Load, changes...)
		return &crowd{all: u, part: part, rows: schedule.NewRows(l.Load)}, l.At + u.End()
	}
	c := newWork(l, part)
	c.paused = schedule.PausedAt(changes, max(l.Share.From, 0))
	return c, satAdd(l.At, schedule.Cap(l.Load.For, changes))
}

// arrivals is an open load: slots begin when they are due, whatever became of
// those before.
type arrivals struct {
	all    *schedule.Arrivals
	first  int64 // number of the first slot
	part   schedule.Lane
	cursor *schedule.Cursor
	met    int64   // place in the lane of the next slot
	limit  int64   // of arrivals in progress; 0: none
	idle   []*user // last used first
	made   int64
}

func (c *arrivals) advance(g *laneLeg, now hyperscale.JobTime) (hyperscale.JobTime, bool) {
	for range burst {
		slot, due, ok := c.cursor.Peek()
		if !ok {
			return never, false
		}
		at := g.start + due
		if at > now {
			return at, false
		}
		if g.shared.lease.over(now) {
			return never, false
		}
		if at >= g.edge() {
			return now, false // it is of the next window: the one under way is cut first
		}
		c.cursor.Next()
		c.met++
		if late := g.leg.MaxLateness; late > 0 && now-at > late {
			g.rec.Due++
			g.rec.Missed++
			continue
		}
		c.arrive(g, slot, at)
		g.lane.io.write() // at once, so that no slot's lateness hides behind its start
		now = g.lane.tick()
	}
	return now, false
}

// arrive begins one slot, or misses it for want of room.
func (c *arrivals) arrive(g *laneLeg, slot hyperscale.Slot, due hyperscale.JobTime) {
	g.rec.Due++
	if c.limit > 0 && g.active >= c.limit {
		g.rec.Missed++
		g.rec.Refused++
		return
	}
	u := c.take(g)
	if !g.begin(u, iteration{slot: slot, row: int64(slot), due: due}) {
		g.rec.Missed++
		c.next(g, u)
	}
}

func (c *arrivals) take(g *laneLeg) *user {
	if n := len(c.idle); n > 0 {
		u := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return u
	}
	u := g.newUser(int64(g.lane.index) + c.made*int64(len(g.lane.engine.lanes)))
	c.made++
	return u
}

func (c *arrivals) next(g *laneLeg, u *user) {
	if g.state > loading {
		g.retire(u)
		return
	}
	u.state = resting
	c.idle = append(c.idle, u)
}

// before is the place in the lane of the first slot due at t or later.
func (c *arrivals) before(t hyperscale.JobTime) int64 { return c.part.Count(c.first + c.all.Before(t)) }

// loop is never called: users of an open load wait in the pool for an arrival.
func (c *arrivals) loop(*laneLeg, *user) {}

// granted has nothing to do: arrivals have no reserve.
func (c *arrivals) granted(*laneLeg) {}

func (c *arrivals) stop(g *laneLeg, at hyperscale.JobTime, _ bool) {
	if left := c.before(at-g.start) - c.met; left > 0 {
		g.rec.Due += uint64(left)
		g.rec.Missed += uint64(left)
	}
	for _, u := range c.idle {
		g.retire(u)
	}
	c.idle = nil
}

// crowd is a closed load: VUs that exist for a time and loop.
type crowd struct {
	all    *schedule.Users
	part   schedule.Lane
	rows   schedule.Rows
	users  []*user // of the lane, by number; those at and above level leave or are gone
	level  int64   // of the lane, now
	met    hyperscale.JobTime
	ready  []*user // to begin for the first time, each at its due time
	opened bool
	parked []*user // wait for a reserve
}

func (c *crowd) advance(g *laneLeg, now hyperscale.JobTime) (hyperscale.JobTime, bool) {
	if !c.opened {
		c.opened = true
		c.met = max(g.leg.Share.From, 0)
		c.climb(g, c.all.At(c.met), g.start+c.met)
	}
	next := never
	for {
		at, level, ok := c.all.Change(c.met)
		// The last change, to no VUs, is the end of the load: grace takes over.
		if !ok || at >= c.all.End() {
			break
		}
		if g.start+at > now {
			next = g.start + at
			break
		}
		c.met = at
		c.climb(g, level, g.start+at)
	}
	for range min(burst, len(c.ready)) {
		u := c.ready[0]
		c.ready = c.ready[1:]
		if u.state == resting {
			c.loop(g, u)
			now = g.lane.tick()
		}
	}
	if len(c.ready) > 0 {
		return now, false
	}
	return next, false
}

// climb makes the lane's VUs those of the level.
func (c *crowd) climb(g *laneLeg, level int64, at hyperscale.JobTime) {
	want := c.part.Count(level)
	for ; c.level > want; c.level-- {
		u := c.users[c.level-1]
		g.delivered(at)
		if u.quit {
			u.quit = false
			g.absent--
		}
		g.leave(u, at)
	}
	for ; c.level < want; c.level++ {
		if c.level == int64(len(c.users)) {
			u := g.newUser(int64(c.part.At(c.level)))
			u.pass = g.leg.From.Pass
			c.users = append(c.users, u)
		}
		u := c.users[c.level]
		g.enter(u, at)
		if u.state == resting {
			u.due = at
			c.ready = append(c.ready, u)
		}
	}
}

// loop begins u's next iteration.
func (c *crowd) loop(g *laneLeg, u *user) {
	if !g.allows(0, u.pass) {
		c.parked = g.park(c.parked, u)
		return
	}
	it := iteration{slot: hyperscale.Slot(u.number), pass: u.pass, row: c.rows.Number(hyperscale.Slot(u.number), u.pass), due: u.due}
	u.pass++
	g.rec.Due++
	if !g.begin(u, it) {
		g.rec.Due--
		g.goes(u)
	}
}

func (c *crowd) granted(g *laneLeg) {
	waiting := c.parked
	c.parked = nil
	g.unpark(waiting)
}

func (c *crowd) next(g *laneLeg, u *user) {
	if u.state == leaving {
		g.retire(u)
		return
	}
	u.state = resting
	g.again(u, max(g.lane.now, u.due+g.leg.Load.Pace))
}

func (c *crowd) stop(g *laneLeg, at hyperscale.JobTime, _ bool) {
	for _, u := range c.users {
		g.leave(u, at)
	}
	c.level, c.ready = 0, nil
}
