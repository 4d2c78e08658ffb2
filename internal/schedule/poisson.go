package schedule

import (
	"math"
	"sort"

	"hyperscale"
)

// drawn is the arrivals of a Poisson process whose rate follows a course. Each
// second's number of slots is drawn by the second's number, so that the number
// of all is known before the start; its times come from [points].
//
// A change within a second leaves what was due before it as it was: the arrivals
// from then on are drawn for the rest of that second, and what they were before
// tells of those.
type drawn struct {
	course  *course
	source  hyperscale.Source
	change  int64   // number of the change that it begins with; 0: none
	from    int64   // ns: when that is
	earlier *drawn  // the arrivals before from; nil: there are none
	base    int64   // how many those are
	sums    []int64 // slots before every stride-th second, counted from that of from
	total   int64
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

// newDrawn draws the arrivals of stages under changes; c is their course.
func newDrawn(stages []hyperscale.Stage, changes []Change, c *course, source hyperscale.Source) *drawn {
	d := &drawn{course: c, source: source}
	for i := range changes {
		at := max(int64(changes[i].At), d.from)
		before, _ := pieces(stages, changes[:i])
		course := newCourse(before)
		d.course = &course
		d.draw(at)
		d = &drawn{course: c, source: source, change: int64(i) + 1, from: at, earlier: d, base: d.before(at)}
	}
	d.draw(c.length)
	return d
}

// draw draws the numbers of slots of all seconds up to that of until.
func (d *drawn) draw(until int64) {
	d.total = d.base
	begin := d.from / second
	for s := begin; s*second <= until && s*second < d.course.length; s++ {
		if (s-begin)%stride == 0 {
			d.sums = append(d.sums, d.total)
		}
		d.total += d.count(s)
	}
}

// span is the mass before second s of the workflow and the mass within it, or
// within what is left of it.
func (d *drawn) span(s int64) (before, within u128) {
	before = d.course.mass(max(s*second, d.from))
	return before, d.course.mass(min((s+1)*second, d.course.length)).sub(before)
}

// variant is of the draws of second s: of what is left of one they are others than
// of the whole.
func (d *drawn) variant(s int64) uint64 {
	if s*second < d.from {
		return uint64(d.change)
	}
	return 0
}

// count draws how many slots are due in second s.
func (d *drawn) count(s int64) int64 {
	_, mass := d.span(s)
	mean := mass.float() / float64(perSlot)
	return poisson(mean, hyperscale.Unit(d.source.Draw(hyperscale.Slot(s), passCount, d.variant(s))))
}

// due is when slot i is due, for i in [0, total).
func (d *drawn) due(i int64) int64 {
	var p points
	return d.at(&p, i)
}

// before is how many slots are due before t.
func (d *drawn) before(t int64) int64 {
	lo, hi := d.around(t)
	var p points
	return lo + int64(sort.Search(int(hi-lo), func(k int) bool { return d.at(&p, lo+int64(k)) >= t }))
}

// around is the slots lo … hi-1 of which those due in the second of t are part:
// all below lo are due before t, none from hi on is.
func (d *drawn) around(t int64) (lo, hi int64) {
	switch {
	case t <= 0:
		return 0, 0
	case t < d.from:
		lo, hi = d.earlier.around(t)
		return min(lo, d.base), min(hi, d.base)
	case t >= d.course.length:
		return d.total, d.total
	}
	s, begin := t/second, d.from/second
	k := (s - begin) / stride
	lo = d.sums[k]
	for k := begin + k*stride; k < s; k++ {
		lo += d.count(k)
	}
	return lo, lo + d.count(s)
}

// at is when slot i is due. P holds the second of the last slot asked for and
// goes on to that of i.
func (d *drawn) at(p *points, i int64) int64 {
	if i < d.base {
		return d.earlier.at(p, i)
	}
	if p.of != d || !p.has(i) {
		d.enter(p, i)
	}
	part := p.mass.mul(p.position(i - p.first))
	target := p.before.add(u128{part.hi, part.mid}).add(u128{lo: 1})
	return d.course.reach(target) - 1
}

// enter makes p hold the second of slot i.
func (d *drawn) enter(p *points, i int64) {
	begin := d.from / second
	s, first := p.second+1, p.first+p.count
	if p.of != d || i < first || (s-begin)%stride == 0 || i >= d.after(s) {
		k := sort.Search(len(d.sums), func(k int) bool { return i < d.sums[k] }) - 1
		s, first = begin+int64(k)*stride, d.sums[k]
	}
	n := d.count(s)
	for i >= first+n {
		first += n
		s++
		n = d.count(s)
	}
	before, mass := d.span(s)
	key := hyperscale.Source(d.source.Draw(hyperscale.Slot(s), passPoints, d.variant(s)))
	p.reset(key, s, first, n, before, mass)
	p.of = d
}

// after is the first slot past the stride of seconds that s is in.
func (d *drawn) after(s int64) int64 {
	if k := (s-d.from/second)/stride + 1; k < int64(len(d.sums)) {
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
