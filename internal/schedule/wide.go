package schedule

import "math/bits"

// u128 is an unsigned number of 128 bits.
type u128 struct{ hi, lo uint64 }

// u192 is an unsigned number of 192 bits.
type u192 struct{ hi, mid, lo uint64 }

func mul64(a, b uint64) u128 {
	hi, lo := bits.Mul64(a, b)
	return u128{hi, lo}
}

func (a u128) add(b u128) u128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return u128{hi, lo}
}

// sub is a - b for b ≤ a.
func (a u128) sub(b u128) u128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return u128{hi, lo}
}

func (a u128) less(b u128) bool {
	return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo
}

func (a u128) mul(b uint64) u192 {
	low, high := mul64(a.lo, b), mul64(a.hi, b)
	mid, carry := bits.Add64(low.hi, high.lo, 0)
	return u192{high.hi + carry, mid, low.lo}
}

// div is the whole part of a ÷ b, which must fit in 64 bits, and the rest.
func (a u128) div(b uint64) (quotient, rest uint64) { return bits.Div64(a.hi, a.lo, b) }

// float is a rounded to a float64, alike on every architecture: the product is
// exact, so fusing it with the sum changes nothing.
func (a u128) float() float64 { return float64(a.hi)*0x1p64 + float64(a.lo) }

func (a u192) less(b u192) bool {
	if a.hi != b.hi {
		return a.hi < b.hi
	}
	return u128{a.mid, a.lo}.less(u128{b.mid, b.lo})
}

// div is the whole part of a ÷ b, which must fit in 128 bits, and whether there
// is a rest.
func (a u192) div(b uint64) (quotient u128, inexact bool) {
	hi, rest := bits.Div64(a.hi, a.mid, b)
	lo, rest := bits.Div64(rest, a.lo, b)
	return u128{hi, lo}, rest != 0
}
