package session

import (
	"math"
	"time"

	"hyperscale"
)

// LongestIteration gives what an iteration is reckoned to take at most: the
// longest timeout of one request, and the longest pauses on any way through the
// steps. A group that goes on until a condition holds is reckoned with one pass.
func (p *Program) LongestIteration() (timeout, pauses time.Duration) { return p.timeout, p.pauses }

// longest gives the longest timeout and the longest way of pauses through steps.
func longest(steps []hyperscale.Step) (timeout, pauses time.Duration) {
	ends := make([]time.Duration, len(steps))
	known := make([]bool, len(steps))
	own := make([]time.Duration, len(steps))
	for i := range steps {
		var t time.Duration
		t, own[i] = longestStep(&steps[i])
		timeout = max(timeout, t)
	}
	var end func(i int) time.Duration
	end = func(i int) time.Duration {
		if known[i] {
			return ends[i]
		}
		known[i] = true // circles were refused before
		for _, need := range steps[i].Needs {
			ends[i] = max(ends[i], end(need))
		}
		ends[i] = later(ends[i], own[i])
		return ends[i]
	}
	for i := range steps {
		pauses = max(pauses, end(i))
	}
	return timeout, pauses
}

// longestStep is the same of one step.
func longestStep(s *hyperscale.Step) (timeout, pauses time.Duration) {
	switch s.Kind {
	case hyperscale.StepRequest:
		return s.Request.Transport.Timeout, 0
	case hyperscale.StepPause:
		return 0, s.Pause.Longest()
	case hyperscale.StepChoose:
		for _, c := range s.Choices {
			t, p := longest(c.Steps)
			timeout, pauses = max(timeout, t), max(pauses, p)
		}
		return timeout, pauses
	}
	timeout, pauses = longest(s.Steps)
	if passes := time.Duration(max(s.Repeat, 1)); pauses > 0 && passes > math.MaxInt64/pauses {
		return timeout, math.MaxInt64
	} else {
		return timeout, passes * pauses
	}
}
