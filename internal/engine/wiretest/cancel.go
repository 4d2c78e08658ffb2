package wiretest

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"hyperscale"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// cancelCases are about giving up and closing.
var cancelCases = []testCase{
	{"CancelWaiting", cancelWaiting},
	{"CancelReceiving", cancelReceiving},
	{"CancelSending", cancelSending},
	{"CancelSecuring", cancelSecuring},
	{"CancelConnecting", cancelConnecting},
	{"CancelResolving", cancelResolving},
	{"CancelWhatFailed", cancelWhatFailed},
	{"CancelAtOnce", cancelAtOnce},
	{"CancelEnded", cancelEnded},
	{"CancelOneOfMany", cancelOneOfMany},
	{"CloseAtEveryStage", closeAtEveryStage},
}

// cancel gives x up and looks that it stays away.
func (b *bench) cancel(x *wire.Exchange, want ...wire.Stage) {
	b.Helper()
	if got := b.Driver.Cancel(x); !slices.Contains(want, got) {
		b.Errorf("%q: cancelled at stage %d, want %d", x.Request.Head, got, want)
	}
	if got := b.Driver.Cancel(x); got != wire.Idle {
		b.Errorf("%q: cancelled again at stage %d", x.Request.Head, got)
	}
	b.settle()
	if b.handed[x] != 0 {
		b.Errorf("%q was handed back after Cancel", x.Request.Head)
	}
}

// silent reads requests and answers with a part of an answer. It tells when, and
// how the connection ended.
func silent(part string, said chan struct{}, ended chan error) func(*peer) {
	return func(p *peer) {
		if _, _, ok := p.read(); !ok {
			return
		}
		p.say(part)
		if tell(p, said, struct{}{}) {
			ended <- p.hang()
		}
	}
}

// given up must be a reset, and must not be in the way of the next request.
func cancelAnswering(b *bench, part string, want ...wire.Stage) {
	said, ended := make(chan struct{}), make(chan error, 4)
	s := b.serve(silent(part, said, ended))
	for range 2 {
		x := b.send(get(s.origin(), "/"), nil)
		hear(b, "the request", said)
		b.settle()
		b.cancel(x, want...)
		if err := hear(b, "the end of the connection", ended); !wasReset(err) {
			b.Errorf("the connection ended with %v, want a reset", err)
		}
		b.wantOpen(0)
	}
	s.want(2, 2)
}

func cancelWaiting(b *bench) { cancelAnswering(b, "", wire.Waiting) }

func cancelReceiving(b *bench) { cancelAnswering(b, hello[:len(hello)-1], wire.Receiving) }

// cancelSending gives up a request whose end the server does not take.
func cancelSending(b *bench) {
	accepted, ended := make(chan struct{}), make(chan error, 1)
	s := b.serve(func(p *peer) {
		if tell(p, accepted, struct{}{}) && await(p, p.server.read) {
			ended <- p.hang()
		}
	})
	body := make([]byte, 32<<20)
	x := b.send(request(s.origin(), "POST", "/", body), nil)
	hear(b, "the connection", accepted)
	b.settle()
	b.cancel(x, wire.Sending)
	// The request is its owner's again: the driver must not look at it.
	for i := range body {
		body[i] = 'x'
	}
	give(b, s.read)
	if err := hear(b, "the end of the connection", ended); err == nil || errors.Is(err, io.EOF) {
		b.Errorf("the connection ended with %v, want a reset", err)
	}
	b.wantOpen(0)
	s.want(1, 0)
}

// cancelSecuring gives up a handshake that the server does not answer.
func cancelSecuring(b *bench) {
	accepted, ended := make(chan struct{}), make(chan error, 1)
	s := b.serve(func(p *peer) {
		if tell(p, accepted, struct{}{}) {
			ended <- p.hang()
		}
	})
	x := b.send(get(origin("https", "127.0.0.1", s.port), "/"), nil)
	hear(b, "the connection", accepted)
	b.settle()
	b.cancel(x, wire.Securing)
	hear(b, "the end of the connection", ended)
	b.wantOpen(0)
}

// cancelConnecting gives up an attempt that the system makes wait.
func cancelConnecting(b *bench) {
	port, full := fullBacklog(b)
	if !full {
		b.Skip("no way to have connections wait on this system")
	}
	x := b.send(get(origin("http", "127.0.0.1", port), "/"), nil)
	b.settle()
	b.wantOpen(1)
	b.cancel(x, wire.Connecting)
	b.wantOpen(0)
}

func cancelResolving(b *bench) {
	goOn := b.zone.hold()
	defer goOn()
	x := b.send(get(origin("http", "slow.here", 80), "/"), nil)
	hear(b, "the lookup", b.zone.ask)
	b.cancel(x, wire.Resolving)
	goOn()
	b.settle()
	b.wantOpen(0)
	if b.handed[x] != 0 {
		b.Error("what was cancelled was handed back")
	}
}

// cancelWhatFailed gives up what has failed within Send and is on its way back.
func cancelWhatFailed(b *bench) {
	r := get(origin("http", "nowhere.test", 80), "/")
	b.wantFault(b.do(r), session.NameNotResolved)
	x := b.send(r, nil)
	b.Driver.Cancel(x)
	b.settle()
	if b.handed[x] != 0 {
		b.Error("what was cancelled was handed back")
	}
}

// cancelAtOnce gives up, and uses the exchange again, before anything happened.
func cancelAtOnce(b *bench) {
	s := b.serve(always(hello))
	x := b.send(get(s.origin(), "/"), nil)
	for range 20 {
		b.Driver.Cancel(x)
		b.again(x)
	}
	b.wantAnswer(b.wait(x), 200, 5)
	b.settle()
	b.wantOpen(1)
	if b.handed[x] != 1 {
		b.Errorf("handed back %d times", b.handed[x])
	}
}

func cancelEnded(b *bench) {
	s := b.serve(always(hello))
	x := b.do(get(s.origin(), "/"))
	end := x.Answer.End
	b.cancelledNothing(x)
	if b.wantAnswer(x, 200, 5); x.Answer.End != end {
		b.Error("the results were changed")
	}
	b.wantOpen(1)
}

func (b *bench) cancelledNothing(x *wire.Exchange) {
	b.Helper()
	if got := b.Driver.Cancel(x); got != wire.Idle {
		b.Errorf("cancelled at stage %d what had ended", got)
	}
}

// cancelOneOfMany: the others don't notice.
func cancelOneOfMany(b *bench) {
	answer := make(chan struct{})
	s := b.serve(func(p *peer) {
		if _, _, ok := p.read(); ok && await(p, answer) {
			p.say(hello)
			_ = p.hang()
		}
	})
	var xs []*wire.Exchange
	for i := range 9 {
		p := []hyperscale.ConnPolicy{hyperscale.ConnPerVU, hyperscale.ConnShared, hyperscale.ConnPerRequest}[i%3]
		xs = append(xs, b.send(get(s.origin(policy(p)), "/"), nil))
	}
	b.until("all requests to be read", func() bool { return s.hits.Load() == 9 })
	for i, x := range xs {
		if i%2 == 0 {
			b.Driver.Cancel(x)
		}
	}
	b.wantOpen(4)
	close(answer)
	for i, x := range xs {
		if i%2 == 1 {
			b.wantAnswer(b.wait(x), 200, 5)
		} else if b.handed[x] != 0 {
			b.Error("what was cancelled was handed back")
		}
	}
	s.want(9, 9)
}

// closeAtEveryStage: Close leaves nothing, wherever the exchanges are.
func closeAtEveryStage(b *bench) {
	said, ended := make(chan struct{}), make(chan error, 16)
	waiting := b.serve(silent("", said, ended))
	receiving := b.serve(silent(hello[:10], said, ended))
	idle := b.serve(func(p *peer) {
		if _, _, ok := p.read(); ok {
			p.say(hello)
			ended <- p.hang()
		}
	})
	securing := b.serve(func(p *peer) {
		if tell(p, said, struct{}{}) {
			ended <- p.hang()
		}
	})
	b.wantAnswer(b.do(get(idle.origin(), "/")), 200, 5)
	b.wantAnswer(b.do(get(idle.origin(policy(hyperscale.ConnShared)), "/")), 200, 5)
	goOn := b.zone.hold()
	defer goOn()
	b.send(get(waiting.origin(), "/"), nil)
	b.send(get(receiving.origin(), "/"), nil)
	b.send(request(securing.origin(), "POST", "/", bytes.Repeat([]byte("x"), 32<<20)), nil)
	b.send(get(origin("https", "127.0.0.1", securing.port), "/"), nil)
	b.send(get(origin("http", "slow.here", 80), "/"), nil)
	for range 4 {
		hear(b, "the requests", said)
	}
	b.settle()
	b.close()
	for range 6 {
		<-ended
	}
	goOn()
}
