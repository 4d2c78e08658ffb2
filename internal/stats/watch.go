package stats

import (
	"time"

	"hyperscale"
)

// Watch judges thresholds while a job runs and at its end. It is given every
// window that the tally merged and, each second, the job time up to which all
// windows have come.
//
// A threshold with Over is judged at each whole second of job time: from the
// first at which its scope has been measured (warm-up left out) for a full
// length, rounded up to whole seconds, until its scope ends. Lengths in which
// nothing was started, in flight or ended are skipped; so are those without a
// sample of a duration or share and, for rates, those that do not lie wholly in
// the load's scheduled time.
type Watch struct{ rules []*rule }

// NewWatch watches over the thresholds.
func NewWatch(thresholds []hyperscale.Threshold) *Watch {
	w := &Watch{}
	for _, th := range thresholds {
		r := &rule{th: th}
		if th.Over > 0 {
			r.slide = newSlide(&r.th)
		}
		w.rules = append(w.rules, r)
	}
	return w
}

// Add takes in a window, or a joint, that was merged into the tally. It keeps nothing of the
// window's memory.
func (w *Watch) Add(win *Window) {
	for _, r := range w.rules {
		if r.slide != nil && (r.th.Workflow == "" || r.th.Workflow == win.ID.Workflow) {
			r.slide.add(win)
		}
	}
}

// Step judges all whole seconds up to now that were not judged yet, and running
// totals as they stand in the tally. It gives the indexes of the thresholds
// that end the job; each is given once.
func (w *Watch) Step(now hyperscale.JobTime, t *Tally) []int {
	var fired []int
	for i, r := range w.rules {
		if r.step(now, t) {
			fired = append(fired, i)
		}
	}
	return fired
}

// Finish judges what is left, the last second that was begun included, when
// the run ended at the given time and no more windows will come.
func (w *Watch) Finish(end hyperscale.JobTime) {
	for _, r := range w.rules {
		if r.slide != nil {
			r.slide.upTo(ceilSecond(end), r.judge)
		}
	}
}

// Results are the thresholds in order as they stand; after Finish, as they came
// out.
func (w *Watch) Results(t *Tally) []ThresholdResult {
	list := make([]ThresholdResult, len(w.rules))
	for i, r := range w.rules {
		list[i] = r.result(t)
	}
	return list
}

// rule is one threshold and what is known of it.
type rule struct {
	th    hyperscale.Threshold
	slide *slide // nil: no Over
	worst ThresholdResult
	broke bool // some judged length did not hold
	fired bool // it ended the job

	breached    bool // at the last judgement …
	since, last hyperscale.JobTime
}

// step judges up to now and reports whether the job is to end.
func (r *rule) step(now hyperscale.JobTime, t *Tally) bool {
	switch {
	case r.fired:
		return false
	case r.slide != nil:
		r.slide.upTo(int64(now/time.Second), r.judge)
	case r.th.Abort:
		r.worst = r.total(t)
		if r.worst.Sampled {
			r.mark(now, r.worst.Passed)
		}
	}
	r.fired = r.th.Abort && r.breached && r.last-r.since >= r.th.After
	return r.fired
}

// judge takes the value of the length of time that ends at to.
func (r *rule) judge(value float64, from, to hyperscale.JobTime) {
	if !r.worst.Sampled || worse(&r.th, value, r.worst.Value) {
		r.worst = ThresholdResult{Value: value, Sampled: true, From: from, To: to}
	}
	holds := Holds(&r.th, value)
	r.broke = r.broke || !holds
	r.mark(to, holds)
}

// mark remembers since when the threshold is breached without a break.
func (r *rule) mark(at hyperscale.JobTime, holds bool) {
	if !holds && !r.breached {
		r.since = at
	}
	r.breached, r.last = !holds, at
}

// total judges the total as it stands.
func (r *rule) total(t *Tally) ThresholdResult {
	s := t.scope(r.th.Workflow, r.th.Step)
	v, ok := s.Sample.Value(&r.th)
	b := s.Sample.load.bounds()
	return ThresholdResult{Value: v, Sampled: ok, Passed: ok && Holds(&r.th, v), From: b.From, To: b.To}
}

// result is how the threshold stands. One that ended the job keeps the value
// with which it did, and that was a breach.
func (r *rule) result(t *Tally) ThresholdResult {
	res := r.worst
	switch {
	case r.slide != nil:
		res.Passed = res.Sampled && !r.broke
	case !r.fired:
		res = r.total(t)
	}
	res.Threshold, res.Aborted = r.th, r.fired
	return res
}
