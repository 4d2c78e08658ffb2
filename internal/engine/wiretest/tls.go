package wiretest

import (
	"crypto/tls"
	"net"

	"hyperscale"
	"hyperscale/internal/session"
)

// tlsCases are about encrypted connections.
var tlsCases = []testCase{
	{"TLS", tlsAnswers},
	{"TLSNames", tlsNames},
	{"TLSHandshakeFails", tlsHandshakeFails},
	{"TLSClosedWithoutGoodbye", tlsClosedWithoutGoodbye},
	{"TLSCutInARecord", tlsCutInARecord},
	{"TLSClosedWhenIdle", tlsClosedWhenIdle},
	{"TLSHugeBody", tlsHugeBody},
}

func tlsAnswers(b *bench) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := b.certs.server(b.certs.good)
		cfg.MaxVersion = version
		cfg.NextProtos = []string{"http/1.1"}
		s := b.serveTLS(cfg, always(hello))
		for i := range 3 {
			r := get(s.origin(b.certs.trusted), "/")
			x := b.do(r)
			b.wantAnswer(x, 200, 5)
			if p := x.Phases; (p.Connect >= 0) != (i == 0) || (p.TLS >= 0) != (i == 0) {
				b.Errorf("request %d: phases %+v", i, p)
			}
			if x.BytesIn != int64(len(hello)) || x.BytesOut != int64(len(r.Head)) {
				b.Errorf("%d bytes in and %d out: want those before TLS", x.BytesIn, x.BytesOut)
			}
		}
		s.want(1, 3)
	}
	s := b.serveTLS(b.certs.server(b.certs.good), once("HTTP/1.1 200 OK\r\n\r\nuntil the end"))
	b.wantAnswer(b.do(get(s.origin(b.certs.trusted), "/")), 200, 13)
}

// tlsNames tries what certificates are checked for.
func tlsNames(b *bench) {
	insecure := func(t *hyperscale.Transport) { t.TLS.Insecure = true }
	named := func(name string) option { return func(t *hyperscale.Transport) { t.TLS.ServerName = name } }
	for _, c := range []struct {
		name    string
		cert    tls.Certificate
		host    string
		options []option
		want    session.FaultCode
	}{
		{"name", b.certs.good, "good.here", []option{b.certs.trusted}, 0},
		{"address", b.certs.good, "127.0.0.1", []option{b.certs.trusted}, 0},
		{"wrong name", b.certs.good, "bad.here", []option{b.certs.trusted}, session.TLSFailed},
		{"wrong address", b.certs.other, "127.0.0.1", []option{b.certs.trusted}, session.TLSFailed},
		{"name given", b.certs.good, "bad.here", []option{b.certs.trusted, named("good.here")}, 0},
		{"wrong name given", b.certs.good, "good.here", []option{b.certs.trusted, named("bad.here")}, session.TLSFailed},
		{"expired", b.certs.expired, "good.here", []option{b.certs.trusted}, session.TLSFailed},
		{"unknown authority", b.certs.good, "good.here", nil, session.TLSFailed},
		{"insecure", b.certs.expired, "bad.here", []option{insecure}, 0},
	} {
		s := b.serveTLS(b.certs.server(c.cert), always(hello))
		x := b.do(get(origin("https", c.host, s.port, c.options...), "/"))
		b.wantFault(x, c.want)
		if c.want == 0 {
			b.wantAnswer(x, 200, 5)
			continue
		}
		if x.Text == "" || x.Phases.TLS >= 0 || x.Phases.Connect < 0 {
			b.Errorf("%s: %q, phases %+v", c.name, x.Text, x.Phases)
		}
		s.want(1, 0)
	}
}

// tlsHandshakeFails tries servers that don't shake hands.
func tlsHandshakeFails(b *bench) {
	demanding := b.certs.server(b.certs.good)
	demanding.ClientAuth = tls.RequireAnyClientCert
	old := b.certs.server(b.certs.good)
	old.MaxVersion = tls.VersionTLS12
	modern := func(t *hyperscale.Transport) { t.TLS.Min = "1.3" }
	for _, c := range []struct {
		name    string
		server  *server
		options []option
		want    session.FaultCode
	}{
		{"not TLS", b.serve(func(p *peer) { p.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"); _ = p.hang() }), nil, session.TLSFailed},
		{"closed", b.serve(func(p *peer) { _, _ = p.r.Peek(20); drain(p) }), nil, session.TLSFailed},
		{"reset", b.serve(func(p *peer) { _, _ = p.r.Peek(20); p.reset() }), nil, session.ConnectionReset},
		{"too old", b.serveTLS(old, always(hello)), []option{modern}, session.TLSFailed},
		{"certificate wanted", b.serveTLS(demanding, always(hello)), nil, session.TLSFailed},
		{"certificate shown", b.serveTLS(demanding, always(hello)), []option{b.certs.showing}, 0},
		{"bad certificate of ours", b.serveTLS(demanding, always(hello)), []option{unreadable}, session.TLSFailed},
	} {
		options := append([]option{b.certs.trusted}, c.options...)
		for range 2 {
			x := b.do(get(origin("https", "good.here", c.server.port, options...), "/"))
			if b.wantFault(x, c.want); c.want != 0 && x.Text == "" {
				b.Errorf("%s: no sample of the cause", c.name)
			}
		}
		if hits := c.server.hits.Load(); c.want != 0 && hits != 0 {
			b.Errorf("%s: %d requests were seen", c.name, hits)
		}
	}
}

// drain reads what is there, so that closing is no reset.
func drain(p *peer) { _, _ = p.r.Discard(p.r.Buffered()) }

// unreadable is a certificate that is none.
func unreadable(t *hyperscale.Transport) { t.TLS.Cert, t.TLS.Key = []byte("x"), []byte("y") }

// tlsClosedWithoutGoodbye: many servers don't say it; between records that is
// the end.
func tlsClosedWithoutGoodbye(b *bench) {
	for answer, want := range map[string]session.FaultCode{
		"HTTP/1.1 200 OK\r\n\r\nhello":                      session.NoFault,
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello": session.AnswerCutShort,
		"": session.ClosedBeforeAnswer,
	} {
		s := b.serveTLS(b.certs.server(b.certs.good), func(p *peer) {
			if _, _, ok := p.read(); ok {
				p.say(answer)
				_ = p.raw.Close()
			}
		})
		x := b.do(get(s.origin(b.certs.trusted), "/"))
		if b.wantFault(x, want); want == session.NoFault {
			b.wantAnswer(x, 200, 5)
		}
		b.wantOpen(0)
		s.want(1, 1)
	}
}

// tlsCutInARecord: an end inside a record is none, whatever the answer says.
func tlsCutInARecord(b *bench) {
	for _, answer := range []string{"HTTP/1.1 200 OK\r\n\r\nhello", hello} {
		s := b.serve(func(p *peer) {
			half := &halfWriter{Conn: p.raw}
			c := tls.Server(half, b.certs.server(b.certs.good))
			p.Conn = c
			p.r.Reset(c)
			if _, _, ok := p.read(); !ok {
				return
			}
			p.say(answer[:17])
			half.cut = true
			p.say(answer[17:])
		})
		x := b.do(get(origin("https", "127.0.0.1", s.port, b.certs.trusted), "/"))
		b.wantFault(x, session.AnswerCutShort)
		b.wantOpen(0)
	}
}

// halfWriter writes half of what it is given once cut is set, and closes.
type halfWriter struct {
	net.Conn
	cut bool
}

func (h *halfWriter) Write(b []byte) (int, error) {
	if !h.cut {
		return h.Conn.Write(b)
	}
	n, _ := h.Conn.Write(b[:len(b)/2])
	_ = h.Conn.Close()
	return n, net.ErrClosed
}

func tlsClosedWhenIdle(b *bench) {
	over := make(chan struct{})
	s := b.serveTLS(b.certs.server(b.certs.good), func(p *peer) {
		if _, _, ok := p.read(); !ok {
			return
		}
		if p.say(hello); await(p, over) {
			_ = p.Close() // with a goodbye
		}
	})
	for range 3 {
		b.wantAnswer(b.do(get(s.origin(b.certs.trusted), "/")), 200, 5)
		b.wantOpen(1)
		give(b, over)
		b.wantOpen(0)
	}
	s.want(3, 3)
}

func tlsHugeBody(b *bench) {
	const pieces = 32
	s := b.serveTLS(b.certs.server(b.certs.good), func(p *peer) {
		if _, _, ok := p.read(); !ok {
			return
		}
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		piece := string(make([]byte, 1<<20))
		for range pieces {
			p.say("100000\r\n" + piece + "\r\n")
		}
		p.say("0\r\n\r\n")
		_ = p.hang()
	})
	b.wantAnswer(b.do(get(s.origin(b.certs.trusted), "/")), 200, pieces<<20)
}
