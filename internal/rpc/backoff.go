package rpc

import "time"

// Backoff grows the waits between attempts by 1.6, so that who can't be reached
// is not kept busy by those who try. It is a pure value; the zero value waits
// 100 ms first and 3 s at most.
type Backoff struct {
	First, Last time.Duration // 0: 100 ms, 3 s
	wait        time.Duration
}

// Next gives the next wait, a fifth more or less by draw, which is uniform in
// [0, 1).
func (b *Backoff) Next(draw float64) time.Duration {
	b.wait = min(max(time.Duration(growth*float64(b.wait)), orTime(b.First, firstWait)), orTime(b.Last, lastWait))
	return time.Duration((1 - jitter + 2*jitter*draw) * float64(b.wait))
}

// Reset begins anew, after an attempt that succeeded.
func (b *Backoff) Reset() { b.wait = 0 }

// How waits begin, grow, end and are spread.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 3 * time.Second
	growth    = 1.6
	jitter    = 0.2
)
