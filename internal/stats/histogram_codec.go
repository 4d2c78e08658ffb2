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
	r.histogram(h)
	if n := r.left(); n > 0 {
		r.fail("%d bytes left over", n)
	}
	if r.err != nil {
		return nil, fmt.Errorf("decode histogram: %w", r.err)
	}
	return h, nil
}

// histogram takes a histogram into h, which is empty.
func (r *reader) histogram(h *Histogram) {
	filled := r.length(octaves * perOct)
	if filled == 0 {
		return
	}
	var least uint64
	r.uints(&h.overflow, &least, &h.most, &h.sum.hi, &h.sum.lo, &h.squares.hi, &h.squares.lo)
	h.under = ^least
	at := uint64(0)
	for range filled {
		at += r.uint()
		if n := r.uint(); r.err == nil {
			r.bucket(h, at, n)
		}
		at++
	}
	if r.err == nil {
		r.sound(h)
	}
}

// bucket puts n into bucket number at.
func (r *reader) bucket(h *Histogram, at, n uint64) {
	if at >= octaves*perOct || n == 0 {
		r.fail("bucket %d with %d", at, n)
		return
	}
	i := at / perOct
	if h.octave[i] == nil {
		if r.octaves--; r.octaves < 0 {
			r.fail("too many buckets")
			return
		}
		h.grow(uint(i))
	}
	var carry uint64
	if h.count, carry = bits.Add64(h.count, n, 0); carry > 0 {
		r.fail("count too large")
	}
	h.octave[i][at%perOct] = n
}

// sound refuses figures that no recording can have led to: least and greatest
// value outside the first and last bucket, a sum that count such values cannot
// have, more overflow than the last bucket holds.
func (r *reader) sound(h *Histogram) {
	least, most := ^h.under, h.most
	lo, hi := h.ends()
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
func place(v uint64) int {
	v = min(max(v, lowest), highest)
	e := bits.Len64(v) - 1
	return (e-firstOct)*perOct + int(v>>(e-subBits))%perOct
}

// ends are the numbers of the first and last bucket that hold something.
func (h *Histogram) ends() (first, last int) {
	first = -1
	for i, o := range h.octave {
		if o == nil {
			continue
		}
		for j, n := range o {
			if n == 0 {
				continue
			}
			if last = i*perOct + j; first < 0 {
				first = last
			}
		}
	}
	return first, last
}

// last is what the last bucket of all holds.
func (h *Histogram) last() uint64 {
	at := place(highest)
	if o := h.octave[at/perOct]; o != nil {
		return o[at%perOct]
	}
	return 0
}
