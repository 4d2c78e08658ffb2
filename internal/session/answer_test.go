package session

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"testing"
	"time"

	"hyperscale"
)

// answer runs a workflow of one step to the end of its request.
func answer(t *testing.T, plan *hyperscale.Plan, a *Answer) (Effect, *Program, *Session) {
	t.Helper()
	return answerWith(t, plan, a, nil)
}

// answerWith is the same with memory that was used before.
func answerWith(t *testing.T, plan *hyperscale.Plan, a *Answer, scratch *Scratch) (Effect, *Program, *Session) {
	t.Helper()
	p := compile(t, plan, Inputs{})
	s := &Session{Scratch: scratch}
	p.Init(s)
	out := s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
	if out[0].Kind != Send {
		t.Fatalf("nothing was sent: %v %s", out[0].Kind, p.FaultName(out[0].Fault))
	}
	out = s.Step(a.End, Event{Kind: Answered, ID: out[0].ID, Answer: a}, nil)
	return out[0], p, s
}

func TestChecks(t *testing.T) {
	const doc = `{"n": 10, "s": "10.0", "t": "x", "l": [1, {"a": true}], "z": null}`
	head := []byte("ETag: abc\r\nvia:  one \r\nVia: two\r\n")
	header := func(name, op, value string) hyperscale.Check {
		return hyperscale.Check{Kind: hyperscale.CheckHeader, Arg: name, Op: op, Value: value}
	}
	json := func(path, op, value string) hyperscale.Check {
		return hyperscale.Check{Kind: hyperscale.CheckJSON, Arg: path, Op: op, Value: value}
	}
	number := func(kind hyperscale.CheckKind, op string, n int64) hyperscale.Check {
		return hyperscale.Check{Kind: kind, Op: op, Number: n}
	}
	tests := []struct {
		check hyperscale.Check
		want  bool
	}{
		{status(200, 200), true}, {status(200, 299), true}, {status(201, 204), false},
		{hyperscale.Check{Kind: hyperscale.CheckStatus, Statuses: []hyperscale.StatusRange{{Lo: 404, Hi: 404}, {Lo: 200, Hi: 200}}}, true},
		// time is service time, 250ms here.
		{number(hyperscale.CheckTime, "<", int64(250*time.Millisecond)), false},
		{number(hyperscale.CheckTime, "<=", int64(250*time.Millisecond)), true},
		{number(hyperscale.CheckSize, ">", 1000), true}, {number(hyperscale.CheckSize, "==", 1234), true}, {number(hyperscale.CheckSize, "!=", 1234), false},
		{bodyCheck(hyperscale.CheckContains, `"t": "x"`), true}, {bodyCheck(hyperscale.CheckContains, "y"), false},
		{bodyCheck(hyperscale.CheckContains, "{{ late }}"), true},
		{bodyCheck(hyperscale.CheckNotContains, "y"), true}, {bodyCheck(hyperscale.CheckNotContains, "x"), false},
		{bodyCheck(hyperscale.CheckNotContains, "{{ late }}"), false},
		{bodyCheck(hyperscale.CheckEquals, doc), true}, {bodyCheck(hyperscale.CheckEquals, "x"), false},
		{bodyCheck(hyperscale.CheckMatches, `"n": \d+`), true}, {bodyCheck(hyperscale.CheckMatches, `^x`), false},
		{json("$.n", "==", "10"), true}, {json("$.n", "==", "10.0"), true}, {json("$.s", "==", "10"), true}, {json("$.t", "==", "x"), true},
		{json("$.n", ">", "9"), true}, {json("$.n", "<", "9"), false}, {json("$.t", "contains", "x"), true}, {json("$.t", "matches", "^x$"), true},
		{json("$.l[1].a", "==", "true"), true}, {json("$.l", "contains", `"a"`), true}, {json("$.n", "==", "{{ late }}"), true},
		// Nothing compares with what is not there, and null counts as nothing.
		{json("$.q", "!=", "x"), false}, {json("$.z", "!=", "x"), false}, {json("$.q", "==", ""), false},
		{header("etag", "present", ""), true}, {header("X-None", "present", ""), false},
		{header("ETAG", "==", "abc"), true}, {header("etag", "==", "ABC"), false}, {header("via", "==", "one"), true}, {header("via", "==", "two"), true},
		{header("etag", "==", "{{ late }}"), false},
	}
	for _, test := range tests {
		test.check.Name = "it"
		plan := planOf(setStep("values", pair("late", "10")), get("a", "/", checking(test.check)))
		a := &Answer{Status: 200, Head: head, Body: []byte(doc), BodySize: 1234, Start: time.Second, End: 1250 * time.Millisecond}
		e, p, _ := answer(t, plan, a)
		if len(e.Checks) != 1 || e.Checks[0] != test.want {
			t.Errorf("%v: %v, want %t", test.check, e.Checks, test.want)
		}
		fault := map[bool]string{true: "", false: "check a: it"}[test.want]
		if test.check.Kind == hyperscale.CheckStatus && !test.want {
			fault = "status 200"
		}
		if got := p.FaultName(e.Fault); got != fault || (e.Outcome == OK) != test.want {
			t.Errorf("%v: fault %q, want %q", test.check, got, fault)
		}
	}
}

// The first cause counts, in the order: body, status, checks, captures.
func TestFirstCause(t *testing.T) {
	plan := func() *hyperscale.Plan {
		return planOf(get("a", "/", checking(bodyCheck(hyperscale.CheckContains, "ok"), status(200, 200)), capturing("id", hyperscale.CaptureJSON, "$.id")))
	}
	tests := []struct {
		a    Answer
		want string
	}{
		{Answer{Status: 500, TooLarge: true}, "body too large"},
		{Answer{Status: 500}, "status 500"},
		{Answer{Status: 200}, `check a: body contains "ok"`},
		{Answer{Status: 200, Body: []byte("ok")}, "capture id"},
		{Answer{Status: 200, Body: []byte(`{"id":"ok"}`)}, ""},
	}
	for _, test := range tests {
		e, p, _ := answer(t, plan(), &test.a)
		if got := p.FaultName(e.Fault); got != test.want || len(e.Checks) != 2 {
			t.Errorf("%+v: %q with %d checks, want %q", test.a, got, len(e.Checks), test.want)
		}
	}
}

func TestCaptures(t *testing.T) {
	head := []byte("ETag:  \"x\" \r\nSet-Cookie: sid=1; Path=/\r\nSet-Cookie: sid=2\r\nSet-Cookie: flag\r\n")
	const none = "\x00"
	tests := []struct {
		kind hyperscale.CaptureKind
		arg  string
		want string
		json bool
	}{
		{hyperscale.CaptureJSON, "$.id", "7", true},
		{hyperscale.CaptureJSON, "$.name", "a\"b", false},
		{hyperscale.CaptureJSON, "$.list", "[1,2]", true},
		{hyperscale.CaptureJSON, "$..deep", "true", true},
		{hyperscale.CaptureJSON, "$.null", none, false},
		{hyperscale.CaptureRegex, `"id":(\d)`, "7", false},
		{hyperscale.CaptureRegex, `"id":\d`, `"id":7`, false},
		{hyperscale.CaptureRegex, `nothing`, none, false},
		{hyperscale.CaptureHeader, "etag", `"x"`, false},
		{hyperscale.CaptureHeader, "x-none", none, false},
		{hyperscale.CaptureCookie, "sid", "2", false},
		{hyperscale.CaptureCookie, "flag", none, false},
		{hyperscale.CaptureStatus, "", "201", false},
		{hyperscale.CaptureBody, "", `{"id":7,"name":"a\"b","list":[1,2],"x":{"deep":true},"null":null}`, false},
	}
	for _, test := range tests {
		a := &Answer{Status: 201, Head: head, SetsCookie: true, Body: []byte(`{"id":7,"name":"a\"b","list":[1,2],"x":{"deep":true},"null":null}`)}
		for _, fallback := range []string{none, "", "d|e"} {
			with := capturing("v", test.kind, test.arg)
			if fallback != none {
				with = capturingOr("v", test.kind, test.arg, fallback)
			}
			plan := planOf(get("a", "/", with))
			plan.Workflows[0].Export = []string{"v"}
			e, p, s := answer(t, plan, a)
			values, missing := s.Exports()
			want := Value{Text: test.want, JSON: test.json}
			switch {
			case test.want == none && fallback == none:
				if missing != "v" || e.Outcome != Failed || p.FaultName(e.Fault) != "capture v" || e.Text == "" {
					t.Errorf("%s %s: %v, fault %q", test.kind, test.arg, values, p.FaultName(e.Fault))
				}
				continue
			case test.want == none:
				want = Value{Text: fallback}
			}
			if values["v"] != want || missing != "" || e.Outcome != OK {
				t.Errorf("%s %s | %q: %v, missing %q, want %v", test.kind, test.arg, fallback, values, missing, want)
			}
		}
	}
}

// A capture that finds nothing leaves no value of a pass before.
func TestCaptureForgets(t *testing.T) {
	loop := groupStep("loop", get("a", "/", capturing("id", hyperscale.CaptureJSON, "$.id")), when(get("b", "/b"), "id"))
	loop.Repeat = 2
	p := compile(t, planOf(loop), Inputs{})
	s := &Session{}
	p.Init(s)
	s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
	s.Step(0, Event{Kind: Answered, ID: 1, Answer: &Answer{Status: 200, Body: []byte(`{"id":1}`)}}, nil)
	s.Step(0, Event{Kind: Answered, ID: 2, Answer: &Answer{Status: 200}}, nil)
	out := s.Step(0, Event{Kind: Answered, ID: 3, Answer: &Answer{Status: 200, Body: []byte(`{}`)}}, nil)
	if out[1].Kind != Passed {
		t.Errorf("the second pass goes on with the first one's value: %v", out[1].Kind)
	}
}

// packed compresses text with a writer.
func packed(t *testing.T, text []byte, open func(io.Writer) io.WriteCloser) []byte {
	var b bytes.Buffer
	w := open(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, text []byte) []byte {
	return packed(t, text, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

// Encoded bodies are undone for checks and captures, up to max-body.
func TestEncodings(t *testing.T) {
	text := []byte("it is ok")
	deflated := packed(t, text, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	raw := packed(t, text, func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 9); return f })
	bomb := gzipped(t, make([]byte, 8<<20))
	tests := []struct {
		encoding string
		body     []byte
		want     string
	}{
		{"gzip", gzipped(t, text), ""},
		{"GZip", gzipped(t, text), ""},
		{"x-gzip", gzipped(t, text), ""},
		{"deflate", deflated, ""},
		{"deflate", raw, ""},
		{"identity", text, ""},
		{"gzip, gzip", gzipped(t, gzipped(t, text)), ""},
		{"deflate, gzip", gzipped(t, deflated), ""},
		{"gzip", nil, `check a: body contains "ok"`},
		{"gzip", gzipped(t, text)[:15], "malformed answer"},
		{"gzip", text, "malformed answer"},
		{"br", text, "malformed answer"},
		{"gzip, gzip, gzip, gzip, gzip", text, "malformed answer"},
		{"gzip", bomb, "body too large"},
		{"gzip, gzip", gzipped(t, bomb), "body too large"},
	}
	scratch := &Scratch{}
	for range 2 { // with new readers, then with the same
		for _, test := range tests {
			plan := planOf(get("a", "/", checking(bodyCheck(hyperscale.CheckContains, "ok"))))
			a := &Answer{Status: 200, Head: []byte("Content-Encoding: " + test.encoding + "\r\n"), HasEncoding: true, Body: test.body, BodySize: int64(len(test.body))}
			e, p, _ := answerWith(t, plan, a, scratch)
			if got := p.FaultName(e.Fault); got != test.want {
				t.Errorf("%s: %q (%s), want %q", test.encoding, got, e.Text, test.want)
			}
		}
	}
}

// Max-body bounds the content itself: exactly so many bytes are kept.
func TestMaxBody(t *testing.T) {
	for size, want := range map[int]string{100: "", 101: "body too large"} {
		plan := planOf(get("a", "/", checking(bodyCheck(hyperscale.CheckContains, "x")), func(r *hyperscale.Request) { r.Transport.MaxBody = 100 }))
		body := gzipped(t, bytes.Repeat([]byte("x"), size))
		e, p, _ := answer(t, plan, &Answer{Status: 200, Head: []byte("Content-Encoding: gzip\r\n"), HasEncoding: true, Body: body})
		if got := p.FaultName(e.Fault); got != want {
			t.Errorf("%d bytes: %q", size, got)
		}
	}
}

// Only what a check or capture looks into is kept.
func TestKeep(t *testing.T) {
	tests := []struct {
		with func(*hyperscale.Request)
		keep int64
		head bool
	}{
		{checking(status(200, 200)), 0, false},
		{checking(hyperscale.Check{Kind: hyperscale.CheckSize, Op: "<"}), 0, false},
		{checking(bodyCheck(hyperscale.CheckContains, "x")), 1 << 20, true},
		{capturing("v", hyperscale.CaptureBody, ""), 1 << 20, true},
		{capturing("v", hyperscale.CaptureStatus, ""), 0, false},
		{capturing("v", hyperscale.CaptureHeader, "x"), 0, true},
		{capturing("v", hyperscale.CaptureCookie, "x"), 0, true},
		{checking(hyperscale.Check{Kind: hyperscale.CheckHeader, Arg: "x", Op: "present"}), 0, true},
		{func(r *hyperscale.Request) { r.Transport.Redirects = 1 }, 0, true},
	}
	for i, test := range tests {
		r, _, _ := sent(t, planOf(get("a", "/", redirects(0), test.with)), Inputs{})
		if r.Keep != test.keep || r.KeepHead != test.head || r.NoBody {
			t.Errorf("%d: keeps %d, head %t", i, r.Keep, r.KeepHead)
		}
	}
	if r, _, _ := sent(t, planOf(requestStep("a", "HEAD", "/")), Inputs{}); !r.NoBody {
		t.Error("the answer to HEAD has a body")
	}
}
