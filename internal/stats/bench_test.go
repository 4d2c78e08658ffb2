package stats

import (
	"math/rand/v2"
	"testing"
	"time"

	"hyperscale"
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

// BenchmarkTallyAdd is the merge of one window of five steps with a thousand
// requests each, in one point of the course.
func BenchmarkTallyAdd(b *testing.B) {
	w := fiveSteps()
	tally := NewTally()
	tally.Add(w)
	b.ReportAllocs()
	for b.Loop() {
		w.ID.First, w.ID.Seq = w.ID.Seq+1, w.ID.Seq+1
		tally.Add(w)
	}
}

// BenchmarkDecodeWindow reads the same window.
func BenchmarkDecodeWindow(b *testing.B) {
	packed := fiveSteps().AppendBinary(nil)
	b.SetBytes(int64(len(packed)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeWindow(packed); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReceive is all that an owner does with a window as it came: read it,
// judge it, add it to its joint.
func BenchmarkReceive(b *testing.B) {
	w := fiveSteps()
	var packed [][]byte
	for i := range int64(1000) {
		w.ID.Share = share1(i, 1000)
		packed = append(packed, w.AppendBinary(nil))
	}
	marks, joints := NewMarks(), NewJoints()
	var decoder Decoder
	b.SetBytes(int64(len(packed[0])))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w, err := decoder.Window(packed[i%len(packed)])
		if err != nil {
			b.Fatal(err)
		}
		w.ID.First, w.ID.Seq = uint64(i/len(packed)+1), uint64(i/len(packed)+1)
		if marks.Receive(w) != Merged {
			b.Fatal("not merged")
		}
		joints.Add(w, hyperscale.Share{})
	}
}

// fiveSteps is a window of five steps with a thousand requests each.
func fiveSteps() *Window {
	layout := &Layout{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		layout.Steps = append(layout.Steps, StepLayout{Name: name})
	}
	rec := NewRecord(layout)
	for i, d := range durations(5000) {
		s := &rec.Steps[i%5]
		s.Requests.Started++
		s.OK++
		s.Status(200)
		s.Answered(true, d, d)
	}
	return Cut(WindowID{Workflow: "w", Share: hyperscale.Whole, Seq: 1}, second(0), []*Record{rec}, Readings{})
}
