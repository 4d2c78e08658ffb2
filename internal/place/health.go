package place

// Health is how well a worker does. Better ones are given work first.
type Health int

// The healths, best first.
const (
	Healthy   Health = iota
	Busy             // its processors or memory have little left, or no core is free
	Degraded         // its own timers are late, it doesn't answer probes, or it is just back
	Unhealthy        // not heard, or gone: never given anything
)

// String gives the health as it is shown.
func (h Health) String() string {
	return [...]string{"HEALTHY", "BUSY", "DEGRADED", "UNHEALTHY"}[h]
}

// Sign is something that tells of a worker's health.
type Sign int

// The signs. Statements are one of the first three, see [Read]. Silence is that
// no statement came for three beats, death that the failure detector, or the
// peer's end of the stream, says so.
const (
	Calm Sign = iota
	Loaded
	Strained
	ProbePassed
	ProbeFailed
	Silence
	Death
)

// Pulse is the health of one start of a worker as a state machine. It gets worse
// at once and better after two signs in a row; the zero value is healthy.
//
//	           Calm      Loaded    Strained  ProbePassed  ProbeFailed  Silence    Death
//	HEALTHY    HEALTHY   BUSY      DEGRADED  HEALTHY      DEGRADED     UNHEALTHY  UNHEALTHY
//	BUSY       ·HEALTHY  BUSY      DEGRADED  BUSY         DEGRADED     UNHEALTHY  UNHEALTHY
//	DEGRADED   ·HEALTHY  ·BUSY     DEGRADED  DEGRADED     ·UNHEALTHY   UNHEALTHY  UNHEALTHY
//	UNHEALTHY  DEGRADED  DEGRADED  DEGRADED  UNHEALTHY    UNHEALTHY    UNHEALTHY  UNHEALTHY
//
// A dot: after the second statement in a row that is better, if only as well as
// the worse of the two; after the third failed probe in a row. Only a statement
// makes UNHEALTHY better: an answered probe does not show that orders arrive.
type Pulse struct {
	health Health
	rises  bool   // the last statement was better than the health:
	shown  Health // so much
	failed int    // probes in a row that failed
}

// Health is how the worker does now.
func (p Pulse) Health() Health { return p.health }

// Step takes a sign in and gives the health after it.
func (p *Pulse) Step(s Sign) Health {
	switch s {
	case Calm:
		p.stated(Healthy)
	case Loaded:
		p.stated(Busy)
	case Strained:
		p.stated(Degraded)
	case ProbePassed:
		p.failed = 0
	case ProbeFailed:
		p.rises = false
		p.failed++
		p.health = max(p.health, Degraded)
		if p.failed >= mostFailed {
			p.health = Unhealthy
		}
	case Silence, Death:
		p.rises, p.health = false, Unhealthy
	}
	return p.health
}

// mostFailed is the number of failed probes in a row that make a worker
// unhealthy, as they open a breaker.
const mostFailed = 3

// stated takes in a statement that by itself shows that health.
func (p *Pulse) stated(shown Health) {
	switch {
	case p.health == Unhealthy:
		p.health, p.rises = Degraded, false
	case shown >= p.health:
		p.health, p.rises = shown, false
	case !p.rises:
		p.rises, p.shown = true, shown
	default:
		p.health, p.rises = max(shown, p.shown), false
	}
}

// Where a statement shows a worker that is busy, and one that is strained.
const (
	busyPart     = 0.85 // of processors or memory
	strainedPart = 0.95 // of memory
	lateBeat     = 1.0  // its timers are late by so many beats
)

// Read says what a statement tells of a worker's health: whether a core is free,
// the parts of processors and memory in use, and its stall, all as stated.
func Read(free int, processors, memory, stall float64) Sign {
	switch {
	case stall >= lateBeat || memory >= strainedPart:
		return Strained
	case free <= 0 || processors >= busyPart || memory >= busyPart:
		return Loaded
	}
	return Calm
}
