package plan

import (
	"fmt"
	"strings"

	"hyperscale"
)

// describeLoad says in words how a workflow is driven.
func describeLoad(load hyperscale.Load) string {
	switch load.Kind {
	case hyperscale.LoadClosed:
		return "virtual users: " + strings.Join(describeStages(load), ", then ") + describePace(load)
	case hyperscale.LoadOpen:
		return describeArrivals(load) + ": " + strings.Join(describeStages(load), ", then ")
	case hyperscale.LoadIterations:
		return hyperscale.Plural(load.Iterations, "iteration") + " shared by " + hyperscale.Plural(load.VUs, "VU") + atMost(load)
	case hyperscale.LoadEach:
		return hyperscale.Plural(load.Iterations, "iteration") + " by each of " + hyperscale.Plural(load.VUs, "VU") + atMost(load)
	case hyperscale.LoadSearch:
		return describeSearch(load)
	}
	return "1 iteration"
}

// describeStages says in words what each stage is.
func describeStages(load hyperscale.Load) []string {
	level := func(n int64) string { return hyperscale.Plural(n, "VU") }
	bare := hyperscale.Count[int64]
	if load.Kind == hyperscale.LoadOpen {
		level = func(n int64) string { return hyperscale.Rate(n).String() }
		bare = level
	}
	var all []string
	for _, s := range load.Stages {
		over := hyperscale.FormatDuration(s.Over)
		if s.From == s.To {
			all = append(all, level(s.To)+" for "+over)
		} else {
			all = append(all, bare(s.From)+" to "+level(s.To)+" in "+over)
		}
	}
	return all
}

func describePace(load hyperscale.Load) string {
	if load.Pace == 0 {
		return ""
	}
	return ", an iteration each " + hyperscale.FormatDuration(load.Pace) + " at most"
}

// describeArrivals says how the slots of an open load are spaced and bounded.
func describeArrivals(load hyperscale.Load) string {
	text := "arrivals"
	if load.Poisson {
		text = "Poisson arrivals"
	}
	if load.Arrivals > 0 {
		text += ", " + hyperscale.Count(load.Arrivals) + " at most"
	}
	return text
}

func describeSearch(load hyperscale.Load) string {
	s := load.Search
	var while []string
	for _, t := range s.While {
		while = append(while, t.Text)
	}
	text := fmt.Sprintf("search from %v to %v while %s, in probes of %s until within %s", s.From, s.To,
		strings.Join(while, " and "), hyperscale.FormatDuration(s.Hold), hyperscale.FormatShare(s.Within))
	if load.Poisson {
		text += ", Poisson arrivals"
	}
	return text
}

// atMost is the cap on the time of a fixed amount of work.
func atMost(load hyperscale.Load) string {
	if load.For == 0 {
		return ""
	}
	return " in " + hyperscale.FormatDuration(load.For) + " at most"
}

// kindNames are the kinds of loads in results.
var kindNames = map[hyperscale.LoadKind]string{
	hyperscale.LoadOnce: "once", hyperscale.LoadClosed: "closed", hyperscale.LoadOpen: "open",
	hyperscale.LoadIterations: "iterations", hyperscale.LoadEach: "each", hyperscale.LoadSearch: "search",
}
