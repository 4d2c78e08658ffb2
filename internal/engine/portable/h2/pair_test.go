package h2

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"hyperscale/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// exchange notes what becomes of it.
type exchange struct {
	head, body []byte
	over       chan struct{} // closed when it ended

	mu      sync.Mutex
	gone    bool // given up: its request may not be looked at
	looks   int  // … and how often it was all the same
	out, in int
	all     bool
	answer  session.Answer
	fault   session.FaultCode
	why     string
	unsent  bool
	ends    int
}

func newExchange(head, body string) *exchange {
	return &exchange{head: []byte(head), body: []byte(body), over: make(chan struct{})}
}

func (x *exchange) View(f func(head, body []byte)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.gone {
		x.looks++
		return
	}
	f(x.head, x.body)
}

func (x *exchange) Wrote(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.out += n
}

func (x *exchange) Sent() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all = true
}

func (x *exchange) Read(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.in += n
}

func (x *exchange) Ended(a session.Answer, fault session.Fault, why string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.answer, x.fault, x.why = a, fault.Code(), why
	x.end()
}

func (x *exchange) Unsent() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unsent = true
	x.end()
}

func (x *exchange) end() {
	if x.ends++; x.ends == 1 {
		close(x.over)
	}
}

// pair is a connection and the peer at its other end.
type pair struct {
	*testing.T
	conn *Conn
	left chan struct{} // closed when the connection said it is leaving

	wire   net.Conn // the peer's
	framer *http2.Framer
	head   bytes.Buffer
	hpack  *hpack.Encoder
	frames chan http2.Frame // what the peer read, copied; closed at the end
	over   chan struct{}    // closed when Conn.Read has returned
}

func newPair(t *testing.T, settings ...http2.Setting) *pair {
	ours, theirs := connected(t)
	p := &pair{T: t, wire: theirs, left: make(chan struct{}), frames: make(chan http2.Frame, 1000), over: make(chan struct{})}
	p.conn = New(ours, "https", func() { close(p.left) })
	p.framer = http2.NewFramer(theirs, theirs)
	p.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.hpack = hpack.NewEncoder(&p.head)
	var g sync.WaitGroup
	g.Go(p.conn.Write)
	g.Go(func() {
		_ = p.conn.Read()
		_ = ours.Close()
		close(p.over)
	})
	g.Go(p.read)
	t.Cleanup(func() {
		_ = ours.Close()
		_ = theirs.Close()
		g.Wait()
	})
	p.send(p.framer.WriteSettings(settings...))
	return p
}

// connected gives both ends of a connection on loopback.
func connected(t *testing.T) (ours, theirs net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if ours, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if theirs, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// read takes in what the connection sends.
func (p *pair) read() {
	defer close(p.frames)
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(p.wire, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	for {
		f, err := p.framer.ReadFrame()
		if err != nil {
			return
		}
		if d, ok := f.(*http2.DataFrame); ok {
			f = &data{d.FrameHeader, bytes.Clone(d.Data())}
		}
		p.frames <- f
	}
}

// data is a data frame with bytes of its own.
type data struct {
	http2.FrameHeader
	bytes []byte
}

func (p *pair) send(err error) {
	p.Helper()
	if err != nil {
		p.Errorf("the peer can't write: %v", err)
	}
}

// expect gives the next frame of the kind of like; others are read over.
func expect[F http2.Frame](p *pair) (f F) {
	p.Helper()
	for {
		select {
		case got, ok := <-p.frames:
			if !ok {
				p.Fatalf("the connection ended before a %T came", f)
			}
			if f, ok := got.(F); ok {
				return f
			}
		case <-time.After(10 * time.Second):
			p.Fatalf("no %T came", f)
		}
	}
}

func expectData(p *pair) *data {
	p.Helper()
	for {
		select {
		case got, ok := <-p.frames:
			if !ok {
				p.Fatal("the connection ended before data came")
			}
			if d, is := any(got).(*data); is {
				return d
			}
		case <-time.After(10 * time.Second):
			p.Fatal("no data came")
		}
	}
}

// answer sends a head of name, value pairs.
func (p *pair) answer(id uint32, end bool, fields ...string) {
	p.Helper()
	p.head.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = p.hpack.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	block := p.head.Bytes()
	first := block[:min(len(block), 16<<10)]
	rest := block[len(first):]
	p.send(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(rest) == 0}))
	for len(rest) > 0 {
		next := rest[:min(len(rest), 16<<10)]
		rest = rest[len(next):]
		if err := p.framer.WriteContinuation(id, len(rest) == 0, next); err != nil {
			return // it was given up
		}
	}
}

func (p *pair) data(id uint32, end bool, text string) {
	p.Helper()
	p.send(p.framer.WriteData(id, end, []byte(text)))
}

// start begins an exchange and gives its stream's number.
func (p *pair) start(x *exchange, w Want) (*Stream, uint32) {
	p.Helper()
	s := p.conn.Start(x, w)
	return s, expect[*http2.MetaHeadersFrame](p).StreamID
}

func (p *pair) wait(x *exchange) *exchange {
	p.Helper()
	select {
	case <-x.over:
	case <-time.After(10 * time.Second):
		p.Fatalf("%q did not end", x.head)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ends != 1 {
		p.Errorf("%q ended %d times", x.head, x.ends)
	}
	return x
}

func (p *pair) wantFault(x *exchange, code session.FaultCode, why string) {
	p.Helper()
	if p.wait(x); x.fault != code || !strings.Contains(x.why, why) {
		p.Errorf("%q: fault %d (%s), want %d (%s)", x.head, x.fault, x.why, code, why)
	}
}
