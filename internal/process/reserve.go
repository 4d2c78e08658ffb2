package process

import (
	"math"
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
	roomAhead = 2 * time.Second
	roomLeft  = time.Second           // with less than this, more is asked for
	looking   = 50 * time.Millisecond // how often that is looked at
	firstLook = 10 * time.Millisecond // after the start, before which no rate is known; then ever more seldom
)

// reserve decides how far a load of virtual users is let go.
type reserve struct {
	ahead  engine.Reserve // the least room
	whole  engine.Reserve // where the work ends
	asked  engine.Reserve // told last
	seen   engine.Reserve // reach at the last look
	looked hyperscale.JobTime
	places float64 // a second, the highest of late
	passes float64
}

// newReserve begins at where the load goes on. What the schedule lets it do
// before a word is asked for already, unless somebody else may have been there.
func newReserve(now hyperscale.JobTime, run *spec.Run, from engine.Reserve, again bool) *reserve {
	r := reserve{looked: now}
	r.ahead.Place, r.ahead.Pass = schedule.Ahead(run.Load, run.Share)
	r.whole = wholeOf(run)
	r.asked, r.seen = from, from
	if !again {
		r.asked.Place = min(from.Place+r.ahead.Place, r.whole.Place)
		r.asked.Pass = min(from.Pass+r.ahead.Pass, r.whole.Pass)
	}
	return &r
}

// look sees how far the load has come, and reports whether more is to be asked
// for: asked then is what.
func (r *reserve) look(now hyperscale.JobTime, reach engine.Reserve) bool {
	// Over less time a rate would be chance.
	if gone := now - r.looked; gone >= firstLook/2 {
		r.places = lately(r.places, float64(reach.Place-r.seen.Place)/gone.Seconds())
		r.passes = lately(r.passes, float64(reach.Pass-r.seen.Pass)/gone.Seconds())
		r.seen, r.looked = reach, now
	}
	places, morePlaces := further(r.asked.Place, reach.Place, r.ahead.Place, r.whole.Place, r.places)
	passes, morePasses := further(r.asked.Pass, reach.Pass, r.ahead.Pass, r.whole.Pass, r.passes)
	r.asked = engine.Reserve{Place: places, Pass: passes}
	return morePlaces || morePasses
}

// lately follows a rate upwards at once and downwards slowly.
func lately(before, now float64) float64 { return max(now, before*0.95) }

// wholeOf is where the work of a share ends.
func wholeOf(run *spec.Run) engine.Reserve {
	switch run.Load.Kind {
	case hyperscale.LoadIterations:
		return engine.Reserve{Place: schedule.NewIterations(run.Load).Count(run.Share)}
	case hyperscale.LoadEach:
		return engine.Reserve{Pass: run.Load.Iterations}
	}
	return engine.Reserve{Pass: math.MaxInt64}
}

// further is how far a load that has reached so far is to be let go, and whether
// that is further than what was asked for.
func further(asked, reach, least, whole int64, rate float64) (int64, bool) {
	left := max(least/2, int64(rate*roomLeft.Seconds()))
	if asked-reach > left || asked >= whole {
		return asked, false
	}
	more := min(reach+max(least, int64(rate*roomAhead.Seconds())), whole)
	return max(asked, more), more > asked
}
