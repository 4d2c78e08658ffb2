package wiretest

import (
	"runtime"
	"strconv"
	"strings"

	"hyperscale"
	"hyperscale/internal/engine/wire"
)

// answerCases are about answers that are as they should be.
var answerCases = []testCase{
	{"KeepAlive", keepAlive},
	{"Answers", answers},
	{"SplitAnywhere", splitAnywhere},
	{"SlowTrickle", slowTrickle},
	{"WhatIsKept", whatIsKept},
	{"HugeBody", hugeBody},
	{"IdleHoldsNothing", idleHoldsNothing},
	{"SendFromDone", sendFromDone},
	{"RequestsAreLeftAlone", requestsAreLeftAlone},
	{"EveryRequestOnce", everyRequestOnce},
}

func keepAlive(b *bench) {
	s := b.serve(always(hello))
	r := get(s.origin(), "/")
	for i := range 3 {
		x := b.do(r)
		b.wantAnswer(x, 200, 5)
		if connects := x.Phases.Connect >= 0; connects != (i == 0) || x.Phases.TLS >= 0 {
			b.Errorf("request %d: phases %+v", i, x.Phases)
		}
		if in, out := int64(len(hello)), int64(len(r.Head)); x.BytesIn != in || x.BytesOut != out {
			b.Errorf("request %d: %d bytes in and %d out, want %d and %d", i, x.BytesIn, x.BytesOut, in, out)
		}
		if x.Stage != wire.Idle || x.Answer.Head != nil || x.Answer.Body != nil {
			b.Errorf("request %d: stage %d, kept %q %q", i, x.Stage, x.Answer.Head, x.Answer.Body)
		}
	}
	s.want(1, 3)
	b.wantOpen(1)
}

// answers sends two requests for each answer: the second tells whether the
// connection was used again.
func answers(b *bench) {
	for _, c := range []struct {
		name, method, answer string
		status               int
		size                 int64
		again                bool
	}{
		{"length", "GET", hello, 200, 5, true},
		{"no body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, true},
		{"chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: x\r\n\r\n", 200, 6, true},
		{"interim", "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + hello, 200, 5, true},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, 0, true},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, 0, true},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 200, 0, true},
		{"404", "GET", "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", 404, 1, true},
		{"redirect", "GET", "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302, 0, true},
		{"compressed", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz", 200, 3, true},
		{"says close", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", 200, 5, false},
		{"1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, 5, false},
		{"1.0 stays", "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", 200, 5, true},
	} {
		s := b.serve(always(c.answer))
		r := request(s.origin(), c.method, "/"+strings.ReplaceAll(c.name, " ", "-"), nil)
		b.wantAnswer(b.do(r), c.status, c.size)
		b.wantAnswer(b.do(r), c.status, c.size)
		s.want(map[bool]int64{true: 1, false: 2}[c.again], 2)
	}
	s := b.serve(once("HTTP/1.1 200 OK\r\n\r\nuntil the end"))
	b.wantAnswer(b.do(get(s.origin(), "/close")), 200, 13)
	b.wantAnswer(b.do(get(s.origin(), "/close")), 200, 13)
	s.want(2, 2)
}

// splitAnywhere has answers arrive in two pieces, cut at every byte.
func splitAnywhere(b *bench) {
	for _, answer := range []string{
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n",
	} {
		wrote, more := make(chan int), make(chan struct{})
		s := b.serve(func(p *peer) {
			for cut := 1; cut < len(answer); cut++ {
				if _, _, ok := p.read(); !ok {
					return
				}
				p.say(answer[:cut])
				if !tell(p, wrote, cut) || !await(p, more) {
					return
				}
				p.say(answer[cut:])
			}
		})
		r := get(s.origin(), "/")
		r.Keep, r.KeepHead = 100, true
		for range len(answer) - 1 {
			x := b.send(r, nil)
			cut := hear(b, "the first piece", wrote)
			b.Turn(breath / 10)
			give(b, more)
			b.wait(x)
			if b.wantAnswer(x, 200, 5); string(x.Answer.Body) != "hello" || x.BytesIn != int64(len(answer)) {
				b.Errorf("cut at %d: body %q, %d bytes of %d", cut, x.Answer.Body, x.BytesIn, len(answer))
			}
		}
		s.want(1, int64(len(answer)-1))
	}
}

func slowTrickle(b *bench) {
	next := make(chan struct{})
	s := b.serve(func(p *peer) {
		if _, _, ok := p.read(); !ok {
			return
		}
		for i := range hello {
			if !await(p, next) {
				return
			}
			p.say(hello[i : i+1])
		}
		_ = p.hang()
	})
	x := b.send(get(s.origin(), "/"), nil)
	for range len(hello) {
		give(b, next)
		b.Turn(breath / 10)
	}
	b.wantAnswer(b.wait(x), 200, 5)
	if x.Phases.Transfer <= 0 {
		b.Errorf("phases %+v of a slow answer", x.Phases)
	}
	s.want(1, 1)
}

func whatIsKept(b *bench) {
	body := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	head := "Set-Cookie: a=b\r\nLocation: /x\r\nContent-Encoding: gzip\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	s := b.serve(always("HTTP/1.1 200 OK\r\n" + head + "\r\n" + body))
	for _, keep := range []int64{0, 1, 100_000, 1 << 20, 2 << 20} {
		for _, keepHead := range []bool{false, true} {
			r := get(s.origin(), "/"+strconv.FormatInt(keep, 10))
			r.Keep, r.KeepHead = keep, keepHead
			x := b.do(r)
			b.wantAnswer(x, 200, 1<<20)
			want := body[:min(keep, 1<<20)]
			if a := x.Answer; string(a.Body) != want || a.TooLarge != (keep > 0 && keep < 1<<20) {
				b.Errorf("keep %d: %d bytes, too large %v", keep, len(a.Body), a.TooLarge)
			}
			if a := x.Answer; keepHead && string(a.Head) != head || !keepHead && len(a.Head) > 0 {
				b.Errorf("head kept (%v): %q", keepHead, a.Head)
			}
			if a := x.Answer; !a.SetsCookie || !a.HasLocation || !a.HasEncoding {
				b.Errorf("the head was not understood: %+v", a)
			}
		}
	}
	s.want(1, 10)
}

// hugeBody takes 512 MiB and does not hold them.
func hugeBody(b *bench) {
	const size = 512 << 20
	piece := strings.Repeat("x", 1<<20)
	s := b.serve(func(p *peer) {
		if _, _, ok := p.read(); !ok {
			return
		}
		p.say("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(size) + "\r\n\r\n")
		for range size / len(piece) {
			p.say(piece)
		}
		_ = p.hang()
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := get(s.origin(), "/")
	r.Keep = 1000
	x := b.do(r)
	runtime.ReadMemStats(&after)
	b.wantAnswer(x, 200, size)
	if len(x.Answer.Body) != 1000 || !x.Answer.TooLarge {
		b.Errorf("kept %d bytes", len(x.Answer.Body))
	}
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
		b.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

// idleHoldsNothing: what was kept of answers does not stay with the connections.
func idleHoldsNothing(b *bench) {
	const conns = 100
	s := b.serve(always("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<20)))
	r := get(s.origin(), "/")
	r.Keep = 1 << 20
	before := live()
	x := &wire.Exchange{Request: r}
	for range conns {
		x.Owner = &wire.Owner{}
		b.again(x)
		b.wantAnswer(b.wait(x), 200, 1<<20)
	}
	x.Answer.Body = nil
	b.settle()
	if grown := live() - before; grown > conns<<20/4 {
		b.Errorf("%d idle connections hold %d KiB each", conns, grown/conns>>10)
	}
	b.wantOpen(conns)
}

// live is the memory in use, in bytes.
func live() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// sendFromDone begins the next request within the end of the one before.
func sendFromDone(b *bench) {
	const total = 200
	s := b.serve(always(hello))
	x := &wire.Exchange{Request: get(s.origin(), "/"), Owner: &b.owner}
	count := 0
	b.then = func(x *wire.Exchange) {
		b.wantAnswer(x, 200, 5)
		if count++; count < total {
			b.again(x)
		}
	}
	b.again(x)
	b.until("all requests to be answered", func() bool { return count == total })
	s.want(1, total)
}

func requestsAreLeftAlone(b *bench) {
	s := b.serve(always(hello))
	r := request(s.origin(policy(hyperscale.ConnShared)), "POST", "/", []byte("body"))
	head := string(r.Head)
	var xs []*wire.Exchange
	for range 8 {
		xs = append(xs, b.send(r, &wire.Owner{}))
	}
	for _, x := range xs {
		b.wantAnswer(b.wait(x), 200, 5)
		if x.Request != r || x.BytesOut != int64(len(head)+4) {
			b.Errorf("%d bytes out of %d", x.BytesOut, len(head)+4)
		}
	}
	if string(r.Head) != head || string(r.Body) != "body" {
		b.Errorf("the request became %q %q", r.Head, r.Body)
	}
}

// everyRequestOnce has servers misbehave in turn. Whatever they do, none sees a
// request twice, and those that were answered were seen.
func everyRequestOnce(b *bench) {
	const owners, each = 8, 25
	seen := make(chan string, owners*each*2)
	s := b.serve(func(p *peer) {
		for n := 1; ; n++ {
			head, _, ok := p.read()
			if !ok {
				return
			}
			path := strings.Fields(head)[1]
			seen <- path
			switch k, _ := strconv.Atoi(path[1:]); k % 7 {
			case 1:
				return
			case 2:
				p.reset()
				return
			case 3:
				p.say("garbage\r\n\r\n")
			case 4:
				p.say(hello + "and more")
			case 5:
				p.say(hello[:30])
				return
			default:
				p.say(hello)
			}
		}
	})
	wantOnce(b, s, seen, owners, each)
}

func wantOnce(b *bench, s *server, seen chan string, owners, each int) {
	answered, left := map[string]bool{}, owners
	sent := 0
	next := func(x *wire.Exchange) {
		x.Request = get(s.origin(), "/"+strconv.Itoa(sent))
		sent++
		b.again(x)
	}
	b.then = func(x *wire.Exchange) {
		answered[strings.Fields(string(x.Request.Head))[1]] = x.Fault == 0
		if sent < owners*each {
			next(x)
		} else {
			left--
		}
	}
	for range owners {
		next(&wire.Exchange{Owner: &wire.Owner{}})
	}
	b.until("all requests to end", func() bool { return left == 0 })
	counts := map[string]int{}
	for len(seen) > 0 {
		counts[<-seen]++
	}
	for path, ok := range answered {
		if counts[path] > 1 || ok && counts[path] != 1 {
			b.Errorf("%s, answered: %v, was seen %d times", path, ok, counts[path])
		}
	}
	if len(answered) != owners*each || s.hits.Load() != int64(len(counts)) {
		b.Errorf("%d requests ended of %d; the server counted %d and saw %d", len(answered), owners*each, s.hits.Load(), len(counts))
	}
}
