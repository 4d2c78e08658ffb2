package owner

import (
	"time"

	"hyperscale"
)

// LongestEvery is how far apart the saves of a job are at most that nothing but
// time asks for. A child sends a window again when it hears nothing of it for
// longer (outbox.FirstWait), and may have twice as many unacknowledged.
const LongestEvery = 15 * time.Second

// pace is when time alone makes a save due: each second of job time, or every few
// of them if the node has to be thrifty; see [Saved].
type pace struct {
	every hyperscale.JobTime // as was last told; less than a second is one
	last  hyperscale.JobTime // the second whose end last made a save due
}

// due reports whether the end of a second makes a save due; at once if something
// waits to be told.
func (p *pace) due(second hyperscale.JobTime, news bool) bool {
	if !news && second-p.last < min(max(p.every, time.Second), LongestEvery) {
		return false
	}
	p.last = second
	return true
}
