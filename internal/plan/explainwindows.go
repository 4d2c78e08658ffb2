package plan

import (
	"fmt"
	"time"

	"hyperscale"
)

// windowProblems tells of thresholds whose window is longer than what the plan
// gives them to judge: they have no sample, and so they fail.
func windowProblems(p *hyperscale.Plan, spans []Span) (all []Problem) {
	for _, t := range p.Thresholds {
		length, known := judged(p, spans, t.Workflow)
		if t.Over == 0 || !known || length >= t.Over {
			continue
		}
		over := hyperscale.FormatDuration(t.Over)
		all = append(all, Problem{"", fmt.Sprintf("%s: by the plan there are %s to judge, and without a full window of %s the threshold fails",
			t.Text, hyperscale.FormatDuration(length), over), false})
	}
	return all
}

// judged is how long by the plan there is something to judge, of one workflow or
// with "" of all: from the end of the first warm-up to the last planned end. It
// is not known where a load takes as long as its work does.
func judged(p *hyperscale.Plan, spans []Span, workflow string) (length time.Duration, known bool) {
	var from, to hyperscale.JobTime
	for i := range p.Workflows {
		w := &p.Workflows[i]
		if workflow != "" && w.Name != workflow {
			continue
		}
		s := spanOf(spans, w.Name)
		if s == nil || s.Open {
			return 0, false
		}
		start := s.Start + w.Warmup
		if !known || start < from {
			from = start
		}
		to, known = max(to, s.End), true
	}
	return to - from, known
}
