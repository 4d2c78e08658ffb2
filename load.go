package hyperscale

import "time"

// LoadKind says how a workflow is driven.
type LoadKind int

// The kinds of load. The zero value is one iteration by one virtual user, what
// a workflow without a load does.
const (
	LoadOnce       LoadKind = iota
	LoadClosed              // a number of virtual users over stages
	LoadOpen                // arrivals over stages, however fast the target answers
	LoadIterations          // a number of iterations shared by virtual users
	LoadEach                // a number of iterations for each virtual user
	LoadSearch              // the highest rate that meets a condition, by probes of open load
)

// Load is how a workflow is driven. Which fields count depends on Kind.
type Load struct {
	Kind LoadKind

	// Stages is the whole course of a closed or open load, in order and without
	// gaps. A jump between two levels is a From that differs from the To before.
	Stages []Stage

	Pace        time.Duration // closed: least time between the starts of a VU's iterations; 0: none
	Poisson     bool          // open: arrivals of a Poisson process in place of even spacing
	MaxInFlight int64         // open, search: bound of arrivals in progress over the whole job; 0: by default
	Iterations  int64         // iterations: of all VUs together; each: of every VU
	VUs         int64         // iterations, each: how many virtual users
	For         time.Duration // iterations, each: cap on the time; 0: none. open: see Arrivals
	Arrivals    int64         // open: end after so many arrivals though the stages go on; 0: no such bound
	Search      *Search       // search only
}

// Stage is a stretch of a load during which its level goes linearly From … To.
// The levels are numbers of virtual users (closed) or a [Rate] (open).
type Stage struct {
	From, To int64
	Over     time.Duration // above zero
}

// Search is how the highest rate that meets a condition is looked for.
type Search struct {
	While    []Threshold   // all must hold; none has Over or Abort
	From, To Rate          // the first probe, and the highest worth asking
	Hold     time.Duration // length of one probe
	Within   float64       // ends when the interval is this part of its lower end; 0: 0.05
}

// Rate is a number of slots per hour in millionths, so that every rate a plan
// can write, R/(s|m|h) with at most six decimals, is held exactly.
type Rate int64

// PerSecond is the rate of one slot in a second.
const PerSecond Rate = 3600 * 1_000_000

// Float gives the rate in slots per second.
func (r Rate) Float() float64 { return float64(r) / float64(PerSecond) }
