//go:build linux

package main

import "fmt"

// A goal is one figure of ours beside what it must reach.
type goal struct {
	what   string
	value  float64 // 0: could not be measured
	bound  float64
	atMost bool // else at least
	format string
}

// String says the goal, the figure, and whether it was reached.
func (g goal) String() string {
	sign := "≥"
	if g.atMost {
		sign = "≤"
	}
	text := fmt.Sprintf("%s %s "+g.format+": ", g.what, sign, g.bound)
	if g.value == 0 {
		return text + "not measured"
	}
	verdict := "missed"
	if g.atMost == (g.value <= g.bound) || g.value == g.bound {
		verdict = "reached"
	}
	return text + fmt.Sprintf(g.format, g.value) + ", " + verdict
}
