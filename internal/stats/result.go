package stats

import (
	"time"

	"hyperscale"
)

// Result is what a run came to: all that a report is made from.
type Result struct {
	Plan       *hyperscale.Plan
	Job        hyperscale.JobID // "": a local run
	Phase      hyperscale.Phase // terminal
	Submitted  time.Time        // wall clock; zero: a local run
	Started    time.Time        // wall clock at job time 0; zero: it never began
	Elapsed    hyperscale.JobTime
	Tally      *Tally
	Workflows  []WorkflowResult // in the plan's order
	Thresholds []ThresholdResult
	Verdict    Verdict
	Timeline   []Mark // by time
	Generator  Generator
	Stop       Stop
	Distributed
	Losses []Loss        // by time
	Skew   time.Duration // most that a worker's job time began before or after the owner's, as measured; 0: a local run
}

// Distributed is who did what of a run on several machines.
type Distributed struct {
	Workers []WorkerResult // by name; none: a local run
	// Datacenters are by name; none: the job was given to no gate. What they did adds
	// up to the whole.
	Datacenters []DatacenterResult
}

// WorkflowResult is how one workflow went.
type WorkflowResult struct {
	Name       string
	Phase      hyperscale.Phase // terminal
	Start, End hyperscale.JobTime
	Skipped    string        // why it was never started; "": it was
	Failure    string        // why it failed; "": it did not
	PlannedVU  time.Duration // VU-time that the schedule promised until its end or a stop; 0: none
	Search     *SearchResult // nil: its load is no search
}

// SearchResult is what a search load found.
type SearchResult struct {
	Rate      float64 // highest rate in slots per second that met the condition; 0: none did
	LimitedBy string  // in words: the condition, the highest rate asked for, this machine, a stop
	Probes    []Probe // in the order they were made
}

// Probe is one probe of a search.
type Probe struct {
	Rate     float64 // slots per second
	From, To hyperscale.JobTime
	Met      bool   // the condition held
	Cause    string // what did not hold; "" when Met
	Response Quantiles
	Errors   float64 // share of requests that failed or timed out
}

// Mark is something that happened, for the timeline.
type Mark struct {
	At           hyperscale.JobTime
	What, Detail string
}

// Generator is what the load cost the machine that made it. Unknown numbers
// are 0.
type Generator struct {
	Readings        // of the whole run
	Version  string // of hyperscale
	OS, Arch string
}

// Stop says what ended a run before its schedule did.
type Stop struct {
	Interrupted bool   // by the user or a signal
	Deadline    bool   // the job's deadline passed
	Aborted     string // by on-error: abort or a threshold: which; "": neither
	OnError     bool   // … it was on-error: abort
}
