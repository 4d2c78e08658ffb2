package stats

import (
	"time"

	"hyperscale"
)

// Progress is a snapshot of a run that is going on: what a live view shows. It
// shares nothing with the run.
type Progress struct {
	Name, Target string
	Elapsed      hyperscale.JobTime
	Planned      time.Duration // expected length of the whole run, pauses so far with it; 0: unknown
	Workflows    []WorkflowProgress
	Now          Now               // the last second
	Rates        []float64         // answers per second of the last minutes, one a second, oldest first
	Steps        []StepProgress    // totals so far, groups included
	Thresholds   []ThresholdResult // as they stand
	Warnings     []string          // of self-watch, newest last
	Marks        []Mark            // what happened so far, by time
	Stopping     string            // why the run is ending; "": it is not
}

// WorkflowProgress is where one workflow stands.
type WorkflowProgress struct {
	Name     string
	Phase    hyperscale.Phase
	Done     float64 // part of the schedule (or of the iterations) that is done: 0 … 1; it never falls
	Paused   bool    // nothing is due until it is resumed
	VUs      int64   // that exist now
	InFlight int64   // iterations started and not ended
	Rate     float64 // level asked for now, in slots per second; 0 when it is a number of VUs
}

// StepProgress is what one step came to so far.
type StepProgress struct {
	Workflow, Step string
	Group          bool
	Requests
	Response Quantiles
}

// Now is what the last second (or whatever windows it was made from) was like,
// warm-up included.
type Now struct {
	Rate     float64 // complete answers per second
	Response Quantiles
	Errors   float64 // share of requests that failed or timed out
	Missed   uint64
	Lateness time.Duration // p99
}

// Quantiles are the few that a live view shows; all 0 when Count is.
type Quantiles struct {
	Count              uint64
	P50, P95, P99, Max time.Duration
}

// QuantilesOf takes the quantiles of h.
func QuantilesOf(h *Histogram) Quantiles {
	return Quantiles{Count: h.Count(), P50: h.Quantile(50), P95: h.Quantile(95), P99: h.Quantile(99), Max: h.Max()}
}

// Glance sums up windows of one and the same second, of any workflows and
// shares; span is how long that second was.
func Glance(span time.Duration, windows ...*Window) Now {
	var r Requests
	var n Now
	var response, lateness Histogram
	var answers uint64
	for _, w := range windows {
		n.Missed += w.Missed
		lateness.Merge(&w.Lateness)
		for i := range w.Steps {
			s := &w.Steps[i]
			if s.Group {
				continue
			}
			r.add(s.Requests)
			answers += s.Answers()
			response.Merge(&s.OKResponse)
			response.Merge(&s.OtherResponse)
		}
	}
	if span > 0 {
		n.Rate = float64(answers) / span.Seconds()
	}
	n.Response = QuantilesOf(&response)
	n.Errors = part(r.Errors(), r.Ended())
	n.Lateness = lateness.Quantile(99)
	return n
}

// part is a / b, or 0 when b is 0.
func part(a, b uint64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
