package portable

import (
	"context"
	"net"
	"sync"
)

// link is the hold that the lane has on a connection from the first attempt to
// open it: it can be cut at any time.
type link struct {
	ctx  context.Context // ends when it is cut
	stop context.CancelFunc

	mu   sync.Mutex
	conn net.Conn // below TLS; nil: not open yet
	over bool
}

func newLink() *link {
	ctx, stop := context.WithCancel(context.Background())
	return &link{ctx: ctx, stop: stop}
}

// hold takes an open connection in hand, unless the link was cut meanwhile.
func (l *link) hold(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		abort(c)
		return false
	}
	l.conn = c
	return true
}

// reset gives the connection up. The peer gets a reset, so that the local port is
// free at once: a generator that often reconnects would run out of them.
func (l *link) reset() { l.end(abort) }

// close closes the connection after the peer did.
func (l *link) close() { l.end(func(c net.Conn) { _ = c.Close() }) }

func (l *link) end(how func(net.Conn)) {
	l.stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over = true; l.conn != nil {
		how(l.conn)
		l.conn = nil
	}
}

// abort resets c. What fails then has been done by the peer.
func abort(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
