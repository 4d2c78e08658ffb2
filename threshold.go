package hyperscale

import "time"

// Metric is what a threshold looks at.
type Metric string

// The metrics. Quantile, Mean, Min, Max and Stddev are of durations.
const (
	MetricQuantile Metric = "p"
	MetricMean     Metric = "mean"
	MetricMin      Metric = "min"
	MetricMax      Metric = "max"
	MetricStddev   Metric = "stddev"
	MetricErrors   Metric = "errors"   // share of requests that failed or timed out
	MetricMissed   Metric = "missed"   // share of due slots that were not started
	MetricChecks   Metric = "checks"   // share of checks that passed
	MetricFailures Metric = "failures" // number of requests that failed or timed out
	MetricRate     Metric = "rate"     // answers per second
	MetricBytes    Metric = "bytes"    // in and out
)

// Durations names the histogram that a duration metric is taken from.
type Durations string

// The histograms of durations. The zero value is response time.
const (
	ResponseTime Durations = ""
	ServiceTime  Durations = "service"
	Lateness     Durations = "lateness"
)

// Threshold is a condition on the results that decides pass or fail.
type Threshold struct {
	Text     string // as the user wrote it
	Workflow string // "": the whole job
	Step     string // "": the whole workflow
	Metric   Metric
	Of       Durations
	Quantile float64       // of MetricQuantile, in percent: above 0, at most 100
	Op       string        // < <= > >= == !=
	Value    float64       // nanoseconds, share (0 … 1), number, per second, or bytes
	Over     time.Duration // length of the sliding window; 0: the total, at the end
	Abort    bool          // end the job once breached
	After    time.Duration // … without a break for so long
}
