package stats

import "time"

// A Layout names what the numbers of one workflow mean. It never changes.
type Layout struct {
	Workflow string
	Steps    []StepLayout
	// FaultName is the text of a kind of error.
	FaultName func(fault uint32) string
}

// StepLayout names one step.
type StepLayout struct {
	Name   string
	Group  bool     // counts passes of a group: no requests, kept out of all sums
	Checks []string // names of its checks, as shown: `home: status`
}

// A Record is what one lane counted of one workflow since the last cut. The
// lane increments its fields directly and nobody else touches it until it is
// swapped out. Lateness holds every started slot; Phases are of all its steps.
type Record struct {
	Slots
	Phases
	Lateness Histogram
	Steps    []StepRecord // one for each step of the layout

	layout *Layout
}

// NewRecord makes an empty record of the layout's shape.
func NewRecord(l *Layout) *Record {
	r := &Record{layout: l, Steps: make([]StepRecord, len(l.Steps))}
	for i, s := range l.Steps {
		r.Steps[i].checks = make([]passes, len(s.Checks))
	}
	return r
}

// Reset empties the record and keeps its memory.
func (r *Record) Reset() {
	r.Slots = Slots{}
	r.Lateness.Reset()
	for _, h := range r.Phases.each() {
		h.Reset()
	}
	for i := range r.Steps {
		r.Steps[i].reset()
	}
}

// A StepRecord is a record's part of one step. Every request with a complete
// answer is in Service and in OKResponse (ok) or OtherResponse (failed); one
// that timed out is in Service and OtherResponse with the time at which it was
// given up; others are counted only. A group's passes count as Started and OK
// or Failed, with their durations as for requests.
type StepRecord struct {
	Requests
	OKResponse, OtherResponse, Service Histogram

	statuses   statusTable
	faults     faultList
	stepFaults faultList
	checks     []passes
}

// Answered records the two times of a request that has a complete answer or
// timed out.
func (s *StepRecord) Answered(ok bool, response, service time.Duration) {
	if ok {
		s.OKResponse.Record(response)
	} else {
		s.OtherResponse.Record(response)
	}
	s.Service.Record(service)
}

// Status counts the status of a complete answer. Codes that HTTP does not have
// (below 0, above 999) count as 0.
func (s *StepRecord) Status(code int) { s.statuses.count(code) }

// Fault counts the kind of one failed or timed-out request, its first cause,
// so that their sum is Failed + TimedOut (which the caller counts). The sample
// is an instance in words; "" when the kind says all.
func (s *StepRecord) Fault(fault uint32, sample string) { s.faults.count(fault, sample) }

// StepFault counts the kind of one step that failed before anything was sent.
// The caller counts Faulted.
func (s *StepRecord) StepFault(fault uint32, sample string) { s.stepFaults.count(fault, sample) }

// Check counts the outcome of the step's i-th check.
func (s *StepRecord) Check(i int, passed bool) {
	if passed {
		s.checks[i].passed++
	} else {
		s.checks[i].failed++
	}
}

// reset empties the record and keeps its memory.
func (s *StepRecord) reset() {
	s.Requests = Requests{}
	s.OKResponse.Reset()
	s.OtherResponse.Reset()
	s.Service.Reset()
	s.statuses.reset()
	s.faults = s.faults[:0]
	s.stepFaults = s.stepFaults[:0]
	clear(s.checks)
}

// passes counts the outcomes of one check.
type passes struct{ passed, failed uint64 }

// statusTable counts answers by status, in blocks of a hundred codes made on
// first use.
type statusTable [10]*[100]uint64

// count adds one.
func (t *statusTable) count(code int) {
	if code < 0 || code > 999 {
		code = 0
	}
	block := t[code/100]
	if block == nil {
		block = new([100]uint64)
		t[code/100] = block
	}
	block[code%100]++
}

// reset sets every count to zero.
func (t *statusTable) reset() {
	for _, block := range t {
		if block != nil {
			*block = [100]uint64{}
		}
	}
}

// faultList counts kinds of errors in the order in which they were first seen.
// A plan can have no more kinds than its checks, captures, values and the
// statuses of HTTP, and few at a time: a scan is the fastest look-up.
type faultList []faultCount

// faultCount is one kind with its count and sample.
type faultCount struct {
	fault  uint32
	count  uint64
	sample string
}

// count adds one of the kind.
func (l *faultList) count(fault uint32, sample string) {
	for i := range *l {
		if f := &(*l)[i]; f.fault == fault {
			f.count++
			f.sample = lesser(f.sample, sample)
			return
		}
	}
	*l = append(*l, faultCount{fault, 1, sample})
}

// each calls f for every code that was counted, by rising code.
func (t *statusTable) each(f func(code int, n uint64)) {
	for i, block := range t {
		if block == nil {
			continue
		}
		for j, n := range block {
			if n > 0 {
				f(i*100+j, n)
			}
		}
	}
}
