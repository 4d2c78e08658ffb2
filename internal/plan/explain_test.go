package plan_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hyperscale/internal/job"
	"hyperscale/internal/plan"
	"hyperscale/internal/show"
	"hyperscale/internal/testkit"
)

// machine is what the explanations of tests are for.
var machine = plan.Limits{Descriptors: 20000, Ports: 28232, Lanes: 2}

// explained explains a plan on a machine.
func explained(t *testing.T, l *plan.Loaded, limits plan.Limits) *plan.Explanation {
	t.Helper()
	var spans []plan.Span
	for _, s := range job.Timeline(l.Plan) {
		spans = append(spans, plan.Span(s))
	}
	return plan.Explain(l, limits, spans)
}

// The explanations of the examples are kept as text.
func TestExplanations(t *testing.T) {
	for _, name := range []string{"checkout", "search", "data"} {
		l, err := plan.ReadFile("../../examples/"+name+".yaml", plan.Options{Settings: []plan.Setting{
			{Name: "seed", Value: "7", From: plan.FromFlag},
			{Name: "timeout", Value: "3s", From: plan.FromFlag},
			{Name: "header", Value: "authorization: secret", From: plan.FromEnv},
		}})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := explained(t, l, machine).Text(&b, 100, show.NewTheme(false)); err != nil {
			t.Fatal(err)
		}
		testkit.Golden(t, "testdata/explain/"+name+".txt", b.String())
		_ = l.Close() // only read
	}
}

// loaded reads a plan with these workflows.
func loaded(t *testing.T, workflows string) *plan.Loaded {
	t.Helper()
	text := "target: http://localhost\ndata: {users: {csv: users.csv, pick: unique}, spare: {csv: users.csv}}\nworkflows:\n" + workflows
	l, err := plan.Read("plan.yaml", strings.NewReader(text), plan.Options{Dir: "../../examples"})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Cleanup(func() { _ = l.Close() }) // only read
	return l
}

func TestProblems(t *testing.T) {
	const spare = "no step reads the data set spare"
	reads := "  read: {steps: [{post: /, body: '{{ users.name }}'}]}\n"
	for _, c := range []struct {
		name, workflows string
		limits          plan.Limits
		refused         bool
		want            []string
	}{
		{"enough", reads + "  a: {load: {vus: 936, for: 1s}, steps: [{get: /}]}\n", plan.Limits{Descriptors: 1001}, false, []string{spare}},
		{
			"VUs that were asked for", reads + "  a: {load: {vus: 937, for: 1s}, steps: [{get: /}]}\n", plan.Limits{Descriptors: 1000}, true,
			[]string{"a: needs 937 connections, and this process may have 1,000 descriptors, 64 of them for other things (ulimit -n)", spare},
		},
		{
			"together", reads + "  a: {load: {vus: 500, for: 1s}, steps: [{get: /}]}\n  b: {load: {vus: 437, for: 1s}, steps: [{get: /}]}\n", plan.Limits{Descriptors: 1000}, false,
			[]string{"workflows that run at the same time need 938 connections together, and this process may have 1,000 descriptors, 64 of them for other things (ulimit -n)", spare},
		},
		{
			"one after the other", reads + "  a: {load: {vus: 500, for: 1s}, steps: [{get: /}]}\n  b: {after: [a], load: {vus: 935, for: 1s}, steps: [{get: /}]}\n", plan.Limits{Descriptors: 1000}, false,
			[]string{spare},
		},
		{
			"a default bound", reads + "  a: {load: {rate: 1000/s, for: 1s}, steps: [{get: /}]}\n", plan.Limits{Descriptors: 1000}, false,
			[]string{"a: max-in-flight is lowered from 10,000 to 935: this process may have 1,000 descriptors, 64 of them for other things (ulimit -n)", spare},
		},
		{
			"a bound that was asked for", reads + "  a: {load: {rate: 1000/s, for: 1s, max-in-flight: 2000}, steps: [{get: /}]}\n", plan.Limits{Descriptors: 1000}, true,
			[]string{"a: needs 2,000 connections, and this process may have 1,000 descriptors, 64 of them for other things (ulimit -n)", spare},
		},
		{
			"ports", reads + "  a: {load: {vus: 200, for: 1s}, steps: [{parallel: [{get: /}, {get: /b}]}]}\n", plan.Limits{Descriptors: 1000, Ports: 300}, true,
			[]string{"a: needs 400 connections, and there are 300 local ports towards one address", spare},
		},
		{
			"a default bound and ports", reads + "  a: {load: {rate: 1000/s, for: 1s}, steps: [{get: /}]}\n", plan.Limits{Descriptors: 1000, Ports: 300}, false,
			[]string{"a: max-in-flight is lowered from 10,000 to 150: there are 300 local ports towards one address, half of which stay free", spare},
		},
		{
			"two origins", reads + "  a: {load: {vus: 500, for: 1s}, steps: [{get: /}, {get: http://127.0.0.1/}]}\n", plan.Limits{Descriptors: 1000}, true,
			[]string{"a: needs 1,000 connections, and this process may have 1,000 descriptors, 64 of them for other things (ulimit -n)", spare},
		},
		{
			"memory", reads + "  a: {load: {vus: 10, for: 1s}, steps: [{get: https://localhost/}]}\n", plan.Limits{Memory: 1 << 20}, false,
			[]string{"memory may not suffice", spare},
		},
		{
			"rows run out", "  a: {load: {vus: 1, for: 1s}, steps: [{post: /, body: '{{ users.name }}'}]}\n", plan.Limits{}, false,
			[]string{"a: uses each row of users once: after 12 iterations there is none left", spare},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := explained(t, loaded(t, c.workflows), c.limits)
			var got []string
			refused := false
			for _, p := range e.Problems {
				text := p.What
				if p.Workflow != "" {
					text = p.Workflow + ": " + text
				}
				got = append(got, text)
				refused = refused || p.Refused
			}
			same := func(got, want string) bool { return strings.HasPrefix(got, want) }
			if !slices.EqualFunc(got, c.want, same) || refused != c.refused {
				t.Errorf("got %q (refused: %v), want %q", got, refused, c.want)
			}
		})
	}
}

func TestDeadlineBeforeTheEnd(t *testing.T) {
	l := loaded(t, "  a: {load: {vus: 1, for: 10m}, steps: [{get: /}]}\n")
	l.Plan.Deadline = 60e9
	e := explained(t, l, plan.Limits{})
	if len(e.Problems) == 0 || e.Problems[0].What != "ends after 10m by the plan, and the deadline is 1m" {
		t.Errorf("problems %+v", e.Problems)
	}
	at := slices.IndexFunc(e.Values, func(v plan.Effective) bool { return v.Name == "deadline" })
	if at < 0 || e.Values[at].Value != "1m" {
		t.Errorf("values %+v", e.Values)
	}
}

// Default bounds leave room for what the plan asks for, as long as there is any.
func TestNeedsFit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var workflows strings.Builder
		asked := int64(0)
		for i := range rapid.IntRange(1, 4).Draw(rt, "workflows") {
			name := string(rune('a' + i))
			if rapid.Bool().Draw(rt, "open") {
				workflows.WriteString("  " + name + ": {load: {rate: 5000/s, for: 1s}, steps: [{parallel: [{get: /}, {get: /b}]}]}\n")
				continue
			}
			workflows.WriteString("  " + name + ": {load: {vus: 100, for: 1s}, steps: [{get: /}]}\n")
			asked += 100
		}
		limits := plan.Limits{Descriptors: rapid.Int64Range(500, 40000).Draw(rt, "descriptors")}
		sum := int64(0)
		for _, n := range plan.Needs(loaded(t, workflows.String()).Plan, limits) {
			if n.VUs < 1 || n.Connections != n.VUs*n.PerVU {
				rt.Fatalf("%+v", n)
			}
			if n.Lowered != 0 && (n.Given || n.Lowered <= n.VUs) {
				rt.Fatalf("lowered: %+v", n)
			}
			sum += n.Connections
		}
		if room := limits.Descriptors - 64; asked <= room-8 && sum > room {
			rt.Fatalf("%d connections where there is room for %d", sum, room)
		}
	})
}

// What cannot be known before the run is null, and no list is.
func TestExplanationAsJSON(t *testing.T) {
	l := loaded(t, "  a: {load: {vus: 1, for: 1s}, steps: [{get: /}]}\n")
	text, err := json.Marshal(explained(t, l, plan.Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"schema":"hyperscale.plan/1"`, `"slots":null`, `"vu_seconds":1`, `"peak_rate":null`, `"max_in_flight":null`,
		`"after":[]`, `"thresholds":[]`, `"max_descriptors":null`, `"used_by":[]`, `"needed":null`,
		`{"name":"timeout","value":"10s","source":"default"}`, `"open":false`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// Names and texts come from files: they reach no terminal as they are.
func TestExplanationIsSafeToPrint(t *testing.T) {
	l := loaded(t, "  \"a\\e[31m\": {load: {vus: 1, for: 1s}, steps: [{get: /}]}\n")
	l.Plan.Name, l.Plan.Target = "n\x1b[0m", "http://\u202ehost"
	var b bytes.Buffer
	if err := explained(t, l, machine).Text(&b, 10, show.NewTheme(false)); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("%q", b.String())
	}
	for line := range strings.Lines(b.String()) {
		if show.Width(strings.TrimSuffix(line, "\n")) > 60 && !strings.Contains(line, "host") {
			t.Errorf("a line of %d cells: %q", show.Width(line), line)
		}
	}
}

// A variable that a flag gives is from the flag, whatever the environment has; and
// JSON keeps texts as they were written.
func TestExplainedOrigins(t *testing.T) {
	l, err := plan.Read("plan.yaml", strings.NewReader("target: http://localhost\nthresholds: [p95 < 1s]\n"+
		"workflows: {a: {load: {vus: 1, for: 1s}, steps: [{get: '/{{ env.FLAG }}/{{ env.OWN }}'}]}}"), plan.Options{
		Env:      func(string) (string, bool) { return "own", true },
		GivenEnv: map[string]string{"FLAG": "flag"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // only read
	var b bytes.Buffer
	if err := explained(t, l, machine).JSON(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"p95 < 1s"`,
		`{"name":"env.FLAG","value":"(not shown)","source":"flag"}`,
		`{"name":"env.OWN","value":"(not shown)","source":"environment"}`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in %s", want, b.String())
		}
	}
	if got := l.Plan.Env[0].Value; got != "flag" {
		t.Errorf("env.FLAG is %q", got)
	}
}

// A threshold whose window is longer than what there will be to judge can't pass.
func TestWindowsThatAreNeverFull(t *testing.T) {
	for thresholds, want := range map[string]string{
		"p95 < 3ms over 1h":           "p95 < 3ms over 1h: by the plan there are 40s to judge, and without a full window of 1h the threshold fails",
		"errors < 1% over 41s":        "errors < 1% over 41s: by the plan there are 40s to judge, and without a full window of 41s the threshold fails",
		"errors < 1% over 40s":        "",
		"{a: p95 < 3ms over 30s}":     "",
		"{a: p95 < 3ms over 31s}":     "a: p95 < 3ms over 31s: by the plan there are 30s to judge, and without a full window of 31s the threshold fails",
		"{b/home: p95 < 1s over 11s}": "b/home: p95 < 1s over 11s: by the plan there are 10s to judge, and without a full window of 11s the threshold fails",
		"{c: p95 < 1s over 1h}":       "",
	} {
		c := ""
		if strings.Contains(thresholds, "c:") {
			c = "  c: {load: {vus: 1, iterations: 5}, steps: [{get: /}]}\n"
		}
		l, err := plan.Read("plan.yaml", strings.NewReader("target: http://localhost\nthresholds: ["+thresholds+"]\nworkflows:\n"+
			"  a: {load: {vus: 1, for: 40s, warmup: 10s}, steps: [{get: /}]}\n"+
			"  b: {after: [a], graceful: 0s, load: {rate: 1/s, for: 10s}, steps: [{name: home, get: /}]}\n"+c), plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, p := range explained(t, l, machine).Problems {
			if got = p.What; p.Refused {
				t.Errorf("%s: refused", thresholds)
			}
		}
		_ = l.Close() // only read
		if got != want {
			t.Errorf("%s:\n got %q\nwant %q", thresholds, got, want)
		}
	}
}
