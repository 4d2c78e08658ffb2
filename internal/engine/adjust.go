package engine

import (
	"hyperscale"
	"hyperscale/internal/schedule"
)

// change is a change of a leg's load, as its lanes take it: at one time, which
// is the change's own or, for one that was heard late, the end of the window
// then under way.
type change struct {
	at     hyperscale.JobTime // of the engine's clock
	number uint64
	all    []schedule.Change // that are in force from then on
	open   *schedule.Arrivals
	closed *schedule.Users
}

// newChange computes the schedule under changes, the last of which is new.
func newChange(l *Leg, all []schedule.Change, at hyperscale.JobTime) change {
	c := change{at: at, number: all[len(all)-1].Number, all: all}
	switch l.Load.Kind {
	case hyperscale.LoadOpen:
		c.open = schedule.NewArrivals(l.Load, l.Source, all...).Numbered(l.First)
	case hyperscale.LoadClosed:
		c.closed = schedule.NewUsers(l.Load, all...)
	}
	return c
}

// heed is how long before its time a change must be heard by the engine to be
// made on time by all lanes.
const heed = 20 * hyperscale.JobTime(1e6)

// Adjust changes a leg's load. Changes are all that were made so far, in order;
// those that the leg knows by their numbers stay as they are. One that is heard
// late is made at the end of the window under way. No slot is begun twice for it:
// arrivals go on with the number after the last that was begun.
func (e *Engine) Adjust(leg int, changes []schedule.Change) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.legs[leg]
	if s == nil {
		return errUnknown
	}
	soon, window := e.clock()+heed, e.cfg.Window
	for i := range changes {
		if changes[i].Number <= s.adjusted {
			continue
		}
		s.adjusted = changes[i].Number
		at := s.leg.At + changes[i].At
		if at < soon {
			at = (soon/window + 1) * window
		}
		c := newChange(s.leg, changes[:i+1:i+1], at)
		e.post(s, func(g *laneLeg) { g.pending = append(g.pending, c) })
	}
	return nil
}

// adjusting is what a lane's part of a leg knows of the changes of its load.
type adjusting struct {
	number  uint64   // of the last one made
	pending []change // to be made, in the order of their times
}

// adjust makes the changes whose time has come, and tells when the next one is
// to be made.
func (g *laneLeg) adjust(now hyperscale.JobTime) hyperscale.JobTime {
	for len(g.pending) > 0 {
		c := g.pending[0]
		if now < c.at {
			return c.at
		}
		g.pending = g.pending[1:]
		if c.at > g.from {
			g.cut(c.at) // a window lies under one adjustment
		}
		g.number = c.number
		if g.state == loading {
			g.end = satAdd(g.start, g.course.adjust(g, &c))
		}
	}
	return never
}

// made splits the changes that a leg begins with: those made before its share
// begins, and those to come.
func made(l *Leg) (before []schedule.Change, pending []change) {
	into := max(l.Share.From, 0)
	for i := range l.Changes {
		if all := l.Changes[: i+1 : i+1]; l.Changes[i].At <= into {
			before = all
		} else {
			pending = append(pending, newChange(l, all, l.At+l.Changes[i].At))
		}
	}
	return before, pending
}

func (c *arrivals) adjust(g *laneLeg, to *change) hyperscale.JobTime {
	c.all = to.open
	c.cursor = c.all.CursorAt(g.leg.Share, g.lane.index, len(g.lane.engine.lanes), c.met)
	return c.all.End()
}

func (c *crowd) adjust(g *laneLeg, to *change) hyperscale.JobTime {
	c.all = to.closed
	if into := to.at - g.start; c.opened && into < c.all.End() {
		c.met = into
		c.climb(g, c.all.At(into), to.at)
	}
	return c.all.End()
}

func (c *work) adjust(g *laneLeg, to *change) hyperscale.JobTime {
	c.paused = schedule.PausedAt(to.all, to.at-g.start)
	if !c.paused {
		for _, u := range c.parked {
			u.due = max(u.due, to.at) // the pause is no lateness
		}
		c.granted(g)
	}
	return schedule.Cap(g.leg.Load.For, to.all)
}
