package plan_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"hyperscale"
	"hyperscale/internal/plan"
	"hyperscale/internal/session"
)

// TestDesignExample reads the plan that the format was designed by, and compiles
// its workflows.
func TestDesignExample(t *testing.T) {
	l, err := plan.ReadFile("testdata/design.yaml", plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if l.Plan.Name != "checkout" || l.Plan.Seed != 7 || len(l.Plan.Workflows) != 3 || len(l.Plan.Thresholds) != 4 {
		t.Errorf("got %s", dump(l.Plan))
	}
	compiles(t, l)
}

// compiles makes programs of all workflows, as a run does.
func compiles(t *testing.T, l *plan.Loaded) {
	t.Helper()
	in := session.Inputs{Rows: map[string]session.Rows{}, Use: map[string]session.Value{}}
	for name, rows := range l.Data {
		in.Rows[name] = rows
	}
	for i := range l.Plan.Workflows {
		if _, err := session.Compile(l.Plan, i, in); err != nil {
			t.Error(err)
		}
	}
}

// TestGoodPlansCompile holds that what the reader takes the sessions take too.
func TestGoodPlansCompile(t *testing.T) {
	transcripts(t, "testdata/plans.txt", func(text string) string {
		l, err := readText(strings.Replace(text, "target: demo", "target: http://127.0.0.1:1", 1))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		compiles(t, l)
		return wantOf(t, "testdata/plans.txt", text)
	})
}

// wantOf is what the transcripts say of a text.
func wantOf(t *testing.T, file, text string) string {
	all, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(all), text+"----\n")
	want, _, _ := strings.Cut(rest, "\n====\n")
	return want
}

func TestUnreadablePlans(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	file, err := os.Create(large)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Truncate(100<<20), file.Close()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		read func() (*plan.Loaded, error)
		want string
	}{
		{"missing", func() (*plan.Loaded, error) { return plan.ReadFile(filepath.Join(dir, "none"), plan.Options{}) }, filepath.Join(dir, "none") + ": the plan can't be read: "},
		{"directory", func() (*plan.Loaded, error) { return plan.ReadFile(dir, plan.Options{}) }, dir + ": is a directory; expected a plan in a file"},
		{"100 MiB", func() (*plan.Loaded, error) { return plan.ReadFile(large, plan.Options{}) }, large + ": the file is larger than 16 MiB; expected large data and bodies in files of their own"},
		{"endless", func() (*plan.Loaded, error) { return plan.Read("stdin", endless{}, plan.Options{}) }, "stdin: the file is larger than 16 MiB; expected large data and bodies in files of their own"},
		{"broken", func() (*plan.Loaded, error) {
			return plan.Read("stdin", iotest.ErrReader(errors.New("cable cut")), plan.Options{})
		}, "stdin: the plan can't be read: cable cut"},
	} {
		start := time.Now()
		_, err := c.read()
		if _, is := errors.AsType[plan.Faults](err); !is || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
		if took := time.Since(start); took > ceiling {
			t.Errorf("%s: took %v", c.name, took)
		}
	}
}

// endless never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestManyFaults holds that 50 faults are listed, in file order, and then the
// count.
func TestManyFaults(t *testing.T) {
	var b strings.Builder
	b.WriteString("target: http://x\nworkflows:\n  a:\n    steps:\n")
	for i := range 70 {
		fmt.Fprintf(&b, "      - {get: /%d, bad%d: 1}\n", i, i)
	}
	_, err := readText(b.String())
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 51 || !strings.HasPrefix(lines[0], `plan.yaml:5:19: unknown key "bad0"`) || !strings.HasPrefix(lines[49], `plan.yaml:54:20: unknown key "bad49"`) || lines[50] != "and 20 more: 70 faults in all" {
		t.Errorf("%d lines, the last of them %q", len(lines), lines[len(lines)-2:])
	}
}

// TestFaultParts holds what a fault gives those who write it as JSON.
func TestFaultParts(t *testing.T) {
	_, err := readText("workflows: {a: {steps: [{get: http://x/, tiemout: 1s}]}}")
	faults, is := errors.AsType[plan.Faults](err)
	if !is || len(faults) != 1 {
		t.Fatal(err)
	}
	f := faults[0]
	if f.File != "plan.yaml" || f.Pos.Line != 1 || f.Pos.Col != 42 || f.Message() != `unknown key "tiemout"; did you mean timeout` {
		t.Errorf("got %+v", f)
	}
}

// TestSeed holds that the seed follows from the plan's text and its data, and
// from nothing else.
func TestSeed(t *testing.T) {
	dir := t.TempDir()
	seedOf := func(text, rows string) uint64 {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "u.csv"), []byte(rows), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := plan.Read("any name", strings.NewReader(text), plan.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		return l.Plan.Seed
	}
	text := "target: http://x\ndata: {u: {csv: u.csv}}\nworkflows: {a: {steps: [{get: /}]}}"
	first := seedOf(text, "a\n1\n")
	if again := seedOf(text, "a\n1\n"); again != first {
		t.Error("a rerun has another seed")
	}
	if other := seedOf(text+" ", "a\n1\n"); other == first {
		t.Error("another text has the same seed")
	}
	if other := seedOf(text, "a\n2\n"); other == first {
		t.Error("other data has the same seed")
	}
}

// TestDataIsFoundBesideThePlan reads a plan from another directory.
func TestDataIsFoundBesideThePlan(t *testing.T) {
	dir := t.TempDir()
	text := "target: http://x\ndata: {u: {csv: sub/u.csv}}\nworkflows: {a: {steps: [{get: \"/{{ u.a }}\"}]}}"
	err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o700),
		os.WriteFile(filepath.Join(dir, "sub", "u.csv"), []byte("a\nx\n"), 0o600), os.WriteFile(filepath.Join(dir, "p.yaml"), []byte(text), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	l, err := plan.ReadFile(filepath.Join(dir, "p.yaml"), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	row, err := l.Data["u"].Row(0, nil)
	if err != nil || len(row) != 1 || row[0] != "x" || l.Plan.Data[0].Path != filepath.Join(dir, "sub", "u.csv") || l.Plan.Name != "p" {
		t.Errorf("row %q, %v of %s", row, err, l.Plan.Data[0].Path)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestParseThreshold holds that every metric takes every comparison.
func TestParseThreshold(t *testing.T) {
	for metric, value := range map[string]string{
		"p0.1": "1s", "p100": "1s", "mean": "1s", "min": "1s", "max": "1s", "stddev": "1s", "service.p50": "1s", "lateness.max": "1s",
		"errors": "1%", "missed": "0.5", "checks": "100%", "failures": "0", "rate": "0.5", "bytes": "5",
	} {
		for _, op := range []string{"<", "<=", ">", ">=", "==", "!="} {
			got, err := plan.ParseThreshold(metric + " " + op + " " + value)
			if err != nil || got.Op != op {
				t.Errorf("%s %s %s: %v", metric, op, value, err)
			}
		}
	}
}

// TestSettings holds what settings from outside do to a plan.
func TestSettings(t *testing.T) {
	const text = `target: http://x
seed: 1
deadline: 1h
defaults: {timeout: 2s, headers: {a: "1"}}
vars: {v: plan}
tags: {t: plan}
workflows:
  setup: {steps: [{get: /, timeout: 1s}]}
  main: {load: {rate: 100/s, for: 5m, warmup: 1m}, steps: [{get: "/{{ v }}"}]}
thresholds: [p95 < 1s]
`
	for given, want := range map[string]string{
		"timeout 5s":                             "5s",
		"config:timeout 5s":                      "2s",
		"env:timeout 5s,flag:timeout 6s":         "6s",
		"flag:timeout 6s,env:timeout 5s":         "6s",
		"header A: 2":                            `[A="2"]`,
		"config:header A: 2":                     `[a="1"]`,
		"header b: 2,header c: 3":                `[a="1" b="2" c="3"]`,
		"http2 true":                             "HTTP 2",
		"insecure true":                          "insecure",
		"seed 5":                                 "seed 5",
		"config:seed 5":                          "seed 1",
		"deadline 5m":                            "deadline 5m",
		"var v=flag":                             `v="flag"`,
		"config:var v=config":                    `v="plan"`,
		"var w={{ uuid }},header d: {{ w }}":     `v="plan" w="{{ uuid }}"`,
		"var w={{ u }},header d: {{ w }},var u=": `v="plan" w="{{ u }}" u=""`,
		"config:var w=1":                         `w="1" v="plan"`,
		"tag t=flag,tag u=2":                     `t="flag" u="2"`,
		"config:tag t=config,config:tag u=2":     `t="plan" u="2"`,
		"scale 0.5":                              "50/s for 5m",
		"rate 500/s":                             "500/s for 10s",
		"rate 500/s,duration 1m":                 "500/s for 1m",
		"rate 500/s,scale 2":                     "1000/s for 10s",
		"config:rate 500/s":                      "100/s for 5m",
		"vus 7":                                  "7 VUs for 10s",
		"stage 3s:4":                             "0-4 VUs for 3s",
		"iterations 9":                           "9 iterations",
		"threshold main/GET /{{ v }}: p99 < 2s":  "main/GET /{{ v }}: p99 < 2s",
	} {
		l, err := readText(text, settingsOf2(given)...)
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if got := settled(l.Plan); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", given, got, want)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// settingsOf2 reads settings in one line: ORIGIN:NAME VALUE, joined by commas.
func settingsOf2(line string) (all []plan.Setting) {
	for s := range strings.SplitSeq(line, ",") {
		name, value, _ := strings.Cut(s, " ")
		from := plan.FromFlag
		for prefix, origin := range map[string]plan.Origin{"config:": plan.FromConfig, "env:": plan.FromEnv, "flag:": plan.FromFlag} {
			if rest, ok := strings.CutPrefix(name, prefix); ok {
				name, from = rest, origin
			}
		}
		all = append(all, plan.Setting{Name: name, Value: value, From: from})
	}
	return all
}

// settled is what settings may have changed, in words.
func settled(p *hyperscale.Plan) string {
	w := p.Workflows[1]
	r := w.Steps[0].Request
	s := fmt.Sprintf("%v HTTP %d %s seed %d deadline %s %s %s", r.Transport.Timeout, r.Transport.HTTP, pairs(r.Headers), p.Seed, hyperscale.FormatDuration(p.Deadline), pairs(p.Vars), pairs(p.Tags))
	if r.Transport.TLS.Insecure {
		s += " insecure"
	}
	for _, t := range p.Thresholds {
		s += " " + t.Text
	}
	for _, stage := range w.Load.Stages {
		from, to := hyperscale.Rate(stage.From).String(), hyperscale.Rate(stage.To).String()
		if w.Load.Kind == hyperscale.LoadClosed {
			from, to = fmt.Sprint(stage.From), fmt.Sprint(stage.To)+" VUs"
		}
		if stage.From == stage.To {
			from = ""
		} else {
			from += "-"
		}
		s += " " + from + to + " for " + hyperscale.FormatDuration(stage.Over)
	}
	return fmt.Sprintf("%s %d iterations", s, w.Load.Iterations)
}

func pairs(all []hyperscale.Pair) string {
	var texts []string
	for _, p := range all {
		texts = append(texts, fmt.Sprintf("%s=%q", p.Name, p.Value))
	}
	return "[" + strings.Join(texts, " ") + "]"
}

// TestBadSettings holds what is said of settings that can't be.
func TestBadSettings(t *testing.T) {
	one := "target: http://x\nvars: {vr: 1}\nworkflows: {a: {load: {vus: 1, for: 1s}, steps: [{get: /}]}, b: {steps: [{get: /}]}}"
	two := "target: http://x\nworkflows: {a: {load: {vus: 1, for: 1s}, steps: [{get: /}]}, b: {load: {vus: 1, for: 1s}, steps: [{get: /}]}}"
	for given, want := range map[string]string{
		"timeout 5":              `--timeout 5: the duration "5" has no unit; expected a duration such as 500ms, 30s or 1m30s; did you mean 5s`,
		"timeout 0s":             `--timeout 0s: it must be above zero; expected such as 30s`,
		"seed -1":                `--seed -1: "-1" is no seed; expected a whole number from 0 to 18446744073709551615`,
		"scale 0":                `--scale 0: "0" is no factor; expected a number above zero, such as 0.5 or 2`,
		"scale NaN":              `--scale NaN: "NaN" is no factor; expected a number above zero, such as 0.5 or 2`,
		"http2 maybe":            `--http2 maybe: "maybe" is neither on nor off; expected true or false`,
		"header nothing":         `-H/--header nothing: it has no name and value; expected NAME:VALUE`,
		"header a b: c":          `-H/--header a b: c: "a b" can't be the name of a header; expected letters, digits and -`,
		"header a: {{ b }}":      `-H/--header a: {{ b }}: nothing is named "b"`,
		"header a: {{ b":         `-H/--header a: {{ b: "{{" is not closed; expected "}}", or \{{ for the text {{`,
		"var uuid=1":             `--var uuid=1: "uuid" is built in and can't be redefined; expected another name`,
		"var a={{ b }}":          `--var a={{ b }}: nothing is named "b"`,
		"var nope=1":             `--var nope=1: the plan has no variable "nope"; expected one that it has`,
		"env:var VR=1":           `--var VR=1: the plan has no variable "VR"; expected one that it has; did you mean vr`,
		"tag a":                  `--tag a: it has no name and value; expected NAME=VALUE`,
		"threshold p95 < 1":      `--threshold p95 < 1: the time "1" has no unit; expected such as 300ms or 2s; did you mean 1ms`,
		"threshold c: p95 < 1s":  `--threshold c: p95 < 1s: there is no workflow "c"; expected WORKFLOW or WORKFLOW/STEP`,
		"method GET":             `-m/--method GET: it is for runs without a plan; expected the method in a step of the plan`,
		"iterations 0":           `-n/--iterations 0: it is no whole number above zero; expected such as 100`,
		"duration 1s,stage 1s:1": `-d and --stage exclude each other: the stages say how long the load goes on`,
		"rate 5":                 `--rate 5: the rate "5" has no unit; expected a rate such as 500/s, 30/m or 100/h; did you mean 5/s`,
	} {
		_, err := readText(one, settingsOf2(given)...)
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", given, err, want)
		}
	}
	_, err := readText(two, settingsOf2("rate 5/s,duration 1s")...)
	if want := "-d/--duration 1s, --rate 5/s: flags can replace the load of one workflow, and the plan has 2 with a load; expected the loads changed in the plan, or --scale"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = readText("target: http://x\nworkflows: {a: {steps: [{get: /}]}}", settingsOf2("vus 2")...)
	if want := "-c/--vus 2: the plan has no load that flags could replace; expected a workflow with a load in the plan, or no flags of a load"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = readText("target: http://x\nworkflows: {a: {load: {vus: 1, for: 1s}, cookies: keep, steps: [{get: /}]}}", settingsOf2("rate 5/s")...)
	if want := "plan.yaml:2:51: cookies can be kept in closed loads only; expected a load of virtual users, or no cookies: keep"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
