package http1

import (
	"strings"
	"testing"
)

// TestKnownHeadOfAnotherRequest: what is known of a head is what it says, not
// what followed from the request it answered.
func TestKnownHeadOfAnotherRequest(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n"
	var p Parser
	p.Use(new(Lane))
	if r := read(&p, ask{}, true, head); !r.Done || r.KeepAlive || r.In != int64(len(head)) {
		t.Errorf("first: %+v", r)
	}
	if r := read(&p, ask{noBody: true, keepHead: true}, false, head); !r.Done || !r.KeepAlive || !r.SetsCookie || r.Head == "" {
		t.Errorf("then without a body: %+v", r)
	}
	if r := read(&p, ask{}, false, "X", head); brief(r) != `malformed: not a status line: "XHTTP/1.1 200 OK"` {
		t.Errorf("then behind something else: %+v", r)
	}
	if r := read(&p, ask{keep: 9}, true, head[:len(head)-2], "\r\nbody"); r.Body != "body" || r.Head != "" {
		t.Errorf("then in pieces: %+v", r)
	}
}

// TestKnownHeadsAreLookedUp: else knowing them would be of no use.
func TestKnownHeadsAreLookedUp(t *testing.T) {
	var p Parser
	p.Use(new(Lane))
	read(&p, ask{}, false, typical)
	h := p.lane.known([]byte(typical))
	if want := len(typical) - 13; len(h.text) != want {
		t.Fatalf("knows %d bytes, want %d", len(h.text), want)
	}
	h.status = 299 // what only one who looks it up can read
	if r := read(&p, ask{}, false, typical); r.Status != 299 || r.BodySize != 13 {
		t.Errorf("%+v", r)
	}
	long := strings.Replace(typical, "nginx", strings.Repeat("n", maxKnown), 1)
	if read(&p, ask{}, false, long); len(p.lane.known([]byte(long)).text) > maxKnown {
		t.Error("knows a head that is too long")
	}
}

// TestInterimHeadsAreNotKnown: they would be taken for answers.
func TestInterimHeadsAreNotKnown(t *testing.T) {
	const interim, last = "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n"
	var p Parser
	p.Use(new(Lane))
	for range 2 {
		if r := read(&p, ask{}, false, interim, last); !r.Done || r.Status != 204 {
			t.Errorf("%+v", r)
		}
	}
}
