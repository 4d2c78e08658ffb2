package agent

import (
	"cmp"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/link"
)

// Times and bounds that are not configured.
const (
	answer    = 50 * time.Millisecond // that engines have to answer a beat before the statement goes
	patience  = 10 * time.Second      // beyond the time to finish, until an engine that was told to stop is killed
	finishing = 5 * time.Second       // what was started may take so long once no owner was heard for too long
)

// Config is what an agent is made for.
type Config struct {
	Node     hyperscale.NodeID
	Boot     hyperscale.Boot // higher than at every start before
	Cores    int
	Autonomy time.Duration // how long a load goes on without word of the job's top owner; 0: 60 s
	MaxKept  int           // bytes of windows kept, above which those that were never sent are merged; 0: 64 MiB

	// Lapse says what the schedule held while a share had no engine; nil: nothing,
	// and the share goes on. It is a pure function.
	Lapse func(Gone) Lapse
}

// Agent is what one start of a worker knows and holds.
type Agent struct {
	m       *machine
	parents child.Parents
	jobs    map[hyperscale.JobID]*job
	holds   []*hold // in the order in which they came
	clock   child.Clock
	vitals  link.Vitals
	drain   drain
}

// drain is how far draining has come.
type drain struct{ asked, told bool }

// New is an agent that holds nothing and knows nobody.
func New(cfg Config) *Agent {
	cfg.Autonomy = cmp.Or(cfg.Autonomy, time.Minute)
	cfg.MaxKept = cmp.Or(cfg.MaxKept, 64<<20)
	if cfg.Lapse == nil {
		cfg.Lapse = func(Gone) Lapse { return Lapse{} }
	}
	return &Agent{
		m:    &machine{cfg: cfg, engines: map[uint64]*engine{}},
		jobs: map[hyperscale.JobID]*job{}, clock: child.NewClock(),
	}
}

// Step decides what an event means at the time now, which is counted from
// anywhere and never falls from one step to the next.
func (a *Agent) Step(now time.Duration, ev Event) []Effect {
	a.m.effects, a.m.news = nil, false
	a.lookAtItself(now)
	a.take(ev)
	a.expire()
	boxes(a.holds).Squeeze(a.m.cfg.MaxKept)
	for _, h := range a.holds {
		a.deliver(h)
	}
	a.holds = slices.DeleteFunc(a.holds, a.over)
	a.state()
	a.finishDrain()
	a.arm()
	return a.m.effects
}

// take books what happened.
func (a *Agent) take(ev Event) {
	switch ev := ev.(type) {
	case Linked:
		a.parents.Link(a.m.now, ev.Manager, ev.Boot)
	case Unlinked:
		a.parents.Unlink(ev.Manager)
	case Told:
		switch down := ev.Down.(type) {
		case link.Word:
			a.word(ev.By, down)
		case link.Order:
			a.order(ev, down)
		case link.Receipt:
			a.receipt(ev.By, down)
		}
	case Fares:
		a.vitals = ev.Vitals
	case Drain:
		if !a.drain.asked {
			a.m.leaves = a.m.now + lingering
		}
		a.drain.asked = true
		a.m.news = true
	default:
		a.engineTold(ev)
	}
}

// lookAtItself notices that the agent stood still: then it can't know who was
// silent meanwhile, and the time without word of owners begins anew. A lease goes on:
// others may have gone by it.
func (a *Agent) lookAtItself(now time.Duration) {
	a.m.now = now
	if !a.clock.Look(now) {
		return
	}
	for _, j := range a.jobs {
		if j.Lease == 0 {
			j.Heard = now
		}
	}
}

// expire does what time alone brings.
func (a *Agent) expire() {
	now := a.m.now
	for _, h := range a.holds {
		if now >= h.patienceEnds() {
			a.m.do(KillEngine{Engine: h.engine.id})
			h.stop.killed = true
		}
		if now >= h.autonomyEnds() {
			h.withoutOwner()
		}
		if now >= h.lingersUntil() {
			h.refuse(draining)
		}
	}
	if a.clock.Beat(now, a.parents.Len() > 0 || len(a.holds) > 0) {
		a.beat()
	}
}

// beat asks the engines how far they will go, and soon after states all.
func (a *Agent) beat() {
	wait := time.Duration(0)
	for _, h := range a.holds {
		if h.engine != nil {
			a.m.tell(h, Command{Do: Beat, Until: leaseEnds(h)})
			wait = answer
		}
	}
	a.parents.Hear(a.m.now + wait)
}

// over reports whether nothing is left to say of a hold, and then forgets it,
// and its job with the last one.
func (a *Agent) over(h *hold) bool {
	if !h.gone && (h.state != link.Ended || h.out.Len() > 0) {
		return false
	}
	if h.engine != nil {
		a.m.letGo(h)
	}
	j := h.job
	if j.holds--; j.holds == 0 {
		delete(a.jobs, h.Job)
	}
	a.m.news = true
	return true
}

// finishDrain says once that a worker that drains holds nothing any more, and that
// every parent was told so.
func (a *Agent) finishDrain() {
	if a.drain.asked && !a.drain.told && len(a.holds) == 0 && len(a.m.engines) == 0 && a.parents.Next() == child.Never {
		a.drain.told = true
		a.m.do(Drained{})
	}
}

// arm asks for the next wake.
func (a *Agent) arm() {
	next := a.parents.Next()
	for _, h := range a.holds {
		next = min(next, h.patienceEnds(), h.autonomyEnds(), h.lingersUntil(), h.out.Next(a.m.now))
	}
	if at, anew := a.clock.Arm(next); anew {
		a.m.do(Wake{At: at})
	}
}
