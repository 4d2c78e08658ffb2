package stats

import (
	"math"
	"math/big"
	"math/bits"
	"time"
)

// wide is an unsigned integer of 128 bits: room for exact sums of squared
// nanoseconds.
type wide struct{ hi, lo uint64 }

// add adds v.
func (w *wide) add(v uint64) {
	var carry uint64
	w.lo, carry = bits.Add64(w.lo, v, 0)
	w.hi += carry
}

// addSquare adds v².
func (w *wide) addSquare(v uint64) {
	hi, lo := bits.Mul64(v, v)
	w.addWide(wide{hi, lo})
}

// addWide adds o.
func (w *wide) addWide(o wide) {
	var carry uint64
	w.lo, carry = bits.Add64(w.lo, o.lo, 0)
	w.hi, _ = bits.Add64(w.hi, o.hi, carry)
}

// subWide takes o away.
func (w *wide) subWide(o wide) {
	var borrow uint64
	w.lo, borrow = bits.Sub64(w.lo, o.lo, 0)
	w.hi, _ = bits.Sub64(w.hi, o.hi, borrow)
}

// over is w divided by n > 0, rounded down; the quotient is held to 64 bits.
func (w wide) over(n uint64) uint64 {
	if w.hi >= n {
		return math.MaxUint64
	}
	q, _ := bits.Div64(w.hi, w.lo, n)
	return q
}

// less reports whether w is below o.
func (w wide) less(o wide) bool { return w.hi < o.hi || w.hi == o.hi && w.lo < o.lo }

// times is a·b.
func times(a, b uint64) wide {
	hi, lo := bits.Mul64(a, b)
	return wide{hi, lo}
}

// big is w as an integer of any size.
func (w wide) big() *big.Int {
	b := new(big.Int).SetUint64(w.hi)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(w.lo))
}

// deviation is the standard deviation of n values with the given sum and sum of
// squares: √(n·Σx² − (Σx)²) / n, exact up to the root.
func deviation(n uint64, sum, squares wide) time.Duration {
	if n < 2 {
		return 0
	}
	s := sum.big()
	count := new(big.Int).SetUint64(n)
	v := new(big.Int).Mul(squares.big(), count)
	v.Sub(v, s.Mul(s, s))
	if v.Sign() <= 0 {
		return 0
	}
	v.Sqrt(v)
	v.Add(v, new(big.Int).Rsh(count, 1))
	return time.Duration(v.Div(v, count).Int64())
}
