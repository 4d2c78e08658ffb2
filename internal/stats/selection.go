package stats

import "time"

// Selection is what a job, a workflow or a step came to. Counts are of
// everything; Sample leaves out the warm-up.
type Selection struct {
	Slots    // of a step: zero
	Requests // of all steps but groups; of a step, its own
	Statuses []StatusCount
	Errors   Kinds // of requests
	// StepErrors are of steps that failed before anything was sent.
	StepErrors Kinds
	Checks     []CheckCount
	Sample     Sample
}

// Counts are the plain numbers of one scope over some stretch of time.
type Counts struct {
	Slots                      Slots
	Requests                   Requests
	ChecksPassed, ChecksFailed uint64
	Answers                    uint64 // complete; of a [Sample]: within the load's scheduled time
}

// add adds o.
func (c *Counts) add(o *Counts) {
	c.Slots.add(o.Slots)
	c.Requests.add(o.Requests)
	c.ChecksPassed += o.ChecksPassed
	c.ChecksFailed += o.ChecksFailed
	c.Answers += o.Answers
}

// addStep adds what a step's sums count.
func (c *Counts) addStep(step *StepSums) {
	c.Requests.add(step.Requests)
	c.Answers += step.Answers()
	for _, check := range step.Checks {
		c.ChecksPassed += check.Passed
		c.ChecksFailed += check.Failed
	}
}

// Sample is what thresholds and figures are taken from: one scope, one stretch
// of time, the warm-up left out.
type Sample struct {
	Counts
	Time     time.Duration // scheduled time: the union over all shares and workflows
	Response Histogram     // complete answers and timed-out requests
	OK       Histogram     // ok ones only
	Service  Histogram
	Lateness Histogram // of slots; a step has none
	Phases   Phases    // a step has none

	load spans // of which Time is the total
}

// Add takes a window in. Windows of the warm-up are for the caller to leave out.
func (s *Sample) Add(w *Window) {
	before := s.Answers
	s.addSums(&w.Sums)
	if w.Stretch == InLoad {
		var load spans
		w.addActive(&load)
		s.addLoad(load)
	} else {
		s.Answers = before
	}
}

// addSums adds sums, groups left out.
func (s *Sample) addSums(m *Sums) {
	s.Slots.add(m.Slots)
	s.Lateness.Merge(&m.Lateness)
	s.Phases.merge(&m.Phases)
	for i := range m.Steps {
		if !m.Steps[i].Group {
			s.addStep(&m.Steps[i])
		}
	}
}

// addLoad adds scheduled time.
func (s *Sample) addLoad(load spans) {
	s.load.addAll(load)
	s.Time = s.load.total()
}

// Rate is complete answers per second of scheduled time; 0 without such time.
func (s *Sample) Rate() float64 {
	if s.Time <= 0 {
		return 0
	}
	return float64(s.Answers) / s.Time.Seconds()
}

// ErrorShare is the share of requests that failed or timed out among those that
// ended of their own; 0 without any.
func (s *Sample) ErrorShare() float64 { return part(s.Requests.Errors(), s.Requests.Ended()) }

// Job is what the whole job came to.
func (t *Tally) Job() *Selection {
	s := new(Selection)
	for _, name := range t.Workflows() {
		s.addWork(t.works[name])
	}
	return s
}

// Workflow is what a workflow came to; empty if no window told of it.
func (t *Tally) Workflow(name string) *Selection {
	s := new(Selection)
	if w := t.works[name]; w != nil {
		s.addWork(w)
	}
	return s
}

// Slots is what became of the slots of a workflow: those of [Tally.Workflow], which
// merges much beside them.
func (t *Tally) Slots(workflow string) Slots {
	var s Slots
	if w := t.works[workflow]; w != nil {
		s.add(w.warmup.Slots)
		s.add(w.measured.Slots)
	}
	return s
}

// Step is what a step came to; empty if no window told of it. A group's
// Requests are its passes.
func (t *Tally) Step(workflow, step string) *Selection {
	s := new(Selection)
	i := t.stepIndex(workflow, step)
	if i < 0 {
		return s
	}
	w := t.works[workflow]
	if w.warmup.Steps != nil {
		s.addCounts(&w.warmup.Steps[i])
	}
	s.addCounts(&w.measured.Steps[i])
	s.Sample.addStep(&w.measured.Steps[i])
	s.Sample.addLoad(w.load)
	s.Sample.Answers = 0
	if i < len(w.answers) {
		s.Sample.Answers = w.answers[i]
	}
	return s
}

// Warmup is what a workflow's warm-up came to: here, and only here, Sample holds
// the times of the warm-up.
func (t *Tally) Warmup(workflow string) *Selection {
	s := new(Selection)
	if w := t.works[workflow]; w != nil {
		s.addCountsOf(&w.warmup)
		s.Sample.addSums(&w.warmup)
	}
	return s
}

// addWork adds all of a workflow, groups left out.
func (s *Selection) addWork(w *work) {
	s.addCountsOf(&w.warmup)
	s.addCountsOf(&w.measured)
	before := s.Sample.Answers
	s.Sample.addSums(&w.measured)
	s.Sample.Answers = before
	s.Sample.addLoad(w.load)
	for i, n := range w.answers {
		if !w.measured.Steps[i].Group {
			s.Sample.Answers += n
		}
	}
}

// addCountsOf adds the counts of sums, groups left out.
func (s *Selection) addCountsOf(m *Sums) {
	s.Slots.add(m.Slots)
	for i := range m.Steps {
		if !m.Steps[i].Group {
			s.addCounts(&m.Steps[i])
		}
	}
}

// addCounts adds a step's counts.
func (s *Selection) addCounts(step *StepSums) {
	s.Requests.add(step.Requests)
	for _, c := range step.Statuses {
		s.Statuses = addStatus(s.Statuses, c.Code, c.Count)
	}
	s.Errors.Merge(&step.Errors)
	s.StepErrors.Merge(&step.StepErrors)
	for _, c := range step.Checks {
		s.addCheck(c)
	}
}

// addCheck adds a check's outcomes under its name.
func (s *Selection) addCheck(c CheckCount) {
	for i := range s.Checks {
		if s.Checks[i].Name == c.Name {
			s.Checks[i].Passed += c.Passed
			s.Checks[i].Failed += c.Failed
			return
		}
	}
	s.Checks = append(s.Checks, c)
}

// addStep adds what a step's sums hold.
func (s *Sample) addStep(step *StepSums) {
	s.Counts.addStep(step)
	s.Response.Merge(&step.OKResponse)
	s.Response.Merge(&step.OtherResponse)
	s.OK.Merge(&step.OKResponse)
	s.Service.Merge(&step.Service)
}

// scope is what a threshold of that scope judges.
func (t *Tally) scope(workflow, step string) *Selection {
	switch {
	case workflow == "":
		return t.Job()
	case step == "":
		return t.Workflow(workflow)
	}
	return t.Step(workflow, step)
}
