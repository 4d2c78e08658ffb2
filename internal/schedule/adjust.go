package schedule

import (
	"fmt"
	"time"

	"hyperscale"
)

// Change is an adjustment as a schedule takes it: At is counted from the
// workflow's start.
type Change hyperscale.Adjustment

// Changes are the adjustments of a workflow that started at the job time given,
// in their order.
//
// A schedule with changes is that without them up to the first one's time. From
// then on the level that a change names holds until the planned end, in place of
// what is left of the stages. During a pause nothing is due; what was still to
// come then comes after it, so that the end moves by its length. A pause that
// nothing ends yet makes the end far away. Changes later than the end change
// nothing. Of an open load slots keep their numbers whatever the changes do to
// their times, and those due before a change keep their times.
func Changes(all []hyperscale.Adjustment, workflow string, start hyperscale.JobTime) []Change {
	var list []Change
	for _, a := range all {
		if a.Workflow == workflow {
			a.At -= start
			list = append(list, Change(a))
		}
	}
	return list
}

// Adjustable reports, as an error in words, why a load can't be adjusted so.
func Adjustable(load hyperscale.Load, a hyperscale.Adjustment) error {
	switch a.Do {
	case hyperscale.AdjustPause, hyperscale.AdjustResume:
		if load.Kind == hyperscale.LoadOnce || load.Kind == hyperscale.LoadSearch {
			return fmt.Errorf("%s: a workflow without load, or with a search, can't be paused", a.Workflow)
		}
		return nil
	case hyperscale.AdjustRate:
		if load.Kind != hyperscale.LoadOpen {
			return fmt.Errorf("%s: its load has no rate%s", a.Workflow, instead(load.Kind))
		}
		if a.Rate < 0 {
			return fmt.Errorf("%s: a rate below zero", a.Workflow)
		}
		return nil
	case hyperscale.AdjustVUs:
		if load.Kind != hyperscale.LoadClosed {
			return fmt.Errorf("%s: the number of its virtual users is not what drives its load%s", a.Workflow, instead(load.Kind))
		}
		if a.VUs < 0 {
			return fmt.Errorf("%s: virtual users below zero", a.Workflow)
		}
		return nil
	}
	return fmt.Errorf("%s: there is no adjustment %q", a.Workflow, a.Do)
}

// instead says what of a load can be changed, where something can.
func instead(kind hyperscale.LoadKind) string {
	switch kind {
	case hyperscale.LoadOpen:
		return "; its rate is: --rate"
	case hyperscale.LoadClosed:
		return "; it has virtual users: --vus"
	case hyperscale.LoadIterations, hyperscale.LoadEach:
		return "; it can only be paused: --pause"
	}
	return ", and nothing of it can be changed"
}

// Far is the end of a load that is paused, and nobody knows until when, or before it.
const Far = 100 * 366 * 24 * time.Hour

// piece is a part of a stage, or of a pause: its length nanoseconds from skip on
// of a line that goes from … to in over nanoseconds.
type piece struct {
	from, to     int64
	over         int64
	skip, length int64
	paused       bool
}

// flat is a piece of one level.
func flat(level, length int64) piece {
	return piece{from: level, to: level, over: length, length: length}
}

// pieces are the stages of a load under changes; hanging says that a pause
// without end comes after them.
func pieces(stages []hyperscale.Stage, changes []Change) (all []piece, hanging bool) {
	var left []piece
	for _, s := range stages {
		if s.Over > 0 {
			left = append(left, piece{from: s.From, to: s.To, over: int64(s.Over), length: int64(s.Over)})
		}
	}
	now := int64(0)
	for i := range changes {
		c := &changes[i]
		wait := max(int64(c.At)-now, 0)
		now += wait
		if hanging {
			all = append(all, piece{over: wait, length: wait, paused: true})
		} else {
			var taken []piece
			taken, left = split(left, wait)
			all = append(all, taken...)
		}
		if len(left) == 0 {
			return all, false // it has ended
		}
		switch c.Do {
		case hyperscale.AdjustPause:
			hanging = true
		case hyperscale.AdjustResume:
			hanging = false
		case hyperscale.AdjustRate:
			left = []piece{flat(int64(c.Rate), lengthOf(left))}
		case hyperscale.AdjustVUs:
			left = []piece{flat(c.VUs, lengthOf(left))}
		}
	}
	if !hanging {
		all = append(all, left...)
	}
	return all, hanging
}

// split cuts the first length nanoseconds off pieces.
func split(list []piece, length int64) (first, rest []piece) {
	for i, p := range list {
		if length < p.length {
			if length > 0 {
				head := p
				head.length = length
				first = append(first, head)
			}
			p.skip, p.length = p.skip+length, p.length-length
			return first, append([]piece{p}, list[i+1:]...)
		}
		first = append(first, p)
		length -= p.length
	}
	return first, nil
}

// lengthOf is how long pieces are together.
func lengthOf(list []piece) int64 {
	sum := int64(0)
	for _, p := range list {
		sum += p.length
	}
	return sum
}

// PausedAt reports whether a load is paused at t. One that has ended is not told
// from one that goes on.
func PausedAt(changes []Change, t hyperscale.JobTime) bool {
	paused := false
	for i := range changes {
		switch c := &changes[i]; {
		case c.At > t:
		case c.Do == hyperscale.AdjustPause:
			paused = true
		case c.Do == hyperscale.AdjustResume:
			paused = false
		}
	}
	return paused
}

// Paused is for how long before t a load was paused. One that has ended is not told
// from one that goes on.
func Paused(changes []Change, t hyperscale.JobTime) hyperscale.JobTime {
	var sum, since hyperscale.JobTime
	paused := false
	for i := range changes {
		switch c := &changes[i]; {
		case c.At >= t:
		case c.Do == hyperscale.AdjustPause && !paused:
			paused, since = true, max(c.At, 0)
		case c.Do == hyperscale.AdjustResume && paused:
			paused = false
			sum += max(c.At-since, 0)
		}
	}
	if paused {
		sum += max(t-since, 0)
	}
	return sum
}

// Cap is when a cap on the time of a load is reached: pauses do not count.
func Cap(length time.Duration, changes []Change) hyperscale.JobTime {
	if length <= 0 {
		return forever
	}
	return NewUsers(hyperscale.Load{Stages: []hyperscale.Stage{{From: 1, To: 1, Over: length}}}, changes...).End()
}
