package session

import (
	"bytes"
	"testing"
	"time"

	"hyperscale"
)

// hostile is a workflow that puts all it can get from an answer into requests.
func hostile() *hyperscale.Plan {
	plan := planOf(
		get("a", "/", capturingOr("j", hyperscale.CaptureJSON, "$..x", "d"), capturingOr("h", hyperscale.CaptureHeader, "x", "d"),
			capturingOr("c", hyperscale.CaptureCookie, "x", "d"), capturingOr("b", hyperscale.CaptureBody, "", "d"), capturingOr("r", hyperscale.CaptureRegex, "x(.*)", "d"),
			checking(status(200, 299), bodyCheck(hyperscale.CheckMatches, "x+"), hyperscale.Check{Kind: hyperscale.CheckJSON, Name: "j", Arg: "$.x[*]", Op: "<", Value: "{{ vu }}"}),
			func(r *hyperscale.Request) { r.Transport.MaxBody, r.Transport.Redirects = 1000, 3 }),
		post("p", "/{{ j }}?{{ h }}", jsonText(`{"j": "{{ j }}", "b": "<{{ b }}>"}`), headers("x", "{{ h }}", "y", "{{ c }}"), params("r", "{{ r }}")),
		get("q", "{{ h }}", cookies("c", "{{ c }}")),
		post("r", "/", fieldsOf(hyperscale.BodyForm, hyperscale.Field{Name: "f", Value: "{{ b }}"}), func(r *hyperscale.Request) { r.BearerAuth = "{{ h }}" }),
	)
	return plan
}

// Whatever a target answers: the session does not fail, goes on to the end, ends
// each request once, and sends only well-formed heads.
func FuzzStep(f *testing.F) {
	f.Add(uint16(200), []byte("Set-Cookie: x=1; Domain=shop.test\r\nX: http://h.test/\r\n"), []byte(`{"x":[1,{"x":2}]}`), byte(1))
	f.Add(uint16(302), []byte("Location: ../x?a=b c#d\r\nSet-Cookie: x=\"1\"\r\n"), []byte("x"), byte(7))
	f.Add(uint16(307), []byte("location: //other.test:81\r\nLocation: x:y\r\n"), []byte{}, byte(3))
	f.Add(uint16(200), []byte("Content-Encoding: gzip, deflate\r\nX: a\x00b\r\n:\r\n\r\n \n"), []byte("\x1f\x8b\x08\x00x"), byte(2))
	f.Add(uint16(503), []byte("X"), []byte("{\"x\":\"\\u0000\\r\\n\"}"), byte(4))
	f.Fuzz(func(t *testing.T, status uint16, head, body []byte, mode byte) {
		p := compile(t, hostile(), Inputs{})
		s := &Session{}
		p.Init(s)
		a := &Answer{Status: int(status), Head: head, Body: body, BodySize: int64(len(body)), TooLarge: mode&16 != 0,
			SetsCookie: true, HasLocation: mode&1 != 0, HasEncoding: mode&2 != 0, End: time.Second}
		open := map[int32]bool{}
		out := s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
		for range 50 {
			id, done := follow(t, p, out, open)
			if done {
				return
			}
			if mode&4 != 0 {
				s.Step(0, Event{Kind: Answered, ID: id + 1000, Answer: a}, nil)
			}
			if mode&8 != 0 && id == 3 {
				out = s.Step(0, Event{Kind: Broken, ID: id, Fault: Fault(uint32(mode) << 12)}, nil)
				continue
			}
			out = s.Step(0, Event{Kind: Answered, ID: id, Answer: a}, nil)
		}
		t.Fatal("the iteration does not end")
	})
}

// follow looks at effects and gives a request that is under way.
func follow(t *testing.T, p *Program, out []Effect, open map[int32]bool) (id int32, done bool) {
	for _, e := range out {
		p.FaultName(e.Fault)
		switch e.Kind {
		case Send:
			open[e.ID] = true
			wellFormed(t, e.Request)
		case Ended:
			if !open[e.ID] {
				t.Fatalf("%d ended and was not under way", e.ID)
			}
			delete(open, e.ID)
		case Done:
			if len(open) > 0 {
				t.Fatalf("done with %d requests under way", len(open))
			}
			return 0, true
		}
	}
	for id := range open {
		return id, false
	}
	t.Fatal("nothing is under way")
	return 0, false
}

// wellFormed looks at a head: a first line of three words, header lines with a
// name, no control character in any, one empty line, at the end.
func wellFormed(t *testing.T, r *Request) {
	lines := bytes.Split(r.Head, []byte("\r\n"))
	if n := len(lines); n < 3 || len(lines[n-1]) > 0 || len(lines[n-2]) > 0 {
		t.Fatalf("a head without end: %q", r.Head)
	}
	if words := bytes.Split(lines[0], []byte(" ")); len(words) != 3 || len(words[1]) == 0 || words[1][0] != '/' {
		t.Fatalf("the first line: %q", lines[0])
	}
	for i, line := range lines[:len(lines)-2] {
		name, _ := cut(line, ':')
		if hasControl(line) || i > 0 && !isToken(string(name)) {
			t.Fatalf("a bad line %q", line)
		}
	}
	if r.Origin.Host == "" || r.Origin.Port == "" {
		t.Fatalf("an origin without place: %+v", r.Origin)
	}
}
