package agent

import (
	"cmp"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/link"
	"hyperscale/internal/outbox"
)

// hold is what is known of one share that is held. It is in one of the states of
// [link.State], or not there, and each order has an answer in each of them ("–":
// none; it does no more than it did, or comes too late). Own is of the whole job
// and changes no hold.
//
//	           Prepare               Start             Stop, Cut            Drop     Adjust
//	not there  → Preparing, Refused  state             state                state    state
//	Preparing  –                     remember          → Refused            → gone   remember
//	Prepared   –                     → Running         → Refused            → gone   remember
//	Refused    –                     –                 –                    → gone   –
//	Running    –                     other start:      tell the engine; if  → gone   tell the
//	                                 state             it died: → Ended              engine
//	Ended      –                     –                 –                    → gone   –
//	Stopped    –                     –                 –                    → gone   –
//	Broken     –                     –                 –                    → gone   –
//
// What engines tell brings the other changes: Preparing → Prepared, Running (if
// its start was remembered), Refused; Prepared → Preparing (its engine died);
// Running → Ended, Stopped, Broken. Ended goes by itself once its last window is
// acknowledged; Refused, once no owner was heard for long. Cores belong to
// engines: they come with the first and go with the last.
type hold struct {
	link.Hold
	state  link.State
	reason string
	plan   brief
	engine *engine // nil: none
	start  start
	stop   *stopping // nil: nobody asked
	turn   turn
	out    outbox.Box
	outage outage
	told   told
	since  time.Duration // Refused: when
	flags

	m   *machine
	job *job
}

// told is what the engine tells of itself.
type told struct {
	reserve link.Reserve // last said
	granted link.Reserve // last stated

	adjusted uint64 // number of the last adjustment that it began with
	aborted  string // the step whose on-error: abort fired
	lowered  string // how the bound of arrivals in progress was
}

// flags are truths about a hold.
type flags struct {
	alone   bool // it stops, or did, because no owner was heard
	forGood bool // Refused: it would be again
	gone    bool // to be forgotten

	cancelled link.Cancelled // by whose proof it was stopped; zero: nobody's
}

// brief is what is to be run.
type brief struct {
	client  string // whose job it is
	cores   int
	text    []byte
	adjusts []link.Order // by rising number

	adjusted uint64 // number of the last adjustment that text has; 0: none
}

// start is when job time began, and of which start that is. The zero value is
// none.
type start struct {
	number uint64
	begin  hyperscale.JobTime // when the load begins by its schedule
	at     hyperscale.JobTime // at the moment
	moment time.Duration      // of the agent's clock
}

// stopping is an end that was asked for.
type stopping struct {
	at     hyperscale.JobTime // when
	by     time.Duration      // when all is to be over, by the agent's clock
	killed bool               // it was not
}

// jobTime is the job time at the agent's time now.
func (h *hold) jobTime(now time.Duration) hyperscale.JobTime {
	return h.start.at + now - h.start.moment
}

// known is the number of the last adjustment known.
func (b *brief) known() uint64 {
	if n := len(b.adjusts); n > 0 {
		return b.adjusts[n-1].Number
	}
	return b.adjusted
}

// hold finds what is held under the name; nil: nothing.
func (a *Agent) hold(name link.Hold) *hold {
	for _, h := range a.holds {
		if h.Hold == name && !h.gone {
			return h
		}
	}
	return nil
}

// order obeys, if the sender owns the job.
func (a *Agent) order(ev Told, o link.Order) {
	j := a.jobs[o.Hold.Job]
	if j == nil {
		if o.Do != link.Prepare {
			a.m.news = true
			return
		}
		j = &job{Claim: child.Claim{Epoch: o.Epoch, Owner: o.Owner, Heard: a.m.now}}
		a.jobs[o.Hold.Job] = j
	}
	if ev.Cancelled.By != "" {
		a.cancelled(o, ev.Cancelled)
		return
	}
	if !a.claimed(j, o.Epoch, o.Owner) {
		a.m.do(Tell{To: ev.By, Up: link.Fenced{Node: a.m.cfg.Node, Job: o.Hold.Job, Epoch: o.Epoch, Highest: j.Epoch}})
		return
	}
	j.Via(ev.By)
	a.obey(o)
}

// cancelled stops a load because a client showed that it wants that, whoever passes
// it on. The job's owner hears of it with all that is stated and delivered.
func (a *Agent) cancelled(o link.Order, by link.Cancelled) {
	h := a.hold(o.Hold)
	if h == nil || o.Do != link.Stop {
		return
	}
	if h.cancelled.By == "" {
		h.cancelled = by
		a.m.news = true
	}
	h.halt(o.Within)
}

// Client is whose job a hold is of, as its owner said; "": there is no such hold.
func (a *Agent) Client(name link.Hold) string {
	if h := a.hold(name); h != nil {
		return h.plan.client
	}
	return ""
}

// obey does what an order asks for: see the table of [hold].
func (a *Agent) obey(o link.Order) {
	h := a.hold(o.Hold)
	switch {
	case o.Do == link.Own:
		a.m.news = true
	case o.Do == link.Prepare:
		if h == nil {
			a.prepare(o)
		}
	case h == nil:
		a.m.news = true
	case o.Do == link.Drop:
		h.gone = true
	case o.Do == link.Start:
		h.begin(o)
	case o.Do == link.Stop:
		h.halt(o.Within)
	case o.Do == link.Cut:
		h.halt(0)
	case o.Do == link.Adjust:
		h.adjust(o)
	}
}

// prepare takes the cores and makes ready, or refuses: all or nothing.
func (a *Agent) prepare(o link.Order) {
	j := a.jobs[o.Hold.Job]
	j.Lease = max(o.Autonomy, 0)
	h := &hold{Hold: o.Hold, m: a.m, job: j, plan: brief{client: o.Client, cores: o.Cores, text: o.Brief}, turn: newTurn(o.Hold)}
	a.holds = append(a.holds, h)
	j.holds++
	h.plan.adjusted = o.Number
	a.m.news = true
	switch free := a.m.free(); {
	case a.drain.asked:
		h.refuse(draining)
	case o.Cores < 1 || o.Cores > free:
		h.refuse(fmt.Sprintf("%s asked, %d free", hyperscale.Plural(o.Cores, "core"), free))
	default:
		a.m.startEngine(h)
	}
}

// refuse says that a hold can't be run here, and gives its cores back.
func (h *hold) refuse(reason string) {
	h.m.letGo(h)
	h.state, h.reason, h.since, h.plan, h.start = link.Refused, reason, h.m.now, brief{}, start{}
	h.m.news = true
}

// begin starts a share at the moment meant, or remembers it until the engine is
// ready.
func (h *hold) begin(o link.Order) {
	if h.state == link.Running && h.start.number != o.Number {
		h.m.news = true // the owner decides what becomes of it
	}
	if h.state != link.Preparing && h.state != link.Prepared || h.start.number == o.Number {
		return
	}
	h.start = start{number: o.Number, begin: o.Begin, at: o.At, moment: h.m.now + max(o.In, 0)}
	if h.state == link.Prepared {
		h.run()
	}
	h.m.news = true
}

// halt ends a load before its time. Asked again it does something only if that
// means an earlier end.
func (h *hold) halt(within time.Duration) {
	now := h.m.now
	by := now + max(within, 0)
	switch {
	case h.state == link.Preparing || h.state == link.Prepared:
		h.refuse("stopped before its start")
		return
	case h.state != link.Running || h.stop != nil && by >= h.stop.by:
		return
	case h.stop == nil:
		h.stop = &stopping{at: h.jobTime(now)}
	}
	h.stop.by = by
	if h.outage.is || !h.engine.started {
		h.m.letGo(h)
		h.close()
		return
	}
	c := Command{Do: Stop, Within: within}
	if within <= 0 {
		c = Command{Do: Cut}
	}
	h.m.tell(h, c)
}

// patienceEnds is when an engine that was told to stop is killed.
func (h *hold) patienceEnds() time.Duration {
	if h.stop == nil || h.stop.killed || h.engine == nil {
		return child.Never
	}
	return h.stop.by + patience
}

// lingering is for how long a worker that drains keeps what waits to be started: mostly
// it is, within moments. What waits for longer, for others, keeps nobody from leaving.
const lingering = 5 * time.Second

const draining = "the worker is draining"

// lingersUntil is when a hold that waits to be started is given back by a worker that drains.
func (h *hold) lingersUntil() time.Duration {
	waits := (h.state == link.Preparing || h.state == link.Prepared) && h.start.number == 0
	if h.m.leaves == 0 || !waits {
		return child.Never
	}
	return h.m.leaves
}

// adjust remembers an adjustment, so that an engine that follows on one that
// dies hears it too, and passes it on.
func (h *hold) adjust(o link.Order) {
	live := h.state == link.Preparing || h.state == link.Prepared || h.state == link.Running
	if !live || o.Number <= h.plan.known() {
		return
	}
	h.plan.adjusts = append(h.plan.adjusts, o)
	if h.engine != nil && h.engine.prepared {
		h.tellAdjust(o)
	}
	h.m.news = true
}

func (h *hold) tellAdjust(o link.Order) {
	h.m.tell(h, Command{Do: Adjust, Number: o.Number, At: o.At, Brief: o.Brief})
}

// autonomy is how long a hold goes on without word of its job's owner.
func (h *hold) autonomy() time.Duration { return cmp.Or(h.job.Lease, h.m.cfg.Autonomy) }

// leaseEnds is the job time at which the engine is to end by itself, for its job's lease is
// over; 0: it has none.
func leaseEnds(h *hold) hyperscale.JobTime {
	if h.job.Lease == 0 || h.start.number == 0 {
		return 0
	}
	return max(h.jobTime(h.job.Heard+h.job.Lease), 1)
}

// autonomyEnds is when a hold can't go on without word of its job's owner.
func (h *hold) autonomyEnds() time.Duration {
	ends := h.job.Heard + h.autonomy()
	switch {
	case h.state == link.Running && h.stop == nil, h.state == link.Preparing, h.state == link.Prepared:
		return ends
	case h.state == link.Refused:
		return max(ends, h.since+h.autonomy())
	}
	return child.Never
}

// withoutOwner ends a hold whose job's owner was not heard for too long. What
// it did is kept. With a lease nothing goes on after its end.
func (h *hold) withoutOwner() {
	switch h.state {
	case link.Running:
		h.alone = true
		if h.job.Lease > 0 {
			h.halt(0)
		} else {
			h.halt(finishing)
		}
	case link.Refused:
		h.gone = true
	default:
		h.refuse("no owner was heard for " + hyperscale.FormatDuration(h.autonomy()))
	}
}

// held is what there is of a hold, in words for parents.
func (h *hold) held() link.Held {
	held := link.Held{
		Hold: h.Hold, State: h.state, Reason: h.reason, ForGood: h.forGood, Start: h.start.number,
		Cut: h.turn.stream.Seq(), Acked: h.out.Acked(), Reserve: h.told.reserve, Adjustment: h.plan.known(),
		Aborted: h.told.aborted, Cancelled: h.cancelled, Lowered: h.told.lowered, Epoch: h.job.Epoch, Silence: h.m.now - h.job.Heard,
	}
	if h.start.number > 0 {
		held.JobTime = max(h.jobTime(h.m.now), 0)
	}
	return held
}
