package engine

import (
	"time"

	"hyperscale"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/schedule"
	"hyperscale/internal/session"
	"hyperscale/internal/stats"
)

// Leg is one stretch of load: a workflow, or one probe of its search.
type Leg struct {
	ID       int // unique in the engine
	Workflow *hyperscale.Workflow
	Program  *session.Program
	Layout   *stats.Layout
	Load     hyperscale.Load // never a search: a probe is an open load
	Source   hyperscale.Source
	Share    hyperscale.Share   // its From is counted from the leg's start
	At       hyperscale.JobTime // the start of the schedule; what was due since is late
	First    hyperscale.Slot    // number of an open load's first slot, so that no probe repeats another's draws and rows
	Warmup   time.Duration
	Graceful time.Duration

	// MaxInFlight bounds the open load's arrivals in progress over the whole
	// share; 0: no bound.
	MaxInFlight int64

	Held
}

// Held is what counts only for a share that others may have to go on with, or
// that goes on where another left off. The zero value is that of a local run.
type Held struct {
	// MaxLateness: an arrival that is later than this is missed, for somebody may
	// have covered it; 0: it is sent however late it is.
	MaxLateness time.Duration
	// From is where a load goes on: the passes (each, closed) and places (iterations,
	// open) before it are not this leg's.
	From Reserve
	// UpTo bounds what a load of virtual users begins until [Engine.Grant] says
	// more; nil: no bound.
	UpTo *Reserve
	// Until is when nothing begins any more, unless [Engine.Lease] says later; 0: there
	// is no such time.
	Until hyperscale.JobTime
	// Changes of the load that were made so far, in order.
	Changes []schedule.Change
}

// Reserve is a point in a load of virtual users: the place in the share as
// [schedule.Iterations.Share] cuts it down, of a load of iterations, and the pass
// of each virtual user, of the others.
type Reserve struct{ Place, Pass int64 }

// Report is what an engine tells of its legs.
type Report struct {
	Leg    int
	Kind   ReportKind
	Window *stats.Window      // Cut
	At     hyperscale.JobTime // of the engine's clock

	// LegEnded only. Failed, Interrupted, Reason and Exports are of a load of one
	// iteration.
	Failed      bool
	Interrupted bool
	Reason      string // why it failed, in words; "" if its errors say it
	Exports     map[string]session.Value
	NoRows      int64              // VUs that ended for want of a data row
	Waived      time.Duration      // VU-time of the schedule after VUs that ended as the plan wished: stop-vu, no row left
	Stopped     hyperscale.JobTime // when the load ended, by itself or by Stop

	Step string // StopAsked: the step that failed
}

// ReportKind tells reports apart.
type ReportKind int

// The kinds of reports. For each leg there are windows, the last of which is
// final, and then one LegEnded.
const (
	WindowCut ReportKind = iota
	LegEnded
	StopAsked // on-error: abort
)

// user is one virtual user.
type user struct {
	session session.Session
	owners  [drivers]wire.Owner
	leg     *laneLeg
	number  int64
	pass    int64
	due     hyperscale.JobTime // of the iteration under way, or of the next
	flights *flight            // requests under way
	alarms  *alarm             // what it waits for
	state   userState
	// unconnected: the last iteration could not connect.
	unconnected bool
	quit        bool // it went before its time
	// began: the iteration's Begin is being stepped; one that also ends there
	// gives way to others before the next.
	began  bool
	parked bool // it waits for a reserve
}

type userState uint8

const (
	resting userState = iota // between iterations, or in an open leg's pool
	running
	leaving // runs its last iteration
	gone
)
