package child

import (
	"math"
	"time"
)

// Never is later than everything.
const Never = time.Duration(math.MaxInt64)

const (
	beat  = time.Second // between statements
	stall = time.Second // a wake that is later says that the machine itself stood still
)

// Clock is the alarm of a machine that speaks to parents, and tells how late it comes.
// Make one with [NewClock].
type Clock struct {
	armed time.Duration // the last wake that has not come; Never: none
	beat  time.Duration // the next beat; Never: nobody to hear it
	late  float64       // see [link.Statement].Stall
}

// NewClock is one that was not asked for anything.
func NewClock() Clock { return Clock{armed: Never, beat: Never} }

// Look is to be asked first at each step. It is true if the machine stood still: then
// it can't know who was silent meanwhile.
func (c *Clock) Look(now time.Duration) (stood bool) {
	if now < c.armed {
		return false
	}
	late := now - c.armed
	c.armed = Never
	c.late = max(c.late, float64(late)/float64(beat))
	return late > stall
}

// Beat reports whether a beat is due; none is as long as there is nobody to hear it.
func (c *Clock) Beat(now time.Duration, anybody bool) bool {
	switch {
	case !anybody:
		c.beat = Never
		return false
	case c.beat == Never:
		c.beat = now + beat
	}
	if now < c.beat {
		return false
	}
	c.beat = max(c.beat+beat, now+beat/2)
	return true
}

// Stall is how late the alarms came, as a part of a beat; 0: not at all.
func (c *Clock) Stall() float64 { return c.late }

// Told says that parents were told how late they came: with time it counts no more.
func (c *Clock) Told() { c.late /= 2 }

// Arm is to be asked last: when the machine is to be woken, for the next beat or for
// what else there is to do at the time given. It is false if that was asked for, or
// never is.
func (c *Clock) Arm(next time.Duration) (at time.Duration, anew bool) {
	next = min(next, c.beat)
	if next == c.armed {
		return next, false
	}
	c.armed = next
	return next, next != Never
}
