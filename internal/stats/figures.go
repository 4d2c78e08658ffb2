package stats

import "time"

// Figures are a histogram in the numbers that a report shows, in milliseconds.
// All but Count are nil (null in JSON) when there is nothing.
type Figures struct {
	Count  uint64   `json:"count"`
	Mean   *float64 `json:"mean"`
	Min    *float64 `json:"min"`
	P50    *float64 `json:"p50"`
	P75    *float64 `json:"p75"`
	P90    *float64 `json:"p90"`
	P95    *float64 `json:"p95"`
	P99    *float64 `json:"p99"`
	P999   *float64 `json:"p99_9"`
	P9999  *float64 `json:"p99_99"`
	Max    *float64 `json:"max"`
	Stddev *float64 `json:"stddev"`
}

// FiguresOf takes the figures of h.
func FiguresOf(h *Histogram) Figures {
	if h.Count() == 0 {
		return Figures{}
	}
	return Figures{
		Count: h.Count(),
		Mean:  ms(h.Mean()), Min: ms(h.Min()), Max: ms(h.Max()), Stddev: ms(h.Stddev()),
		P50: ms(h.Quantile(50)), P75: ms(h.Quantile(75)), P90: ms(h.Quantile(90)), P95: ms(h.Quantile(95)),
		P99: ms(h.Quantile(99)), P999: ms(h.Quantile(99.9)), P9999: ms(h.Quantile(99.99)),
	}
}

// ms is d in milliseconds, exact to the nanosecond.
func ms(d time.Duration) *float64 {
	v := float64(d) / 1e6
	return &v
}
