package job

import "hyperscale"

// Finding is what a search has found so far.
type Finding struct {
	Rate      hyperscale.Rate // the highest at which the condition held; 0: at none
	LimitedBy Limit           // "": the search did not come to its end
	Probes    []ProbeResult
}

// Limit is what kept a search from a higher rate.
type Limit string

// The limits of a search.
const (
	LimitedByCondition Limit = "condition"    // it did not hold above
	LimitedByTo        Limit = "to"           // nothing higher was asked for
	LimitedByMachine   Limit = "this machine" // the generator could not drive a higher one
)

// ProbeResult is one probe of a search.
type ProbeResult struct {
	At   hyperscale.JobTime // start
	Rate hyperscale.Rate
	Verdict
}

// defaultWithin is how narrow an interval a search ends with.
const defaultWithin = 0.05

// search looks for the highest rate that meets a condition. It doubles the rate
// until a probe breaches the condition or the highest is met, then halves the
// interval between the highest rate that held and the lowest that did not, until
// it is narrow enough. If not even the first rate holds it goes on below, down
// to that part of it that is as narrow.
type search struct {
	from, to hyperscale.Rate
	within   float64
	held     hyperscale.Rate // the highest that did; 0: none yet
	broke    hyperscale.Rate // the lowest that did not; 0: none yet
	found    Finding
}

func newSearch(s *hyperscale.Search) *search {
	within := s.Within
	if within <= 0 {
		within = defaultWithin
	}
	return &search{from: min(s.From, s.To), to: s.To, within: within}
}

// next is the rate of the next probe. It is false when the search has ended.
func (s *search) next() (hyperscale.Rate, bool) {
	switch {
	case s.found.LimitedBy != "":
		return 0, false
	case s.broke != 0:
		return s.held + (s.broke-s.held)/2, true
	case s.held != 0:
		return s.held + min(s.held, s.to-s.held), true
	}
	return s.from, true
}

// record takes in how a probe went.
func (s *search) record(p ProbeResult) {
	s.found.Probes = append(s.found.Probes, p)
	switch {
	case !p.Driven:
		s.found.LimitedBy = LimitedByMachine
	case p.Held:
		s.held, s.found.Rate = p.Rate, p.Rate
		if p.Rate >= s.to {
			s.found.LimitedBy = LimitedByTo
		}
	default:
		s.broke = p.Rate
	}
	if s.found.LimitedBy == "" && s.narrow() {
		s.found.LimitedBy = LimitedByCondition
	}
}

// narrow reports whether halving may end.
func (s *search) narrow() bool {
	if s.broke == 0 {
		return false
	}
	low := s.held
	if low == 0 {
		low = s.from
	}
	// Halving whole numbers leaves a rest of up to two millionths of a slot per
	// hour, which are not worth another probe.
	return float64(s.broke-s.held-2) <= s.within*float64(low)
}

// mostProbes is how many probes the search may take at most: all doublings and
// then the halvings, or one probe, the halvings downward and those of the
// interval found there.
func mostProbes(s *hyperscale.Search) int {
	fresh := newSearch(s)
	doublings := 1
	for r := fresh.from; r < fresh.to; r += min(r, fresh.to-r) {
		doublings++
	}
	halvings := 0
	for width := 1.0; width > fresh.within; width /= 2 {
		halvings++
	}
	return max(doublings, 1+halvings) + halvings
}
