package stats

import (
	"bytes"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

// anyDuration draws durations of every magnitude, also beyond both ends.
func anyDuration() *rapid.Generator[time.Duration] {
	return rapid.Custom(func(t *rapid.T) time.Duration {
		bits := rapid.IntRange(0, 45).Draw(t, "bits")
		return time.Duration(rapid.Int64Range(0, int64(1)<<bits).Draw(t, "ns"))
	})
}

// filled is a histogram of the durations.
func filled(ds ...time.Duration) *Histogram {
	h := new(Histogram)
	for _, d := range ds {
		h.Record(d)
	}
	return h
}

// bin is the histogram's canonical bytes.
func bin(h *Histogram) []byte { return h.AppendBinary(nil) }

func TestHistogramZeroValue(t *testing.T) {
	var h Histogram
	for name, d := range map[string]time.Duration{
		"min": h.Min(), "max": h.Max(), "mean": h.Mean(), "stddev": h.Stddev(), "sum": h.Sum(), "p50": h.Quantile(50),
	} {
		if d != 0 {
			t.Errorf("%s of nothing is %v", name, d)
		}
	}
	if h.Count() != 0 || h.CountAtOrBelow(time.Hour) != 0 {
		t.Error("nothing was recorded, and yet counted")
	}
}

// Durations beyond the ends go to the first and last bucket; the exact figures
// keep their true values.
func TestHistogramEnds(t *testing.T) {
	h := filled(-time.Second, 0, 999, 1000, time.Hour, time.Hour+1, 3*time.Hour)
	if h.Min() != 0 || h.Max() != 3*time.Hour || h.Count() != 7 || h.Overflow() != 2 {
		t.Errorf("min %v, max %v, count %d, overflow %d", h.Min(), h.Max(), h.Count(), h.Overflow())
	}
	if want := 5*time.Hour + 2000; h.Sum() != want {
		t.Errorf("sum %v, want %v", h.Sum(), want)
	}
	buckets := slices.Collect(h.Buckets())
	if len(buckets) != 2 || buckets[0].Count != 4 || buckets[1].Count != 3 {
		t.Fatalf("buckets %v", buckets)
	}
	if first, last := buckets[0], buckets[1]; first.From != 1000 || last.From > time.Hour || last.To <= time.Hour {
		t.Errorf("ends at %v and %v…%v", first.From, last.From, last.To)
	}
}

func TestNearestRank(t *testing.T) {
	for _, c := range []struct {
		q    float64
		n    uint64
		rank uint64
	}{
		{50, 1, 1}, {50, 2, 1}, {50, 3, 2}, {50, 100, 50}, {50.1, 100, 51},
		{99, 100, 99}, {99.9, 1000, 999}, {99.9, 1001, 1000}, {99.99, 10000, 9999},
		{95, 20, 19}, {95, 21, 20}, {100, 7, 7}, {0, 7, 1}, {-3, 7, 1}, {200, 7, 7},
		{math.NaN(), 7, 1}, {0.0001, 7, 1}, {99.999999, 7, 7}, {70, 10, 7}, {55, 100, 55},
	} {
		if got := rank(c.q, c.n); got != c.rank {
			t.Errorf("rank of %v %% in %d is %d, want %d", c.q, c.n, got, c.rank)
		}
	}
}

// A quantile is a duration near one that was recorded, never one from the empty
// space between two groups.
func TestQuantileNeverInTheGap(t *testing.T) {
	h := new(Histogram)
	for range 50 {
		h.Record(time.Millisecond)
		h.Record(time.Second)
	}
	if got := h.Quantile(50); math.Abs(float64(got-time.Millisecond)) > 0.004*float64(time.Millisecond) {
		t.Errorf("p50 %v", got)
	}
	if got := h.Quantile(51); math.Abs(float64(got-time.Second)) > 0.004*float64(time.Second) {
		t.Errorf("p51 %v", got)
	}
}

// Every quantile is within 0.4 % of the duration of its rank, and within the
// true range.
func TestQuantileAgainstSortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := rapid.SliceOfN(anyDuration(), 1, 200).Draw(t, "durations")
		h := filled(ds...)
		slices.Sort(ds)
		if h.Quantile(0) != ds[0] || h.Quantile(100) != ds[len(ds)-1] {
			t.Fatalf("p0 %v, p100 %v of %v", h.Quantile(0), h.Quantile(100), ds)
		}
		q := rapid.Float64Range(0, 100).Draw(t, "q")
		want := ds[rank(q, uint64(len(ds)))-1]
		got := h.Quantile(q)
		if got < ds[0] || got > ds[len(ds)-1] {
			t.Fatalf("p%v is %v, outside %v … %v", q, got, ds[0], ds[len(ds)-1])
		}
		if inRange := want >= time.Microsecond && want <= time.Hour; !inRange {
			return
		}
		if diff := math.Abs(float64(got - want)); diff > 0.004*float64(want) {
			t.Fatalf("p%v is %v, want %v: off by %.3f %%", q, got, want, 100*diff/float64(want))
		}
	})
}

// HdrHistogram rounds ranks in its own way, so it is asked for whole ones.
func TestQuantileAgainstHdrHistogram(t *testing.T) {
	oracle := hdr.New(1, int64(time.Hour), 4)
	rapid.Check(t, func(t *rapid.T) {
		oracle.Reset()
		h := new(Histogram)
		n := rapid.IntRange(1, 300).Draw(t, "n")
		for range n {
			d := time.Duration(rapid.Int64Range(1000, int64(time.Hour)).Draw(t, "ns"))
			h.Record(d)
			if err := oracle.RecordValue(int64(d)); err != nil {
				t.Fatal(err)
			}
		}
		ranks := make([]float64, n)
		for i := range ranks {
			ranks[i] = 100 * float64(i+1) / float64(n)
		}
		for i, want := range oracle.ValueAtPercentilesSlice(ranks) { // all at once: it has a million buckets
			got, want := float64(h.Quantile(ranks[i])), float64(want)
			if math.Abs(got-want) > 0.0041*want {
				t.Fatalf("rank %d of %d is %v, HdrHistogram has %v", i+1, n, got, want)
			}
		}
	})
}

func TestExactFigures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := rapid.SliceOfN(anyDuration(), 1, 100).Draw(t, "durations")
		h := filled(ds...)
		sum, squares := new(big.Int), new(big.Int)
		for _, d := range ds {
			v := big.NewInt(int64(d))
			sum.Add(sum, v)
			squares.Add(squares, new(big.Int).Mul(v, v))
		}
		if h.sum.big().Cmp(sum) != 0 || h.squares.big().Cmp(squares) != 0 {
			t.Fatalf("sum %v, squares %v; want %v, %v", h.sum.big(), h.squares.big(), sum, squares)
		}
		if h.Min() != slices.Min(ds) || h.Max() != slices.Max(ds) || h.Count() != uint64(len(ds)) {
			t.Fatalf("min %v max %v count %d of %v", h.Min(), h.Max(), h.Count(), ds)
		}
		if want := sum.Div(sum, big.NewInt(int64(len(ds)))).Int64(); int64(h.Mean()) != want {
			t.Fatalf("mean %d, want %d", h.Mean(), want)
		}
		if got, want := float64(h.Stddev()), spread(ds); math.Abs(got-want) > 1e-9*want+1 {
			t.Fatalf("stddev %v, want %v", got, want)
		}
	})
}

// spread is the standard deviation, in two passes.
func spread(ds []time.Duration) float64 {
	mean, squares := 0.0, 0.0
	for _, d := range ds {
		mean += float64(d) / float64(len(ds))
	}
	for _, d := range ds {
		squares += (float64(d) - mean) * (float64(d) - mean)
	}
	return math.Sqrt(squares / float64(len(ds)))
}

func TestStddev(t *testing.T) {
	for _, c := range []struct {
		ds   []time.Duration
		want time.Duration
	}{
		{nil, 0},
		{[]time.Duration{time.Second}, 0},
		{[]time.Duration{time.Second, time.Second}, 0},
		{[]time.Duration{2e6, 4e6, 4e6, 4e6, 5e6, 5e6, 7e6, 9e6}, 2e6},
		{[]time.Duration{time.Hour, time.Hour + 2}, 1}, // a difference that floating point would lose
	} {
		if got := filled(c.ds...).Stddev(); got != c.want {
			t.Errorf("stddev of %v is %v, want %v", c.ds, got, c.want)
		}
	}
}

// A sum beyond 64 bits stays exact; what is shown of it is held to 292 years.
func TestSumBeyond64Bits(t *testing.T) {
	var h Histogram
	for range 3 {
		h.Record(math.MaxInt64)
	}
	if h.Sum() != math.MaxInt64 || h.Mean() != math.MaxInt64 || h.sum.hi != 1 {
		t.Errorf("sum %v, mean %v, high word %d", h.Sum(), h.Mean(), h.sum.hi)
	}
}

// Merging in any order and grouping gives the very same bytes as recording
// everything in one place.
func TestMergeIsOrderFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SliceOfN(rapid.SliceOfN(anyDuration(), 0, 30), 1, 8).Draw(t, "groups")
		whole := filled(slices.Concat(groups...)...)
		parts := make([]*Histogram, len(groups))
		for i, g := range groups {
			parts[i] = filled(g...)
		}
		for len(parts) > 1 { // merge any two until one is left
			i := rapid.IntRange(0, len(parts)-1).Draw(t, "into")
			j := rapid.IntRange(0, len(parts)-2).Draw(t, "from")
			if j >= i {
				j++
			}
			parts[i].Merge(parts[j])
			parts = slices.Delete(parts, j, j+1)
		}
		if !bytes.Equal(bin(parts[0]), bin(whole)) {
			t.Fatalf("merged\n%x\nis not\n%x", bin(parts[0]), bin(whole))
		}
	})
}

func TestResetKeepsNothingButMemory(t *testing.T) {
	h := filled(time.Millisecond, time.Second, 2*time.Hour)
	h.Reset()
	if !bytes.Equal(bin(h), bin(new(Histogram))) {
		t.Errorf("after Reset: %x", bin(h))
	}
	if n := testing.AllocsPerRun(100, func() { h.Record(time.Millisecond); h.Record(time.Second) }); n != 0 {
		t.Errorf("%v allocations to record in octaves that were there", n)
	}
	clone := h.Clone()
	h.Record(time.Minute)
	if clone.Max() == time.Minute || clone.Count() != h.Count()-1 {
		t.Error("a clone follows its original")
	}
}

func TestCountAtOrBelow(t *testing.T) {
	h := filled(time.Millisecond, 10*time.Millisecond, 100*time.Millisecond, 2*time.Hour)
	for d, want := range map[time.Duration]uint64{
		0: 0, 900 * time.Microsecond: 0, 2 * time.Millisecond: 1, 50 * time.Millisecond: 2,
		time.Second: 3, 2 * time.Hour: 4, 3 * time.Hour: 4,
	} {
		if got := h.CountAtOrBelow(d); got != want {
			t.Errorf("%d at or below %v, want %d", got, d, want)
		}
	}
}

// What was merged can be taken away again without a trace.
func TestRemoveUndoesMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kept := rapid.SliceOfN(anyDuration(), 0, 40).Draw(t, "kept")
		gone := filled(rapid.SliceOfN(anyDuration(), 0, 40).Draw(t, "gone")...)
		want := filled(kept...)
		h := filled(kept...)
		h.Merge(gone)
		h.remove(gone)
		h.bound(want.Min(), want.Max())
		if !bytes.Equal(bin(h), bin(want)) {
			t.Fatalf("%x is not %x", bin(h), bin(want))
		}
	})
}

func TestHistogramCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := filled(rapid.SliceOfN(anyDuration(), 0, 60).Draw(t, "durations")...)
		got, err := DecodeHistogram(bin(h))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bin(got), bin(h)) || got.Min() != h.Min() || got.Max() != h.Max() {
			t.Fatalf("%x became %x", bin(h), bin(got))
		}
	})
}

// Bytes that no recording leads to are refused.
func TestHistogramDecodeRefuses(t *testing.T) {
	ms := uint64(time.Millisecond)
	at := uint64(place(ms))
	sq := func(v uint64) uint64 { return v * v }
	good := appendUints(nil, 1, 0, ms, ms, 0, 2*ms, 0, 2*sq(ms), at, 2)
	if _, err := DecodeHistogram(good); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	for name, b := range map[string][]byte{
		"nothing":              {},
		"cut short":            good[:len(good)-1],
		"left over":            append(bytes.Clone(good), 0),
		"endless number":       bytes.Repeat([]byte{0xff}, 20),
		"more than it holds":   appendUints(nil, 4000),
		"empty bucket":         appendUints(nil, 1, 0, ms, ms, 0, 2*ms, 0, 0, at, 0),
		"bucket beyond all":    appendUints(nil, 1, 0, ms, ms, 0, 2*ms, 0, 0, octaves*perOct, 2),
		"bucket wraps":         appendUints(nil, 2, 0, ms, ms, 0, 2*ms, 0, 0, at, 1, math.MaxUint64-at, 1),
		"min above max":        appendUints(nil, 1, 0, ms+1, ms, 0, 2*ms, 0, 0, at, 2),
		"min in other bucket":  appendUints(nil, 1, 0, ms/2, ms, 0, 2*ms, 0, 0, at, 2),
		"max in other bucket":  appendUints(nil, 1, 0, ms, 2*ms, 0, 2*ms, 0, 0, at, 2),
		"sum too small":        appendUints(nil, 1, 0, ms, ms, 0, ms, 0, 0, at, 2),
		"sum too large":        appendUints(nil, 1, 0, ms, ms, 1, 2*ms, 0, 0, at, 2),
		"overflow of nothing":  appendUints(nil, 1, 1, ms, ms, 0, 2*ms, 0, 0, at, 2),
		"negative max":         appendUints(nil, 1, 1, ms, 1<<63, 0, 2*ms, 0, 0, at, 2),
		"count beyond 64 bits": appendUints(nil, 2, 0, ms, ms, 0, 2*ms, 0, 0, at, math.MaxUint64, 0, 1),
	} {
		if h, err := DecodeHistogram(b); err == nil {
			t.Errorf("%s: taken as %d of %v…%v", name, h.Count(), h.Min(), h.Max())
		}
	}
}

// FuzzDecodeHistogram: whatever is accepted behaves like a histogram and is
// written again as something that reads the same.
func FuzzDecodeHistogram(f *testing.F) {
	f.Add(bin(new(Histogram)))
	f.Add(bin(filled(time.Millisecond, time.Second, 2*time.Hour, 0)))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodeHistogram(b)
		if err != nil {
			return
		}
		again, err := DecodeHistogram(bin(h))
		if err != nil || !bytes.Equal(bin(again), bin(h)) {
			t.Fatalf("read back: %v", err)
		}
		h.Stddev()
		for _, q := range []float64{0, 50, 99, 100} {
			if v := h.Quantile(q); h.Count() > 0 && (v < h.Min() || v > h.Max()) {
				t.Fatalf("p%v %v outside %v … %v", q, v, h.Min(), h.Max())
			}
		}
	})
}
