package route

import (
	"cmp"
	"time"

	"hyperscale"
)

// Config is the times and bounds of routing. The zero value is the documented
// default.
type Config struct {
	Stale      time.Duration   // an older statement is trusted less, and nothing spills over by it; 0: 30 s
	Fresh      time.Duration   // an observed latency counts less and less until it is so old; 0: 300 s
	Penalty    time.Duration   // a failure counts for so long; 0: 120 s
	Hold       time.Duration   // a choice stands for so long, if another is better; 0: 30 s
	Worse      time.Duration   // but not one that was much worse for so long; 0: 10 s
	Slow       time.Duration   // a manager with slow outliers for so long is unhealthy; 0: 30 s
	Together   time.Duration   // what fell within this time fell together; 0: 30 s
	Quiet      time.Duration   // after that nothing is evacuated for so long; 0: 60 s
	Lost       time.Duration   // a datacenter that was not heard for so long is lost; 0: 300 s
	SpillWait  time.Duration   // who has to wait longer may spill over; 0: 60 s
	SpillRTT   time.Duration   // to one that is so much farther at most; 0: 100 ms
	Unmeasured time.Duration   // taken for the round trip where none was measured; 0: 100 ms
	PerCore    hyperscale.Rate // what a core is reckoned to drive; 0: 10 000/s
}

func (c Config) withDefaults() Config {
	c.Stale = cmp.Or(c.Stale, 30*time.Second)
	c.Fresh = cmp.Or(c.Fresh, 300*time.Second)
	c.Penalty = cmp.Or(c.Penalty, 120*time.Second)
	c.Hold = cmp.Or(c.Hold, 30*time.Second)
	c.Worse = cmp.Or(c.Worse, 10*time.Second)
	c.Slow = cmp.Or(c.Slow, 30*time.Second)
	c.Together = cmp.Or(c.Together, 30*time.Second)
	c.Quiet = cmp.Or(c.Quiet, 60*time.Second)
	c.Lost = cmp.Or(c.Lost, 300*time.Second)
	c.SpillWait = cmp.Or(c.SpillWait, 60*time.Second)
	c.SpillRTT = cmp.Or(c.SpillRTT, 100*time.Millisecond)
	c.Unmeasured = cmp.Or(c.Unmeasured, 100*time.Millisecond)
	c.PerCore = cmp.Or(c.PerCore, 10_000*hyperscale.PerSecond)
	return c
}
