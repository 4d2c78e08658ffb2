package plan_test

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/plan"
	"hyperscale/internal/testkit"
)

// settingsOf reads lines NAME VALUE as flags; config:NAME and env:NAME are from
// there.
func settingsOf(lines []string) (settings []plan.Setting) {
	for _, l := range lines {
		name, value, _ := strings.Cut(l, " ")
		s := plan.Setting{Name: name, Value: value, From: plan.FromFlag}
		if rest, ok := strings.CutPrefix(name, "config:"); ok {
			s.Name, s.From = rest, plan.FromConfig
		} else if rest, ok := strings.CutPrefix(name, "env:"); ok {
			s.Name, s.From = rest, plan.FromEnv
		}
		settings = append(settings, s)
	}
	return settings
}

// TestQuickTranscripts plays testdata/quick.txt: a URL and settings, a line
// "----", and the plan that equals them or the reason why there is none.
func TestQuickTranscripts(t *testing.T) {
	const file = "testdata/quick.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(string(text)), "\n====\n") {
		input, want, _ := strings.Cut(block+"\n", "----\n")
		lines := strings.Split(strings.TrimSpace(input), "\n")
		got, err := plan.FromURL(lines[0], settingsOf(lines[1:]))
		if err != nil {
			got = "error: " + err.Error() + "\n"
		} else {
			read(t, got)
		}
		if !testkit.Update() && strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s:\ngot:\n%s\nwant:\n%s", input, got, want)
		}
		if i > 0 {
			written.WriteString("====\n")
		}
		written.WriteString(input + "----\n" + strings.TrimSpace(got) + "\n")
	}
	if testkit.Update() {
		if err := os.WriteFile(file, []byte(written.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// What is wrong with a quick run is told of the flag that has it: there is no file
// to look into.
func TestQuickFaultsNameFlags(t *testing.T) {
	for given, want := range map[string]string{
		"":                               "",
		"threshold p99 < 100":            `--threshold p99 < 100: the time "100" has no unit; expected such as 300ms or 2s; did you mean 100ms`,
		"threshold other: p99 < 1s":      `--threshold other: p99 < 1s: there is no workflow "other"; expected WORKFLOW or WORKFLOW/STEP`,
		"body @nofile":                   `-b/--body @nofile: the file nofile can't be read: no such file or directory`,
		"header a: 1\nheader b: {{ x }}": `-H/--header b: {{ x }}: nothing is named "x"`,
		"var uuid=1":                     `--var uuid=1: "uuid" is built in and can't be redefined; expected another name`,
		"var a=1\nvar b={{ c }}":         `--var b={{ c }}: nothing is named "c"`,
		"vus 99999999999":                `-c/--vus 99999999999: 99999999999 virtual users are more than 10000000`,
		"duration 9000h":                 `-d/--duration 9000h: the load takes longer than a year`,
		"stage 9000h:5":                  `--stage 9000h:5: the load takes longer than a year`,
		"method FOO\nbody {{ y }}":       `-b/--body {{ y }}: nothing is named "y"`,
	} {
		l, err := plan.ReadURL("http://localhost/", plan.Options{Settings: settingsOf(strings.FieldsFunc(given, func(r rune) bool { return r == '\n' }))})
		if err == nil {
			_ = l.Close() // only read
			err = errors.New("")
		}
		if err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", given, err, want)
		}
	}
	if _, err := plan.ReadURL("http://localhost/{{ x }}", plan.Options{}); err == nil || err.Error() != `http://localhost/{{ x }}: nothing is named "x"` {
		t.Errorf("got %v", err)
	}
}

// read reads a plan that must be good.
func read(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string) *hyperscale.Plan {
	t.Helper()
	l, err := plan.Read("plan.yaml", strings.NewReader(text), plan.Options{Dir: "testdata"})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	defer func() { _ = l.Close() }()
	return l.Plan
}

func TestQuickLoads(t *testing.T) {
	stages := func(all ...hyperscale.Stage) []hyperscale.Stage { return all }
	steady := func(n int64, over time.Duration) hyperscale.Stage {
		return hyperscale.Stage{From: n, To: n, Over: over}
	}
	perSecond := func(n int64) int64 { return n * int64(hyperscale.PerSecond) }
	closed := func(all ...hyperscale.Stage) hyperscale.Load {
		return hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: stages(all...)}
	}
	for given, want := range map[string]hyperscale.Load{
		"":                                     closed(steady(10, 10*time.Second)),
		"vus 50":                               closed(steady(50, 10*time.Second)),
		"duration 1m":                          closed(steady(10, time.Minute)),
		"duration 1m,scale 2.5":                closed(steady(25, time.Minute)),
		"iterations 200":                       {Kind: hyperscale.LoadIterations, Iterations: 200, VUs: 10},
		"iterations 3":                         {Kind: hyperscale.LoadIterations, Iterations: 3, VUs: 3},
		"iterations 200,vus 20":                {Kind: hyperscale.LoadIterations, Iterations: 200, VUs: 20},
		"iterations 200,duration 5s":           {Kind: hyperscale.LoadIterations, Iterations: 200, VUs: 10, For: 5 * time.Second},
		"rate 500/s":                           {Kind: hyperscale.LoadOpen, Stages: stages(steady(perSecond(500), 10*time.Second))},
		"rate 500/s,scale 0.5":                 {Kind: hyperscale.LoadOpen, Stages: stages(steady(perSecond(250), 10*time.Second))},
		"rate 30/m,vus 7":                      {Kind: hyperscale.LoadOpen, Stages: stages(steady(perSecond(1)/2, 10*time.Second)), MaxInFlight: 7},
		"rate 500/s,iterations 1000":           {Kind: hyperscale.LoadOpen, Stages: stages(steady(perSecond(500), 2*time.Second)), Arrivals: 1000},
		"rate 7/s,iterations 3":                {Kind: hyperscale.LoadOpen, Stages: stages(steady(perSecond(7), 429*time.Millisecond)), Arrivals: 3},
		"rate 500/s,iterations 10,duration 1m": {Kind: hyperscale.LoadOpen, Stages: stages(steady(perSecond(500), time.Minute)), Arrivals: 10},
		"stage 30s:100,stage 2m:100":           closed(hyperscale.Stage{To: 100, Over: 30 * time.Second}, steady(100, 2*time.Minute)),
		"stage 30s:100,vus 20":                 closed(hyperscale.Stage{From: 20, To: 100, Over: 30 * time.Second}),
		"stage 0s:5,stage 10s:5":               closed(steady(5, 10*time.Second)),
		"stage 30s:10/s,vus 20,iterations 9":   {Kind: hyperscale.LoadOpen, Stages: stages(hyperscale.Stage{To: perSecond(10), Over: 30 * time.Second}), MaxInFlight: 20, Arrivals: 9},
		"stage 30s:10/s,rate 5/s":              {Kind: hyperscale.LoadOpen, Stages: stages(hyperscale.Stage{From: perSecond(5), To: perSecond(10), Over: 30 * time.Second})},
		"stage 30s:100,config:duration 1m":     closed(hyperscale.Stage{To: 100, Over: 30 * time.Second}),
		"config:stage 30s:100,duration 1m":     closed(steady(10, time.Minute)),
		"stage 3s:100,env:rate 1/s":            closed(hyperscale.Stage{To: 100, Over: 3 * time.Second}),
		"vus 5,config:vus 50,env:vus 500":      closed(steady(5, 10*time.Second)),
	} {
		var lines []string
		if given != "" {
			lines = strings.Split(given, ",")
		}
		text, err := plan.FromURL("http://localhost:8080/", settingsOf(lines))
		if err != nil {
			t.Errorf("%q: %v", given, err)
			continue
		}
		got := read(t, text).Workflows[0].Load
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v", given, got, want)
		}
	}
}

func TestQuickRequest(t *testing.T) {
	text, err := plan.FromURL("https://Shop.example.com:8443/cart?q=a b&x=#top", settingsOf([]string{
		"method put", "header X-A: one", "header x-a: two", "header Cookie: a=1", "header cookie: b=2", "header X-Empty:",
		`body {"id": "{{ uuid }}", 'x': "#"}`, "http2 true", "insecure true", "timeout 3s", "seed 7", "deadline 1h",
		"threshold p95 < 300ms", "threshold main/PUT /cart: p99 < 1s", "var who=you: me", "tag team=a #1",
	}))
	if err != nil {
		t.Fatal(err)
	}
	p := read(t, text)
	if p.Target != "https://Shop.example.com:8443" || p.Name != "Shop.example.com:8443" || p.Seed != 7 || p.Deadline != time.Hour {
		t.Errorf("target %q, name %q, seed %d, deadline %v", p.Target, p.Name, p.Seed, p.Deadline)
	}
	if want := []hyperscale.Pair{{Name: "who", Value: "you: me"}}; !reflect.DeepEqual(p.Vars, want) {
		t.Errorf("vars %q", p.Vars)
	}
	if want := []hyperscale.Pair{{Name: "team", Value: "a #1"}}; !reflect.DeepEqual(p.Tags, want) {
		t.Errorf("tags %q", p.Tags)
	}
	if len(p.Thresholds) != 2 || p.Thresholds[1].Step != "PUT /cart" {
		t.Errorf("thresholds %+v", p.Thresholds)
	}
	w := p.Workflows[0]
	if s := w.Steps[0]; w.Name != "main" || s.Name != "PUT /cart" {
		t.Errorf("workflow %q, step %q", w.Name, s.Name)
	}
	checkQuickRequest(t, w.Steps[0].Request)
}

func checkQuickRequest(t *testing.T, r *hyperscale.Request) {
	t.Helper()
	if r.Method != "PUT" || r.URL != "/cart?q=a b&x=" {
		t.Errorf("%s %s", r.Method, r.URL)
	}
	if r.Body.Kind != hyperscale.BodyText || r.Body.Text != `{"id": "{{ uuid }}", 'x': "#"}` {
		t.Errorf("body %+v", r.Body)
	}
	headers := []hyperscale.Pair{{Name: "X-A", Value: "one, two"}, {Name: "Cookie", Value: "a=1; b=2"}, {Name: "X-Empty", Value: ""}}
	if !reflect.DeepEqual(r.Headers, headers) {
		t.Errorf("headers %q", r.Headers)
	}
	if tr := r.Transport; tr.HTTP != 2 || !tr.TLS.Insecure || tr.Timeout != 3*time.Second {
		t.Errorf("transport %+v", tr)
	}
}

// Whatever the texts are, the reader gets exactly them.
func TestQuickTextsArriveAsTheyAre(t *testing.T) {
	anyText := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[ -~\n\t]{0,20}`),
		rapid.SampledFrom([]string{"", " ", "null", "true", "~", "1.5", "a: b", "a #b", "- a", "a:", "'", `"`, `\`, "|", "> x", "{a: b}", "[1]", "*a", "&a b", "!x", "%a", "@", "`", "\u0085\u2028\ufeff", "a\n\nb\n", "---", "..."}),
	)
	rapid.Check(t, func(t *rapid.T) {
		body := strings.ReplaceAll(anyText.Draw(t, "body"), "{{", "{")
		if strings.HasPrefix(body, "@") {
			body = " " + body
		}
		text, err := plan.FromURL("http://localhost/", []plan.Setting{{Name: "body", Value: body, From: plan.FromFlag}})
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, text).Workflows[0].Steps[0].Request.Body.Text; got != body {
			t.Fatalf("got %q, want %q, of\n%s", got, body, text)
		}
	})
}

func TestQuickRefusesWhatIsNotUTF8(t *testing.T) {
	for _, s := range []plan.Setting{{Name: "body", Value: "\xff\x01"}, {Name: "header", Value: "X: \xff"}} {
		if text, err := plan.FromURL("http://localhost/", []plan.Setting{s}); err == nil {
			t.Errorf("%q was taken:\n%s", s.Value, text)
		}
	}
}
