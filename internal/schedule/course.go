package schedule

import (
	"math"
	"sort"

	"hyperscale"
)

// perSlot is the mass of one slot. Mass is the integral of the rate in units of
// 1 / (2 · 3.6·10¹⁸) slot, in which twice the integral of a rate (in millionths
// of a slot per hour) over nanoseconds is whole, and so is the mass of any whole
// stage, ramps included.
const perSlot = 2 * uint64(hyperscale.PerSecond) * 1_000_000_000

// course is the rate of an open load over time, as stretches without gaps.
type course struct {
	stretches []stretch
	length    int64 // ns
}

// stretch is a part of a course: a piece of a line on which the rate goes
// linearly from … to.
type stretch struct {
	start, length int64 // ns
	skip, over    int64 // where on the line it begins, and how long that is; over is above zero
	from, to      uint64
	paused        bool
	before, end   u128 // mass reached at its start and at its end
	skipped       u128 // mass of the line up to skip
}

func newCourse(all []piece) course {
	var c course
	var reached u128
	for _, s := range all {
		if s.length == 0 {
			continue
		}
		p := stretch{
			start: c.length, length: s.length, skip: s.skip, over: s.over,
			from: uint64(s.from), to: uint64(s.to), paused: s.paused, before: reached,
		}
		p.skipped = p.line(p.skip)
		reached = reached.add(p.mass(p.length))
		p.end = reached
		c.stretches = append(c.stretches, p)
		c.length += p.length
	}
	return c
}

// mass is the whole part of the mass reached at t.
func (c *course) mass(t int64) u128 {
	k := sort.Search(len(c.stretches), func(k int) bool { return t < c.stretches[k].start })
	if k == 0 {
		return u128{}
	}
	p := &c.stretches[k-1]
	return p.before.add(p.mass(min(t-p.start, p.length)))
}

// slots is how many slots of even spacing are due before t: those whose mass is
// reached one nanosecond earlier at the latest, slot 0 having none.
func (c *course) slots(t int64) int64 {
	if t <= 0 || c.length == 0 {
		return 0
	}
	t = min(t, c.length)
	for k := c.stretch(t - 1); c.stretches[k].paused; k-- {
		if t = c.stretches[k].start; k == 0 {
			return 0
		}
	}
	n, _ := c.mass(t - 1).div(perSlot)
	return int64(n) + 1
}

// stretch is the index of the stretch that t is in, 0 ≤ t < length.
func (c *course) stretch(t int64) int {
	return sort.Search(len(c.stretches), func(k int) bool { return t < c.stretches[k].start }) - 1
}

// due is when slot i of even spacing is due. The course must reach it.
func (c *course) due(i int64) int64 {
	m := mul64(uint64(i), perSlot)
	return c.even(sort.Search(len(c.stretches), func(k int) bool { return !c.stretches[k].end.less(m) }), m)
}

// even is when a slot of even spacing is due whose mass m is reached in stretch
// k. One that would be due just when a pause begins is due when that is over.
func (c *course) even(k int, m u128) int64 {
	p := &c.stretches[k]
	t := p.reach(m)
	if t == p.start+p.length {
		k++
	}
	if k == len(c.stretches) || !c.stretches[k].paused {
		return t
	}
	for ; k < len(c.stretches) && c.stretches[k].paused; k++ {
		t = c.stretches[k].start + c.stretches[k].length
	}
	return t
}

// reach is the first t at which the mass is at least m. The course must reach m.
func (c *course) reach(m u128) int64 {
	k := sort.Search(len(c.stretches), func(k int) bool { return !c.stretches[k].end.less(m) })
	return c.stretches[k].reach(m)
}

// mass is the mass of the stretch's first x nanoseconds.
func (p *stretch) mass(x int64) u128 { return p.line(p.skip + x).sub(p.skipped) }

// line is the whole part of the mass of the line's first x nanoseconds:
// 2·from·x + (to − from)·x² ÷ over.
func (p *stretch) line(x int64) u128 {
	linear := mul64(2*p.from, uint64(x))
	if p.to >= p.from {
		bend, _ := mul64(p.to-p.from, uint64(x)).mul(uint64(x)).div(uint64(p.over))
		return linear.add(bend)
	}
	bend, inexact := mul64(p.from-p.to, uint64(x)).mul(uint64(x)).div(uint64(p.over))
	if inexact {
		bend = bend.add(u128{lo: 1})
	}
	return linear.sub(bend)
}

// reach is the first t at which the course's mass is at least m, for m above
// before (or zero in the first stretch) and at most end.
func (p *stretch) reach(m u128) int64 {
	need := m.sub(p.before)
	if need == (u128{}) {
		return p.start
	}
	if p.from == p.to {
		x, rest := need.div(2 * p.from)
		if rest != 0 {
			x++
		}
		return p.start + int64(x)
	}
	return p.start + max(p.bent(need.add(p.skipped))-p.skip, 0)
}

// bent is reach within the line of a ramp: the root of a quadratic, guessed in floating
// point and corrected exactly, so that it does not matter how the guess was
// rounded.
func (p *stretch) bent(need u128) int64 {
	target := need.mul(uint64(p.over))
	x := min(max(p.guess(need), 0), p.over)
	for p.scaled(x).less(target) {
		x++
	}
	for x > 0 && !p.scaled(x-1).less(target) {
		x--
	}
	return x
}

// scaled is the mass of the first x nanoseconds times over: whole.
func (p *stretch) scaled(x int64) u192 {
	height := mul64(2*p.from, uint64(p.over))
	if p.to >= p.from {
		height = height.add(mul64(p.to-p.from, uint64(x)))
	} else {
		height = height.sub(mul64(p.from-p.to, uint64(x)))
	}
	return height.mul(uint64(x))
}

// guess solves the quadratic from the end with the lower rate, where nothing
// cancels: the guess is off by no more than its rounding. It is rounded up, as
// the exact answer is.
func (p *stretch) guess(need u128) int64 {
	over := float64(p.over)
	if p.to >= p.from {
		low, bend := float64(p.from), float64(p.to-p.from)
		mass := need.float()
		return int64(mass/(low+math.Sqrt(low*low+bend*mass/over))) + 1
	}
	low, bend := float64(p.to), float64(p.from-p.to)
	mass := mul64(p.from+p.to, uint64(p.over)).sub(need).float()
	if mass == 0 {
		return p.over
	}
	return p.over - int64(mass/(low+math.Sqrt(low*low+bend*mass/over)))
}
