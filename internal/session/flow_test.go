package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// play runs one iteration in which every request is answered with 200 a
// millisecond after it was sent, and every pause ends when it should. Which of
// those under way is next, order says. It gives the first lines of what was sent,
// by step.
func play(t require, s *Session, it *Iteration, order func(n int) int) (sent map[string][]string, done Effect) {
	sent = map[string][]string{}
	now := it.Due
	var open []Effect
	out := s.Step(now, Event{Kind: Begin, Iteration: it}, nil)
	for range 100_000 {
		for _, e := range out {
			switch e.Kind {
			case Send:
				line, _ := cut(e.Request.Head, '\r')
				name := s.p.Steps[e.Step].Name
				sent[name] = append(sent[name], string(line)+" "+string(e.Request.Body))
				open = append(open, e)
			case Wait:
				open = append(open, e)
			case Done:
				return sent, e
			}
		}
		if len(open) == 0 {
			t.Fatalf("the iteration stands still")
		}
		i := order(len(open))
		e := open[i]
		open = slices.Delete(open, i, i+1)
		now = max(now+time.Millisecond, e.At)
		if e.Kind == Wait {
			out = s.Step(now, Event{Kind: Woken, ID: e.ID}, nil)
			continue
		}
		out = s.Step(now, Event{Kind: Answered, ID: e.ID, Answer: &Answer{Status: 200, Start: now - time.Millisecond, End: now}}, nil)
	}
	t.Fatalf("the iteration does not end")
	return nil, done
}

// require is what testing.T and rapid.T have in common.
type require interface {
	Fatalf(format string, args ...any)
	Helper()
}

func first0(int) int { return 0 }

// drawing is a workflow with draws of all sorts, side by side and in a loop.
func drawing() *hyperscale.Plan {
	loop := groupStep("loop", get("a", "/a/{{ rand 1 1000000 }}"), parallelStep("p",
		get("b", "/b/{{ uuid }}"), get("c", "/c/{{ randstr 8 }}/{{ v }}"),
		groupStep("g", get("d", "/d/{{ rand 1 1000000 }}"), chooseStep("way", branch(1, get("x", "/x")), branch(1, get("y", "/y/{{ rand 1 1000000 }}")))),
		but(pauseStep("wait", time.Second), func(s *hyperscale.Step) { s.Pause.Kind, s.Pause.Max = hyperscale.PauseUniform, 2*time.Second }),
	))
	loop.Repeat = 3
	plan := planOf(loop, post("e", "/e/{{ rows.x }}", jsonText(`{"r": "{{ rand 1 1000000 }}"}`)))
	plan.Vars = pairs("v", "{{ uuid }}")
	plan.Data = []hyperscale.DataSet{{Name: "rows", Pick: hyperscale.PickRandom, Columns: []string{"x"}}}
	return plan
}

func manyRows() Inputs {
	rows := table{}
	for i := range 1000 {
		rows = append(rows, []string{fmt.Sprint(i)})
	}
	return Inputs{Rows: map[string]Rows{"rows": rows}}
}

// The order in which answers come, and the sessions before, change no draw.
func TestOrderChangesNoDraw(t *testing.T) {
	p := compile(t, drawing(), manyRows())
	fresh := &Session{}
	p.Init(fresh)
	it := &Iteration{Slot: 5, Pass: 9}
	want, _ := play(t, fresh, it, first0)
	rapid.Check(t, func(r *rapid.T) {
		s := &Session{}
		p.Init(s)
		if rapid.Bool().Draw(r, "used") {
			play(r, s, &Iteration{Slot: 1}, first0)
		}
		got, _ := play(r, s, it, func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "next") })
		if fmt.Sprint(got) != fmt.Sprint(want) {
			r.Fatalf("got  %v\nwant %v", got, want)
		}
	})
}

// Draws differ by slot, pass, site and visit.
func TestDrawsDiffer(t *testing.T) {
	p := compile(t, drawing(), manyRows())
	s := &Session{}
	p.Init(s)
	seen := map[string]bool{}
	for _, it := range []Iteration{{}, {Slot: 1}, {Pass: 1}, {Slot: 1, Pass: 1}} {
		sent, _ := play(t, s, &it, first0)
		for _, name := range []string{"a", "b", "d"} {
			for _, line := range sent[name] {
				drawn := strings.Split(line, "/")[2]
				if seen[drawn] {
					t.Errorf("%s: %s is drawn twice", name, drawn)
				}
				seen[drawn] = true
			}
		}
		if v := strings.Split(sent["c"][0], "/"); !strings.Contains(sent["c"][2], v[3]) {
			t.Errorf("a variable changes within an iteration: %v", sent["c"])
		}
	}
}

// Branches are drawn by weight.
func TestWeights(t *testing.T) {
	p := compile(t, planOf(chooseStep("way", branch(7, get("a", "/a")), branch(0, get("never", "/n")), branch(3, get("b", "/b")))), Inputs{})
	s := &Session{}
	p.Init(s)
	count := map[string]int{}
	const n = 20_000
	for i := range n {
		sent, _ := play(t, s, &Iteration{Slot: hyperscale.Slot(i)}, first0)
		for name := range sent {
			count[name]++
		}
	}
	// Five standard deviations of a binomial of p = 0.7.
	if a := count["a"]; a < n*7/10-325 || a > n*7/10+325 || count["never"] > 0 {
		t.Errorf("%v", count)
	}
}

// The lengths of pauses: fixed, between two bounds, exponential with a mean.
func TestPauses(t *testing.T) {
	length := func(pause hyperscale.Pause, slot hyperscale.Slot) time.Duration {
		p := compile(t, planOf(but(pauseStep("p", 0), func(s *hyperscale.Step) { s.Pause = pause })), Inputs{})
		s := &Session{}
		p.Init(s)
		out := s.Step(0, Event{Kind: Begin, Iteration: &Iteration{Slot: slot}}, nil)
		return out[0].At
	}
	var sum, least, most time.Duration = 0, time.Hour, 0
	const n = 2000
	for slot := range hyperscale.Slot(n) {
		if got := length(hyperscale.Pause{Min: time.Second}, slot); got != time.Second {
			t.Fatalf("a fixed pause of %v", got)
		}
		got := length(hyperscale.Pause{Kind: hyperscale.PauseUniform, Min: time.Second, Max: 3 * time.Second}, slot)
		least, most = min(least, got), max(most, got)
		sum += length(hyperscale.Pause{Kind: hyperscale.PauseExponential, Min: time.Second}, slot)
	}
	if least < time.Second || least > 1010*time.Millisecond || most > 3*time.Second || most < 2990*time.Millisecond {
		t.Errorf("uniform between %v and %v", least, most)
	}
	// Four standard deviations of the mean.
	if mean := sum / n; mean < 910*time.Millisecond || mean > 1090*time.Millisecond {
		t.Errorf("exponential with mean %v", mean)
	}
}

// A pause that is over when it is reached needs no wait: what follows is late and
// due as planned.
func TestPauseInThePast(t *testing.T) {
	p := compile(t, planOf(pauseStep("p", time.Second), get("a", "/a")), Inputs{})
	s := &Session{}
	p.Init(s)
	out := s.Step(5*time.Second, Event{Kind: Begin, Iteration: &Iteration{Due: time.Second}}, nil)
	if len(out) != 1 || out[0].Kind != Send || out[0].At != 2*time.Second {
		t.Errorf("%+v", out)
	}
}

// A loop that never waits lets others work, and can be interrupted.
func TestEndlessLoopYields(t *testing.T) {
	loop := groupStep("loop", setStep("s", pair("x", "1")))
	loop.Until = `x == "2"`
	p := compile(t, planOf(loop), Inputs{})
	s := &Session{}
	p.Init(s)
	out := s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
	for range 3 {
		if len(out) != 1 || out[0].Kind != Wait || out[0].At != 0 {
			t.Fatalf("%+v", out)
		}
		out = s.Step(0, Event{Kind: Woken, ID: out[0].ID}, nil)
	}
	if out = s.Step(0, Event{Kind: Interrupt}, nil); len(out) != 1 || out[0].Kind != Done || out[0].Outcome != Interrupted {
		t.Errorf("%+v", out)
	}
}

// Vars are constants where they can be, else made afresh for each iteration; a
// step may give them another value.
func TestVars(t *testing.T) {
	plan := planOf(get("a", "/{{ region }}/{{ both }}/{{ id }}/{{ counter }}"), setStep("s", pair("counter", "{{ counter }}+1")), get("b", "/{{ counter }}/{{ late }}"))
	plan.Env = pairs("REGION", "eu west")
	plan.Vars = pairs("region", "{{ env.REGION | us }}", "both", "{{ region }}-{{ env.NONE | x }}", "id", "{{ rand 1 1000000 }}", "counter", "{{ iteration }}",
		"late", "<{{ id }}>", "unused", "{{ nobody }}")
	p := compile(t, plan, Inputs{})
	s := &Session{}
	p.Init(s)
	ids := map[string]bool{}
	for pass := range int64(3) {
		sent, _ := play(t, s, &Iteration{Pass: pass}, first0)
		parts := strings.Split(sent["a"][0], "/")
		id := parts[3]
		ids[id] = true
		if want := fmt.Sprintf("GET /eu%%20west/eu%%20west-x/%s/%d HTTP/1.1 ", id, pass); sent["a"][0] != want {
			t.Errorf("%q, want %q", sent["a"][0], want)
		}
		if want := fmt.Sprintf("GET /%d+1/%%3C%s%%3E HTTP/1.1 ", pass, id); sent["b"][0] != want {
			t.Errorf("%q, want %q", sent["b"][0], want)
		}
	}
	if n := len(p.values.inits); n != 3 {
		t.Errorf("%d variables are made for each iteration", n)
	}
	if len(ids) != 3 {
		t.Errorf("the same value in other iterations: %v", ids)
	}
}

// The number of the iteration: of the VU where VUs loop, else of the whole load.
func TestIterationNumber(t *testing.T) {
	want := map[hyperscale.LoadKind]string{
		hyperscale.LoadClosed: "7", hyperscale.LoadEach: "7", hyperscale.LoadOpen: "5", hyperscale.LoadIterations: "5", hyperscale.LoadSearch: "5",
	}
	for kind, number := range want {
		plan := planOf(get("a", "/{{ iteration }}"))
		plan.Workflows[0].Load.Kind = kind
		p := compile(t, plan, Inputs{})
		s := &Session{}
		p.Init(s)
		if sent, _ := play(t, s, &Iteration{Slot: 5, Pass: 7}, first0); sent["a"][0] != "GET /"+number+" HTTP/1.1 " {
			t.Errorf("%d: %s", kind, sent["a"][0])
		}
	}
}

// What a workflow uses of another one: text and JSON; what is missing has no
// value.
func TestUse(t *testing.T) {
	plan := planOf(post("a", "/{{ token }}", jsonText(`{"t": "{{ token }}", "cart": "{{ cart }}", "text": "{{ text }}"}`)), get("b", "/{{ gone }}"))
	plan.Workflows[0].Use = []hyperscale.Use{{Local: "token"}, {Local: "cart"}, {Local: "text"}, {Local: "gone"}}
	in := Inputs{Use: map[string]Value{"token": {Text: "abc"}, "cart": {Text: `[1, 2]`, JSON: true}, "text": {Text: "5"}}}
	p := compile(t, plan, in)
	s := &Session{}
	p.Init(s)
	sent, done := play(t, s, &Iteration{}, first0)
	if want := `POST /abc HTTP/1.1 {"t": "abc", "cart": [1, 2], "text": "5"}`; sent["a"][0] != want {
		t.Error(sent["a"][0])
	}
	if len(sent["b"]) != 0 || done.Outcome != Failed {
		t.Error("a value that nobody exported was used")
	}
}

// Exports are what steps captured or set; a missing one is named.
func TestExports(t *testing.T) {
	plan := planOf(setStep("s", pair("a", "1")), when(setStep("t", pair("b", "2")), `a == "3"`))
	plan.Workflows[0].Export = []string{"a", "b", "c"}
	p := compile(t, plan, Inputs{})
	s := &Session{}
	p.Init(s)
	if _, missing := s.Exports(); missing != "a" {
		t.Errorf("before any iteration %q is missing", missing)
	}
	play(t, s, &Iteration{}, first0)
	if values, missing := s.Exports(); len(values) != 1 || values["a"] != (Value{Text: "1"}) || missing != "b" {
		t.Errorf("%v, missing %q", values, missing)
	}
}

// A row that cannot be read is no value, and the reason is told.
func TestUnreadableRow(t *testing.T) {
	plan := planOf(get("a", "/{{ rows.x }}"))
	plan.Data = []hyperscale.DataSet{{Name: "rows", Pick: hyperscale.PickShared, Columns: []string{"x"}}}
	p := compile(t, plan, Inputs{Rows: map[string]Rows{"rows": table{nil, {"1"}}}})
	s := &Session{}
	p.Init(s)
	out := s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
	if p.FaultName(out[0].Fault) != "no value rows.x" || out[0].Text != "row 0 cannot be read" {
		t.Errorf("%s: %s", p.FaultName(out[0].Fault), out[0].Text)
	}
	if sent, _ := play(t, s, &Iteration{Row: 3}, first0); sent["a"][0] != "GET /1 HTTP/1.1 " {
		t.Error(sent)
	}
}

// A template in a check needs its value before the request is sent.
func TestCheckWithoutValue(t *testing.T) {
	late := func(r *hyperscale.Request) { r.URL = "/{{ vu }}" }
	for _, check := range []hyperscale.Check{
		bodyCheck(hyperscale.CheckContains, "{{ v }}"),
		{Kind: hyperscale.CheckJSON, Name: "json", Arg: "$.x", Op: "==", Value: "{{ v }}"},
		{Kind: hyperscale.CheckHeader, Name: "header", Arg: "x", Op: "==", Value: "{{ v }}"},
	} {
		p := compile(t, planOf(when(setStep("s", pair("v", "1")), "v"), get("a", "/", checking(check)), get("b", "/", late, checking(check))), Inputs{})
		s := &Session{}
		p.Init(s)
		out := s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
		for _, e := range out[1:3] {
			if e.Kind != Faulted || p.FaultName(e.Fault) != "no value v" {
				t.Errorf("%s: %v %s", check.Kind, e.Kind, p.FaultName(e.Fault))
			}
		}
	}
}

// A group that a stop cut short is over: its condition is not looked at.
func TestUntilAfterStop(t *testing.T) {
	loop := groupStep("loop", parallelStep("p", onError(get("a", "/"), hyperscale.OnErrorStop), get("b", "/")))
	loop.Until = `vu == "{{ v }}"`
	p := compile(t, planOf(when(setStep("s", pair("v", "1")), "v"), loop), Inputs{})
	s := &Session{}
	p.Init(s)
	s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
	s.Step(0, Event{Kind: Answered, ID: 1, Answer: &Answer{Status: 500}}, nil)
	out := s.Step(0, Event{Kind: Answered, ID: 2, Answer: &Answer{Status: 200}}, nil)
	if len(out) != 2 || out[1].Kind != Done {
		t.Errorf("%+v", out)
	}
}

// A second iteration while one runs is a broken engine.
func TestBeginTwicePanics(t *testing.T) {
	p := compile(t, planOf(get("a", "/")), Inputs{})
	s := &Session{}
	p.Init(s)
	s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
	defer func() {
		if recover() == nil {
			t.Error("it went on")
		}
	}()
	s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
}

func TestLongestIteration(t *testing.T) {
	timed := func(d time.Duration) func(*hyperscale.Request) {
		return func(r *hyperscale.Request) { r.Transport.Timeout = d }
	}
	loop := groupStep("loop", pauseStep("1", 2*time.Second), parallelStep("2", pauseStep("3", 5*time.Second), pauseStep("4", 3*time.Second)))
	loop.Repeat = 3
	tests := []struct {
		steps   []hyperscale.Step
		timeout time.Duration
		pauses  time.Duration
	}{
		{[]hyperscale.Step{get("a", "/", timed(time.Second)), get("b", "/", timed(3*time.Second))}, 3 * time.Second, 0},
		{[]hyperscale.Step{loop, pauseStep("5", time.Second)}, 0, 22 * time.Second},
		{[]hyperscale.Step{pauseStep("1", time.Second), needs(pauseStep("2", 5*time.Second)), needs(pauseStep("3", 2*time.Second), 0)}, 0, 5 * time.Second},
		{[]hyperscale.Step{chooseStep("c", branch(1, pauseStep("1", time.Second)), branch(1, pauseStep("2", 4*time.Second)))}, 0, 4 * time.Second},
		{[]hyperscale.Step{but(groupStep("g", pauseStep("1", time.Hour)), func(s *hyperscale.Step) { s.Repeat = 1 << 60 })}, 0, 1<<63 - 1},
		{[]hyperscale.Step{but(pauseStep("p", time.Second), func(s *hyperscale.Step) { s.Pause.Kind = hyperscale.PauseExponential })}, 0, 6910 * time.Millisecond},
	}
	for i, test := range tests {
		timeout, pauses := compile(t, planOf(test.steps...), Inputs{}).LongestIteration()
		if timeout != test.timeout || pauses != test.pauses {
			t.Errorf("%d: %v, %v", i, timeout, pauses)
		}
	}
}
