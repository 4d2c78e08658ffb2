package stats

import "fmt"

// Ledger is the plain counts of a turn: what its sender keeps, sends with the
// last window, and its receiver compares with its own sum. The zero value is
// empty.
type Ledger struct {
	Slots
	Lateness uint64 // how many latenesses were recorded
	Steps    []StepLedger
}

// StepLedger is the plain counts of one step.
type StepLedger struct {
	Requests
	Responses uint64 // how many response times were recorded
	Errors    uint64 // sum over the kinds
	Checks    uint64 // outcomes of checks
}

// add counts what the sums hold.
func (l *Ledger) add(s *Sums) {
	l.Slots.add(s.Slots)
	l.Lateness += s.Lateness.Count()
	for len(l.Steps) < len(s.Steps) {
		l.Steps = append(l.Steps, StepLedger{})
	}
	for i := range s.Steps {
		from, to := &s.Steps[i], &l.Steps[i]
		to.Requests.add(from.Requests)
		to.Responses += from.OKResponse.Count() + from.OtherResponse.Count()
		to.Errors += from.Errors.Total()
		for _, c := range from.Checks {
			to.Checks += c.Passed + c.Failed
		}
	}
}

// clone is a copy that shares nothing.
func (l *Ledger) clone() Ledger {
	c := *l
	c.Steps = append([]StepLedger(nil), l.Steps...)
	return c
}

// differs says in words where two ledgers differ first; "" when they are equal.
func (l *Ledger) differs(o *Ledger) string {
	switch {
	case l.Slots != o.Slots:
		return fmt.Sprintf("slots %+v here, %+v there", l.Slots, o.Slots)
	case l.Lateness != o.Lateness:
		return fmt.Sprintf("%d latenesses here, %d there", l.Lateness, o.Lateness)
	case len(l.Steps) != len(o.Steps):
		return fmt.Sprintf("%d steps here, %d there", len(l.Steps), len(o.Steps))
	}
	for i := range l.Steps {
		if l.Steps[i] != o.Steps[i] {
			return fmt.Sprintf("step %d: %+v here, %+v there", i+1, l.Steps[i], o.Steps[i])
		}
	}
	return ""
}
