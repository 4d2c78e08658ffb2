package stats

import (
	"fmt"
	"sort"
)

// Sums is all that was counted of one workflow over some stretch of time. Sums
// of the same workflow merge exactly and in any order. The zero value is empty.
type Sums struct {
	Slots
	Phases
	Lateness Histogram
	Steps    []StepSums
}

// StepSums is a sum's part of one step. For what its histograms hold see
// [StepRecord].
type StepSums struct {
	Name  string
	Group bool
	Requests
	OKResponse, OtherResponse, Service Histogram
	Statuses                           []StatusCount // by rising code
	Errors                             Kinds         // of requests; the counts add up to Failed + TimedOut
	StepErrors                         Kinds         // of steps; the counts add up to Faulted
	Checks                             []CheckCount  // in the plan's order
}

// StatusCount is how many complete answers had a status.
type StatusCount struct {
	Code  int
	Count uint64
}

// CheckCount is how often a check passed and failed.
type CheckCount struct {
	Name           string
	Passed, Failed uint64
}

// Answers is how many requests got a complete answer, whatever it said.
func (s *StepSums) Answers() uint64 {
	return below(s.OKResponse.Count()+s.OtherResponse.Count(), s.TimedOut)
}

// Merge adds all that o holds. It fails, and changes nothing, if the two have
// other steps or checks.
func (s *Sums) Merge(o *Sums) error {
	if err := s.fits(o); err != nil {
		return err
	}
	if s.Steps == nil {
		s.shape(o)
	}
	s.Slots.add(o.Slots)
	s.Phases.merge(&o.Phases)
	s.Lateness.Merge(&o.Lateness)
	for i := range o.Steps {
		s.Steps[i].merge(&o.Steps[i])
	}
	return nil
}

// fits says why o cannot be merged; nil when it can. Empty sums fit any.
func (s *Sums) fits(o *Sums) error {
	if s.Steps == nil || o.Steps == nil {
		return nil
	}
	if len(s.Steps) != len(o.Steps) {
		return fmt.Errorf("merge sums: %d steps do not fit %d", len(o.Steps), len(s.Steps))
	}
	for i := range s.Steps {
		a, b := &s.Steps[i], &o.Steps[i]
		if a.Name != b.Name || a.Group != b.Group || len(a.Checks) != len(b.Checks) {
			return fmt.Errorf("merge sums: step %d, %q, does not fit %q", i+1, b.Name, a.Name)
		}
		for j := range a.Checks {
			if a.Checks[j].Name != b.Checks[j].Name {
				return fmt.Errorf("merge sums: step %q: check %q does not fit %q", a.Name, b.Checks[j].Name, a.Checks[j].Name)
			}
		}
	}
	return nil
}

// shape gives s, which has no steps, those of o, empty.
func (s *Sums) shape(o *Sums) {
	if o.Steps == nil {
		return
	}
	s.Steps = make([]StepSums, len(o.Steps))
	for i := range o.Steps {
		from, to := &o.Steps[i], &s.Steps[i]
		to.Name, to.Group = from.Name, from.Group
		to.Checks = make([]CheckCount, len(from.Checks))
		for j := range from.Checks {
			to.Checks[j].Name = from.Checks[j].Name
		}
	}
}

// merge adds what o holds of the same step.
func (s *StepSums) merge(o *StepSums) {
	s.Requests.add(o.Requests)
	s.OKResponse.Merge(&o.OKResponse)
	s.OtherResponse.Merge(&o.OtherResponse)
	s.Service.Merge(&o.Service)
	for _, c := range o.Statuses {
		s.addStatus(c.Code, c.Count)
	}
	s.Errors.Merge(&o.Errors)
	s.StepErrors.Merge(&o.StepErrors)
	for i, c := range o.Checks {
		s.Checks[i].Passed += c.Passed
		s.Checks[i].Failed += c.Failed
	}
}

// addStatus counts n answers of the code.
func (s *StepSums) addStatus(code int, n uint64) {
	s.Statuses = addStatus(s.Statuses, code, n)
}

// addStatus counts n answers of the code in a list by rising code.
func addStatus(list []StatusCount, code int, n uint64) []StatusCount {
	i := sort.Search(len(list), func(i int) bool { return list[i].Code >= code })
	if i == len(list) || list[i].Code != code {
		list = append(list, StatusCount{})
		copy(list[i+1:], list[i:])
		list[i] = StatusCount{Code: code}
	}
	list[i].Count += n
	return list
}

// addRecord adds what a lane counted.
func (s *Sums) addRecord(r *Record) {
	if s.Steps == nil {
		s.shapeOf(r.layout)
	}
	s.Slots.add(r.Slots)
	s.Phases.merge(&r.Phases)
	s.Lateness.Merge(&r.Lateness)
	for i := range r.Steps {
		s.Steps[i].addRecord(&r.Steps[i], r.layout)
	}
}

// shapeOf gives s the steps of the layout, empty.
func (s *Sums) shapeOf(l *Layout) {
	s.Steps = make([]StepSums, len(l.Steps))
	for i, from := range l.Steps {
		to := &s.Steps[i]
		to.Name, to.Group = from.Name, from.Group
		to.Checks = make([]CheckCount, len(from.Checks))
		for j, name := range from.Checks {
			to.Checks[j].Name = name
		}
	}
}

// addRecord adds what a lane counted of the step.
func (s *StepSums) addRecord(r *StepRecord, l *Layout) {
	s.Requests.add(r.Requests)
	s.OKResponse.Merge(&r.OKResponse)
	s.OtherResponse.Merge(&r.OtherResponse)
	s.Service.Merge(&r.Service)
	r.statuses.each(s.addStatus)
	for _, f := range r.faults {
		s.Errors.Add(Kind{l.FaultName(f.fault), f.count, f.sample})
	}
	for _, f := range r.stepFaults {
		s.StepErrors.Add(Kind{l.FaultName(f.fault), f.count, f.sample})
	}
	for i, c := range r.checks {
		s.Checks[i].Passed += c.passed
		s.Checks[i].Failed += c.failed
	}
}
