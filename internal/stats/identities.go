package stats

import "fmt"

// Identities gives every accounting identity that does not hold at the end of a
// run, in words; none is how it should be. With them go all complaints about
// children whose windows or totals did not fit.
func Identities(t *Tally) []string {
	broken := append([]string(nil), t.marks.broken...)
	for _, name := range t.Workflows() {
		w := t.works[name]
		var whole Sums
		for _, part := range []*Sums{&w.warmup, &w.measured} {
			if err := whole.Merge(part); err != nil {
				broken = append(broken, fmt.Sprintf("%s: %v", name, err))
			}
		}
		c := checker{scope: name}
		c.slots(&whole)
		for i := range whole.Steps {
			c.scope = name + "/" + whole.Steps[i].Name
			c.step(&whole.Steps[i])
		}
		broken = append(broken, c.broken...)
	}
	return broken
}

// checker collects what does not hold.
type checker struct {
	scope  string
	broken []string
}

// equal demands that a number is what its parts add up to.
func (c *checker) equal(what string, n, parts uint64) {
	if n != parts {
		c.broken = append(c.broken, fmt.Sprintf("%s: %s: %d is not %d", c.scope, what, n, parts))
	}
}

// atMost demands that a part is no greater than the whole.
func (c *checker) atMost(what string, part, whole uint64) {
	if part > whole {
		c.broken = append(c.broken, fmt.Sprintf("%s: %s: %d of %d", c.scope, what, part, whole))
	}
}

// slots checks the sums of a workflow.
func (c *checker) slots(s *Sums) {
	c.equal("due = started + missed", s.Due, s.Slots.Started+s.Missed)
	c.equal("started = completed + failed + interrupted + lost", s.Slots.Started,
		s.Completed+s.Slots.Failed+s.Interrupted+s.Slots.Lost)
	c.atMost("refused are missed", s.Refused, s.Missed)
	c.atMost("latenesses are of started slots", s.Lateness.Count(), s.Slots.Started)
	c.atMost("started slots have a lateness, or were lost", s.Slots.Started, s.Lateness.Count()+s.Slots.Lost)
}

// step checks the sums of a step.
func (c *checker) step(s *StepSums) {
	c.equal("started = ok + failed + timed out + cancelled + lost", s.Started,
		s.OK+s.Failed+s.TimedOut+s.Cancelled+s.Lost)
	c.equal("ok requests have a response time", s.OK, s.OKResponse.Count())
	c.atMost("timed-out requests have a response time", s.TimedOut, s.OtherResponse.Count())
	c.atMost("other response times are of failed and timed-out requests", s.OtherResponse.Count(), s.Failed+s.TimedOut)
	c.equal("response and service times", s.Service.Count(), s.OKResponse.Count()+s.OtherResponse.Count())
	c.equal("faulted steps have a kind", s.Faulted, s.StepErrors.Total())
	if !s.Group {
		c.equal("failed + timed out = sum of errors", s.Failed+s.TimedOut, s.Errors.Total())
	}
}
