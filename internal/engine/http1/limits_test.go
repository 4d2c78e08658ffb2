package http1

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"hyperscale/internal/session"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestHeadIsKept(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"as it is", "A: b\r\nContent-Length: 0\r\n", "A: b\r\nContent-Length: 0\r\n"},
		{"none", "", ""},
		{"bare LF becomes CRLF", "A: b\nB: c\r\nC: d\n", "A: b\r\nB: c\r\nC: d\r\n"},
		{"folds become one space", "A: b\r\n  c\nB:\r\n\td\r\nC: e\r\n", "A: b  c\r\nB: d\r\nC: e\r\n"},
	}
	for _, c := range cases {
		var p Parser
		in := "HTTP/1.1 103 Hints\r\nHint: x\r\n\r\nHTTP/1.1 204 No\r\n" + c.in + "\r\n"
		for _, pieces := range [][]string{{in}, bytewise(in)} {
			if got := read(&p, ask{keepHead: true}, false, pieces...).Head; got != c.want {
				t.Errorf("%s, in %d pieces: %q, want %q", c.name, len(pieces), got, c.want)
			}
		}
		if got := read(&p, ask{}, false, in).Head; got != "" {
			t.Errorf("%s: kept %q though nobody asked", c.name, got)
		}
	}
}

func TestHeadSaysWhatItHas(t *testing.T) {
	cases := []struct {
		head                       string
		cookie, location, encoding bool
	}{
		{"", false, false, false},
		{"SET-cookie: a=b\r\n", true, false, false},
		{"Location: /\r\n", false, true, false},
		{"content-encoding: gzip\r\n", false, false, true},
		{"X-Set-Cookie: a\r\nLocations: b\r\nContent-Encodingx: c\r\n", false, false, false},
	}
	for _, c := range cases {
		var p Parser
		a := read(&p, ask{}, false, "HTTP/1.1 103 H\r\nSet-Cookie: x\r\n\r\nHTTP/1.1 204 No\r\n"+c.head+"\r\n")
		if a.SetsCookie != c.cookie || a.HasLocation != c.location || a.HasEncoding != c.encoding {
			t.Errorf("%q: %+v", c.head, a)
		}
	}
}

func TestBodyIsKeptAsFarAsAsked(t *testing.T) {
	bodies := map[string]string{
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
		"chunks":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n",
		"closing": "HTTP/1.1 200 OK\r\n\r\n0123456789",
	}
	for name, in := range bodies {
		for _, keep := range []int64{0, 1, 4, 5, 9, 10, 11} {
			for _, pieces := range [][]string{{in}, bytewise(in)} {
				var p Parser
				r := read(&p, ask{keep: keep}, true, pieces...)
				if want := "0123456789"[:min(keep, 10)]; r.Body != want || r.BodySize != 10 {
					t.Errorf("%s, keep %d: %q of %d bytes, want %q of 10", name, keep, r.Body, r.BodySize, want)
				}
				if want := 0 < keep && keep < 10; r.TooLarge != want {
					t.Errorf("%s, keep %d: TooLarge %v", name, keep, r.TooLarge)
				}
			}
		}
	}
}

func TestNoBodyWhateverTheHeadSays(t *testing.T) {
	for _, h := range []string{"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", ""} {
		var p Parser
		r := read(&p, ask{noBody: true, keep: 9}, false, "HTTP/1.1 200 OK\r\n"+h+"\r\n")
		if !r.Done || !r.KeepAlive || r.BodySize != 0 {
			t.Errorf("%q: %+v", h, r)
		}
	}
}

func TestHeadTooLarge(t *testing.T) {
	line := "A: " + strings.Repeat("b", 95) + "\r\n" // 100 bytes
	status := "HTTP/1.1 204 No Content\r\n"
	fits := status + strings.Repeat(line, (MaxHead-len(status)-2)/100)
	fits += "B: " + strings.Repeat("c", MaxHead-len(fits)-len("B: \r\n\r\n")) + "\r\n"
	cases := []struct {
		name, in string
		want     session.FaultCode
	}{
		{"just fits", fits + "\r\n", session.NoFault},
		{"one byte more", strings.Replace(fits, "A: ", "A:  ", 1) + "\r\n", session.HeaderTooLarge},
		{"endless line", status + "A: " + strings.Repeat("b", MaxHead), session.HeaderTooLarge},
		{"endless lines", status + strings.Repeat(line, MaxHead/100+1), session.HeaderTooLarge},
		{"endless folds", status + "A: b\r\n" + strings.Repeat(" c\r\n", MaxHead/4), session.HeaderTooLarge},
		{"endless status", "HTTP/1.1 200 " + strings.Repeat("b", MaxHead), session.HeaderTooLarge},
		{"endless interim answers", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", MaxHead/20), session.HeaderTooLarge},
		{"endless trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat(line, MaxHead/100+1), session.HeaderTooLarge},
		{"endless chunk extensions", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("b", MaxHead), session.MalformedAnswer},
	}
	for _, c := range cases {
		for _, keepHead := range []bool{false, true} {
			var p Parser
			half := len(c.in) / 2
			for _, pieces := range [][]string{{c.in}, bytewise(c.in), {c.in[:half], c.in[half:]}} {
				if r := read(&p, ask{keepHead: keepHead}, false, pieces...); r.Fault != c.want {
					t.Errorf("%s in %d pieces: fault %d, want %d", c.name, len(pieces), r.Fault, c.want)
				}
			}
		}
	}
}

// TestManySmallChunks: the limit of a chunk's line is not one of all the lines.
func TestManySmallChunks(t *testing.T) {
	var p Parser
	in := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", MaxHead) + "0\r\n\r\n"
	if r := read(&p, ask{}, false, in); !r.Done || r.BodySize != MaxHead || r.In != int64(len(in)) {
		t.Errorf("%+v", r)
	}
}

// TestHugeBodyInConstantMemory feeds 10 GiB.
func TestHugeBodyInConstantMemory(t *testing.T) {
	const size = 10 << 30
	piece := bytes.Repeat([]byte("x"), 1<<20)
	for name, head := range map[string]string{
		"length": "HTTP/1.1 200 OK\r\nContent-Length: " + itoa(size) + "\r\n\r\n",
		"chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n280000000\r\n",
	} {
		var p Parser
		p.Reset(false, 1000, true)
		p.Feed([]byte(head))
		p.Feed(piece)
		if n := testing.AllocsPerRun(size>>20-2, func() { p.Feed(piece) }); n > 0 {
			t.Errorf("%s: %v allocations per MiB", name, n)
		}
		p.Feed([]byte("\r\n0\r\n\r\n"))
		var a session.Answer
		p.Answer(&a)
		if a.BodySize != size || len(a.Body) != 1000 || !a.TooLarge || !p.KeepAlive() {
			t.Errorf("%s: %d bytes, %d kept, too large %v", name, a.BodySize, len(a.Body), a.TooLarge)
		}
	}
}

const typical = "HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n" +
	"Content-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, World!"

// TestNothingIsAllocated: in the steady state reading costs no allocation, also
// of answers in pieces that are kept.
func TestNothingIsAllocated(t *testing.T) {
	in := []byte(typical)
	for name, lane := range map[string]*Lane{"alone": nil, "on a lane": new(Lane)} {
		var p Parser
		p.Use(lane)
		var a session.Answer
		feed := func(cut int) func() {
			return func() {
				p.Reset(false, 1<<20, true)
				p.Feed(in[:cut])
				if _, done, _, _ := p.Feed(in[cut:]); !done {
					t.Fatal("not done")
				}
				p.Answer(&a)
				p.Drop()
			}
		}
		if n := testing.AllocsPerRun(100, feed(0)); n > 0 {
			t.Errorf("%s: %v allocations for an answer in one piece", name, n)
		}
		if n := testing.AllocsPerRun(100, feed(30)); n > 0 && lane != nil {
			t.Errorf("%s: %v allocations for an answer in two pieces", name, n)
		}
	}
}

// TestOnePieceIsNotCopied: what is kept of it lies in the bytes that were fed.
func TestOnePieceIsNotCopied(t *testing.T) {
	in := []byte(typical)
	var p Parser
	p.Reset(false, 100, true)
	p.Feed(in)
	var a session.Answer
	p.Answer(&a)
	if p.stash != nil || &a.Body[0] != &in[len(in)-13] || &a.Head[0] != &in[17] {
		t.Error("copied")
	}
}

// TestIdleHoldsNothing: after Drop a parser holds no buffers, and lends them on.
func TestIdleHoldsNothing(t *testing.T) {
	var lane Lane
	var p Parser
	p.Use(&lane)
	read(&p, everything, false, bytewise(typical)...)
	p.Drop()
	if p.stash != nil || p.head.view != nil || p.body.view != nil || len(lane.free) != 1 {
		t.Errorf("%+v", p)
	}
	huge := "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1<<20)
	read(&p, everything, true, huge[:100], huge[100:])
	p.Drop()
	if got := cap(lane.free[0].part[bodyOf]); got > maxSpare {
		t.Errorf("a spare buffer of %d bytes", got)
	}
}

// TestAfterTheEnd: a finished or failed answer takes no more bytes.
func TestAfterTheEnd(t *testing.T) {
	var p Parser
	p.Feed([]byte("HTTP/1.1 204 No\r\n\r\n"))
	if n, done, fault, _ := p.Feed([]byte("x")); n != 0 || !done || fault != 0 {
		t.Error("done:", n, done, fault)
	}
	if done, fault, _ := p.EOF(); !done || fault != 0 {
		t.Error("done and closed:", done, fault)
	}
	p.Reset(false, 0, false)
	p.Feed([]byte("x\r\n"))
	if n, done, fault, why := p.Feed([]byte("x")); n != 0 || done || fault.Code() != session.MalformedAnswer || why == "" {
		t.Error("failed:", n, done, fault, why)
	}
	if done, fault, _ := p.EOF(); done || fault.Code() != session.MalformedAnswer {
		t.Error("failed and closed:", done, fault)
	}
	if p.KeepAlive() {
		t.Error("a failed answer leaves a connection to use")
	}
}

func TestStarted(t *testing.T) {
	var p Parser
	p.Reset(false, 0, false)
	if p.Feed(nil); p.Started() {
		t.Error("started by nothing")
	}
	if p.Feed([]byte("H")); !p.Started() || p.BytesIn() != 1 {
		t.Error("not started by a byte")
	}
	if p.Reset(false, 0, false); p.Started() {
		t.Error("started by the answer before")
	}
}

func BenchmarkFeed(b *testing.B) {
	for name, lane := range map[string]*Lane{"alone": nil, "lane": new(Lane)} {
		b.Run(name, func(b *testing.B) {
			in := []byte(typical)
			var p Parser
			p.Use(lane)
			b.ReportAllocs()
			for b.Loop() {
				p.Reset(false, 0, false)
				if _, done, _, _ := p.Feed(in); !done {
					b.Fatal("not done")
				}
			}
		})
	}
}
