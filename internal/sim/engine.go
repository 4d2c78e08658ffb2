package sim

import (
	"encoding/json"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
	"hyperscale/internal/worker/agent"
)

// engine is a simulated engine: the schedule itself. It notes every start at the
// target, and cuts windows as a real one does.
type engine struct {
	k       *worker
	id      uint64
	hold    link.Hold
	brief   brief
	dead    bool
	stops   stillness
	zero    time.Duration // the worker's clock at job time 0
	run     *run          // nil: not started
	reserve reserve

	up, down time.Duration // when the last word of either way comes
}

// reserve is how far a load of virtual users may go.
type reserve struct {
	from, upTo, asked, ahead link.Reserve
}

// run is a load under way.
type run struct {
	load    driver
	rec     *stats.Record
	from    hyperscale.JobTime // of the window under way
	since   hyperscale.JobTime // it runs since then
	end     hyperscale.JobTime // of the load; never: its work ends it
	begin   hyperscale.JobTime
	stopped hyperscale.JobTime // when the load ended; never: it goes on
	flying  []*flight
	grace   hyperscale.JobTime // what is in flight is cut then; never
	cutAt   hyperscale.JobTime // the next cut
	until   hyperscale.JobTime // it ends by itself then; 0: never
	alone   bool               // it did
	changing
}

// flight is an iteration under way.
type flight struct {
	slot    hyperscale.Slot
	pass    int64
	due     hyperscale.JobTime
	started hyperscale.JobTime
	ends    hyperscale.JobTime
	failed  bool
	vu      int64
}

// driver begins the iterations of one kind of load.
type driver interface {
	// next begins what is due at now, and says when there is more to do.
	next(e *engine, now hyperscale.JobTime) hyperscale.JobTime
	// ended lets the virtual user of an iteration go on.
	ended(e *engine, f *flight)
	// stop books what was due before and not begun. over says whether all is done.
	stop(e *engine, at hyperscale.JobTime)
	over() bool
	// change goes on under a change.
	change(e *engine, c change)
}

const never = hyperscale.JobTime(1<<63 - 1)

func newEngine(k *worker, s agent.StartEngine) *engine {
	e := &engine{k: k, id: s.Engine, hold: s.Hold}
	if err := json.Unmarshal(s.Brief, &e.brief); err != nil {
		k.w.fail("%s gets a brief that it can't read: %v", k.id, err)
	}
	w := k.w
	e.after(w.between(2*time.Millisecond, 60*time.Millisecond), func() {
		if w.plan.faulty(w, refusal) {
			w.saw("refusal")
			e.dead = true
			e.told(agent.EngineRefused{Engine: e.id, Reason: "it has not enough descriptors"})
			return
		}
		e.told(agent.EnginePrepared{Engine: e.id})
	})
	return e
}

// after does something later, unless the engine is gone.
func (e *engine) after(d time.Duration, do func()) {
	e.at(e.k.until(e.k.mono()+d), do)
}

func (e *engine) at(t time.Duration, do func()) {
	w := e.k.w
	w.at(t, func() {
		switch {
		case e.dead:
		case e.stops.now(w):
			e.stops.wait(w, func() { e.at(w.now, do) })
		default:
			do()
		}
	})
}

// told tells the agent something.
func (e *engine) told(ev agent.Event) {
	k := e.k
	e.up = max(e.up, k.w.now+k.w.between(50*time.Microsecond, 500*time.Microsecond))
	k.at(e.up, func() {
		if k.engines[e.id] != e {
			return
		}
		switch ev.(type) {
		case agent.EngineRefused, agent.EngineEnded, agent.EngineDied:
			delete(k.engines, e.id)
		}
		k.step(ev)
	})
}

// die ends the engine without a word.
func (e *engine) die() { e.dead = true }

// kill ends it, and its agent hears so.
func (e *engine) kill(reason string) {
	if e.dead {
		return
	}
	e.dead = true
	witness{e.k.w}.doubt(e.k, e)
	e.told(agent.EngineDied{Engine: e.id, Reason: reason})
}

// now is job time.
func (e *engine) now() hyperscale.JobTime { return e.k.mono() - e.zero }

// when is the world's time at a job time.
func (e *engine) when(at hyperscale.JobTime) time.Duration { return e.k.until(e.zero + at) }

// tell is a command of the agent.
func (e *engine) tell(c agent.Command) {
	e.down = max(e.down, e.k.w.now+e.k.w.between(20*time.Microsecond, 200*time.Microsecond))
	e.at(e.down, func() { e.obey(c) })
}

func (e *engine) obey(c agent.Command) {
	switch c.Do {
	case agent.Start:
		e.start(c)
	case agent.Stop:
		e.stop(c.Within)
	case agent.Cut:
		e.stop(0)
	case agent.Adjust:
		a, err := spec.DecodeAdjustments(c.Brief)
		if err != nil {
			e.k.w.fail("%s can't read adjustments: %v", e.k.id, err)
			return
		}
		if len(a.List) > len(e.brief.Adjustments) {
			e.hear(a.List)
		}
	case agent.Beat:
		if e.run != nil {
			e.run.until = c.Until
			endAlone(e)
			e.beat()
		}
	case agent.Grant:
		e.reserve.upTo.Place = max(e.reserve.upTo.Place, c.Reserve.Place)
		e.reserve.upTo.Pass = max(e.reserve.upTo.Pass, c.Reserve.Pass)
		e.turn()
	}
}

// start begins the load.
func (e *engine) start(c agent.Command) {
	if e.run != nil {
		return
	}
	p := &e.brief
	e.zero = e.k.mono() + c.In - c.At
	since := p.Share.From
	r := &e.reserve
	r.from = p.From
	r.ahead.Place, r.ahead.Pass = schedule.Ahead(p.Load, p.Share)
	if c.Again {
		since = max(since, c.From)
		r.from = c.Reserve
		r.upTo = r.from
	} else {
		r.upTo = link.Reserve{Place: r.from.Place + r.ahead.Place, Pass: r.from.Pass + r.ahead.Pass}
	}
	r.asked = r.upTo
	run := &run{until: c.Until, since: max(since, c.Begin), begin: c.Begin, end: never, stopped: never, grace: never}
	run.from = run.since
	run.rec = stats.NewRecord(layoutOf(p.Workflow))
	e.run = run
	run.changing.begin(schedule.Changes(p.Adjustments, e.hold.Workflow, run.begin), run.begin, run.since)
	witness{e.k.w}.used(e)
	run.load = e.driver(since)
	endAlone(e)
	wait := max(run.since-e.now(), 0)
	e.after(wait, func() {
		e.turn()
		e.cutLater()
	})
}

func layoutOf(workflow string) *stats.Layout {
	return &stats.Layout{Workflow: workflow, Steps: []stats.StepLayout{{Name: "GET /"}}, FaultName: func(uint32) string { return "status 500" }}
}

// beat says how far the load will go.
func (e *engine) beat() {
	r := &e.reserve
	reach := e.reach()
	if r.ahead.Place > 0 && r.asked.Place-reach.Place < r.ahead.Place {
		r.asked.Place = reach.Place + 2*r.ahead.Place
	}
	if r.ahead.Pass > 0 && r.asked.Pass-reach.Pass < r.ahead.Pass {
		r.asked.Pass = reach.Pass + 2*r.ahead.Pass
	}
	e.told(agent.EngineBeat{Engine: e.id, Reserve: r.asked})
}

func (e *engine) reach() link.Reserve {
	if d, ok := e.run.load.(interface{ reach() link.Reserve }); ok {
		return d.reach()
	}
	return link.Reserve{}
}

// turn begins what is due and comes again when there is more.
func (e *engine) turn() {
	r := e.run
	if r == nil || e.dead || r.stopped != never || leaseOver(e) {
		return
	}
	now := e.now()
	if now < r.since {
		e.at(e.when(r.since), e.turn)
		return
	}
	for at := e.boundary(r.from); at <= min(now, r.end); at = e.boundary(r.from) {
		e.change(at) // it was halted: first what is over is cut
		if at > r.from {
			e.window(at, false)
			e.cutLater()
		}
	}
	e.change(now)
	if now >= r.end {
		e.loadOver(r.end)
		return
	}
	next := min(r.load.next(e, now), r.end)
	if r.load.over() {
		e.loadOver(now)
		return
	}
	if len(r.pending) > 0 {
		next = min(next, r.pending[0].at)
	}
	if next != never {
		e.at(e.when(next), e.turn)
	}
}

// loadOver: nothing more is begun.
func (e *engine) loadOver(at hyperscale.JobTime) {
	r := e.run
	if r.stopped != never {
		return
	}
	if r.end != never && at >= r.end {
		at = r.end
	}
	r.load.stop(e, at)
	r.stopped = at
	if r.end != never {
		e.cutUpTo(at)
	}
	e.settle()
}

// stop ends the load; what is in flight may go on for a while.
func (e *engine) stop(within time.Duration) {
	r := e.run
	if r == nil {
		e.dead = true
		e.told(agent.EngineEnded{Engine: e.id})
		return
	}
	now := e.now()
	r.grace = min(r.grace, now+within)
	if r.stopped == never {
		r.load.stop(e, now)
		r.stopped = now
		if now > r.from {
			e.cutUpTo(now)
		}
	}
	e.after(within, func() {
		if e.now() >= r.grace {
			for range r.flying {
				r.rec.Interrupted++
				r.rec.Steps[0].Cancelled++
			}
			r.flying = nil
			e.settle()
		}
	})
	e.settle()
}

// settle ends the engine once all is over.
func (e *engine) settle() {
	r := e.run
	if e.dead || r.stopped == never || len(r.flying) > 0 {
		return
	}
	e.window(max(e.now(), r.from), true)
	e.dead = true
	ending := link.Ending{Stopped: r.stopped}
	if o, ok := r.load.(*once); ok {
		ending.Failed, ending.Reason, ending.Interrupted = o.failed, o.reason, !o.done
		if o.done && !o.failed {
			t := e.k.w.jobs[e.hold.Job]
			t.tokens[e.hold.Workflow] = append(t.tokens[e.hold.Workflow], tokenOf(e))
			ending.Exports = []hyperscale.Pair{{Name: "token", Value: tokenOf(e)}}
		}
	}
	e.told(agent.EngineEnded{Engine: e.id, Ending: ending, Alone: r.alone})
}

// begin begins an iteration, which the target notes.
func (e *engine) begin(slot hyperscale.Slot, pass, vu int64, due, now hyperscale.JobTime) {
	r := e.run
	r.rec.Due++
	r.rec.Slots.Started++
	r.rec.Lateness.Record(now - due)
	r.rec.Steps[0].Requests.Started++
	takes, failed := witness{e.k.w}.serviceOf(e.hold.Job, e.hold.Workflow, slot, pass)
	f := &flight{slot: slot, pass: pass, due: due, started: now, ends: now + takes, failed: failed, vu: vu}
	r.flying = append(r.flying, f)
	e.k.w.jobs[e.hold.Job].started(e, f)
	e.at(e.when(f.ends), func() { e.complete(f) })
}

// complete: the answer has come.
func (e *engine) complete(f *flight) {
	r := e.run
	at := -1
	for i, o := range r.flying {
		if o == f {
			at = i
		}
	}
	if at < 0 {
		return
	}
	r.flying = append(r.flying[:at], r.flying[at+1:]...)
	s := &r.rec.Steps[0]
	now := e.now()
	if f.failed {
		r.rec.Slots.Failed++
		s.Requests.Failed++
		s.Fault(1, "")
		s.Status(500)
	} else {
		r.rec.Completed++
		s.OK++
		s.Status(200)
	}
	s.Answered(!f.failed, max(now-f.due, 0), now-f.started)
	if r.stopped == never {
		r.load.ended(e, f)
		e.turn()
	}
	e.settle()
}

// cutLater cuts the next window at the next boundary.
func (e *engine) cutLater() {
	r := e.run
	at := e.boundary(r.from)
	r.cutAt = at
	e.at(e.when(at), func() {
		if r.cutAt != at {
			return
		}
		e.window(at, false)
		e.cutLater()
	})
}

// boundary is where the window that begins at t ends.
func (e *engine) boundary(t hyperscale.JobTime) hyperscale.JobTime {
	r := e.run
	next := t.Truncate(time.Second) + time.Second
	if warm := r.begin + e.brief.Warmup; t < warm {
		next = min(next, warm)
	}
	return next
}

// cutUpTo cuts a window that ends where the load does, though the clock may be
// further.
func (e *engine) cutUpTo(at hyperscale.JobTime) {
	r := e.run
	if at > r.from {
		e.window(at, false)
		e.cutLater()
	}
}

// window cuts a window.
func (e *engine) window(to hyperscale.JobTime, final bool) {
	r := e.run
	iv := stats.Interval{From: r.from, To: to}
	switch {
	case r.from < r.begin+e.brief.Warmup:
		iv.Stretch = stats.InWarmup
	case r.stopped != never && r.from >= r.stopped:
		iv.Stretch = stats.InGrace
	}
	if e.brief.Load.Kind == hyperscale.LoadClosed {
		u := schedule.NewUsers(e.brief.Load, r.made...)
		s := e.brief.Share
		s.From = 0
		until := min(to, r.stopped)
		r.rec.VUTime += max(u.Planned(s, until-r.begin)-u.Planned(s, min(r.from, until)-r.begin), 0)
	}
	watch := stats.Readings{Node: string(e.k.id), Watched: to - r.from, Lanes: e.brief.Cores}
	w := stats.Cut(stats.WindowID{}, iv, []*stats.Record{r.rec}, watch)
	w.Final, w.Adjustment = final, r.number()
	r.rec.Reset()
	r.from = to
	e.told(agent.EngineWindow{Engine: e.id, Window: w})
}
