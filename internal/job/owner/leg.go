package owner

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
)

// stage is how far a leg is.
//
//	wanting → preparing → starting → running → ended
//
// Wanting: no cores yet. Preparing: children make ready. Starting: that it is
// started is being written down. Running: they were told. Ended: the job knows;
// the leg is kept for its holes.
type stage string

const (
	wanting   stage = "wanting"
	preparing stage = "preparing"
	starting  stage = "starting"
	running   stage = "running"
	ended     stage = "ended"
)

// reserve is a place and pass of a share; see [link.Reserve].
type reserve struct{ link.Reserve }

// most is the further of two, each way.
func (r reserve) most(o reserve) reserve {
	return reserve{link.Reserve{Place: max(r.Place, o.Place), Pass: max(r.Pass, o.Pass)}}
}

// leg is a leg of the job, divided among children. What is exported is saved.
type leg struct {
	Leg job.StartLeg // it never changes
	head
	Shares []*share
	Holes  []*hole

	saved legSaved
	found *finder // nil: to be made anew
	quit  bool    // its holders stopped, for nobody above was heard
	// looked is when its shares were last looked through for those that can start:
	// so much had been heard and changed.
	looked uint64

	// From the plan; and computed when first asked for.
	flow     *hyperscale.Workflow
	draws    hyperscale.Source
	end      hyperscale.JobTime
	endKnown bool
	schedule *schedule.Arrivals
	changes  []schedule.Change // by adjustments
}

// head is how a leg stands, but for its shares.
type head struct {
	Stage   stage
	Begin   hyperscale.JobTime // when its load begins: from starting on
	Stop    *halt              // nil: it goes on
	Want    uint64             // number of the want for its cores, or those of its covers
	Tries   int                // how often it was begun anew, or refused
	Aborted string             // the step whose on-error: abort fired; "": none
	Unfit   []link.Holder      `json:",omitempty"` // those that refused it for good …
	Refusal string             `json:",omitzero"`  // … the last of them, in words
	Go      bool               `json:",omitzero"`  // of a part: the parent wants it to begin, at Begin
	Whole   bool               `json:",omitzero"`  // of a part: all of its group are there
	Lowered string             `json:",omitzero"`  // of a part: how a bound was lowered by who holds it
}

// halt is how a leg is ended before its time.
type halt struct {
	At     hyperscale.JobTime
	Within time.Duration
	Cut    bool
}

// share is a share of a leg. Without a holder it waits for one.
type share struct {
	kept
	saved saved[kept]

	// What is found out anew after a takeover.
	state link.State
	seen  bool          // its holder stated it
	told  time.Duration // when its holder was last told something
	cut   uint64        // number of the last window cut, as stated
	rose  time.Duration // when that last rose
	ahead time.Duration // how far its clock is before ours
}

// kept is what is saved of a share.
type kept struct {
	hyperscale.Share
	Holder  link.Holder  `json:",omitzero"`
	Cores   int          `json:",omitzero"`
	First   reserve      `json:",omitzero"` // the first place and pass that are its own
	Reserve reserve      `json:",omitzero"` // the last that its holder stated
	Known   uint64       `json:",omitzero"` // number of the last adjustment that its holder was given with it
	Started bool         `json:",omitzero"` // its holder is, or was, told to start
	Ended   bool         `json:",omitzero"` // its last window came
	Closed  bool         `json:",omitzero"` // nothing more of it is expected, though its last window did not come
	Ending  *link.Ending `json:",omitzero"` // how it ended; nil: it was not told. It never changes
}

// placed reports whether somebody holds the share.
func (s *share) placed() bool { return s.Holder != link.Holder{} }

// bare reports whether the share waits for somebody to hold it.
func (s *share) bare() bool { return !s.placed() && !s.over() }

// over reports whether nothing more is expected of the share.
func (s *share) over() bool { return s.Ended || s.Closed }

// ready reports whether the share's holder waits for the start.
func (s *share) ready() bool { return s.placed() && s.seen && s.state == link.Prepared }

// hole is a turn whose holder was lost, until its books are closed.
type hole struct {
	lost
	saved saved[lost]

	alive bool // it was heard since, and runs on
}

// lost is what is saved of a hole.
type lost struct {
	Share   hyperscale.Share
	Holder  link.Holder
	Dead    hyperscale.JobTime // when its stream ended; never: it is only silent
	Fence   hyperscale.JobTime // where another goes on; never: nobody does yet
	First   reserve
	Reserve reserve            // of an open load: what it may have begun before the fence; known with that
	Known   uint64             `json:",omitzero"`
	Again   bool               // the holder may have the share again: it had only stopped
	Idle    bool               // its holder began nothing
	Blind   bool               // when its holder ended nobody can tell
	Sure    bool               // it was heard until it ended
	Told    bool               // its holder told all that it did
	Heard   hyperscale.JobTime // when it was heard last, at the latest
	Ahead   hyperscale.JobTime // by how much its clock was before ours
	Barred  bool               `json:",omitzero"` // it may go on, and nobody else before it must have stopped
	Closed  bool
}

// never is later than everything.
const never = hyperscale.JobTime(1<<63 - 1)

// by tells the leg what the plan says of its workflow.
func (l *leg) by(plan *hyperscale.Plan) *leg {
	i := slices.IndexFunc(plan.Workflows, func(w hyperscale.Workflow) bool { return w.Name == l.workflow() })
	l.flow, l.draws = &plan.Workflows[i], hyperscale.NewSource(plan.Seed, l.workflow())
	return l
}

// peak is how many virtual users a closed load has at most.
func (l *leg) peak() int64 { return schedule.NewUsers(l.Leg.Load, l.changes...).Peak() }

// begun reports whether its load may have begun.
func (h *head) begun() bool { return h.Stage == starting || h.Stage == running }

func (l *leg) workflow() string { return l.Leg.Workflow }

// all reports whether every share that goes on is as asked for.
func (l *leg) all(is func(*share) bool) bool {
	for _, s := range l.Shares {
		if !s.over() && !is(s) {
			return false
		}
	}
	return true
}

// prepare is the order's content for one share.
func (l *leg) prepare(s *share) *Prepare {
	return &Prepare{
		Workflow: l.Leg.Workflow, Load: l.Leg.Load, First: l.Leg.First, Warmup: l.Leg.Warmup, Graceful: l.Leg.Graceful,
		Use: l.Leg.Use, Share: s.Share, Begun: l.begun(), Begin: l.Begin, From: s.First.Reserve,
	}
}

// length is how long the load goes on by the plan and its adjustments; below zero:
// only its work ends it, or it is paused.
func (l *leg) length() hyperscale.JobTime {
	if end := l.over(); end != never {
		return end - l.Begin
	}
	return -1
}

// whole is what of the load's slots is run here.
func (l *leg) whole() hyperscale.Share {
	if l.Leg.Part == (hyperscale.Share{}) {
		return hyperscale.Whole
	}
	return l.Leg.Part
}

// over is when the leg's load ends by the plan and its adjustments; never: only its
// work ends it, or it is paused.
func (l *leg) over() hyperscale.JobTime {
	if !l.endKnown {
		l.end, l.endKnown = never, true
		if length, known := loadLength(l.Leg.Load, l.draws, l.changes); known && length < never-l.Begin {
			l.end = l.Begin + length
		}
	}
	return l.end
}

// arrivals is the schedule of an open load.
func (l *leg) arrivals() *schedule.Arrivals {
	if l.schedule == nil {
		l.schedule = schedule.NewArrivals(l.Leg.Load, l.draws, l.changes...)
	}
	return l.schedule
}

// loadLength is how long a load other than a search goes on by the plan.
func loadLength(load hyperscale.Load, source hyperscale.Source, changes []schedule.Change) (time.Duration, bool) {
	switch load.Kind {
	case hyperscale.LoadOpen:
		return schedule.NewArrivals(load, source, changes...).End(), true
	case hyperscale.LoadClosed:
		return schedule.NewUsers(load, changes...).End(), true
	case hyperscale.LoadIterations, hyperscale.LoadEach:
		return schedule.Cap(load.For, changes), load.For > 0
	}
	return 0, false
}

// share gives the leg and the share of that name; nil if there is none, or it was
// given on.
func (st *state) share(h link.Hold) (*leg, *share) {
	for _, l := range st.Legs {
		if l.workflow() != h.Workflow {
			continue
		}
		if s := l.find().shares[h.Share]; s != nil {
			return l, s
		}
	}
	return nil, nil
}

// hole gives the leg and the lost turn of that name; nil if there is none.
func (st *state) hole(h link.Hold) (*leg, *hole) {
	for _, l := range st.Legs {
		if l.workflow() != h.Workflow {
			continue
		}
		if x := l.find().holes[h.Share]; x != nil {
			return l, x
		}
	}
	return nil, nil
}
