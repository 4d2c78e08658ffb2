package session

import (
	"fmt"
	"testing"
	"time"

	"hyperscale"
)

// The builders below make steps as the plan's reader gives them: complete, each
// step needing the one before it unless said otherwise.

// transport is what a step has by default.
func transport() hyperscale.Transport {
	return hyperscale.Transport{
		Timeout: 10 * time.Second, Redirects: 10, HTTP: 1, Connections: hyperscale.ConnPerVU, MaxBody: 1 << 20,
	}
}

// request makes a request step; with changes it.
func requestStep(name, method, url string, with ...func(*hyperscale.Request)) hyperscale.Step {
	r := &hyperscale.Request{Method: method, URL: url, Transport: transport()}
	for _, change := range with {
		change(r)
	}
	return hyperscale.Step{Name: name, Kind: hyperscale.StepRequest, OnError: hyperscale.OnErrorContinue, Request: r}
}

func get(name, url string, with ...func(*hyperscale.Request)) hyperscale.Step {
	return requestStep(name, "GET", url, with...)
}

func post(name, url string, with ...func(*hyperscale.Request)) hyperscale.Step {
	return requestStep(name, "POST", url, with...)
}

func pauseStep(name string, d time.Duration) hyperscale.Step {
	return hyperscale.Step{Name: name, Kind: hyperscale.StepPause, Pause: hyperscale.Pause{Min: d}}
}

func setStep(name string, pairs ...hyperscale.Pair) hyperscale.Step {
	return hyperscale.Step{Name: name, Kind: hyperscale.StepSet, Set: pairs}
}

func groupStep(name string, steps ...hyperscale.Step) hyperscale.Step {
	return hyperscale.Step{Name: name, Kind: hyperscale.StepGroup, Steps: inOrder(steps)}
}

func parallelStep(name string, steps ...hyperscale.Step) hyperscale.Step {
	return hyperscale.Step{Name: name, Kind: hyperscale.StepParallel, Steps: steps}
}

func chooseStep(name string, choices ...hyperscale.Choice) hyperscale.Step {
	return hyperscale.Step{Name: name, Kind: hyperscale.StepChoose, Choices: choices}
}

func branch(weight int64, steps ...hyperscale.Step) hyperscale.Choice {
	return hyperscale.Choice{Weight: weight, Steps: inOrder(steps)}
}

// inOrder makes each step need the one before it, where it needs nothing else.
func inOrder(steps []hyperscale.Step) []hyperscale.Step {
	for i := range steps {
		if i > 0 && steps[i].Needs == nil {
			steps[i].Needs = []int{i - 1}
		}
	}
	return steps
}

// but changes a step.
func but(s hyperscale.Step, change func(*hyperscale.Step)) hyperscale.Step {
	change(&s)
	return s
}

func needs(s hyperscale.Step, needs ...int) hyperscale.Step {
	s.Needs = append([]int{}, needs...)
	return s
}

func onError(s hyperscale.Step, e hyperscale.OnError) hyperscale.Step {
	s.OnError = e
	return s
}

func when(s hyperscale.Step, condition string) hyperscale.Step {
	s.When = condition
	return s
}

func once(s hyperscale.Step) hyperscale.Step {
	s.Once = true
	return s
}

func pair(name, value string) hyperscale.Pair { return hyperscale.Pair{Name: name, Value: value} }

func pairs(of ...string) (all []hyperscale.Pair) {
	for i := 0; i < len(of); i += 2 {
		all = append(all, pair(of[i], of[i+1]))
	}
	return all
}

func headers(of ...string) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) { r.Headers = pairs(of...) }
}

func params(of ...string) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) { r.Params = pairs(of...) }
}

func cookies(of ...string) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) { r.Cookies = pairs(of...) }
}

func jsonText(text string) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) { r.Body = hyperscale.Body{Kind: hyperscale.BodyJSON, JSON: text} }
}

func bodyText(text string) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) { r.Body = hyperscale.Body{Kind: hyperscale.BodyText, Text: text} }
}

func capturing(name string, kind hyperscale.CaptureKind, arg string) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) {
		r.Captures = append(r.Captures, hyperscale.Capture{Name: name, Kind: kind, Arg: arg})
	}
}

func capturingOr(name string, kind hyperscale.CaptureKind, arg, fallback string) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) {
		r.Captures = append(r.Captures, hyperscale.Capture{Name: name, Kind: kind, Arg: arg, Default: &fallback})
	}
}

func checking(checks ...hyperscale.Check) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) { r.Checks = append(r.Checks, checks...) }
}

func status(lo, hi int) hyperscale.Check {
	return hyperscale.Check{Kind: hyperscale.CheckStatus, Name: "status", Statuses: []hyperscale.StatusRange{{Lo: lo, Hi: hi}}}
}

func bodyCheck(kind hyperscale.CheckKind, value string) hyperscale.Check {
	return hyperscale.Check{Kind: kind, Name: fmt.Sprintf("body %s %q", kind, value), Value: value}
}

func redirects(n int) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) { r.Transport.Redirects = n }
}

// planOf makes a plan of one workflow.
func planOf(steps ...hyperscale.Step) *hyperscale.Plan {
	return &hyperscale.Plan{
		Name: "test", Target: "http://shop.test", Seed: 7,
		Workflows: []hyperscale.Workflow{{
			Name: "main", Load: hyperscale.Load{Kind: hyperscale.LoadClosed}, Steps: inOrder(steps),
		}},
	}
}

// table is rows in memory.
type table [][]string

func (t table) Len() int64 { return int64(len(t)) }

func (t table) Row(n int64, dst []string) ([]string, error) {
	if t[n] == nil {
		return dst, fmt.Errorf("row %d cannot be read", n)
	}
	return append(dst, t[n]...), nil
}

// wallOf is a wall clock that stands.
func wallOf() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func compile(t testing.TB, plan *hyperscale.Plan, in Inputs) *Program {
	t.Helper()
	in.UserAgent = "hyperscale/test"
	p, err := Compile(plan, 0, in)
	if err != nil {
		t.Fatal(err)
	}
	p.Wall = wallOf
	return p
}
