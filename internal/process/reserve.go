package process

import (
	"time"

	"hyperscale"
	"hyperscale/internal/engine"
	"hyperscale/internal/schedule"
	"hyperscale/internal/spec"
)

// The room that a load of virtual users is given ahead of where it is, at its
// rate: more than the beats of agent and worker take, and not so much that its
// loss with the machine would matter.
const (
	roomAhead = 2500 * time.Millisecond
	roomLeft  = 1500 * time.Millisecond // with less than this, more is asked for
	looking   = 50 * time.Millisecond   // how often that is looked at
)

// reserve decides how far a load of virtual users is let go.
type reserve struct {
	ahead   engine.Reserve // the least room
	asked   engine.Reserve // told last
	seen    engine.Reserve // reach at the last look
	looked  hyperscale.JobTime
	places  float64 // a second, the highest of late
	passes  float64
	started bool
}

// newReserve begins at where the load goes on. What the schedule lets it do
// before a word is asked for already, unless somebody else may have been there.
func newReserve(run *spec.Run, from engine.Reserve, again bool) *reserve {
	var r reserve
	r.ahead.Place, r.ahead.Pass = schedule.Ahead(run.Load, run.Share)
	r.asked, r.seen = from, from
	if !again {
		r.asked.Place += r.ahead.Place
		r.asked.Pass += r.ahead.Pass
	}
	return &r
}

// look sees how far the load has come, and reports whether more is to be asked
// for: asked then is what.
func (r *reserve) look(now hyperscale.JobTime, reach engine.Reserve) bool {
	if gone := (now - r.looked).Seconds(); r.started && gone > 0 {
		r.places = lately(r.places, float64(reach.Place-r.seen.Place)/gone)
		r.passes = lately(r.passes, float64(reach.Pass-r.seen.Pass)/gone)
	}
	r.started, r.seen, r.looked = true, reach, now
	places, morePlaces := further(r.asked.Place, reach.Place, r.ahead.Place, r.places)
	passes, morePasses := further(r.asked.Pass, reach.Pass, r.ahead.Pass, r.passes)
	r.asked = engine.Reserve{Place: places, Pass: passes}
	return morePlaces || morePasses
}

// lately follows a rate upwards at once and downwards slowly.
func lately(before, now float64) float64 { return max(now, before*0.95) }

// further is how far a load that has reached so far is to be let go.
func further(asked, reach, least int64, rate float64) (int64, bool) {
	if least == 0 {
		return asked, false // not what this load is bounded by
	}
	left := max(least/2, int64(rate*roomLeft.Seconds()))
	if asked-reach > left {
		return asked, false
	}
	return reach + max(least, int64(rate*roomAhead.Seconds())), true
}
