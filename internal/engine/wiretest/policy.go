package wiretest

import (
	"hyperscale"
	"hyperscale/internal/engine/wire"
)

// policyCases are about who uses which connection, and for how long.
var policyCases = []testCase{
	{"PerVU", perVU},
	{"PerIteration", perIteration},
	{"PerRequest", perRequest},
	{"Shared", shared},
	{"SideBySide", sideBySide},
	{"OriginsApart", originsApart},
	{"ReleaseUnderWay", releaseUnderWay},
	{"ReleaseIsClosed", releaseIsClosed},
	{"OwnersComeAndGo", ownersComeAndGo},
}

// turns sends n requests for each owner, one after the other.
func (b *bench) turns(s *server, p hyperscale.ConnPolicy, n int, owners ...*wire.Owner) {
	b.Helper()
	for range n {
		for _, o := range owners {
			b.wantAnswer(b.wait(b.send(get(s.origin(policy(p)), "/"), o)), 200, 5)
		}
	}
}

func perVU(b *bench) {
	s := b.serve(always(hello))
	one, two := &wire.Owner{}, &wire.Owner{}
	b.turns(s, hyperscale.ConnPerVU, 3, one, two)
	s.want(2, 6)
	b.Driver.Release(one, hyperscale.ConnPerIteration) // not what its connections are
	b.turns(s, hyperscale.ConnPerVU, 1, one, two)
	s.want(2, 8)
	b.Driver.Release(one, hyperscale.ConnPerVU)
	b.wantOpen(1)
	if one.Conns != nil {
		b.Error("the owner still holds something")
	}
	b.turns(s, hyperscale.ConnPerVU, 1, one, two)
	s.want(3, 10)
	b.wantOpen(2)
}

func perIteration(b *bench) {
	s := b.serve(always(hello))
	kept := b.serve(always(hello))
	o := &wire.Owner{}
	b.turns(s, hyperscale.ConnPerIteration, 2, o)
	b.turns(kept, hyperscale.ConnPerVU, 2, o)
	s.want(1, 2)
	b.Driver.Release(o, hyperscale.ConnPerIteration)
	b.wantOpen(1)
	b.turns(s, hyperscale.ConnPerIteration, 2, o)
	b.turns(kept, hyperscale.ConnPerVU, 2, o)
	s.want(2, 4)
	kept.want(1, 4)
	b.Driver.Release(o, hyperscale.ConnPerVU) // the end of the virtual user is the end of all
	b.wantOpen(0)
}

func perRequest(b *bench) {
	s := b.serve(always(hello))
	b.turns(s, hyperscale.ConnPerRequest, 3, &b.owner)
	s.want(3, 3)
	b.wantOpen(0)
}

func shared(b *bench) {
	s := b.serve(always(hello))
	one, two := &wire.Owner{}, &wire.Owner{}
	b.turns(s, hyperscale.ConnShared, 3, one, two)
	s.want(1, 6)
	b.Driver.Release(one, hyperscale.ConnPerVU)
	b.Driver.Release(two, hyperscale.ConnPerVU)
	b.wantOpen(1) // it was nobody's
	b.turns(s, hyperscale.ConnShared, 1, one)
	s.want(1, 7)
}

// sideBySide: requests of one owner at the same time have a connection each, and
// later ones use them again.
func sideBySide(b *bench) {
	for _, p := range []hyperscale.ConnPolicy{hyperscale.ConnPerVU, hyperscale.ConnShared} {
		answer := make(chan struct{})
		s := b.serve(func(p *peer) {
			for {
				if _, _, ok := p.read(); !ok || !await(p, answer) {
					return
				}
				p.say(hello)
			}
		})
		for round := range int64(3) {
			var xs []*wire.Exchange
			for range 4 {
				xs = append(xs, b.send(get(s.origin(policy(p)), "/"), nil))
			}
			b.until("four requests to be there at once", func() bool { return s.hits.Load() == 4*round+4 })
			for range 4 {
				give(b, answer)
			}
			for _, x := range xs {
				b.wantAnswer(b.wait(x), 200, 5)
			}
		}
		s.want(4, 12)
	}
}

// originsApart: connections are told apart by the origin's key.
func originsApart(b *bench) {
	s := b.serve(always(hello))
	for range 2 {
		b.wantAnswer(b.do(get(s.origin(), "/")), 200, 5) // an equal origin at another address
		b.wantAnswer(b.do(get(origin("http", "a.here", s.port), "/")), 200, 5)
		b.wantAnswer(b.do(get(origin("http", "b.here", s.port), "/")), 200, 5)
	}
	s.want(3, 6)
}

// releaseUnderWay: what is under way is handed back all the same, its connection
// is gone afterwards, and its owner may have begun anew.
func releaseUnderWay(b *bench) {
	answer := make(chan struct{})
	slow := b.serve(func(p *peer) {
		if _, _, ok := p.read(); ok && await(p, answer) {
			p.say(hello)
			_ = p.hang()
		}
	})
	s := b.serve(always(hello))
	o := &wire.Owner{}
	x := b.send(get(slow.origin(), "/"), o)
	b.until("the request to be read", func() bool { return slow.hits.Load() == 1 })
	b.Driver.Release(o, hyperscale.ConnPerVU)
	*o = wire.Owner{}
	b.turns(s, hyperscale.ConnPerVU, 1, o)
	close(answer)
	b.wantAnswer(b.wait(x), 200, 5)
	b.wantOpen(1)
	b.turns(s, hyperscale.ConnPerVU, 1, o)
	slow.want(1, 1)
	s.want(1, 2)
}

func releaseIsClosed(b *bench) {
	ended := make(chan error, 1)
	s := b.serve(func(p *peer) {
		if _, _, ok := p.read(); ok {
			p.say(hello)
			ended <- p.hang()
		}
	})
	o := &wire.Owner{}
	b.turns(s, hyperscale.ConnPerVU, 1, o)
	b.Driver.Release(o, hyperscale.ConnPerVU)
	if err := hear(b, "the end of the connection", ended); !wasReset(err) {
		b.Errorf("the connection ended with %v, want a reset: else its port is not free", err)
	}
}

// ownersComeAndGo: nothing of them stays.
func ownersComeAndGo(b *bench) {
	s := b.serve(always(hello))
	for range 200 {
		o := &wire.Owner{}
		b.turns(s, hyperscale.ConnPerVU, 1, o)
		b.Driver.Release(o, hyperscale.ConnPerVU)
	}
	b.wantOpen(0)
	s.want(200, 200)
}
