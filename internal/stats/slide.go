package stats

import (
	"math"
	"time"

	"hyperscale"
)

// slide is a window of some whole seconds that moves over job time second by
// second. It keeps each second's counts and, packed, the one histogram that its
// threshold looks at.
type slide struct {
	th      *hyperscale.Threshold
	length  int64 // seconds
	ticks   map[int64]*tick
	next    int64 // the next second to judge the end of
	first   hyperscale.JobTime
	reach   int64 // the second in which the scope's last window ended
	flight  Requests
	load    spans
	total   Histogram // of the seconds (next−1−length, next−1]
	scratch Histogram
}

// tick is what ended in one second: tick k is of (k−1, k] seconds of job time.
type tick struct {
	Counts
	packed      []byte
	least, most time.Duration
}

// newSlide makes a slide for a threshold with Over.
func newSlide(th *hyperscale.Threshold) *slide {
	return &slide{th: th, length: ceilSecond(th.Over), ticks: map[int64]*tick{}, next: 1, first: math.MaxInt64}
}

// ceilSecond is the number of whole seconds that d reaches into.
func ceilSecond(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// add counts a window. What comes when its second has left the slide is too
// late, and counts in the totals only.
func (s *slide) add(w *Window) {
	var c Counts
	s.scratch.Reset()
	for i := range w.Steps {
		if step := &w.Steps[i]; s.counts(step) {
			c.addStep(step)
			mergeDurations(&s.scratch, step, s.th.Of)
		}
	}
	s.flight.add(c.Requests)
	if w.Stretch == InWarmup {
		return
	}
	if s.th.Of == hyperscale.Lateness {
		s.scratch.Merge(&w.Lateness)
	}
	c.Slots = w.Slots
	if w.Stretch == InLoad {
		w.addActive(&s.load)
	} else {
		c.Answers = 0
	}
	s.first = min(s.first, w.From)
	s.reach = max(s.reach, ceilSecond(w.To))
	if at := ceilSecond(w.To); at > s.next-1-s.length {
		s.put(at, &c)
	}
}

// counts reports whether a step is in the threshold's scope.
func (s *slide) counts(step *StepSums) bool {
	if s.th.Step != "" {
		return step.Name == s.th.Step
	}
	return !step.Group
}

// mergeDurations adds the step's durations of the kind asked for to h.
func mergeDurations(h *Histogram, step *StepSums, of hyperscale.Durations) {
	switch of {
	case hyperscale.ResponseTime:
		h.Merge(&step.OKResponse)
		h.Merge(&step.OtherResponse)
	case hyperscale.ServiceTime:
		h.Merge(&step.Service)
	}
}

// put adds counts, and the durations in scratch, to a second.
func (s *slide) put(at int64, c *Counts) {
	k := s.ticks[at]
	if k == nil {
		k = &tick{least: math.MaxInt64}
		s.ticks[at] = k
	}
	k.Counts.add(c)
	if s.scratch.Count() == 0 {
		return
	}
	if at < s.next {
		s.total.Merge(&s.scratch)
	}
	k.least, k.most = min(k.least, s.scratch.Min()), max(k.most, s.scratch.Max())
	mergePacked(&s.scratch, k.packed)
	k.packed = s.scratch.AppendBinary(k.packed[:0])
}

// upTo judges, by calling judge with the value, the ends of all seconds up to
// the given one, as far as the scope's windows reach.
func (s *slide) upTo(second int64, judge func(v float64, from, to hyperscale.JobTime)) {
	for ; s.next <= min(second, s.reach); s.next++ {
		s.enter(s.next)
		s.leave(s.next - s.length)
		to := time.Duration(s.next) * time.Second
		from := to - time.Duration(s.length)*time.Second
		if from < s.first {
			continue
		}
		if v, ok := s.value(from, to); ok {
			judge(v, from, to)
		}
	}
}

// enter takes a second into the slide.
func (s *slide) enter(at int64) {
	if k := s.ticks[at]; k != nil {
		mergePacked(&s.total, k.packed)
	}
}

// leave drops a second out of the slide.
func (s *slide) leave(at int64) {
	for len(s.load) > 0 && s.load[0].To <= time.Duration(at)*time.Second {
		s.load = s.load[1:]
	}
	k := s.ticks[at]
	if k == nil {
		return
	}
	s.scratch.Reset()
	mergePacked(&s.scratch, k.packed)
	s.total.remove(&s.scratch)
	delete(s.ticks, at)
}

// value is the metric over the slide that covers [from, to).
func (s *slide) value(from, to hyperscale.JobTime) (float64, bool) {
	var c Counts
	least, most := time.Duration(math.MaxInt64), time.Duration(0)
	for at := s.next - s.length + 1; at <= s.next; at++ {
		if k := s.ticks[at]; k != nil {
			c.add(&k.Counts)
			least, most = min(least, k.least), max(most, k.most)
		}
	}
	if c.Requests == (Requests{}) && c.Slots == (Slots{}) && s.flight.InFlight() == 0 {
		return 0, false
	}
	s.total.bound(least, most)
	covered := s.load.within(spans{{from, to}}).total()
	if s.th.Metric == hyperscale.MetricRate && covered < to-from {
		return 0, false
	}
	return metric(s.th, &c, covered, &s.total)
}

// mergePacked adds to h what was packed.
func mergePacked(h *Histogram, packed []byte) {
	if len(packed) == 0 {
		return
	}
	var o Histogram
	unpack(&o, packed)
	h.Merge(&o)
}

// remove takes away what was merged before. Least and greatest value are left
// as they are, for [Histogram.bound] to set.
func (h *Histogram) remove(o *Histogram) {
	h.count -= o.count
	h.overflow -= o.overflow
	h.sum.subWide(o.sum)
	h.squares.subWide(o.squares)
	for i, from := range o.octave {
		if from == nil {
			continue
		}
		for j, n := range from {
			if n > 0 {
				h.octave[i][j] -= n
			}
		}
	}
}

// bound sets the least and greatest value of a histogram that some durations
// were removed from.
func (h *Histogram) bound(least, most time.Duration) {
	if h.count == 0 {
		h.under, h.most = 0, 0
		return
	}
	h.under, h.most = ^uint64(least), uint64(most)
}
