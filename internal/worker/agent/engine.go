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
	Brief   []byte             // as it was prepared
	Begin   hyperscale.JobTime // when its load began by the schedule
	Reach   hyperscale.JobTime // end of its last window; 0: there was none
	Due     uint64             // slots that its windows told of as due
	Reserve link.Reserve       // the last that it was granted
	Died    hyperscale.JobTime // nothing was started from then on
	Back    hyperscale.JobTime // nothing was due from then on, or another goes on; at least Died

	Adjusted   [][]byte // the briefs of adjustments, in order
	Adjustment uint64   // the last that it is known to have heard of
}

// Lapse is what the schedule held from a share's last window until another
// engine goes on.
type Lapse struct {
	Losses []stats.Losses // one for each stretch of the load, in order
	Next   link.Reserve   // where another goes on
	Over   bool           // no other can go on: a load of one iteration
}

// engineTold takes in what an engine tells, unless it was let go.
func (a *Agent) engineTold(ev Event) {
	switch ev := ev.(type) {
	case EnginePrepared:
		if h := a.m.holder(ev.Engine); h != nil && !h.engine.prepared {
			h.told.lowered = ev.Lowered
			h.prepared()
		}
	case EngineRefused:
		if h := a.m.lost(ev.Engine); h != nil {
			h.engineRefused(ev.Reason)
		}
	case EngineWindow:
		if h := a.m.holder(ev.Engine); h != nil && h.engine.started {
			h.window(ev.Window)
		}
	case EngineBeat:
		if h := a.m.holder(ev.Engine); h != nil && h.engine.started {
			a.m.news = a.m.news || h.job.Lease > 0 && h.told.reserve != ev.Reserve // it may wait for the receipt
			h.told.reserve = ev.Reserve
			if h.told.reserve != h.told.granted {
				a.parents.Hear(a.m.now) // it waits for the grant
			}
		}
	case EngineAborted:
		if h := a.m.holder(ev.Engine); h != nil && h.told.aborted == "" {
			h.told.aborted = ev.Step
			a.m.news = true
		}
	case EngineEnded:
		a.ended(ev)
	case EngineDied:
		if h := a.m.lost(ev.Engine); h != nil {
			h.died(ev.Reason)
		}
	}
}

// prepared starts what is to be started, else waits.
func (h *hold) prepared() {
	h.engine.prepared = true
	for _, o := range h.plan.adjusts {
		h.tellAdjust(o)
	}
	if h.state == link.Preparing && h.start.number == 0 {
		h.state = link.Prepared
	} else {
		h.run()
	}
	h.m.news = true
}

// run starts the engine of a hold, in place of another one if that died.
func (h *hold) run() {
	now := h.m.now
	s := h.start
	c := Command{Do: Start, Number: s.number, Begin: s.begin, At: s.at, In: s.moment - now, Until: leaseEnds(h)}
	if h.outage.is {
		c.Again, c.From = true, h.jobTime(now)
		l := h.lapse(c.From)
		c.Reserve = l.Next
		h.book(l, c.From)
		h.outage.is = false
	}
	h.state, h.engine.started = link.Running, true
	h.told.adjusted = h.plan.known()
	h.m.tell(h, c)
}

// engineRefused: an engine can't run the share, for what it is or for what this worker
// has and allows, and neither changes.
func (h *hold) engineRefused(reason string) {
	if h.state == link.Running {
		h.fail(reason)
		return
	}
	h.refuse(reason)
	h.forGood = true
}

// died starts another engine in place of one that died, in the same turn, unless
// the load was to end anyway or it is of no use.
func (h *hold) died(reason string) {
	now := h.m.now
	o := &h.outage
	o.deaths = append(o.deaths, now)
	if len(o.deaths) > deaths {
		o.deaths = o.deaths[1:]
	}
	switch {
	case h.state == link.Preparing:
		h.refuse("its engine died while it made ready: " + reason)
		return
	case h.state == link.Prepared:
		if o.crashing(now) {
			h.refuse(crashes(reason))
			return
		}
		h.state = link.Preparing
		h.m.startEngine(h)
		return
	}
	h.breakOff()
	switch {
	case h.stop != nil:
		h.close()
	case o.crashing(now):
		h.fail(crashes(reason))
	case o.is && h.lapse(o.died).Over:
		h.fail("its engine died: " + reason)
	default:
		h.m.startEngine(h)
	}
}

// crashing reports whether engines of the share die one after the other.
func (o *outage) crashing(now time.Duration) bool {
	return len(o.deaths) == deaths && now-o.deaths[0] <= deathsWithin
}

func crashes(reason string) string { return "its engines die one after the other, the last: " + reason }

// breakOff begins an outage: what the engine told is kept, as what it did.
func (h *hold) breakOff() {
	at := h.jobTime(h.m.now)
	if h.outage.is || at <= h.start.begin {
		return // nothing was due yet, or another did not come so far
	}
	h.outage.is, h.outage.died = true, at
	if w := h.turn.last; w != nil {
		h.turn.last = nil
		h.put(w, false, nil)
	}
}

// lapse asks the schedule what was due in an outage that ends at back.
func (h *hold) lapse(back hyperscale.JobTime) Lapse {
	died := h.outage.died
	if h.stop != nil { // nothing is due after it
		died, back = min(died, h.stop.at), h.stop.at
	}
	g := Gone{
		Hold: h.Hold, Brief: h.plan.text, Begin: h.start.begin,
		Reach: h.turn.reach, Due: h.turn.due, Reserve: h.told.granted, Died: died, Back: max(back, died),
		Adjustment: max(h.turn.adjustment, h.told.adjusted),
	}
	for _, o := range h.plan.adjusts {
		g.Adjusted = append(g.Adjusted, o.Brief)
	}
	return h.m.cfg.Lapse(g)
}

// book closes the interval from the last window up to back: what was in flight
// is lost, and so is what the engine may have started; the rest was missed.
func (h *hold) book(l Lapse, back hyperscale.JobTime) {
	for _, w := range h.turn.lost(l, h.start.begin, back, false) {
		h.keep(w, nil)
	}
}

// fail ends a hold that no engine can go on with. What is known of it is kept.
func (h *hold) fail(reason string) {
	if h.outage.is {
		now := h.jobTime(h.m.now)
		h.book(h.lapse(now), now)
		h.outage.is = false
	}
	h.state, h.reason = link.Broken, reason
	h.m.news = true
}

// close ends a load that was to end and has no engine any more.
func (h *hold) close() {
	now := h.jobTime(h.m.now)
	if !h.outage.is {
		h.outage.died = now
	}
	h.outage.is = false
	l := h.lapse(now)
	windows := h.turn.lost(l, h.start.begin, now, !h.alone)
	ending := &link.Ending{
		Failed: l.Over, Interrupted: l.Over, Reason: "its engine died while it was to end", Stopped: h.stop.at,
		Cancelled: h.cancelled,
	}
	for i, w := range windows {
		if i < len(windows)-1 || h.alone {
			h.keep(w, nil)
		} else {
			h.keep(w, ending)
		}
	}
	h.finish()
}

// ended: the load is over. The last window goes up with how it ended.
func (a *Agent) ended(ev EngineEnded) {
	if e := a.m.engines[ev.Engine]; e != nil && e.hold != nil && !e.started {
		a.m.do(KillEngine{Engine: e.id}) // it was never told to begin
		return
	}
	h := a.m.lost(ev.Engine)
	if h == nil {
		return
	}
	h.alone = h.alone || ev.Alone && h.stop == nil
	w := h.turn.last
	if w == nil {
		w = &stats.Window{Interval: stats.Interval{From: h.turn.reach, To: max(h.turn.reach, ev.Ending.Stopped), Stretch: stats.InGrace}}
	}
	h.turn.last = nil
	ending := &ev.Ending
	ending.Cancelled = h.cancelled
	if h.alone {
		ending = nil
	}
	h.put(w, !h.alone, ending)
	h.finish()
}

// finish: everything is told of a load that ended, or that stopped for want of
// an owner.
func (h *hold) finish() {
	h.state = link.Ended
	if h.alone {
		h.state, h.reason = link.Stopped, "no owner was heard for "+hyperscale.FormatDuration(h.autonomy())
	}
	h.m.news = true
}

// window keeps what an engine did. The last waits for how the load ended.
func (h *hold) window(w *stats.Window) {
	if before := h.turn.last; before != nil {
		h.put(before, false, nil)
	}
	h.turn.last = nil
	if w.Final {
		h.turn.last = w
		return
	}
	h.put(w, false, nil)
}

// put numbers a window of the turn and keeps it.
func (h *hold) put(w *stats.Window, last bool, ending *link.Ending) {
	own := *w
	own.Final, own.Totals = false, stats.Ledger{}
	h.turn.take(&own, last)
	h.keep(&own, ending)
}
