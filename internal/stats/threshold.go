package stats

import (
	"math"

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
// whole numbers, rate per second.
func (s *Sample) Value(th *hyperscale.Threshold) (float64, bool) {
	switch th.Metric {
	case hyperscale.MetricErrors:
		return share(s.Requests.Errors(), s.Requests.Ended())
	case hyperscale.MetricMissed:
		return share(s.Slots.Missed, s.Slots.Due)
	case hyperscale.MetricChecks:
		return share(s.ChecksPassed, s.ChecksPassed+s.ChecksFailed)
	case hyperscale.MetricFailures:
		return float64(s.Requests.Errors()), s.Requests.Ended() > 0
	case hyperscale.MetricBytes:
		return float64(s.Requests.BytesIn + s.Requests.BytesOut), s.Requests.Started > 0
	case hyperscale.MetricRate:
		return s.Rate(), s.Time > 0 && s.Requests.Started > 0
	}
	h := s.durations(th.Of)
	return durationMetric(th, h), h.Count() > 0
}

// durations is the histogram that duration metrics are taken from.
func (s *Sample) durations(of hyperscale.Durations) *Histogram {
	switch of {
	case hyperscale.ServiceTime:
		return &s.Service
	case hyperscale.Lateness:
		return &s.Lateness
	}
	return &s.Response
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
