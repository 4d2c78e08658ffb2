package stats

import (
	"fmt"
	"math/bits"
)

// AppendBinary appends the histogram to b and returns the extended slice: the
// number of buckets that hold something, then the exact figures, then each
// bucket as its distance from the one before and its count, all as varints. The
// same content gives the same bytes.
func (h *Histogram) AppendBinary(b []byte) []byte {
	if h.count == 0 {
		return append(b, 0)
	}
	var filled uint64
	for range h.Buckets() {
		filled++
	}
	b = appendUints(b, filled, h.overflow, ^h.under, h.most, h.sum.hi, h.sum.lo, h.squares.hi, h.squares.lo)
	next := 0
	for i, o := range h.octave {
		if o == nil {
			continue
		}
		for j, n := range o {
			if n > 0 {
				at := i*perOct + j
				b = appendUints(b, uint64(at-next), n)
				next = at + 1
			}
		}
	}
	return b
}

// DecodeHistogram reads what AppendBinary wrote, all of b. The bytes may come
// from anywhere: what is not a histogram is an error, and memory is bounded.
func DecodeHistogram(b []byte) (*Histogram, error) {
	r := &reader{b: b, octaves: octaves}
	h := new(Histogram)
	h.read(r)
	if n := r.left(); n > 0 {
		r.fail("%d bytes left over", n)
	}
	if r.err != nil {
		return nil, fmt.Errorf("decode histogram: %w", r.err)
	}
	return h, nil
}

// read takes a histogram into h, which is empty.
func (h *Histogram) read(r *reader) {
	filled := r.length(octaves * perOct)
	if filled == 0 {
		return
	}
	var least uint64
	r.uints(&h.overflow, &least, &h.most, &h.sum.hi, &h.sum.lo, &h.squares.hi, &h.squares.lo)
	h.under = ^least
	lo, hi := h.readBuckets(r, filled)
	if r.err == nil {
		h.sound(r, lo, hi)
	}
}

// readBuckets takes so many buckets into h and gives the numbers of the first and
// the last. Most distances and counts have one byte.
func (h *Histogram) readBuckets(r *reader, filled int) (lo, hi uint64) {
	at := uint64(0)
	for i := range filled {
		var apart, n uint64
		if p := r.at; p+1 < len(r.b) && r.b[p]|r.b[p+1] < 0x80 {
			apart, n = uint64(r.b[p]), uint64(r.b[p+1])
			r.at = p + 2
		} else {
			apart, n = r.uint(), r.uint()
		}
		at += min(apart, octaves*perOct) // a greater one would come round to a bucket before
		if at >= octaves*perOct || n == 0 {
			r.fail("bucket %d with %d", at, n)
			return 0, 0
		}
		o := h.octave[at/perOct]
		if o == nil {
			if o = r.octave(h, uint(at/perOct)); o == nil {
				return 0, 0
			}
		}
		o[at%perOct] = n
		var carry uint64
		if h.count, carry = bits.Add64(h.count, n, 0); carry > 0 {
			r.fail("count too large")
			return 0, 0
		}
		if i == 0 {
			lo = at
		}
		hi = at
		at++
	}
	return lo, hi
}

// octave makes the buckets of an octave, if there may be more; else nil.
func (r *reader) octave(h *Histogram, i uint) *[perOct]uint64 {
	if r.octaves--; r.octaves < 0 {
		r.fail("too many buckets")
		return nil
	}
	return h.grow(i)
}

// sound refuses figures that no recording can have led to: least and greatest
// value outside the first and last bucket, a sum that count such values cannot
// have, more overflow than the last bucket holds.
func (h *Histogram) sound(r *reader, lo, hi uint64) {
	least, most := ^h.under, h.most
	switch {
	case most >= 1<<63 || least > most:
		r.fail("range %d … %d", least, most)
	case place(least) != lo || place(most) != hi:
		r.fail("range %d … %d is not that of the buckets", least, most)
	case h.sum.less(times(least, h.count)) || times(most, h.count).less(h.sum):
		r.fail("sum is not one of the range")
	case (h.overflow > 0) != (most > highest) || h.overflow > h.last():
		r.fail("overflow %d", h.overflow)
	}
}

// place is the number of the bucket that value v falls into.
func place(v uint64) uint64 {
	v = min(max(v, lowest), highest)
	e := uint64(bits.Len64(v)) - 1
	return (e-firstOct)*perOct + v>>(e-subBits)%perOct
}

// last is what the last bucket of all holds.
func (h *Histogram) last() uint64 {
	at := place(highest)
	if o := h.octave[at/perOct]; o != nil {
		return o[at%perOct]
	}
	return 0
}
