package schedule

import (
	"math/bits"
	"time"

	"hyperscale"
)

// Slots is how many iterations a load starts in all if nothing holds it up. It
// is false where that can't be told before: virtual users start the next
// iteration when the target has answered, and a search ends when it has found.
func Slots(load hyperscale.Load, source hyperscale.Source) (int64, bool) {
	switch load.Kind {
	case hyperscale.LoadOpen:
		return NewArrivals(load, source).Total(), true
	case hyperscale.LoadClosed, hyperscale.LoadSearch:
		return 0, false
	}
	return NewIterations(load).Total(), true
}

// Peak is the highest rate of an open load or a search; of others 0.
func Peak(load hyperscale.Load) hyperscale.Rate {
	var peak int64
	switch load.Kind {
	case hyperscale.LoadOpen:
		for _, s := range load.Stages {
			peak = max(peak, s.From, s.To)
		}
	case hyperscale.LoadSearch:
		peak = int64(max(load.Search.From, load.Search.To))
	}
	return hyperscale.Rate(peak)
}

// mostInFlight is the highest bound of arrivals in progress that is taken
// without having been asked for.
const mostInFlight = 25_000

// MaxInFlight is the bound of arrivals in progress over the whole job that a
// workflow with an open load or a search has: the plan's, or peak rate × (the
// longest timeout + the longest pauses of one iteration), at least 1 and at most
// 25 000. Of other loads it is 0.
func MaxInFlight(w hyperscale.Workflow) int64 {
	if w.Load.MaxInFlight > 0 {
		return w.Load.MaxInFlight
	}
	peak := uint64(Peak(w.Load))
	if peak == 0 {
		return 0
	}
	hi, lo := bits.Mul64(peak, uint64(add(longestTimeout(w.Steps), longestPauses(w.Steps))))
	const slot = perSlot / 2 // rate × nanoseconds
	if hi >= slot {
		return mostInFlight
	}
	n, rest := bits.Div64(hi, lo, slot)
	if rest != 0 {
		n++
	}
	return int64(min(max(n, 1), mostInFlight))
}

// longestTimeout is the longest time that one request of the steps may take.
func longestTimeout(steps []hyperscale.Step) time.Duration {
	var longest time.Duration
	for i := range steps {
		s := &steps[i]
		if s.Request != nil {
			longest = max(longest, s.Request.Transport.Timeout)
		}
		longest = max(longest, longestTimeout(s.Steps))
		for _, c := range s.Choices {
			longest = max(longest, longestTimeout(c.Steps))
		}
	}
	return longest
}

// longestPauses is the longest that one iteration of the steps pauses: of the
// ways through them by needs, the one with the longest pauses.
func longestPauses(steps []hyperscale.Step) time.Duration {
	ends := make([]time.Duration, len(steps))
	known := make([]bool, len(steps))
	var end func(i int) time.Duration
	end = func(i int) time.Duration {
		if known[i] {
			return ends[i]
		}
		known[i] = true
		var start time.Duration
		for _, n := range steps[i].Needs {
			start = max(start, end(n))
		}
		ends[i] = add(start, pausesOf(&steps[i]))
		return ends[i]
	}
	var longest time.Duration
	for i := range steps {
		longest = max(longest, end(i))
	}
	return longest
}

// pausesOf is the longest that one step pauses, the steps inside it included.
func pausesOf(s *hyperscale.Step) time.Duration {
	var longest time.Duration
	switch s.Kind {
	case hyperscale.StepPause:
		return s.Pause.Longest()
	case hyperscale.StepChoose:
		for _, c := range s.Choices {
			longest = max(longest, longestPauses(c.Steps))
		}
	case hyperscale.StepGroup, hyperscale.StepParallel:
		longest = longestPauses(s.Steps)
	}
	return times(longest, max(s.Repeat, 1))
}

// forever is the longest duration: what sums and products of longer ones become.
const forever = time.Duration(1<<63 - 1)

func add(a, b time.Duration) time.Duration { return a + min(b, forever-a) }

func times(d time.Duration, n int64) time.Duration {
	hi, lo := bits.Mul64(uint64(d), uint64(n))
	if hi != 0 || lo > uint64(forever) {
		return forever
	}
	return time.Duration(lo)
}
