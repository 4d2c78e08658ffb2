package job

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"hyperscale"
)

// A script is a plan and what happens to its job, in words; see testdata.

// readPlan reads lines such as
//
//	deadline 10m
//	browse: after=login,setup:always use=t:login.token load=closed:10/30s graceful=5s
func readPlan(t *testing.T, lines []string) *hyperscale.Plan {
	plan := &hyperscale.Plan{Name: "script", Seed: 1}
	for _, line := range lines {
		name, rest, ok := strings.Cut(line, ":")
		if text, isDeadline := strings.CutPrefix(line, "deadline "); isDeadline {
			plan.Deadline = duration(t, text)
			continue
		}
		if !ok {
			t.Fatalf("no plan line: %q", line)
		}
		w := hyperscale.Workflow{Name: name, Graceful: 30 * time.Second}
		for _, word := range strings.Fields(rest) {
			key, value, _ := strings.Cut(word, "=")
			readKey(t, &w, key, value)
		}
		plan.Workflows = append(plan.Workflows, w)
	}
	if plan.Deadline == 0 {
		plan.Deadline = DefaultDeadline(plan)
	}
	return plan
}

func readKey(t *testing.T, w *hyperscale.Workflow, key, value string) {
	switch key {
	case "after":
		for _, d := range strings.Split(value, ",") {
			name, always := strings.CutSuffix(d, ":always")
			w.After = append(w.After, hyperscale.Dependency{Workflow: name, Always: always})
		}
	case "use":
		local, from, _ := strings.Cut(value, ":")
		workflow, name, _ := strings.Cut(from, ".")
		w.Use = append(w.Use, hyperscale.Use{Local: local, Workflow: workflow, Name: name})
	case "export":
		w.Export = strings.Split(value, ",")
	case "graceful":
		w.Graceful = duration(t, value)
	case "warmup":
		w.Warmup = duration(t, value)
	case "load":
		w.Load = readLoad(t, value)
	default:
		t.Fatalf("no key of a workflow: %q", key)
	}
}

// readLoad reads closed:STAGES, open:STAGES, iterations:NxM[/CAP], each:NxM[/CAP]
// and search:FROM-TO/HOLD; a stage is LEVEL/D or FROM-TO/D.
func readLoad(t *testing.T, text string) hyperscale.Load {
	kind, rest, _ := strings.Cut(text, ":")
	load := hyperscale.Load{}
	switch kind {
	case "closed", "open":
		load.Kind = hyperscale.LoadClosed
		unit := int64(1)
		if kind == "open" {
			load.Kind, unit = hyperscale.LoadOpen, int64(hyperscale.PerSecond)
		}
		for _, stage := range strings.Split(rest, ",") {
			from, to, over := readLevels(t, stage)
			load.Stages = append(load.Stages, hyperscale.Stage{From: from * unit, To: to * unit, Over: over})
		}
	case "iterations", "each":
		load.Kind = hyperscale.LoadIterations
		if kind == "each" {
			load.Kind = hyperscale.LoadEach
		}
		work, limit, capped := strings.Cut(rest, "/")
		n, vus, _ := strings.Cut(work, "x")
		load.Iterations, load.VUs = number(t, n), number(t, vus)
		if capped {
			load.For = duration(t, limit)
		}
	case "search":
		from, to, hold := readLevels(t, rest)
		load.Kind = hyperscale.LoadSearch
		load.Search = &hyperscale.Search{
			From: hyperscale.Rate(from) * hyperscale.PerSecond,
			To:   hyperscale.Rate(to) * hyperscale.PerSecond, Hold: hold,
		}
	default:
		t.Fatalf("no load: %q", text)
	}
	return load
}

func readLevels(t *testing.T, text string) (from, to int64, over time.Duration) {
	levels, length, _ := strings.Cut(text, "/")
	low, high, two := strings.Cut(levels, "-")
	if !two {
		high = low
	}
	return number(t, low), number(t, high), duration(t, length)
}

func number(t *testing.T, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func duration(t *testing.T, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// readEvent reads "TIME EVENT ARGUMENTS".
func readEvent(t *testing.T, line string) (hyperscale.JobTime, Event) {
	words := strings.Fields(line)
	if len(words) < 2 {
		t.Fatalf("no event: %q", line)
	}
	at := duration(t, words[0])
	rest := strings.Join(words[2:], " ")
	switch words[1] {
	case "start":
		return at, Start{}
	case "interrupt":
		return at, Interrupt{}
	case "cancel":
		workflow, who, _ := strings.Cut(rest, " by ")
		return at, Cancel{Workflow: strings.TrimPrefix(workflow, "job"), By: who}
	case "began":
		name, leg := legName(t, rest)
		return at, LegBegan{Workflow: name, Leg: leg, At: at}
	case "adjusted":
		workflow, length, _ := strings.Cut(rest, " ")
		name, leg := legName(t, workflow)
		ev := LegAdjusted{Workflow: name, Leg: leg, Length: -1, What: "by hand"}
		if length != "" {
			ev.Length = duration(t, length)
		}
		return at, ev
	case "part":
		workflow, reason, _ := strings.Cut(rest, " ")
		name, leg := legName(t, workflow)
		reason, now := strings.CutPrefix(reason, "now ")
		return at, PartFailed{Workflow: name, Leg: leg, Reason: reason, AtOnce: now}
	case "owed":
		parts, unheard, _ := strings.Cut(rest, " ")
		unheard, excused := strings.CutPrefix(unheard, "excused ")
		return at, Owed{Parts: int(number(t, parts)), Unheard: unheard, Excused: excused}
	case "until":
		return at, Tick{}
	case "threshold":
		return at, ThresholdBroken{Threshold: rest}
	case "abort":
		workflow, step, _ := strings.Cut(rest, "/")
		return at, StepAborted{Workflow: workflow, Step: step}
	case "broken":
		workflow, reason, _ := strings.Cut(rest, " ")
		name, leg := legName(t, workflow)
		return at, LegBroken{Workflow: name, Leg: leg, Reason: reason}
	case "ended":
		return at, readEnded(t, words[2:])
	}
	t.Fatalf("no event: %q", line)
	return 0, nil
}

func readEnded(t *testing.T, words []string) LegEnded {
	name, leg := legName(t, words[0])
	ev := LegEnded{Workflow: name, Leg: leg, Probe: Verdict{Driven: true}}
	for k, word := range words[1:] {
		key, value, pair := strings.Cut(word, "=")
		switch {
		case pair:
			ev.Exports = append(ev.Exports, hyperscale.Pair{Name: key, Value: value})
		case word == "held":
			ev.Probe.Held = true
		case word == "undriven":
			ev.Probe.Driven = false
		case word == "failed":
			ev.Failed, ev.Reason = true, strings.Join(words[k+2:], " ")
			return ev
		case word != "breached":
			t.Fatalf("no way to end: %q", word)
		}
	}
	return ev
}

func legName(t *testing.T, text string) (string, int) {
	name, leg, more := strings.Cut(text, "#")
	if !more {
		return name, 1
	}
	return name, int(number(t, leg))
}

// tell puts an effect into words.
func tell(e Effect) string {
	switch e := e.(type) {
	case StartLeg:
		return tellStart(e)
	case StopLeg:
		return fmt.Sprintf("  stop %s within %v", legOf(e.Workflow, e.Leg), e.Within)
	case CutLeg:
		return "  cut " + legOf(e.Workflow, e.Leg)
	case Wake:
		return "  wake at " + e.At.String()
	case Mark:
		text := strings.TrimSpace(e.Workflow + " " + string(e.What))
		if e.Detail != "" {
			text += ": " + e.Detail
		}
		return fmt.Sprintf("%v %s", e.At, text)
	case Finish:
		return tellResult(e.Result)
	}
	return fmt.Sprintf("%#v", e)
}

func legOf(workflow string, leg int) string {
	if leg == 1 {
		return workflow
	}
	return fmt.Sprintf("%s#%d", workflow, leg)
}

func tellStart(e StartLeg) string {
	text := "  start " + legOf(e.Workflow, e.Leg)
	if e.First > 0 {
		text += fmt.Sprintf(" from slot %d", e.First)
	}
	if e.Warmup > 0 {
		text += fmt.Sprintf(" warmup %v", e.Warmup)
	}
	for _, u := range e.Use {
		text += fmt.Sprintf(" %s=%s", u.Name, u.Value)
	}
	return text
}

func tellResult(r Result) string {
	lines := []string{fmt.Sprintf("%v job %s", r.Ended, r.Phase)}
	flags := []struct {
		text string
		is   bool
	}{{"interrupted", r.Interrupted}, {"past deadline", r.PastDeadline}, {"broken off", r.BrokenOff}, {"breached", r.Breached}}
	for _, f := range flags {
		if f.is {
			lines[0] += " [" + f.text + "]"
		}
	}
	if r.Reason != "" {
		lines[0] += ": " + r.Reason
	}
	for _, w := range r.Workflows {
		line := fmt.Sprintf("  %s %s", w.Workflow, w.Phase)
		if w.Started > 0 || w.Phase != hyperscale.Skipped && w.Ended > 0 {
			line += fmt.Sprintf(" %v … %v", w.Started, w.Ended)
		}
		if w.Search != nil {
			line += fmt.Sprintf(", found %v by %s in %d probes", w.Search.Rate, w.Search.LimitedBy, len(w.Search.Probes))
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
