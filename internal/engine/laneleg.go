package engine

import (
	"math"

	"hyperscale"
	"hyperscale/internal/engine/wheel"
	"hyperscale/internal/schedule"
	"hyperscale/internal/session"
	"hyperscale/internal/stats"
)

// unconnectedWait is how long a VU whose connection could not be made waits
// before its next iteration, so that a dead target is not asked in a tight loop.
const unconnectedWait = 100 * hyperscale.JobTime(1e6)

// laneLeg is one lane's part of a leg.
type laneLeg struct {
	leg    *Leg
	lane   *lane
	course course
	state  legState
	span
	adjusting
	rec    *stats.Record
	active int64 // iterations under way
	presence
	from   hyperscale.JobTime // of the window under way
	users  []*user
	warm   bool // the warm-up is not over
	shared *legShared
}

// span is when a load begins and ends.
type span struct {
	start  hyperscale.JobTime // of the schedule
	opens  hyperscale.JobTime // when the share begins within it
	end    hyperscale.JobTime // of the load; never: when its work is done
	cutoff hyperscale.JobTime // when what is still under way is cut
}

// presence is how many VUs there are, for reckoning VU-time.
type presence struct {
	present int64              // VUs that exist by the schedule: their time is delivered …
	parked  int64              // … but that of those that wait for a reserve
	absent  int64              // VUs that would, had they not ended as the plan wished: stop-vu, no row left
	waived  hyperscale.JobTime // VU-time of the absent
	since   hyperscale.JobTime // reckoned so far
}

type legState uint8

const (
	waiting legState = iota
	loading
	finishing
	over // told the engine; waits to be closed
)

func newLaneLeg(l *lane, shared *legShared) *laneLeg {
	leg := shared.leg
	into := max(leg.Share.From, 0)
	g := &laneLeg{leg: leg, lane: l, shared: shared, rec: shared.record()}
	g.start, g.opens, g.cutoff = leg.At, leg.At+into, never
	var before []schedule.Change
	if before, g.pending = made(leg); len(before) > 0 {
		g.number = before[len(before)-1].Number
	}
	g.course, g.end = newCourse(leg, before, l.index, len(l.engine.lanes))
	g.from, g.since = g.opens, g.opens
	g.warm = leg.Warmup > into
	return g
}

// advance does what is due and tells when there is more.
func (g *laneLeg) advance(now hyperscale.JobTime) hyperscale.JobTime {
	if g.state == waiting {
		if now < g.opens {
			return g.opens
		}
		g.state = loading
	}
	next := never
	if g.warm {
		if at := g.start + g.leg.Warmup; now >= at {
			g.cut(at)
			g.warm = false
		} else {
			next = at
		}
	}
	next = min(next, g.adjust(now))
	if g.state == loading {
		next = min(next, g.load(now))
	}
	if g.state == finishing {
		next = min(next, g.finish(now))
	}
	return next
}

// load begins what is due until the load's end.
func (g *laneLeg) load(now hyperscale.JobTime) hyperscale.JobTime {
	next, done := g.course.advance(g, now)
	now = g.lane.now
	behind := next <= now && now < g.end+backlog
	if done || now >= g.end && !behind {
		g.stop(min(now, g.end), false)
		return now
	}
	if next == never || next > now {
		next = min(next, g.end)
	}
	return next
}

// halt ends the load because somebody asked for it, and what is under way within
// the time given. Slots that were due before are begun first, so that being
// asked between two looks at the schedule loses none; and first the window is cut
// whose end has passed.
func (g *laneLeg) halt(within hyperscale.JobTime) {
	g.lane.tick()
	g.lane.cutWindows()
	g.advance(g.lane.now)
	g.stop(g.lane.now, true)
	g.cutoff = min(g.cutoff, satAdd(g.lane.now, within))
}

// stop ends the load: nothing more begins. Asked says that it was not the
// load's own end.
func (g *laneLeg) stop(at hyperscale.JobTime, asked bool) {
	if g.state > loading {
		return
	}
	if g.state == waiting {
		at = g.opens // nothing was due yet
	}
	g.state = loading
	g.delivered(at)
	g.since = never // what VUs do from now on is no longer delivered load
	g.course.stop(g, at, asked)
	g.cut(max(at, g.from))
	g.state = finishing
	g.shared.stoppedAt(at, g.waived)
	g.cutoff = satAdd(g.lane.now, g.leg.Graceful)
}

// finish waits for the iterations under way, and cuts them at the cutoff.
func (g *laneLeg) finish(now hyperscale.JobTime) hyperscale.JobTime {
	if g.active > 0 && now >= g.cutoff {
		for _, u := range g.users {
			if u.state == running || u.state == leaving {
				g.lane.step(u, session.Event{Kind: session.Interrupt})
			}
		}
	}
	if g.active > 0 {
		return g.cutoff
	}
	g.state = over
	g.lane.engine.laneOver(g.shared)
	return never
}

// delivered books the VU-time up to now.
func (g *laneLeg) delivered(now hyperscale.JobTime) {
	if now > g.since {
		g.rec.VUTime += hyperscale.JobTime(g.present-g.parked) * (now - g.since)
		g.waived += hyperscale.JobTime(g.absent) * (now - g.since)
		g.since = now
	}
}

// cut ends the window under way at the given time.
func (g *laneLeg) cut(at hyperscale.JobTime) {
	g.delivered(at)
	part := cutPart{shared: g.shared, lane: g.lane.index, rec: g.rec, number: g.number, Interval: stats.Interval{From: g.from, To: at, Stretch: g.stretch()}}
	g.rec = g.shared.record()
	g.from = at
	g.lane.engine.collect(part)
}

// edge is where the window under way ends, by what is known: a slot that is due there
// or later is told of by another, however late the lane looks. Whoever takes the share
// over from a window's end on begins it, too.
func (g *laneLeg) edge() hyperscale.JobTime {
	edge := g.lane.nextCut
	if g.warm {
		edge = min(edge, g.start+g.leg.Warmup)
	}
	if len(g.pending) > 0 {
		edge = min(edge, g.pending[0].at)
	}
	return edge
}

func (g *laneLeg) stretch() stats.Stretch {
	switch {
	case g.state >= finishing:
		return stats.InGrace
	case g.warm:
		return stats.InWarmup
	}
	return stats.InLoad
}

// newUser makes a virtual user that rests.
func (g *laneLeg) newUser(number int64) *user {
	u := &user{leg: g, number: number}
	g.leg.Program.Init(&u.session)
	u.session.Scratch = &g.lane.scratch
	g.users = append(g.users, u)
	return u
}

// enter makes u exist from the time that the schedule says: how late it begins
// its first iteration is lateness. One that was leaving stays.
func (g *laneLeg) enter(u *user, at hyperscale.JobTime) {
	g.delivered(at)
	g.present++
	switch u.state {
	case gone:
		u.state = resting
	case leaving:
		u.state = running
	}
}

// leave makes u go at the time given, after its iteration if one is under way.
func (g *laneLeg) leave(u *user, at hyperscale.JobTime) {
	if u.state != running && u.state != resting {
		return
	}
	g.delivered(at)
	g.present--
	if u.state == running {
		u.state = leaving
	} else {
		g.retire(u)
	}
}

// goes ends u, which found no data row for its next iteration.
func (g *laneLeg) goes(u *user) {
	if u.state == running {
		u.state = resting
		g.quit(u)
		return
	}
	g.retire(u)
}

// quit makes u go before its time, as the plan wished.
func (g *laneLeg) quit(u *user) {
	if u.state == running || u.state == resting {
		g.leave(u, g.lane.now)
		g.absent++
		u.quit = true
	}
}

// retire ends u, which has no iteration under way.
func (g *laneLeg) retire(u *user) {
	g.lane.dropAlarms(u)
	g.lane.release(u, hyperscale.ConnPerVU)
	if u.parked {
		g.parked--
	}
	u.state, u.parked = gone, false
}

// iteration is what a course begins.
type iteration struct {
	slot hyperscale.Slot
	pass int64
	row  int64
	due  hyperscale.JobTime
}

// allows reports whether an iteration of a load of virtual users may begin.
func (g *laneLeg) allows(slot hyperscale.Slot, pass int64) bool {
	return !g.shared.lease.over(g.lane.now) && g.shared.bound.allows(g.lane, slot, pass)
}

// begin begins an iteration of u. It reports false when u has no data row for
// it: then it never was.
func (g *laneLeg) begin(u *user, it iteration) bool {
	l := g.lane
	u.state, u.due, u.unconnected, u.began = running, it.due, false, true
	defer func() { u.began = false }()
	l.iteration = session.Iteration{Slot: it.slot, Pass: it.pass, VU: u.number, Row: it.row, Due: it.due}
	effects := l.ask(u, session.Event{Kind: session.Begin, Iteration: &l.iteration})
	if e := &effects[0]; e.Kind == session.Done && e.Fault.Code() == session.NoRow {
		g.shared.noRow.Add(1)
		return false
	}
	g.rec.Started++
	g.rec.Lateness.Record(l.now - it.due)
	g.active++
	l.perform(u, effects)
	return true
}

// again makes u, which rests, begin its next iteration at due.
func (g *laneLeg) again(u *user, due hyperscale.JobTime) {
	now := g.lane.now
	if u.unconnected {
		due = max(due, now+unconnectedWait)
	}
	u.due = due
	if u.began {
		// It ended without waiting for anything: others first.
		due = max(due, now+wheel.Tick)
	}
	if due > now {
		g.lane.await(u, beginID, due)
		return
	}
	g.course.loop(g, u)
}

// ended books the end of u's iteration.
func (g *laneLeg) ended(u *user, e session.Effect) {
	g.active--
	switch e.Outcome {
	case session.OK:
		g.rec.Completed++
	case session.Interrupted:
		g.rec.Interrupted++
	default:
		g.rec.Failed++
	}
	if g.leg.Load.Kind == hyperscale.LoadOnce {
		g.shared.finishOnce(u, e.Outcome)
	}
	if e.Stop == session.StopVU && g.leg.Load.Kind != hyperscale.LoadOpen {
		g.quit(u)
	}
	if g.shared.perIteration {
		g.lane.release(u, hyperscale.ConnPerIteration)
	}
	g.course.next(g, u)
}

// stopJob asks for the end of the job: on-error: abort fired.
func (g *laneLeg) stopJob(step int32) {
	g.lane.engine.report(Report{Leg: g.leg.ID, Kind: StopAsked, At: g.lane.now, Step: g.leg.Layout.Steps[step].Name})
}

// satAdd adds without overflowing.
func satAdd(a, b hyperscale.JobTime) hyperscale.JobTime {
	if b > math.MaxInt64-a {
		return never
	}
	return a + b
}
