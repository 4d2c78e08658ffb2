package schedule

import (
	"sort"

	"hyperscale"
)

// Users is a closed load: how many virtual users there are at each time. It
// never changes and may be used by many at once.
//
// Between the levels of a stage the number of users goes in steps of one, each
// made when the straight line reaches the half between two numbers, so that the
// VU-time of a ramp is that of the line. VU v is alive while the number is above
// v: VUs begin in the order of their numbers and end in the opposite one.
type Users struct {
	stages []climb
	peak   int64
	end    int64
}

// climb is a stage of a closed load, or a piece of one.
type climb struct {
	piece
	start int64
}

// NewUsers computes the schedule of a closed load, under changes. Levels are not
// negative and below 2⁴⁰.
func NewUsers(load hyperscale.Load, changes ...Change) *Users {
	u := &Users{}
	all, hanging := pieces(load.Stages, changes)
	if hanging {
		all = append(all, flat(0, int64(Far)))
	}
	for _, p := range all {
		if p.length == 0 {
			continue
		}
		u.stages = append(u.stages, climb{piece: p, start: u.end})
		u.end += p.length
	}
	for k := range u.stages {
		c := &u.stages[k]
		u.peak = max(u.peak, c.level(0), c.level(c.length-1))
	}
	return u
}

// Peak is the highest number of virtual users; without changes it is the V of
// data rows.
func (u *Users) Peak() int64 { return u.peak }

// End is when the load starts nothing more: the length of its stages.
func (u *Users) End() hyperscale.JobTime { return hyperscale.JobTime(u.end) }

// At is the number of virtual users at t; VU v is alive while it is above v. It
// is 0 before the start and from the end on.
func (u *Users) At(t hyperscale.JobTime) int64 {
	x := int64(t)
	if x < 0 || x >= u.end {
		return 0
	}
	c := &u.stages[u.stage(x)]
	return c.level(x - c.start)
}

// Change is the first time after t at which the number of users becomes another,
// and that number. It is false when there is none: from the end on.
func (u *Users) Change(t hyperscale.JobTime) (at hyperscale.JobTime, level int64, ok bool) {
	level = u.At(t)
	x := int64(t)
	if x < 0 {
		x = -1
	}
	for x < u.end {
		next := int64(0)
		if x >= 0 {
			c := &u.stages[u.stage(x)]
			next = c.start + c.change(x-c.start)
		}
		if now := u.At(hyperscale.JobTime(next)); now != level {
			return hyperscale.JobTime(next), now, true
		}
		x = next
	}
	return 0, level, false
}

// Planned is the VU-time that the load promises of the VUs of the share in
// [max(0, share.From), until). Like every time here, From is to be given from
// the workflow's start. More than 292 years are given as that many.
func (u *Users) Planned(share hyperscale.Share, until hyperscale.JobTime) hyperscale.JobTime {
	t := max(share.From, 0)
	level := u.At(t)
	var sum hyperscale.JobTime
	for t < until {
		at, next, ok := u.Change(t)
		if !ok {
			break
		}
		sum = add(sum, times(min(at, until)-t, share.Count(level)))
		t, level = at, next
	}
	return sum
}

// stage is the index of the stage that x is in, 0 ≤ x < end.
func (u *Users) stage(x int64) int {
	return sort.Search(len(u.stages), func(k int) bool { return x < u.stages[k].start }) - 1
}

// level is the number of users x nanoseconds into the piece.
func (c *climb) level(x int64) int64 {
	x += c.skip
	if c.to >= c.from {
		return c.from + c.steps(x, uint64(c.to-c.from))
	}
	return c.from - c.steps(x, uint64(c.from-c.to))
}

// steps is how many of a stage's steps were made x nanoseconds into it: the line
// rounded.
func (c *climb) steps(x int64, all uint64) int64 {
	n, _ := mul64(2*all, uint64(x)).add(u128{lo: uint64(c.over)}).div(2 * uint64(c.over))
	return int64(n)
}

// change is the first time into the piece after x at which its level is another,
// or its end.
func (c *climb) change(x int64) int64 {
	all := uint64(max(c.to-c.from, c.from-c.to))
	if all == 0 {
		return c.length
	}
	half := 2*uint64(c.steps(c.skip+x, all)) + 1 // the next step is made where the line is at half ÷ 2
	at, rest := mul64(half, uint64(c.over)).div(2 * all)
	if rest != 0 {
		at++
	}
	return min(int64(at)-c.skip, c.length)
}
