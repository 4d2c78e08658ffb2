package job

import (
	"fmt"

	"hyperscale"
)

// describe says in words how a workflow is driven, at its start.
func describe(load hyperscale.Load) string {
	switch load.Kind {
	case hyperscale.LoadClosed, hyperscale.LoadOpen:
		if len(load.Stages) > 0 {
			return describeStage(load, 0)
		}
	case hyperscale.LoadIterations:
		return fmt.Sprintf("%s by %s", count(load.Iterations, "iteration"), count(load.VUs, "VU"))
	case hyperscale.LoadEach:
		return fmt.Sprintf("%s by each of %s", count(load.Iterations, "iteration"), count(load.VUs, "VU"))
	case hyperscale.LoadSearch:
		return fmt.Sprintf("search from %v to %v", load.Search.From, load.Search.To)
	}
	return count(1, "iteration")
}

// describeStage says in words what stage k of a closed or open load is.
func describeStage(load hyperscale.Load, k int) string {
	s := load.Stages[k]
	level := func(n int64) string { return hyperscale.Rate(n).String() }
	if load.Kind == hyperscale.LoadClosed {
		level = func(n int64) string { return count(n, "VU") }
	}
	text := level(s.To) + " for " + hyperscale.FormatDuration(s.Over)
	if s.From != s.To {
		text = level(s.From) + " to " + level(s.To) + " in " + hyperscale.FormatDuration(s.Over)
	}
	if len(load.Stages) > 1 {
		text = fmt.Sprintf("stage %d of %d: %s", k+1, len(load.Stages), text)
	}
	return text
}

// describeFinding says in words what a search that has ended found.
func describeFinding(found Finding) string {
	if found.Rate > 0 {
		return fmt.Sprintf("%v, limited by %s", found.Rate, found.LimitedBy)
	}
	last := found.Probes[len(found.Probes)-1]
	if found.LimitedBy == LimitedByMachine {
		return fmt.Sprintf("nothing: this machine can't drive %v", last.Rate)
	}
	return fmt.Sprintf("nothing: the condition does not even hold at %v", last.Rate)
}

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// stageMarks are the marks of the stages after the first that begin before the
// load is over.
func stageMarks(workflow string, load hyperscale.Load, start, over hyperscale.JobTime) []Mark {
	var marks []Mark
	for k := 1; k < len(load.Stages); k++ {
		start = later(start, load.Stages[k-1].Over)
		if start < over {
			marks = append(marks, Mark{At: start, What: Stage, Workflow: workflow, Detail: describeStage(load, k)})
		}
	}
	return marks
}
