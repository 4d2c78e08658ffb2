package stats

import (
	"iter"
	"math"
	"math/bits"
	"time"
)

// The one layout of all histograms: nanoseconds, log-linear, every octave
// [2ᵏ, 2ᵏ⁺¹) cut into 128 equal buckets. A bucket is at most 1/128 of its lower
// edge wide, so its middle is within 1/256 < 0.4 % of all it holds.
const (
	subBits  = 7
	perOct   = 1 << subBits
	firstOct = 9  // holds 1 µs
	lastOct  = 41 // holds 1 h
	octaves  = lastOct - firstOct + 1

	lowest  = uint64(time.Microsecond)
	highest = uint64(time.Hour)
)

// Histogram counts durations. Its zero value is empty and ready. Durations
// below 1 µs fall into the first bucket, those above 1 h into the last one and
// are counted as overflow too; negative ones count as zero. Count, sum, sum of
// squares, least and greatest value are exact.
//
// Merging is integer addition: associative, commutative and bit-identical in
// any order. A Histogram must not be copied once it is used.
type Histogram struct {
	octave   [octaves]*[perOct]uint64 // made on first use
	count    uint64
	overflow uint64
	most     uint64 // greatest value
	under    uint64 // complement of the least value, so that zero means none yet
	sum      wide
	squares  wide
}

// Record counts one duration. It allocates only when d is the first of its
// octave.
func (h *Histogram) Record(d time.Duration) {
	v := uint64(max(d, 0))
	h.count++
	h.most = max(h.most, v)
	h.under = max(h.under, ^v)
	h.sum.add(v)
	h.squares.addSquare(v)
	if v-lowest > highest-lowest {
		v = h.beyond(v)
	}
	e := uint(bits.Len64(v)) - 1
	o := h.octave[e-firstOct]
	if o == nil {
		o = h.grow(e - firstOct)
	}
	o[(v>>(e-subBits))%perOct]++
}

// beyond counts an overflow and gives the duration at the end that v is beyond.
//
//go:noinline
func (h *Histogram) beyond(v uint64) uint64 {
	if v < lowest {
		return lowest
	}
	h.overflow++
	return highest
}

// grow makes the buckets of an octave.
//
//go:noinline
func (h *Histogram) grow(i uint) *[perOct]uint64 {
	o := new([perOct]uint64)
	h.octave[i] = o
	return o
}

// Count is the number of durations recorded.
func (h *Histogram) Count() uint64 { return h.count }

// Overflow is how many of them were above 1 h.
func (h *Histogram) Overflow() uint64 { return h.overflow }

// Min is the least duration recorded, exactly; 0 when there is none.
func (h *Histogram) Min() time.Duration {
	if h.count == 0 {
		return 0
	}
	return time.Duration(^h.under)
}

// Max is the greatest duration recorded, exactly; 0 when there is none.
func (h *Histogram) Max() time.Duration { return time.Duration(h.most) }

// Sum is the sum of all durations, exactly, but at most the longest that a
// time.Duration can hold (292 years).
func (h *Histogram) Sum() time.Duration {
	if h.sum.hi > 0 || h.sum.lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(h.sum.lo)
}

// Mean is the sum divided by the count, rounded down to a nanosecond; 0 when
// there is nothing.
func (h *Histogram) Mean() time.Duration {
	if h.count == 0 {
		return 0
	}
	return time.Duration(h.sum.over(h.count))
}

// Stddev is the standard deviation of the whole population: the root of the
// mean square less the squared mean. It comes from the exact sums and is
// rounded to a nanosecond; 0 when there are fewer than two durations.
func (h *Histogram) Stddev() time.Duration {
	return deviation(h.count, h.sum, h.squares)
}

// Quantile is the value below or at which q percent of the durations lie, by
// nearest rank: the middle of the bucket that holds the durations of rank
// ⌈q/100 · count⌉, never beyond the true least and greatest. The first and the
// last rank are exact. It is 0 when there is nothing; q is held to 0 … 100.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	return h.atRank(rank(q, h.count))
}

// rank is ⌈q/100 · n⌉, at least 1 and at most n. Products that are whole but
// for the error of binary fractions (99.9 % of 1000) are taken as whole.
func rank(q float64, n uint64) uint64 {
	exact := q / 100 * float64(n)
	r := math.Ceil(exact - exact*1e-12)
	if !(r > 1) {
		return 1
	}
	if r >= float64(n) {
		return n
	}
	return uint64(r)
}

// atRank is the duration of the given rank, 1 … count.
func (h *Histogram) atRank(r uint64) time.Duration {
	switch r {
	case 1:
		return h.Min()
	case h.count:
		return h.Max()
	}
	var seen uint64
	for b := range h.Buckets() {
		seen += b.Count
		if seen >= r {
			return min(max(b.middle(), h.Min()), h.Max())
		}
	}
	return h.Max()
}

// Bucket is one bucket that is not empty: durations in [From, To).
type Bucket struct {
	From, To time.Duration
	Count    uint64
}

// middle is the bucket's best guess at what it holds.
func (b Bucket) middle() time.Duration { return b.From + (b.To-b.From)/2 }

// Buckets gives the buckets that hold something, in rising order. The first
// bucket also holds what is shorter, the last what is longer.
func (h *Histogram) Buckets() iter.Seq[Bucket] {
	return func(yield func(Bucket) bool) {
		for i, o := range h.octave {
			if o == nil {
				continue
			}
			for j, n := range o {
				if n > 0 && !yield(bucketAt(i, j, n)) {
					return
				}
			}
		}
	}
}

// bucketAt is bucket j of octave i.
func bucketAt(i, j int, n uint64) Bucket {
	width := time.Duration(1) << (i + firstOct - subBits)
	from := time.Duration(j+perOct) * width
	return Bucket{From: from, To: from + width, Count: n}
}

// CountAtOrBelow is how many durations are at most d, to the resolution of the
// buckets: the bucket that d falls into counts as a whole.
func (h *Histogram) CountAtOrBelow(d time.Duration) uint64 {
	if d >= h.Max() {
		return h.count
	}
	var n uint64
	for b := range h.Buckets() {
		if b.From > d {
			break
		}
		n += b.Count
	}
	return n
}

// Merge adds all that o holds.
func (h *Histogram) Merge(o *Histogram) {
	if o.count == 0 {
		return
	}
	h.count += o.count
	h.overflow += o.overflow
	h.most = max(h.most, o.most)
	h.under = max(h.under, o.under)
	h.sum.addWide(o.sum)
	h.squares.addWide(o.squares)
	for i, from := range o.octave {
		if from == nil || *from == ([perOct]uint64{}) {
			continue
		}
		to := h.octave[i]
		if to == nil {
			to = h.grow(uint(i))
		}
		for j, n := range from {
			to[j] += n
		}
	}
}

// Clone is a histogram of its own with the same content.
func (h *Histogram) Clone() *Histogram {
	c := new(Histogram)
	c.Merge(h)
	return c
}

// Reset empties the histogram and keeps its buckets' memory.
func (h *Histogram) Reset() {
	kept := h.octave
	for _, o := range kept {
		if o != nil {
			*o = [perOct]uint64{}
		}
	}
	*h = Histogram{octave: kept}
}
