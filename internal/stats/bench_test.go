package stats

import (
	"math/rand/v2"
	"testing"
	"time"
)

// durations is a mix of times around 200 µs with a long tail.
func durations(n int) []time.Duration {
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]time.Duration, n)
	for i := range list {
		list[i] = time.Duration(200e3 * (0.5 + r.ExpFloat64()))
	}
	return list
}

func BenchmarkRecord(b *testing.B) {
	var h Histogram
	ds := durations(1 << 12)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.Record(ds[i%(1<<12)])
	}
}

// BenchmarkRequest is all that a lane counts for one ok request with a status
// check.
func BenchmarkRequest(b *testing.B) {
	rec := NewRecord(&Layout{Steps: []StepLayout{{Name: "get", Checks: []string{"get: status"}}}})
	ds := durations(1 << 12)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d := ds[i%(1<<12)]
		rec.Due++
		rec.Slots.Started++
		rec.Completed++
		rec.Lateness.Record(d >> 6)
		rec.FirstByte.Record(d)
		rec.Transfer.Record(d >> 8)
		s := &rec.Steps[0]
		s.Requests.Started++
		s.OK++
		s.BytesIn += 200
		s.BytesOut += 80
		s.Status(200)
		s.Check(0, true)
		s.Answered(true, d+d>>6, d)
	}
}

func BenchmarkQuantile(b *testing.B) {
	var h Histogram
	for _, d := range durations(100_000) {
		h.Record(d)
	}
	for b.Loop() {
		h.Quantile(99)
	}
}

func BenchmarkMerge(b *testing.B) {
	var h, o Histogram
	for _, d := range durations(100_000) {
		o.Record(d)
	}
	for b.Loop() {
		h.Merge(&o)
	}
}
