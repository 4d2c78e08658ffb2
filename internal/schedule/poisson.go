package schedule

import (
	"math"
	"sort"

	"hyperscale"
)

// drawn is the arrivals of a Poisson process whose rate follows a course. Each
// second's number of slots is drawn by the second's number, so that the number
// of all is known before the start; its times come from [points].
type drawn struct {
	course *course
	source hyperscale.Source
	sums   []int64 // slots before every stride-th second
	total  int64
}

// Draws of the schedule have passes below zero, which no virtual user has.
const (
	passCount  = -1
	passPoints = -2
)

const second = 1_000_000_000

// stride is how many seconds have one entry in sums: what is kept is small even
// for a load of weeks, and what has to be drawn again to find a slot is, too.
const stride = 16

func newDrawn(c *course, source hyperscale.Source) *drawn {
	d := &drawn{course: c, source: source}
	for s := int64(0); s*second < c.length; s++ {
		if s%stride == 0 {
			d.sums = append(d.sums, d.total)
		}
		d.total += d.count(s)
	}
	return d
}

// span is the mass before second s of the workflow and the mass within it.
func (d *drawn) span(s int64) (before, within u128) {
	before = d.course.mass(s * second)
	return before, d.course.mass(min((s+1)*second, d.course.length)).sub(before)
}

// count draws how many slots are due in second s.
func (d *drawn) count(s int64) int64 {
	_, mass := d.span(s)
	mean := mass.float() / float64(perSlot)
	return poisson(mean, hyperscale.Unit(d.source.Draw(hyperscale.Slot(s), passCount, 0)))
}

// due is when slot i is due, for i in [0, total).
func (d *drawn) due(i int64) int64 {
	var p points
	return d.at(&p, i)
}

// around is the slots lo … hi-1 of which those due in the second of t are part:
// all below lo are due before t, none from hi on is.
func (d *drawn) around(t int64) (lo, hi int64) {
	if t <= 0 {
		return 0, 0
	}
	if t >= d.course.length {
		return d.total, d.total
	}
	s := t / second
	lo = d.sums[s/stride]
	for k := s / stride * stride; k < s; k++ {
		lo += d.count(k)
	}
	return lo, lo + d.count(s)
}

// at is when slot i is due. P holds the second of the last slot asked for and
// goes on to that of i.
func (d *drawn) at(p *points, i int64) int64 {
	if !p.has(i) {
		d.enter(p, i)
	}
	part := p.mass.mul(p.position(i - p.first))
	target := p.before.add(u128{part.hi, part.mid}).add(u128{lo: 1})
	return d.course.reach(target) - 1
}

// enter makes p hold the second of slot i.
func (d *drawn) enter(p *points, i int64) {
	s, first := p.second+1, p.first+p.count
	if p.count == 0 || i < first || s%stride == 0 || i >= d.after(s) {
		k := sort.Search(len(d.sums), func(k int) bool { return i < d.sums[k] }) - 1
		s, first = int64(k)*stride, d.sums[k]
	}
	n := d.count(s)
	for i >= first+n {
		first += n
		s++
		n = d.count(s)
	}
	before, mass := d.span(s)
	key := hyperscale.Source(d.source.Draw(hyperscale.Slot(s), passPoints, 0))
	p.reset(key, s, first, n, before, mass)
}

// after is the first slot past the stride of seconds that s is in.
func (d *drawn) after(s int64) int64 {
	if k := s/stride + 1; k < int64(len(d.sums)) {
		return d.sums[k]
	}
	return d.total
}

// poisson is the quantile u of the Poisson distribution with the mean, found by
// going outward from the mode in a fixed order (inversion by chop-down, after
// Kemp, "Efficient generation of logarithmically distributed pseudo-random
// variables", 1981). U is in [0, 1). Every product that is added to something is
// rounded first, so that no architecture can fuse them.
func poisson(mean, u float64) int64 {
	mode := math.Floor(mean)
	up := modeProbability(mean, mode)
	down := up
	u -= up
	for k, j := mode, mode; u >= 0 && (up > 0 || down > 0); {
		k++
		up = float64(up * mean / k)
		if u -= up; u < 0 {
			return int64(k)
		}
		if j > 0 {
			down = float64(down * j / mean)
			j--
			if u -= down; u < 0 {
				return int64(j)
			}
		} else {
			down = 0
		}
	}
	return int64(mode)
}

// modeProbability is the probability of n = floor(mean).
func modeProbability(mean, n float64) float64 {
	if n < 128 {
		p := expNegative(mean)
		for k := 1.0; k <= n; k++ {
			p = float64(p * mean / k)
		}
		return p
	}
	// With mean = n + d: n·ln(1 + d/n) − d, less the rest of Stirling's series for
	// ln n!. Both are small, for 0 ≤ d < 1.
	d := mean - n
	q := d / n
	bend := float64(q*(1.0/3)) - float64(float64(q*q)*0.25)
	stirling := (1 - float64((1/n/n)*(1.0/30))) / (12 * n)
	x := float64(float64(d*q)*(0.5-bend)) + stirling
	return expNegative(x) / math.Sqrt(2*math.Pi*n)
}

// expNegative is e^−x for x in [0, 129]: Taylor's series for a 2⁻⁹th of x, squared
// nine times.
func expNegative(x float64) float64 {
	x *= 1.0 / 512
	sum, term := 1.0, 1.0
	for k := 1.0; k <= 16; k++ {
		term = float64(-term * x / k)
		sum += term
	}
	for range 9 {
		sum *= sum
	}
	return sum
}
