package stats

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"hyperscale"
)

// VerdictState says whether the generator did what the plan asked.
type VerdictState int

// The states, best first.
const (
	Valid VerdictState = iota
	Degraded
	Invalid
)

// String is the state as shown.
func (s VerdictState) String() string {
	return [...]string{"VALID", "DEGRADED", "INVALID"}[s]
}

// Cause is one reason of a verdict.
type Cause struct {
	State    VerdictState // what it makes of the verdict; Valid: a note that leaves it as it is
	What     string
	Node     string // "": all of them, or this machine
	From, To hyperscale.JobTime
}

// Verdict is on the generator, not on the target.
type Verdict struct {
	State  VerdictState
	Causes []Cause // worst first, then by time
}

// Limits are where a verdict turns: up to the first of each pair all is VALID,
// beyond the second INVALID. A zero field is its default.
type Limits struct {
	Coverage, LeastCoverage  float64       // 0.999 and 0.95: falling
	Lateness, MostLateness   time.Duration // p99: 10 ms and 100 ms …
	LatePart, MostLatePart   float64       // … or, if that is more, 0.05 and 0.50 of the median response
	Saturated, MostSaturated float64       // part of seconds: 0.05 and 0.20
	MostClockStep            time.Duration // 100 ms: INVALID above
}

// defaultLimits are those of the design.
var defaultLimits = Limits{
	Coverage: 0.999, LeastCoverage: 0.95,
	Lateness: 10 * time.Millisecond, MostLateness: 100 * time.Millisecond,
	LatePart: 0.05, MostLatePart: 0.50,
	Saturated: 0.05, MostSaturated: 0.20,
	MostClockStep: 100 * time.Millisecond,
}

// filled is l with its zero fields replaced.
func (l Limits) filled() Limits {
	d := defaultLimits
	return Limits{
		Coverage: cmp.Or(l.Coverage, d.Coverage), LeastCoverage: cmp.Or(l.LeastCoverage, d.LeastCoverage),
		Lateness: cmp.Or(l.Lateness, d.Lateness), MostLateness: cmp.Or(l.MostLateness, d.MostLateness),
		LatePart: cmp.Or(l.LatePart, d.LatePart), MostLatePart: cmp.Or(l.MostLatePart, d.MostLatePart),
		Saturated: cmp.Or(l.Saturated, d.Saturated), MostSaturated: cmp.Or(l.MostSaturated, d.MostSaturated),
		MostClockStep: cmp.Or(l.MostClockStep, d.MostClockStep),
	}
}

// coverage grades the part of what was due, or promised, that was done.
func (l Limits) coverage(part float64) VerdictState {
	return grade(-part, -l.Coverage, -l.LeastCoverage)
}

// lateness grades the 99th percentile of lateness beside the median response
// and tells what would have been good.
func (l Limits) lateness(late, median time.Duration) (state VerdictState, good time.Duration) {
	good = max(l.Lateness, time.Duration(l.LatePart*float64(median)))
	return grade(late, good, max(l.MostLateness, time.Duration(l.MostLatePart*float64(median)))), good
}

// Grade says how well the generator drove a scheduled load by a sample of it
// alone: whether it started what was due, refusals by max-in-flight aside, told
// how that ended, and in time.
func (l Limits) Grade(s *Sample) VerdictState {
	l = l.filled()
	state, _ := l.lateness(s.Lateness.Quantile(99), s.Response.Quantile(50))
	if s.Slots.Due == 0 {
		return state
	}
	failed := below(s.Slots.Missed, s.Slots.Refused) + s.Slots.Lost
	return max(state, l.coverage(float64(below(s.Slots.Due, failed))/float64(s.Slots.Due)))
}

// LoadFacts is what a verdict must know of a workflow that its windows do not
// tell.
type LoadFacts struct {
	Workflow  string
	Kind      hyperscale.LoadKind
	Paced     bool          // closed, with pace
	PlannedVU time.Duration // closed: VU-time promised until the end or a stop; 0: none
}

// scheduled reports whether a schedule, not the target, says when the
// workflow's slots are due.
func (f LoadFacts) scheduled() bool {
	return f.Kind == hyperscale.LoadOpen || f.Kind == hyperscale.LoadSearch || f.Paced
}

// sparing is the state that a cause has which in a search is but a note.
func (f LoadFacts) sparing(state VerdictState) VerdictState {
	if f.Kind == hyperscale.LoadSearch {
		return Valid
	}
	return state
}

// Judge gives the verdict on a run that is over. Loads are those of the plan;
// more are causes that only the caller knows of (a lost worker, a data set that
// ran out). Coverage and lateness are judged workflow by workflow, so that a
// large one does not hide a small one.
//
// A search goes on until something gives way, and its probes are graded one by
// one (see [Limits.Grade]): what the whole of it missed, refused or was late
// with is a note.
func Judge(t *Tally, loads []LoadFacts, more []Cause, limits Limits) Verdict {
	j := &judge{tally: t, limits: limits.filled(), causes: slices.Clone(more)}
	for _, what := range Identities(t) {
		j.add(Invalid, spans(nil), "identity broken: %s", what)
	}
	for _, f := range loads {
		if w := t.works[f.Workflow]; w != nil {
			j.coverage(f, w)
			j.refused(f, w)
			j.lateness(f, w)
			j.shortage(f, w)
		}
	}
	j.saturation(loads)
	j.clock()
	j.holders()
	return j.verdict()
}

// judge collects the causes of a verdict.
type judge struct {
	tally  *Tally
	limits Limits
	causes []Cause
}

// add notes a cause that holds within the given stretches.
func (j *judge) add(state VerdictState, when spans, format string, args ...any) {
	b := when.bounds()
	j.causes = append(j.causes, Cause{State: state, What: fmt.Sprintf(format, args...), From: b.From, To: b.To})
}

// verdict sums the causes up.
func (j *judge) verdict() Verdict {
	v := Verdict{Causes: j.causes}
	for _, c := range v.Causes {
		v.State = max(v.State, c.State)
	}
	slices.SortStableFunc(v.Causes, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.State, a.State), cmp.Compare(a.From, b.From),
			cmp.Compare(a.Node, b.Node), cmp.Compare(a.What, b.What))
	})
	return v
}

// grade is the state that a figure leads to which should stay at or below good
// and is unbearable above bad.
func grade[T cmp.Ordered](figure, good, bad T) VerdictState {
	switch {
	case figure > bad:
		return Invalid
	case figure > good:
		return Degraded
	}
	return Valid
}

// coverage judges how much of what was due the generator started, or how much
// of the promised VU-time it delivered. What was lost counts like what was
// missed: that it was started is a guess, and the target may not have seen it.
// What an iterations load did not start is the doing of its cap.
func (j *judge) coverage(f LoadFacts, w *work) {
	var done, promised float64
	var what string
	switch {
	case f.Kind == hyperscale.LoadClosed:
		done, promised = (w.warmup.VUTime + w.measured.VUTime).Seconds(), f.PlannedVU.Seconds()
		what = fmt.Sprintf("%.3f of %.3f planned VU-seconds were delivered", done, promised)
	case f.scheduled():
		due := w.warmup.Due + w.measured.Due
		failed := w.warmup.Missed + w.measured.Missed - w.warmup.Refused - w.measured.Refused
		lost := w.warmup.Slots.Lost + w.measured.Slots.Lost
		done, promised = float64(below(due, failed+lost)), float64(due)
		what = undelivered(due, failed, lost)
	}
	if promised <= 0 {
		return
	}
	state := j.limits.coverage(done / promised)
	if state == Valid {
		return
	}
	when := w.short
	if len(when) == 0 {
		when = w.active
	}
	j.add(f.sparing(state), when, "%s: %s (%.2f %%, at least %.4g %% are asked for)",
		f.Workflow, what, 100*done/promised, 100*j.limits.Coverage)
}

// undelivered says what did not come of due slots.
func undelivered(due, failed, lost uint64) string {
	of := " of " + hyperscale.Plural(due, "due slot")
	switch {
	case lost == 0:
		return "the generator did not start " + hyperscale.Count(failed) + of
	case failed == 0:
		return "the generator lost " + hyperscale.Count(lost) + of
	}
	return "the generator did not start " + hyperscale.Count(failed) + of + " and lost " + hyperscale.Count(lost)
}

// refused judges slots that max-in-flight had no room for.
func (j *judge) refused(f LoadFacts, w *work) {
	if n := w.warmup.Refused + w.measured.Refused; n > 0 {
		j.add(f.sparing(Degraded), w.refused, "%s: percentiles leave out %s refused by max-in-flight", f.Workflow, hyperscale.Plural(n, "slot"))
	}
}

// lateness judges how late the generator started slots.
func (j *judge) lateness(f LoadFacts, w *work) {
	if f.Kind == hyperscale.LoadOnce {
		return // its one slot is no load, and a percentile of it is chance
	}
	var response Histogram
	for i := range w.measured.Steps {
		if s := &w.measured.Steps[i]; !s.Group {
			response.Merge(&s.OKResponse)
			response.Merge(&s.OtherResponse)
		}
	}
	late := w.measured.Lateness.Quantile(99)
	state, good := j.limits.lateness(late, response.Quantile(50))
	if state == Valid {
		return
	}
	when := w.late
	if len(when) == 0 {
		when = w.active
	}
	j.add(f.sparing(state), when, "%s: the latest 1 %% of slots started %v or more after they were due (at most %v is asked for)",
		f.Workflow, round(late), round(good))
}

// shortage judges errors that are this machine's and not the target's.
func (j *judge) shortage(f LoadFacts, w *work) {
	counts := map[string]uint64{}
	for _, part := range []*Sums{&w.warmup, &w.measured} {
		for i := range part.Steps {
			for _, k := range part.Steps[i].Errors.List() {
				counts[k.Text] += k.Count
			}
		}
	}
	for _, text := range []string{"no local port", "no descriptor"} {
		if n := counts[text]; n > 0 {
			j.add(Degraded, w.active, "%s: %s failed for this machine's own reason: %s", f.Workflow, hyperscale.Plural(n, "request"), text)
		}
	}
}

// saturation judges in how many seconds some lane had more to do than it could.
// Where no schedule sets the rate it is a note.
func (j *judge) saturation(loads []LoadFacts) {
	var scheduled, free spans
	for _, f := range loads {
		if w := j.tally.works[f.Workflow]; w != nil {
			if f.sparing(Invalid) == Invalid && f.scheduled() {
				scheduled.addAll(w.load)
			} else {
				free.addAll(w.load)
			}
		}
	}
	if part := j.saturatedPart(scheduled); part > j.limits.Saturated {
		state := grade(part, j.limits.Saturated, j.limits.MostSaturated)
		j.saturatedNodes(state, scheduled, fmt.Sprintf("a lane was saturated (%.1f %% of all seconds, at most %.4g %% are asked for)",
			100*part, 100*j.limits.Saturated))
		return
	}
	if j.saturatedPart(free) > j.limits.Saturated {
		j.saturatedNodes(Valid, free, "a lane was saturated: this machine, not the target, may set the rate")
	}
}

// saturatedPart is the part of the given time in which a lane of some node was
// saturated.
func (j *judge) saturatedPart(of spans) float64 {
	var all spans
	for _, n := range j.tally.nodes {
		all.addAll(n.saturated)
	}
	total := of.total()
	if total <= 0 {
		return 0
	}
	return all.within(of).total().Seconds() / total.Seconds()
}

// maxCauseNodes bounds how many nodes are named for one cause.
const maxCauseNodes = 16

// saturatedNodes notes a cause for each node that was saturated.
func (j *judge) saturatedNodes(state VerdictState, of spans, what string) {
	named := 0
	for _, name := range j.tally.nodes.names() {
		when := j.tally.nodes[name].saturated.within(of)
		if len(when) == 0 {
			continue
		}
		if named++; named > maxCauseNodes {
			return
		}
		b := when.bounds()
		j.causes = append(j.causes, Cause{state, what, name, b.From, b.To})
	}
}

// clock judges steps of the wall clock.
func (j *judge) clock() {
	for _, name := range j.tally.nodes.names() {
		n := j.tally.nodes[name]
		if step := n.readings.ClockStep; step > j.limits.MostClockStep {
			what := fmt.Sprintf("the clock was set by %v", round(step))
			j.causes = append(j.causes, Cause{Invalid, what, name, n.stepped.From, n.stepped.To})
		}
	}
}

// holders judges turns that did not end as they should.
func (j *judge) holders() {
	for _, name := range j.tally.Unfinished() {
		j.add(Degraded, nil, "the last window of %s never came", name)
	}
	for _, name := range slices.Sorted(maps.Keys(j.tally.marks.stray)) {
		if n := j.tally.marks.stray[name].Slots.Started; n > 0 {
			j.add(Degraded, nil, "%s: %s started by a holder whose slots others had taken over", name, were(n, "iteration"))
		}
	}
}

// were is a count with its noun and the verb.
func were(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun + " was"
	}
	return hyperscale.Plural(n, noun) + " were"
}

// round is a duration with about three figures.
func round(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
