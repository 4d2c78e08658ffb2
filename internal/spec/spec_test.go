package spec_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/plan"
	"hyperscale/internal/schedule"
	"hyperscale/internal/session"
	"hyperscale/internal/spec"
)

// table is a data set of a test: value c of row n is "n.c".
type table struct {
	rows    int64
	columns int
	pad     string
}

func (t table) Len() int64 { return t.rows }

func (t table) Row(n int64, dst []string) ([]string, error) {
	for c := range t.columns {
		dst = append(dst, fmt.Sprintf("%d.%d%s", n, c, t.pad))
	}
	return dst, nil
}

// sample is a plan that uses a little of everything.
func sample() (*hyperscale.Plan, spec.Rows) {
	none := ""
	get := hyperscale.Step{
		Name: "get", OnError: hyperscale.OnErrorContinue,
		Request: &hyperscale.Request{
			Method: "GET", URL: "/{{ users.name }}/{{ word }}", BearerAuth: "{{ token }}",
			Headers:   []hyperscale.Pair{{Name: "x-region", Value: "{{ env.REGION }}"}},
			Transport: hyperscale.Transport{Timeout: time.Second, HTTP: 1, Connections: hyperscale.ConnPerVU, MaxBody: 1 << 20},
			Checks:    []hyperscale.Check{{Kind: hyperscale.CheckStatus, Name: "status", Statuses: []hyperscale.StatusRange{{Lo: 200, Hi: 299}}}},
			Captures:  []hyperscale.Capture{{Name: "id", Kind: hyperscale.CaptureJSON, Arg: "$.id", Default: &none}},
		},
	}
	login := get
	request := *get.Request
	request.URL, request.BearerAuth, request.Headers = "/login", "", nil
	request.Captures = []hyperscale.Capture{{Name: "token", Kind: hyperscale.CaptureBody}}
	login.Name, login.Request = "login", &request
	open := hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{{To: int64(100 * hyperscale.PerSecond), Over: time.Minute}}}
	p := &hyperscale.Plan{
		Name: "sample", Target: "http://127.0.0.1:1", Seed: 7, Deadline: time.Hour,
		Env:  []hyperscale.Pair{{Name: "REGION", Value: "e\xffu"}, {Name: "SECRET", Value: "no one else's"}},
		Vars: []hyperscale.Pair{{Name: "word", Value: "w-{{ iteration }}"}, {Name: "other", Value: "o"}},
		Data: []hyperscale.DataSet{
			{Name: "users", Format: "csv", Path: "users.csv", Pick: hyperscale.PickUnique, Columns: []string{"name", "city"}, Rows: 10_000},
			{Name: "unused", Format: "csv", Path: "unused.csv", Pick: hyperscale.PickShared, Columns: []string{"a"}, Rows: 3},
		},
		Workflows: []hyperscale.Workflow{
			{Name: "login", Export: []string{"token"}, Steps: []hyperscale.Step{login}},
			{
				Name: "browse", After: []hyperscale.Dependency{{Workflow: "login"}},
				Use:  []hyperscale.Use{{Local: "token", Workflow: "login", Name: "token"}},
				Load: open, Graceful: 5 * time.Second, Steps: []hyperscale.Step{get},
			},
		},
		Thresholds: []hyperscale.Threshold{{Text: "p99 < 1s", Metric: hyperscale.MetricQuantile, Quantile: 99, Op: "<", Value: 1e9}},
	}
	return p, spec.Rows{"users": table{rows: 10_000, columns: 2}, "unused": table{rows: 3, columns: 1}}
}

// A submission comes back as it was, and its bytes are always the same.
func TestSubmissionComesBack(t *testing.T) {
	p, rows := sample()
	b, err := spec.Encode(p, rows)
	if err != nil {
		t.Fatal(err)
	}
	got, back, err := spec.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, p) {
		t.Errorf("got %+v\nwant %+v", got, p)
	}
	row, err := back["users"].Row(9_999, []string{"x"})
	if err != nil || !reflect.DeepEqual(row, []string{"x", "9999.0", "9999.1"}) || back["users"].Len() != 10_000 {
		t.Errorf("the last row: %q, %v", row, err)
	}
	again, err := spec.Encode(got, back)
	if err != nil || !bytes.Equal(again, b) || spec.Digest(again) != spec.Digest(b) {
		t.Errorf("encoded again: %v", err)
	}
}

// What is too large is refused with the sizes of its parts.
func TestTooLarge(t *testing.T) {
	p, rows := sample()
	rows["users"] = table{rows: 10_000, columns: 2, pad: strings.Repeat("x", 900)}
	_, err := spec.Encode(p, rows)
	var size *spec.Size
	if !errors.As(err, &size) || len(size.Parts) != 3 || size.Parts[2].Bytes > 100 {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"more than 16.0 MiB, at most 16.0 MiB are taken", "plan ", "data set users 16.0 MiB", "data set unused"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	// Just below it goes, and comes back.
	rows["users"] = table{rows: 10_000, columns: 2, pad: strings.Repeat("x", 820)}
	b, err := spec.Encode(p, rows)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := spec.Decode(b); err != nil {
		t.Error(err)
	}
	if _, _, err := spec.Decode(append(b, make([]byte, spec.MaxBytes)...)); err == nil {
		t.Error("more than the most was taken")
	}
}

// Rows that are not what the plan was checked with are refused.
func TestRowsDiffer(t *testing.T) {
	p, rows := sample()
	rows["unused"] = table{rows: 4, columns: 1}
	if _, err := spec.Encode(p, rows); err == nil || !strings.Contains(err.Error(), "data set unused has 4 rows; the plan was checked with 3") {
		t.Errorf("%v", err)
	}
	delete(rows, "unused")
	if _, err := spec.Encode(p, rows); err == nil {
		t.Error("a plan without its rows was taken")
	}
}

// Plans that can't be run are refused, whatever wrote them.
func TestCheckRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*hyperscale.Plan){
		"no workflows":     func(p *hyperscale.Plan) { p.Workflows = nil },
		"deadline":         func(p *hyperscale.Plan) { p.Deadline = -1 },
		"pick":             func(p *hyperscale.Plan) { p.Data[0].Pick = "any" },
		"columns":          func(p *hyperscale.Plan) { p.Data[0].Columns = nil },
		"name twice":       func(p *hyperscale.Plan) { p.Workflows[1].Name = "login" },
		"waits for itself": func(p *hyperscale.Plan) { p.Workflows[0].After = []hyperscale.Dependency{{Workflow: "browse"}} },
		"waits for none":   func(p *hyperscale.Plan) { p.Workflows[1].After[0].Workflow = "x" },
		"uses of none":     func(p *hyperscale.Plan) { p.Workflows[1].Use[0].Workflow = "x" },
		"graceful":         func(p *hyperscale.Plan) { p.Workflows[0].Graceful = -1 },
		"kind of load":     func(p *hyperscale.Plan) { p.Workflows[0].Load.Kind = 77 },
		"stages":           func(p *hyperscale.Plan) { p.Workflows[1].Load.Stages = nil },
		"stage":            func(p *hyperscale.Plan) { p.Workflows[1].Load.Stages[0].Over = 0 },
		"slots": func(p *hyperscale.Plan) {
			p.Workflows[1].Load.Stages = []hyperscale.Stage{{To: 1 << 60, Over: 50 * 366 * 24 * time.Hour}}
		},
		"iterations":  func(p *hyperscale.Plan) { p.Workflows[0].Load.Kind = hyperscale.LoadIterations },
		"search":      func(p *hyperscale.Plan) { p.Workflows[0].Load.Kind = hyperscale.LoadSearch },
		"step":        func(p *hyperscale.Plan) { p.Workflows[0].Steps[0].Kind = 9 },
		"no request":  func(p *hyperscale.Plan) { p.Workflows[0].Steps[0].Request = nil },
		"on-error":    func(p *hyperscale.Plan) { p.Workflows[0].Steps[0].OnError = "" },
		"timeout":     func(p *hyperscale.Plan) { p.Workflows[0].Steps[0].Request.Transport.Timeout = 0 },
		"connections": func(p *hyperscale.Plan) { p.Workflows[0].Steps[0].Request.Transport.Connections = "" },
		"weight": func(p *hyperscale.Plan) {
			p.Workflows[0].Steps[0] = hyperscale.Step{Kind: hyperscale.StepChoose, OnError: "stop", Choices: []hyperscale.Choice{{}}}
		},
	} {
		p, rows := sample()
		spoil(p)
		if spec.Check(p) == nil {
			t.Errorf("%s: it was taken", name)
		}
		if b, err := spec.Encode(p, rows); err == nil {
			if _, _, err := spec.Decode(b); err == nil {
				t.Errorf("%s: it was taken as bytes", name)
			}
		}
	}
}

func TestDemoTarget(t *testing.T) {
	if spec.DemoTarget != plan.DemoTarget {
		t.Errorf("%q and %q", spec.DemoTarget, plan.DemoTarget)
	}
}

// A brief has what its share needs, and nothing else of the plan.
func TestBriefComesBack(t *testing.T) {
	p, rows := sample()
	flow, err := spec.Cut(p, "browse", rows)
	if err != nil {
		t.Fatal(err)
	}
	run := spec.Run{
		Share: hyperscale.Share{Lo: 1, Hi: 3, Of: 7, From: 5 * time.Second, Turn: 2}, Lanes: 2, Load: p.Workflows[1].Load,
		Graceful: 5 * time.Second, Use: []hyperscale.Pair{{Name: "token", Value: "secret"}},
		MaxLateness: time.Second, Version: "1.2.3", Place: 5, Pass: 2,
		Adjustments: []hyperscale.Adjustment{{Number: 1, Workflow: "browse", At: time.Second, Do: hyperscale.AdjustPause}},
	}
	b, err := flow.Brief(run)
	if err != nil {
		t.Fatal(err)
	}
	got, err := spec.DecodeBrief(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Run, run) {
		t.Errorf("got %+v\nwant %+v", got.Run, run)
	}
	q := got.Plan
	if len(q.Workflows) != 1 || got.Workflow().Name != "browse" || len(q.Data) != 1 || len(q.Vars) != 1 || len(q.Env) != 1 || q.Env[0].Value != "e\xffu" {
		t.Errorf("the plan: %+v", q)
	}
	if bytes.Contains(b, []byte("no one else's")) {
		t.Error("it has a variable of the environment that the workflow does not name")
	}
	if held := got.Rows["users"].(*spec.Table).Held(); held != 2858 || got.Rows["users"].Len() != 10_000 {
		t.Errorf("%d rows of %d", held, got.Rows["users"].Len())
	}
	if _, err := got.Rows["users"].Row(0, nil); err == nil {
		t.Error("a row of another share is here")
	}
	if _, err := session.Compile(q, 0, session.Inputs{Rows: got.Rows}); err != nil {
		t.Errorf("it does not compile: %v", err)
	}
	// A submission's rows make the same bytes.
	sub, err := spec.Encode(p, rows)
	if err != nil {
		t.Fatal(err)
	}
	p2, rows2, err := spec.Decode(sub)
	if err != nil {
		t.Fatal(err)
	}
	if flow, err = spec.Cut(p2, "browse", rows2); err != nil {
		t.Fatal(err)
	}
	if again, err := flow.Brief(run); err != nil || !bytes.Equal(again, b) {
		t.Errorf("from a submission: %v", err)
	}
}

// loads draws loads of every kind but a search.
func loads(t *rapid.T) hyperscale.Load {
	l := hyperscale.Load{Kind: rapid.SampledFrom([]hyperscale.LoadKind{
		hyperscale.LoadOnce, hyperscale.LoadClosed, hyperscale.LoadOpen, hyperscale.LoadIterations, hyperscale.LoadEach,
	}).Draw(t, "kind")}
	vus := rapid.Int64Range(1, 20).Draw(t, "vus")
	switch l.Kind {
	case hyperscale.LoadClosed:
		l.Stages = []hyperscale.Stage{{From: vus, To: vus, Over: time.Minute}}
	case hyperscale.LoadOpen:
		l.Stages = []hyperscale.Stage{{From: vus * int64(hyperscale.PerSecond), To: vus * int64(hyperscale.PerSecond), Over: time.Minute}}
	case hyperscale.LoadIterations, hyperscale.LoadEach:
		l.VUs, l.Iterations = vus, rapid.Int64Range(1, 50).Draw(t, "iterations")
	}
	return l
}

// Whatever row an iteration of a share takes is among the rows of its brief,
// and is the one that it is in the whole.
func TestEveryRowIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, rows := sample()
		load := loads(t)
		d := &p.Data[0]
		d.Pick = rapid.SampledFrom([]hyperscale.Pick{hyperscale.PickShared, hyperscale.PickUnique, hyperscale.PickRandom, hyperscale.PickByVU}).Draw(t, "pick")
		d.Rows = rapid.Int64Range(1, 60).Draw(t, "rows")
		rows["users"] = table{rows: d.Rows, columns: 2}
		p.Workflows[1].Load = load
		of := rapid.Int64Range(1, 12).Draw(t, "of")
		lo := rapid.Int64Range(0, of-1).Draw(t, "lo")
		share := hyperscale.Share{Lo: lo, Hi: rapid.Int64Range(lo+1, of).Draw(t, "hi"), Of: of}
		flow, err := spec.Cut(p, "browse", rows)
		if err != nil {
			t.Fatal(err)
		}
		b, err := flow.Brief(spec.Run{Share: share, Lanes: 1, Load: load})
		if err != nil {
			t.Fatal(err)
		}
		brief, err := spec.DecodeBrief(b)
		if err != nil {
			t.Fatal(err)
		}
		slots, passes := int64(200), int64(1)
		switch load.Kind {
		case hyperscale.LoadClosed:
			slots, passes = load.Stages[0].From, 9
			if d.Pick == hyperscale.PickByVU && slots > d.Rows {
				t.Skip("refused by the plan's reader")
			}
		case hyperscale.LoadOpen:
		default:
			w := schedule.NewIterations(load)
			var some bool
			if share, some = w.Share(share); !some {
				return
			}
			slots, passes = w.Slots, w.Passes
		}
		numbering := schedule.NewRows(load)
		for k := range share.Count(slots) {
			for pass := range passes {
				slot := share.At(k)
				n, ok := schedule.Row(d.Pick, numbering.Number(slot, pass), int64(slot), rapid.Uint64().Draw(t, "draw"), d.Rows)
				if !ok {
					continue
				}
				row, err := brief.Rows["users"].Row(n, nil)
				if err != nil || row[0] != fmt.Sprintf("%d.0", n) {
					t.Fatalf("slot %d, pass %d: row %d: %q, %v", slot, pass, n, row, err)
				}
			}
		}
	})
}

// Nothing that bytes may be makes reading them fail badly; what is read can be
// compiled and has its schedule, and its bytes are those.
func FuzzDecode(f *testing.F) {
	p, rows := sample()
	p.Data[0].Rows = 2
	rows["users"] = table{rows: 2, columns: 2}
	b, err := spec.Encode(p, rows)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		plan, rows, err := spec.Decode(b)
		if err != nil {
			return
		}
		if again, err := spec.Encode(plan, rows); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("its bytes differ: %v", err)
		}
		for i := range plan.Workflows {
			w := &plan.Workflows[i]
			_, _ = session.Compile(plan, i, session.Inputs{Rows: rows})
			scheduled(w)
		}
	})
}

// scheduled asks for a workflow's schedule, as the engine does.
func scheduled(w *hyperscale.Workflow) {
	_ = schedule.MaxInFlight(*w)
	switch w.Load.Kind {
	case hyperscale.LoadOpen:
		if w.Load.Poisson {
			return // takes long
		}
		a := schedule.NewArrivals(w.Load, 1)
		_ = a.Before(a.End())
	case hyperscale.LoadClosed:
		_ = schedule.NewUsers(w.Load).Peak()
	case hyperscale.LoadSearch:
	default:
		_ = schedule.NewIterations(w.Load).Total()
	}
}

func FuzzDecodeBrief(f *testing.F) {
	p, rows := sample()
	flow, err := spec.Cut(p, "browse", rows)
	if err != nil {
		f.Fatal(err)
	}
	b, err := flow.Brief(spec.Run{Share: hyperscale.Share{Lo: 1, Hi: 2, Of: 5000}, Lanes: 1, Load: p.Workflows[1].Load})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		brief, err := spec.DecodeBrief(b)
		if err != nil {
			return
		}
		_, _ = session.Compile(brief.Plan, 0, session.Inputs{Rows: brief.Rows})
		scheduled(&hyperscale.Workflow{Load: brief.Load, Steps: brief.Workflow().Steps})
	})
}
