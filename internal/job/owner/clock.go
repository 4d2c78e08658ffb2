package owner

import (
	"time"

	"hyperscale"
)

// clock tells job time from the time of the node. Before the job has started it
// stands at 0. After a takeover it stands where it was saved until a child tells
// how late it is, or nobody did for so long that it goes on from there.
type clock struct {
	runs    bool
	told    bool               // by a child, to the new owner
	guessed bool               // nobody told: it went on where it was saved
	origin  time.Duration      // the node's time at job time 0
	last    hyperscale.JobTime // told; it never falls
}

// at is the job time at the node's time now.
func (c *clock) at(now time.Duration) hyperscale.JobTime {
	if c.runs {
		c.last = max(c.last, now-c.origin)
	}
	return c.last
}

// when is the node's time at a job time.
func (c *clock) when(at hyperscale.JobTime) time.Duration {
	if at > never-max(c.origin, 0) {
		return never
	}
	return c.origin + at
}

// set makes it run: it is at now.
func (c *clock) set(now time.Duration, at hyperscale.JobTime) {
	c.runs, c.guessed, c.origin = true, false, now-at
}
