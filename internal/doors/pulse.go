package doors

import "time"

// The beats of parents, and how many of them may be missing.
const (
	beat      = time.Second
	missing   = 3
	lookEach  = 250 * time.Millisecond
	firstWord = missing * beat // from the connection to a parent's first word
)

// pulse judges whether a parent is still heard. What this process missed because
// it stood still itself does not count. It reads no clock.
type pulse struct {
	heard  time.Duration
	looked time.Duration
	stall  float64 // how late the last looks were, as a part of a beat
}

// look reports whether the parent missed too many beats. It is called each
// lookEach.
func (p *pulse) look(now time.Duration) (silent bool) {
	late := float64(now-p.looked-lookEach) / float64(beat)
	p.looked = now
	p.stall = max(late, p.stall/2, 0)
	return now-p.heard > time.Duration(float64(missing*beat)*(1+p.stall))
}
