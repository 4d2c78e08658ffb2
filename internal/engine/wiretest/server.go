package wiretest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"hyperscale/internal/session"
)

// server is a scripted server on loopback.
type server struct {
	bench *bench
	tls   *tls.Config // nil: plain
	port  int
	hits  atomic.Int64 // requests read wholly
	conns atomic.Int64 // connections accepted

	mu   sync.Mutex
	open map[net.Conn]struct{}
	over chan struct{} // closed at the end

	read chan struct{} // said by letRead
}

// serve runs script for every connection until the test ends. The script may be
// run by several goroutines at once; its connection is closed when it returns.
func (b *bench) serve(script func(*peer)) *server {
	return b.serveTLS(nil, script)
}

func (b *bench) serveTLS(cfg *tls.Config, script func(*peer)) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatalf("listen: %v", err)
	}
	s := &server{bench: b, tls: cfg, port: l.Addr().(*net.TCPAddr).Port, open: map[net.Conn]struct{}{}, over: make(chan struct{}), read: make(chan struct{})}
	var g sync.WaitGroup
	g.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			if s.enter(c) {
				g.Go(func() { s.run(c, script) })
			}
		}
	})
	b.Cleanup(func() {
		_ = l.Close()
		s.leave()
		g.Wait()
	})
	return s
}

func (s *server) run(c net.Conn, script func(*peer)) {
	defer c.Close()
	p := &peer{server: s, raw: c.(*net.TCPConn), Conn: c}
	if s.tls != nil {
		p.Conn = tls.Server(c, s.tls)
	}
	p.r = bufio.NewReader(p.Conn)
	script(p)
}

func (s *server) enter(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.over:
		_ = c.Close()
		return false
	default:
	}
	s.open[c] = struct{}{}
	return true
}

// leave ends all connections.
func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.over)
	for c := range s.open {
		_ = c.Close()
	}
}

// origin is the server's under its address.
func (s *server) origin(options ...option) *session.Origin {
	scheme := "http"
	if s.tls != nil {
		scheme = "https"
	}
	return origin(scheme, "127.0.0.1", s.port, options...)
}

// want fails unless the server has accepted so many connections and read so many
// requests.
func (s *server) want(conns, hits int64) {
	s.bench.Helper()
	if c, h := s.conns.Load(), s.hits.Load(); c != conns || h != hits {
		s.bench.Errorf("the server saw %d requests over %d connections, want %d over %d", h, c, hits, conns)
	}
}

// peer is one connection as the server sees it.
type peer struct {
	net.Conn
	server *server
	raw    *net.TCPConn // below TLS
	r      *bufio.Reader
}

// read reads one request with its body; false: the connection ended.
func (p *peer) read() (head string, body []byte, ok bool) {
	var s strings.Builder
	length := 0
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			return "", nil, false
		}
		s.WriteString(line)
		if line == "\r\n" {
			break
		}
		if v, is := strings.CutPrefix(line, "Content-Length: "); is {
			length, _ = strconv.Atoi(strings.TrimSpace(v))
		}
	}
	body = make([]byte, length)
	if _, err := io.ReadFull(p.r, body); err != nil {
		return "", nil, false
	}
	p.server.hits.Add(1)
	return s.String(), body, true
}

// say writes text. That it can't is for the test to find out.
func (p *peer) say(text string) { _, _ = io.WriteString(p.Conn, text) }

// tell says v to the test. It reports whether the test goes on.
func tell[T any](p *peer, c chan<- T, v T) bool {
	select {
	case c <- v:
		return true
	case <-p.server.over:
		return false
	}
}

// await waits for the test to say something. It reports whether it did.
func await[T any](p *peer, c <-chan T) bool {
	select {
	case <-c:
		return true
	case <-p.server.over:
		return false
	}
}

// reset ends the connection with a reset.
func (p *peer) reset() {
	_ = p.raw.SetLinger(0)
	_ = p.raw.Close()
}

// hang reads, and drops, until the connection ends. It tells how: io.EOF for an
// orderly end.
func (p *peer) hang() error {
	b := make([]byte, 64<<10)
	for {
		if _, err := p.r.Read(b); err != nil {
			return err
		}
	}
}

// wasReset reports whether err is that of a connection that the other side reset.
func wasReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, wsaConnReset)
}

// wsaConnReset is what ECONNRESET is on Windows.
const wsaConnReset = syscall.Errno(10054)

// always answers every request with the same text.
func always(answer string) func(*peer) {
	return func(p *peer) {
		for {
			if _, _, ok := p.read(); !ok {
				return
			}
			p.say(answer)
		}
	}
}

// once answers the first request of each connection and closes it.
func once(answer string) func(*peer) {
	return func(p *peer) {
		if _, _, ok := p.read(); ok {
			p.say(answer)
		}
	}
}

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
