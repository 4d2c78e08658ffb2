package agent

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// An engine whose share has had so many engines die within the time given is not
// started again.
const (
	deaths       = 5
	deathsWithin = 10 * time.Second
)

// engine is one engine process, from the order to start it until it is gone.
// Whoever has one has its cores.
type engine struct {
	id                uint64
	hold              *hold // nil: it was let go, and is only waited for
	cores             int
	prepared, started bool
}

// outage is the time in which a running share has no engine that runs it, and
// what is remembered of those before.
type outage struct {
	is     bool
	died   hyperscale.JobTime // when the engine that ran it did
	deaths []time.Duration    // the last, by the agent's clock
}

// Gone is a running share whose engine died, and what its windows tell up to
// then.
type Gone struct {
	Hold    link.Hold
	Briefs  [][]byte           // as it was prepared, and as it was adjusted, in order
	Begin   hyperscale.JobTime // when its load began by the schedule
	Reach   hyperscale.JobTime // end of its last window; 0: there was none
	Due     uint64             // slots that its windows told of as due
	Reserve link.Reserve       // the last that it told: where another goes on
	Died    hyperscale.JobTime // nothing was started from then on
	Back    hyperscale.JobTime // nothing was due from then on, or another goes on; at least Died
}

// Lapse is what the schedule held from a share's last window until another
// engine goes on.
type Lapse struct {
	Losses []stats.Losses // one for each stretch of the load, in order
	Over   bool           // no other can go on: a load of one iteration
}

// startEngine takes the cores of a hold for a new engine.
func (a *Agent) startEngine(h *hold) {
	a.numbers.engine++
	id := a.numbers.engine
	h.engine = &engine{id: id, hold: h, cores: h.plan.cores}
	a.engines[id] = h.engine
	a.do(StartEngine{Engine: id, Hold: h.Hold, Brief: h.plan.text, Cores: h.plan.cores})
}

// letGo kills the engine of a hold, if it has one. Its cores come back when it is
// gone.
func (a *Agent) letGo(h *hold) {
	if h.engine == nil {
		return
	}
	a.do(KillEngine{Engine: h.engine.id})
	h.engine.hold = nil
	h.engine = nil
}

// engineTold takes in what an engine tells, unless it was let go.
func (a *Agent) engineTold(ev Event) {
	switch ev := ev.(type) {
	case EnginePrepared:
		if h := a.holder(ev.Engine); h != nil && !h.engine.prepared {
			a.prepared(h)
		}
	case EngineRefused:
		if h := a.lost(ev.Engine); h != nil {
			a.engineRefused(h, ev.Reason)
		}
	case EngineWindow:
		if h := a.holder(ev.Engine); h != nil && h.engine.started {
			a.window(h, ev.Window)
		}
	case EngineBeat:
		if h := a.holder(ev.Engine); h != nil && h.engine.started {
			h.reserve = ev.Reserve
		}
	case EngineAborted:
		if h := a.holder(ev.Engine); h != nil && h.aborted == "" {
			h.aborted = ev.Step
			a.changed()
		}
	case EngineEnded:
		a.ended(ev)
	case EngineDied:
		if h := a.lost(ev.Engine); h != nil {
			a.died(h, ev.Reason)
		}
	}
}

// holder is the hold that the engine runs; nil: it was let go.
func (a *Agent) holder(id uint64) *hold {
	if e := a.engines[id]; e != nil {
		return e.hold
	}
	return nil
}

// lost forgets an engine that is gone, which gives its cores back, and gives the
// hold that it ran.
func (a *Agent) lost(id uint64) *hold {
	e := a.engines[id]
	if e == nil {
		return nil
	}
	delete(a.engines, id)
	a.changed()
	if e.hold != nil {
		e.hold.engine = nil
	}
	return e.hold
}

// prepared starts what is to be started, else waits.
func (a *Agent) prepared(h *hold) {
	h.engine.prepared = true
	for _, o := range h.plan.adjusts {
		a.tellAdjust(h, o)
	}
	if h.state == link.Preparing && h.start.number == 0 {
		h.state = link.Prepared
	} else {
		a.run(h)
	}
	a.changed()
}

// run starts the engine of a hold, in place of another one if that died.
func (a *Agent) run(h *hold) {
	now := a.timers.now
	s := h.start
	c := Command{Do: Start, Number: s.number, Begin: s.begin, At: s.at, In: s.moment - now}
	if h.outage.is {
		c.Again, c.From, c.Reserve = true, h.jobTime(now), h.reserve
		a.book(h, a.lapse(h, c.From), c.From)
		h.outage.is = false
	}
	h.state, h.engine.started = link.Running, true
	a.do(ToEngine{Engine: h.engine.id, Command: c})
}

// engineRefused: an engine can't run the share.
func (a *Agent) engineRefused(h *hold, reason string) {
	if h.state == link.Running {
		a.fail(h, reason)
		return
	}
	a.refuse(h, reason)
}

// died starts another engine in place of one that died, in the same turn, unless
// the load was to end anyway or it is of no use.
func (a *Agent) died(h *hold, reason string) {
	now := a.timers.now
	o := &h.outage
	o.deaths = append(o.deaths, now)
	if len(o.deaths) > deaths {
		o.deaths = o.deaths[1:]
	}
	switch {
	case h.state == link.Preparing:
		a.refuse(h, "its engine died while it made ready: "+reason)
		return
	case h.state == link.Prepared:
		if a.crashing(h) {
			a.refuse(h, crashes(reason))
			return
		}
		h.state = link.Preparing
		a.startEngine(h)
		return
	}
	a.breakOff(h)
	switch {
	case h.stop != nil:
		a.close(h)
	case a.crashing(h):
		a.fail(h, crashes(reason))
	case o.is && a.lapse(h, o.died).Over:
		a.fail(h, "its engine died: "+reason)
	default:
		a.startEngine(h)
	}
}

// crashing reports whether engines of the share die one after the other.
func (a *Agent) crashing(h *hold) bool {
	d := h.outage.deaths
	return len(d) == deaths && a.timers.now-d[0] <= deathsWithin
}

func crashes(reason string) string { return "its engines die one after the other, the last: " + reason }

// breakOff begins an outage: what the engine told is kept, as what it did.
func (a *Agent) breakOff(h *hold) {
	at := h.jobTime(a.timers.now)
	if h.outage.is || at <= h.start.begin {
		return // nothing was due yet, or another did not come so far
	}
	h.outage.is, h.outage.died = true, at
	if w := h.turn.last; w != nil {
		h.turn.last = nil
		a.put(h, w, false, nil)
	}
}

// lapse asks the schedule what was due in an outage that ends at back.
func (a *Agent) lapse(h *hold, back hyperscale.JobTime) Lapse {
	died := h.outage.died
	if h.stop != nil { // nothing is due after it
		died, back = min(died, h.stop.at), h.stop.at
	}
	g := Gone{
		Hold: h.Hold, Briefs: [][]byte{h.plan.text}, Begin: h.start.begin,
		Reach: h.turn.reach, Due: h.turn.due, Reserve: h.reserve, Died: died, Back: max(back, died),
	}
	for _, o := range h.plan.adjusts {
		g.Briefs = append(g.Briefs, o.Brief)
	}
	return a.cfg.Lapse(g)
}

// book closes the interval from the last window up to back: what was in flight
// is lost, and so is what the engine may have started; the rest was missed.
func (a *Agent) book(h *hold, l Lapse, back hyperscale.JobTime) {
	for _, w := range h.turn.lost(l, h.start.begin, back, false) {
		a.keep(h, w, nil)
	}
}

// fail ends a hold that no engine can go on with. What is known of it is kept.
func (a *Agent) fail(h *hold, reason string) {
	if h.outage.is {
		now := h.jobTime(a.timers.now)
		a.book(h, a.lapse(h, now), now)
		h.outage.is = false
	}
	h.state, h.reason = link.Broken, reason
	a.changed()
}

// close ends a load that was to end and has no engine any more.
func (a *Agent) close(h *hold) {
	now := h.jobTime(a.timers.now)
	if !h.outage.is {
		h.outage.died = now
	}
	h.outage.is = false
	l := a.lapse(h, now)
	windows := h.turn.lost(l, h.start.begin, now, !h.alone)
	ending := &link.Ending{
		Failed: l.Over, Interrupted: l.Over, Reason: "its engine died while it was to end", Stopped: h.stop.at,
	}
	for i, w := range windows {
		if i < len(windows)-1 || h.alone {
			a.keep(h, w, nil)
		} else {
			a.keep(h, w, ending)
		}
	}
	a.finish(h)
}

// ended: the load is over. The last window goes up with how it ended.
func (a *Agent) ended(ev EngineEnded) {
	if e := a.engines[ev.Engine]; e != nil && e.hold != nil && !e.started {
		a.do(KillEngine{Engine: e.id}) // it was never told to begin
		return
	}
	h := a.lost(ev.Engine)
	if h == nil {
		return
	}
	w := h.turn.last
	if w == nil {
		w = &stats.Window{Interval: stats.Interval{From: h.turn.reach, To: max(h.turn.reach, ev.Ending.Stopped), Stretch: stats.InGrace}}
	}
	h.turn.last = nil
	ending := &ev.Ending
	if h.alone {
		ending = nil
	}
	a.put(h, w, !h.alone, ending)
	a.finish(h)
}

// finish: everything is told of a load that ended, or that stopped for want of
// an owner.
func (a *Agent) finish(h *hold) {
	h.state = link.Ended
	if h.alone {
		h.state, h.reason = link.Stopped, "no owner was heard for "+hyperscale.FormatDuration(a.cfg.Autonomy)
	}
	a.changed()
}

// window keeps what an engine did. The last waits for how the load ended.
func (a *Agent) window(h *hold, w *stats.Window) {
	if before := h.turn.last; before != nil {
		a.put(h, before, false, nil)
	}
	h.turn.last = nil
	if w.Final {
		h.turn.last = w
		return
	}
	a.put(h, w, false, nil)
}

// put numbers a window of the turn and keeps it.
func (a *Agent) put(h *hold, w *stats.Window, last bool, ending *link.Ending) {
	own := *w
	own.Final, own.Totals = false, stats.Ledger{}
	h.turn.take(&own, last)
	a.keep(h, &own, ending)
}
