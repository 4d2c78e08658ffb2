package h2

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"

	"hyperscale/internal/session"
)

const plain = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"

func TestRequestIsTranslated(t *testing.T) {
	p := newPair(t)
	x := newExchange("POST /a?b=c%20d HTTP/1.1\r\nHost: a.test:8443\r\nUser-Agent: us\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"+
		"TE: gzip\r\nTE: trailers\r\nKeep-Alive: x\r\nUpgrade: y\r\nProxy-Authorization: z\r\nX-Twice: 1\r\nX-Twice:  2 \r\nContent-Length: 4\r\n\r\n", "body")
	p.conn.Start(x, Want{})
	f := expect[*http2.MetaHeadersFrame](p)
	var got []string
	for _, h := range f.Fields {
		got = append(got, h.Name+"="+h.Value)
	}
	want := ":method=POST :scheme=https :authority=a.test:8443 :path=/a?b=c%20d user-agent=us te=trailers x-twice=1 x-twice=2 content-length=4"
	if strings.Join(got, " ") != want || f.StreamEnded() || f.StreamID != 1 {
		t.Errorf("stream %d\n got %s\nwant %s", f.StreamID, got, want)
	}
	if d := expectData(p); string(d.bytes) != "body" || !d.Flags.Has(http2.FlagDataEndStream) {
		t.Errorf("%+v", d)
	}
	p.answer(1, true, ":status", "204")
	p.wait(x)
	if want := 9 + int(f.Length) + 9 + 4; x.out != want {
		t.Errorf("%d bytes out, want %d", x.out, want)
	}
}

func TestPaths(t *testing.T) {
	for in, want := range map[string]string{
		"/":                          "/",
		"/a?b":                       "/a?b",
		"*":                          "*",
		"http://a.test/b?c":          "/b?c",
		"http://a.test":              "/",
		"http://a.test?c":            "/?c",
		"/redirect?to=http://a.test": "/redirect?to=http://a.test",
	} {
		if got := path(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestAnswer(t *testing.T) {
	p := newPair(t)
	x := newExchange(plain, "")
	_, id := p.start(x, Want{Keep: 6, KeepHead: true})
	p.answer(id, false, ":status", "103", "link", "x", "set-cookie", "not=this")
	p.answer(id, false, ":status", "200", "content-type", "text/plain", "set-cookie", "a=b", "location", "/x", "content-encoding", "gzip", "content-length", "10")
	p.data(id, false, "01234")
	p.send(p.framer.WriteDataPadded(id, false, []byte("56789"), make([]byte, 7)))
	p.answer(id, true, "trailer", "x")
	a := p.wait(x).answer
	const head = "content-type: text/plain\r\nset-cookie: a=b\r\nlocation: /x\r\ncontent-encoding: gzip\r\ncontent-length: 10\r\n"
	if x.fault != 0 || a.Status != 200 || string(a.Head) != head || string(a.Body) != "012345" || a.BodySize != 10 ||
		!a.TooLarge || !a.SetsCookie || !a.HasLocation || !a.HasEncoding {
		t.Errorf("fault %d %s, answer %+v", x.fault, x.why, a)
	}
	if x.in < 5*9+10+8 {
		t.Errorf("%d bytes in", x.in)
	}
}

func TestNothingIsKeptUnasked(t *testing.T) {
	p := newPair(t)
	x := newExchange(plain, "")
	_, id := p.start(x, Want{})
	p.answer(id, false, ":status", "200", "set-cookie", "a=b")
	p.data(id, true, "hello")
	if a := p.wait(x).answer; a.Head != nil || a.Body != nil || a.BodySize != 5 || a.TooLarge || !a.SetsCookie || a.HasLocation {
		t.Errorf("%+v", a)
	}
}

func TestManyAtOnce(t *testing.T) {
	p := newPair(t)
	var xs []*exchange
	for i := range 5 {
		x := newExchange(plain, "")
		if _, id := p.start(x, Want{Keep: 9}); id != uint32(2*i+1) {
			t.Errorf("exchange %d is stream %d", i, id)
		}
		xs = append(xs, x)
	}
	for i := 4; i >= 0; i-- {
		p.answer(uint32(2*i+1), false, ":status", "200")
	}
	for i, x := range xs {
		p.data(uint32(2*i+1), true, string(rune('0'+i)))
		if p.wait(x); string(x.answer.Body) != string(rune('0'+i)) {
			t.Errorf("exchange %d got %q", i, x.answer.Body)
		}
	}
}

// TestPeersLimit: what is above it waits; Room tells.
func TestPeersLimit(t *testing.T) {
	p := newPair(t, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
	expect[*http2.SettingsFrame](p)
	expect[*http2.SettingsFrame](p) // the acknowledgement
	one, two := newExchange(plain, ""), newExchange(plain, "")
	if !p.conn.Room() {
		t.Error("no room though nothing is under way")
	}
	_, id := p.start(one, Want{})
	if p.conn.Room() {
		t.Error("room beyond the limit")
	}
	p.conn.Start(two, Want{})
	p.send(p.framer.WritePing(false, [8]byte{1}))
	expect[*http2.PingFrame](p) // what could be sent has been sent before it
	p.answer(id, true, ":status", "204")
	p.wait(one)
	if id := expect[*http2.MetaHeadersFrame](p).StreamID; id != 3 {
		t.Errorf("then comes stream %d", id)
	}
	p.answer(3, true, ":status", "204")
	p.wait(two)
}

// TestWindows: no more is sent than the peer takes, and all in the end.
func TestWindows(t *testing.T) {
	p := newPair(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10}, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 16 << 10})
	expect[*http2.SettingsFrame](p)
	expect[*http2.SettingsFrame](p)
	body := strings.Repeat("0123456789", 10_000) // more than the connection's window, too
	x := newExchange(plain, body)
	_, id := p.start(x, Want{})
	var got []byte
	take := func(want int) {
		t.Helper()
		for n := 0; n < want; {
			d := expectData(p)
			n += len(d.bytes)
			got = append(got, d.bytes...)
			if n > want {
				t.Fatalf("%d bytes came, where %d are allowed", n, want)
			}
		}
	}
	take(10)
	p.send(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 5})) // now 5 too many are out
	p.send(p.framer.WriteWindowUpdate(id, 5+7))
	take(7)
	p.send(p.framer.WriteWindowUpdate(id, 1<<20))
	take(65535 - 17)
	p.send(p.framer.WriteWindowUpdate(0, 1<<20))
	take(len(body) - 65535)
	if string(got) != body {
		t.Error("the body did not arrive as it was")
	}
	p.answer(id, true, ":status", "200")
	p.wait(x)
}

// TestWindowIsGivenBack: a body of any size comes through.
func TestWindowIsGivenBack(t *testing.T) {
	p := newPair(t)
	x := newExchange(plain, "")
	_, id := p.start(x, Want{})
	p.answer(id, false, ":status", "200")
	piece := strings.Repeat("x", 16<<10)
	const sent = connWindow + streamWindow
	for range sent / len(piece) {
		p.data(id, false, piece)
	}
	for onStream, onAll := int64(0), int64(0); onStream < sent-streamWindow || onAll < sent-connWindow; {
		if w := expect[*http2.WindowUpdateFrame](p); w.StreamID == id {
			onStream += int64(w.Increment)
		} else {
			onAll += int64(w.Increment)
		}
	}
	p.data(id, true, "")
	if a := p.wait(x).answer; a.BodySize != sent {
		t.Errorf("%d bytes of %d", a.BodySize, sent)
	}
}

func TestLongHeads(t *testing.T) {
	p := newPair(t)
	long := strings.Repeat("a long value ", 4000)
	x := newExchange("GET / HTTP/1.1\r\nHost: a.test\r\nLong: "+long+"\r\n\r\n", "")
	p.conn.Start(x, Want{KeepHead: true})
	f := expect[*http2.MetaHeadersFrame](p)
	if got := f.Fields[len(f.Fields)-1].Value; got != strings.TrimSpace(long) {
		t.Errorf("%d bytes arrived of %d", len(got), len(long))
	}
	p.answer(1, true, ":status", "200", "long", long)
	if p.wait(x); !strings.Contains(string(x.answer.Head), long[:1000]) {
		t.Errorf("fault %d %s, head of %d bytes", x.fault, x.why, len(x.answer.Head))
	}
}

// TestFaults: each ends one exchange; another one on the same connection is
// answered all the same.
func TestFaults(t *testing.T) {
	cases := []struct {
		name string
		do   func(p *pair, id uint32)
		want session.FaultCode
		why  string
	}{
		{"reset", func(p *pair, id uint32) { p.send(p.framer.WriteRSTStream(id, http2.ErrCodeRefusedStream)) }, session.ClosedBeforeAnswer, "REFUSED_STREAM"},
		{"reset in the body", func(p *pair, id uint32) {
			p.answer(id, false, ":status", "200")
			p.send(p.framer.WriteRSTStream(id, http2.ErrCodeInternal))
		}, session.AnswerCutShort, "INTERNAL_ERROR"},
		{"no status", func(p *pair, id uint32) { p.answer(id, true, "a", "b") }, session.MalformedAnswer, `not a status: ""`},
		{"bad status", func(p *pair, id uint32) { p.answer(id, true, ":status", "2x0") }, session.MalformedAnswer, `not a status: "2x0"`},
		{"switching", func(p *pair, id uint32) { p.answer(id, false, ":status", "101") }, session.MalformedAnswer, "101"},
		{"interim only", func(p *pair, id uint32) { p.answer(id, true, ":status", "100") }, session.MalformedAnswer, "interim"},
		{"body first", func(p *pair, id uint32) { p.data(id, false, "x") }, session.MalformedAnswer, "a body without a head"},
		{"second head", func(p *pair, id uint32) {
			p.answer(id, false, ":status", "200")
			p.answer(id, false, ":status", "200")
		}, session.MalformedAnswer, "a second head"},
		{"short body", func(p *pair, id uint32) {
			p.answer(id, false, ":status", "200", "content-length", "5")
			p.data(id, true, "x")
		}, session.MalformedAnswer, "a body of 1 bytes under Content-Length 5"},
		{"two lengths", func(p *pair, id uint32) {
			p.answer(id, true, ":status", "200", "content-length", "5", "content-length", "6")
		}, session.MalformedAnswer, `not a length: "6"`},
		{"capitals in a name", func(p *pair, id uint32) { p.answer(id, true, ":status", "200", "A", "b") }, session.MalformedAnswer, "invalid header field name"},
		{"large line", func(p *pair, id uint32) {
			p.answer(id, true, ":status", "200", "a", strings.Repeat("b", 100<<10))
		}, session.HeaderTooLarge, ""},
		{"large head", func(p *pair, id uint32) {
			fields := []string{":status", "200"}
			for range 80 {
				fields = append(fields, "a", strings.Repeat("b", 1000))
			}
			p.answer(id, true, fields...)
		}, session.HeaderTooLarge, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t)
			x, other := newExchange(plain, ""), newExchange(plain, "")
			_, id := p.start(x, Want{})
			_, otherID := p.start(other, Want{})
			c.do(p, id)
			p.wantFault(x, c.want, c.why)
			p.answer(otherID, true, ":status", "204")
			p.wantFault(other, session.NoFault, "")
		})
	}
}

// TestConnectionFaults: each ends the connection and all that is on it.
func TestConnectionFaults(t *testing.T) {
	cases := []struct {
		name string
		do   func(p *pair)
		want session.FaultCode
		why  string
	}{
		{"closed", func(p *pair) { _ = p.wire.(*net.TCPConn).CloseWrite() }, session.ClosedBeforeAnswer, "closed"},
		{"answer to nothing", func(p *pair) { p.answer(9, true, ":status", "200") }, session.MalformedAnswer, "not asked"},
		{"body of nothing", func(p *pair) { p.data(9, true, "x") }, session.MalformedAnswer, "not asked"},
		{"push", func(p *pair) {
			p.send(p.framer.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, EndHeaders: true}))
		}, session.MalformedAnswer, "pushes"},
		{"setting out of range", func(p *pair) {
			p.send(p.framer.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1}))
		}, session.MalformedAnswer, "setting"},
		{"window too large", func(p *pair) { p.send(p.framer.WriteWindowUpdate(0, 1<<31-1)) }, session.MalformedAnswer, "window"},
		{"frame too large", func(p *pair) {
			_, _ = p.wire.Write([]byte{1, 0, 0, 0, 0, 0, 0, 0, 1})
		}, session.MalformedAnswer, "not HTTP/2"},
		{"HTTP/1", func(p *pair) { _, _ = io.WriteString(p.wire, "HTTP/1.1 400 Bad Request\r\n\r\n") }, session.MalformedAnswer, "not HTTP/2"},
		{"head without end", func(p *pair) {
			fields := []string{":status", "200"}
			for range 3000 {
				fields = append(fields, "a", strings.Repeat("b", 1000))
			}
			p.answer(1, true, fields...)
		}, session.HeaderTooLarge, ""},
		{"garbage in the compression", func(p *pair) {
			p.send(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0xff, 0xff, 0xff}, EndHeaders: true}))
		}, session.MalformedAnswer, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t)
			x := newExchange(plain, "")
			p.start(x, Want{})
			c.do(p)
			p.wantFault(x, c.want, c.why)
			later := newExchange(plain, "")
			_ = p.wire.Close()
			<-p.over
			p.conn.Start(later, Want{})
			if p.wait(later); !later.unsent {
				t.Errorf("a later one: fault %d", later.fault)
			}
		})
	}
}

// TestGoingAway: what the peer still takes is answered; what it does not take
// has failed, for it was sent; what was not sent goes elsewhere.
func TestGoingAway(t *testing.T) {
	p := newPair(t, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 2})
	expect[*http2.SettingsFrame](p)
	expect[*http2.SettingsFrame](p)
	taken, refused, waiting := newExchange(plain, ""), newExchange(plain, ""), newExchange(plain, "")
	p.start(taken, Want{})
	p.start(refused, Want{})
	p.conn.Start(waiting, Want{})
	p.send(p.framer.WriteGoAway(1, http2.ErrCodeNo, nil))
	p.wantFault(refused, session.ClosedBeforeAnswer, "going away: NO_ERROR")
	if p.wait(waiting); !waiting.unsent {
		t.Errorf("what was not sent: fault %d", waiting.fault)
	}
	<-p.left
	if p.conn.Room() {
		t.Error("room on a connection that goes away")
	}
	p.answer(1, true, ":status", "204")
	p.wantFault(taken, session.NoFault, "")
}

func TestAbandon(t *testing.T) {
	p := newPair(t)
	x := newExchange(plain, strings.Repeat("x", 1<<20))
	s, id := p.start(x, Want{})
	x.mu.Lock()
	x.gone = true
	x.mu.Unlock()
	p.conn.Abandon(s)
	if f := expect[*http2.RSTStreamFrame](p); f.StreamID != id || f.ErrCode != http2.ErrCodeCancel {
		t.Errorf("%+v", f)
	}
	p.answer(id, false, ":status", "200") // which it did not know yet
	p.data(id, true, "x")
	other := newExchange(plain, "")
	_, otherID := p.start(other, Want{})
	p.answer(otherID, true, ":status", "204")
	p.wantFault(other, session.NoFault, "")
	if x.ends != 0 {
		t.Error("what was abandoned has ended")
	}
}

// TestAnswerBeforeTheEnd: the rest of the request is not sent.
func TestAnswerBeforeTheEnd(t *testing.T) {
	p := newPair(t)
	x := newExchange(plain, strings.Repeat("x", 1<<20))
	_, id := p.start(x, Want{})
	p.answer(id, true, ":status", "413")
	if p.wait(x); x.fault != 0 || x.answer.Status != 413 || x.all {
		t.Errorf("fault %d %s, status %d, all sent: %v", x.fault, x.why, x.answer.Status, x.all)
	}
	if f := expect[*http2.RSTStreamFrame](p); f.StreamID != id {
		t.Errorf("%+v", f)
	}
}

func TestPing(t *testing.T) {
	p := newPair(t)
	p.send(p.framer.WritePing(false, [8]byte{1, 2, 3}))
	if f := expect[*http2.PingFrame](p); !f.IsAck() || f.Data != [8]byte{1, 2, 3} {
		t.Errorf("%+v", f)
	}
}

// TestImpatientPeer: one who asks and does not read is given up.
func TestImpatientPeer(t *testing.T) {
	ours, theirs := net.Pipe()
	c := New(ours, "http", func() {})
	ended := make(chan error, 1)
	var g sync.WaitGroup
	g.Go(c.Write)
	g.Go(func() {
		ended <- c.Read()
		_ = ours.Close()
	})
	f := http2.NewFramer(theirs, nil)
	err := f.WriteSettings()
	for err == nil {
		err = f.WritePing(false, [8]byte{})
	}
	var m malformed
	if err := <-ended; !errors.As(err, &m) || !strings.Contains(err.Error(), "without reading") {
		t.Errorf("ended with %v", err)
	}
	_ = theirs.Close()
	g.Wait()
}
