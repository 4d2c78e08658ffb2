package hyperscale

import "time"

// Slot is the number of one unit of load within a workflow: of an arrival in an
// open load, of a virtual user in a closed one, of an iteration in an
// iterations load. A slot's time, draws and data rows depend on the plan alone,
// never on who runs it.
type Slot int64

// JobTime is the time since the job's start. It is the only time that travels
// between hosts.
type JobTime = time.Duration

// Share is one holder's part of a workflow's slots: those whose number modulo
// Of lies in [Lo, Hi). It never changes; giving it to another holder cuts a new
// Share with a higher Turn. The whole of a workflow is Share{Hi: 1, Of: 1}.
type Share struct {
	Lo, Hi, Of int64
	From       JobTime // slots due earlier are not this turn's
	Turn       Turn    // windows of lower turns are not this holder's
}

// Whole is the share that holds every slot: what a local run runs.
var Whole = Share{Lo: 0, Hi: 1, Of: 1}

// Width is the number of slots that the share holds of every Of slots.
func (s Share) Width() int64 { return s.Hi - s.Lo }

// Valid reports whether the share names at least one slot of a real division.
func (s Share) Valid() bool { return 0 <= s.Lo && s.Lo < s.Hi && s.Hi <= s.Of }

// Holds reports whether slot i belongs to the share.
func (s Share) Holds(i Slot) bool {
	r := int64(i) % s.Of
	return s.Lo <= r && r < s.Hi
}

// At is the n-th slot of the share, n from 0.
func (s Share) At(n int64) Slot {
	w := s.Width()
	return Slot(n/w*s.Of + s.Lo + n%w)
}

// Count is how many of the slots 0 … total-1 the share holds. It is also the
// place in the share of the first held slot at or above total.
func (s Share) Count(total int64) int64 {
	whole, rest := total/s.Of, total%s.Of
	return whole*s.Width() + min(max(rest-s.Lo, 0), s.Width())
}
