package stats

import (
	"math"
	"time"

	"hyperscale"
)

// ThresholdResult is how a threshold stands or, at the end, came out.
type ThresholdResult struct {
	Threshold hyperscale.Threshold
	Value     float64 // in the unit of the threshold's value; with Over the worst window
	Sampled   bool    // there was something to judge; if not, Value means nothing
	Passed    bool    // false without a sample
	Aborted   bool    // it ended the job
	// From and To are the stretch that Value is from: the worst window, or all.
	From, To hyperscale.JobTime
}

// Value is what the sample comes to in the threshold's metric; false when there
// is nothing to take it from. Durations are in nanoseconds, bytes and failures
// whole numbers, rates per second.
func (s *Sample) Value(th *hyperscale.Threshold) (float64, bool) {
	if s.Requests == (Requests{}) && s.Slots == (Slots{}) {
		return 0, false
	}
	h := &s.Response
	switch th.Of {
	case hyperscale.ServiceTime:
		h = &s.Service
	case hyperscale.Lateness:
		h = &s.Lateness
	}
	return metric(th, &s.Counts, s.Time, h)
}

// metric is what counts, scheduled time and durations come to in the
// threshold's metric; false when they hold no sample of it.
func metric(th *hyperscale.Threshold, c *Counts, load time.Duration, h *Histogram) (float64, bool) {
	switch th.Metric {
	case hyperscale.MetricErrors:
		return share(c.Requests.Errors(), c.Requests.Ended())
	case hyperscale.MetricMissed:
		return share(c.Slots.Missed, c.Slots.Due)
	case hyperscale.MetricChecks:
		return share(c.ChecksPassed, c.ChecksPassed+c.ChecksFailed)
	case hyperscale.MetricFailures:
		return float64(c.Requests.Errors()), true
	case hyperscale.MetricBytes:
		return float64(c.Requests.BytesIn + c.Requests.BytesOut), true
	case hyperscale.MetricRate:
		if load <= 0 {
			return 0, false
		}
		return float64(c.Answers) / load.Seconds(), true
	}
	return durationMetric(th, h), h.Count() > 0
}

// durationMetric is the threshold's figure of the histogram, in nanoseconds.
func durationMetric(th *hyperscale.Threshold, h *Histogram) float64 {
	switch th.Metric {
	case hyperscale.MetricMean:
		return float64(h.Mean())
	case hyperscale.MetricMin:
		return float64(h.Min())
	case hyperscale.MetricMax:
		return float64(h.Max())
	case hyperscale.MetricStddev:
		return float64(h.Stddev())
	}
	return float64(h.Quantile(th.Quantile))
}

// share is a / b; false when b is 0.
func share(a, b uint64) (float64, bool) { return part(a, b), b > 0 }

// Holds reports whether the value meets the threshold's condition.
func Holds(th *hyperscale.Threshold, value float64) bool {
	switch th.Op {
	case "<":
		return value < th.Value
	case "<=":
		return value <= th.Value
	case ">":
		return value > th.Value
	case ">=":
		return value >= th.Value
	case "!=":
		return value != th.Value
	}
	return value == th.Value
}

// worse reports whether value a is further from meeting the condition than b.
func worse(th *hyperscale.Threshold, a, b float64) bool {
	switch th.Op {
	case "<", "<=":
		return a > b
	case ">", ">=":
		return a < b
	case "!=":
		return math.Abs(a-th.Value) < math.Abs(b-th.Value)
	}
	return math.Abs(a-th.Value) > math.Abs(b-th.Value)
}
