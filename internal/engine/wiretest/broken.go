package wiretest

import (
	"fmt"
	"net"
	"strings"

	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// brokenCases are about targets that don't do as they should.
var brokenCases = []testCase{
	{"Broken", broken},
	{"MoreThanAsked", moreThanAsked},
	{"MoreWhenIdle", moreWhenIdle},
	{"ClosedWhenIdle", closedWhenIdle},
	{"ClosedUnderManyIdle", closedUnderManyIdle},
	{"HalfClosed", halfClosed},
	{"EndlessHead", endlessHead},
	{"Refused", refused},
	{"NoSuchName", noSuchName},
	{"NameFoundLater", nameFoundLater},
	{"NoDescriptor", noDescriptor},
}

// reset, at the end of a script, is a reset in place of a close.
const reset = "<RESET>"

// broken has each server answer once and end the connection. The request must
// fail as it should, be seen once, and not be in the way of the next one.
func broken(b *bench) {
	for _, c := range []struct {
		name, answer string
		want         session.FaultCode
	}{
		{"nothing", "", session.ClosedBeforeAnswer},
		{"nothing but an interim answer", "HTTP/1.1 100 Continue\r\n\r\n", session.ClosedBeforeAnswer},
		{"half a status line", "HTTP/1.", session.AnswerCutShort},
		{"half a head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", session.AnswerCutShort},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", session.AnswerCutShort},
		{"half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", session.AnswerCutShort},
		{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", session.AnswerCutShort},
		{"reset", reset, session.ConnectionReset},
		{"reset in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel" + reset, session.ConnectionReset},
		{"reset without a length", "HTTP/1.1 200 OK\r\n\r\nhel" + reset, session.ConnectionReset},
		{"no HTTP", "220 smtp.example ESMTP\r\n", session.MalformedAnswer},
		{"bad status", "HTTP/1.1 OK\r\n\r\n", session.MalformedAnswer},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", session.MalformedAnswer},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", session.MalformedAnswer},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", session.MalformedAnswer},
		{"switching", "HTTP/1.1 101 Switching Protocols\r\n\r\n", session.MalformedAnswer},
		{"large head", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", session.HeaderTooLarge},
	} {
		s := b.serve(func(p *peer) {
			if _, _, ok := p.read(); !ok {
				return
			}
			text, resets := strings.CutSuffix(c.answer, reset)
			if p.say(text); !resets {
				return
			}
			// A reset throws away what was not read: let the other side read.
			if text != "" && !await(p, p.server.read) {
				return
			}
			p.reset()
		})
		r := get(s.origin(), "/"+strings.ReplaceAll(c.name, " ", "-"))
		for range 2 {
			x := b.send(r, nil)
			s.letRead(c.answer)
			b.wait(x)
			b.wantFault(x, c.want)
			if x.BytesOut != int64(len(r.Head)) {
				b.Errorf("%s: %d bytes out of %d", c.name, x.BytesOut, len(r.Head))
			}
		}
		s.want(2, 2)
		b.wantOpen(0)
	}
}

// letRead tells a server that is about to reset that its answer was read.
func (s *server) letRead(answer string) {
	text, resets := strings.CutSuffix(answer, reset)
	if text == "" || !resets {
		return
	}
	give(s.bench, s.read)
}

// moreThanAsked: an answer that is followed by more stands, and the connection
// is not used again.
func moreThanAsked(b *bench) {
	s := b.serve(always(hello + hello))
	for range 2 {
		b.wantAnswer(b.do(get(s.origin(), "/")), 200, 5)
	}
	s.want(2, 2)
	b.wantOpen(0)
}

// moreWhenIdle: so is one on which bytes come that nobody asked for.
func moreWhenIdle(b *bench) {
	more := make(chan struct{})
	s := b.serve(func(p *peer) {
		if _, _, ok := p.read(); !ok {
			return
		}
		if p.say(hello); await(p, more) {
			p.say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
		}
		_ = p.hang()
	})
	for range 2 {
		b.wantAnswer(b.do(get(s.origin(), "/")), 200, 5)
		b.wantOpen(1)
		give(b, more)
		b.wantOpen(0)
	}
	s.want(2, 2)
}

// closedWhenIdle: the next request opens another connection and is answered.
func closedWhenIdle(b *bench) {
	for _, resets := range []bool{false, true} {
		over := make(chan struct{})
		s := b.serve(func(p *peer) {
			if _, _, ok := p.read(); !ok {
				return
			}
			if p.say(hello); await(p, over) && resets {
				p.reset()
			}
		})
		for range 3 {
			b.wantAnswer(b.do(get(s.origin(), "/")), 200, 5)
			b.wantOpen(1)
			give(b, over)
			b.wantOpen(0)
		}
		s.want(3, 3)
	}
}

// closedUnderManyIdle closes some of an owner's connections, in any order.
func closedUnderManyIdle(b *bench) {
	const conns = 9
	answer, over := make(chan struct{}), make(chan struct{})
	s := b.serve(func(p *peer) {
		if _, _, ok := p.read(); !ok || !await(p, answer) {
			return
		}
		if p.say(hello); p.server.conns.Load() <= conns {
			await(p, over)
		} else {
			_ = p.hang()
		}
	})
	var xs []*wire.Exchange
	for range conns {
		xs = append(xs, b.send(get(s.origin(), "/"), nil))
	}
	b.until("all connections to be open", func() bool { return s.hits.Load() == conns })
	close(answer)
	for _, x := range xs {
		b.wantAnswer(b.wait(x), 200, 5)
	}
	for left := conns - 1; left >= 0; left-- {
		b.wantOpen(left + 1)
		give(b, over)
		b.wantOpen(left)
	}
	b.wantAnswer(b.do(get(s.origin(), "/")), 200, 5)
	s.want(conns+1, conns+1)
}

// halfClosed: a server that sends no more but goes on reading.
func halfClosed(b *bench) {
	for _, c := range []struct {
		answer string
		want   session.FaultCode
	}{
		{"HTTP/1.1 200 OK\r\n\r\nhello", session.NoFault},
		{hello, session.NoFault},
		{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", session.AnswerCutShort},
		{"", session.ClosedBeforeAnswer},
	} {
		ended := make(chan error, 2)
		s := b.serve(func(p *peer) {
			if _, _, ok := p.read(); !ok {
				return
			}
			p.say(c.answer)
			_ = p.raw.CloseWrite()
			ended <- p.hang()
		})
		x := b.do(get(s.origin(), "/"))
		if b.wantFault(x, c.want); c.want == session.NoFault {
			b.wantAnswer(x, 200, 5)
		}
		hear(b, "our side to be closed too", ended)
		b.wantOpen(0)
		s.want(1, 1)
	}
}

// endlessHead: it is given up at the limit, not at the end of memory.
func endlessHead(b *bench) {
	ended := make(chan struct{}, 1)
	s := b.serve(func(p *peer) {
		if _, _, ok := p.read(); !ok {
			return
		}
		p.say("HTTP/1.1 200 OK\r\n")
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(p, "Header-%d: x\r\n", i); err != nil {
				ended <- struct{}{}
				return
			}
		}
	})
	b.wantFault(b.do(get(s.origin(), "/")), session.HeaderTooLarge)
	hear(b, "the connection to be given up", ended)
	b.wantOpen(0)
}

func refused(b *bench) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	for range 2 {
		x := b.do(get(origin("http", "127.0.0.1", port), "/"))
		b.wantFault(x, session.ConnectionRefused)
		if p := x.Phases; p.Connect >= 0 || p.TLS >= 0 || p.FirstByte >= 0 || p.Transfer >= 0 || x.BytesOut != 0 {
			b.Errorf("phases %+v, %d bytes out", p, x.BytesOut)
		}
		b.wantOpen(0)
	}
}

func noSuchName(b *bench) {
	for range 2 {
		x := b.do(get(origin("http", "nowhere.test", 80), "/"))
		if b.wantFault(x, session.NameNotResolved); x.Text == "" {
			b.Error("no sample of the cause")
		}
		b.wantOpen(0)
	}
}

// nameFoundLater: while a name is looked up nothing else waits.
func nameFoundLater(b *bench) {
	s := b.serve(always(hello))
	goOn := b.zone.hold()
	defer goOn()
	o := s.origin()
	later := origin("http", "later.here", s.port)
	xs := []*wire.Exchange{b.send(get(later, "/1"), nil), b.send(get(later, "/2"), nil), b.send(get(later, "/3"), nil)}
	hear(b, "the lookup", b.zone.ask)
	b.wantAnswer(b.do(get(o, "/")), 200, 5)
	if got := b.Driver.Cancel(xs[1]); got != wire.Resolving {
		b.Errorf("cancelled at stage %d", got)
	}
	goOn()
	b.wantAnswer(b.wait(xs[0]), 200, 5)
	b.wantAnswer(b.wait(xs[2]), 200, 5)
	if b.handed[xs[1]] != 0 {
		b.Error("what was cancelled was handed back")
	}
	s.want(3, 3)
}
