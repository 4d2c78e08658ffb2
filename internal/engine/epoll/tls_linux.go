package epoll

import (
	"crypto/tls"
	"errors"
	"io"
	"iter"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// piece is the most of a request that is encrypted before the kernel has taken
// what went before.
const piece = 16 << 10

// tlsConn runs crypto/tls over memory. The handshake, which crypto/tls can't
// leave and enter again, runs as a coroutine that is resumed when bytes have
// come; afterwards reading ends with errEmpty in place of blocking. So no
// goroutine waits for a connection.
type tlsConn struct {
	*tls.Conn
	pipe   pipe
	resume func() (struct{}, bool) // nil once the handshake is over
	stop   func()
	err    error // of the handshake
}

func newTLS(o *origin) (*tlsConn, error) {
	if o.tls == nil {
		cfg, err := dial.TLSConfig(o.Origin)
		if err != nil {
			return nil, err
		}
		o.tls = cfg
	}
	t := &tlsConn{}
	t.Conn = tls.Client(&t.pipe, o.tls)
	t.resume, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.pipe.wait = func() bool { return yield(struct{}{}) }
		t.err = t.Handshake()
		t.pipe.wait = nil
	})
	return t, nil
}

// step runs the handshake as far as the received bytes go.
func (t *tlsConn) step() (over bool) {
	if _, more := t.resume(); more {
		return false
	}
	t.resume, t.stop = nil, nil
	return true
}

// end ends a handshake that is under way.
func (t *tlsConn) end() {
	if t.stop != nil {
		t.stop()
		t.resume, t.stop = nil, nil
	}
}

// write encrypts and sends what the kernel takes of c's request.
func (t *tlsConn) write(c *conn) (session.Fault, string) {
	for {
		if empty, err := t.pipe.flush(c.fd); err != nil {
			return dial.Fault(err), "send: " + err.Error()
		} else if !empty {
			return 0, ""
		}
		next := c.unsent()
		if len(next) == 0 {
			c.x.Stage = wire.Waiting
			return 0, ""
		}
		next = next[:min(len(next), piece)]
		if _, err := t.Write(next); err != nil {
			return session.NewFault(session.TLSFailed, 0), "encrypt: " + err.Error()
		}
		c.sent += len(next)
		c.x.BytesOut += int64(len(next))
	}
}

// unsent is the next piece of c's request.
func (c *conn) unsent() []byte {
	head, body := c.x.Request.Head, c.x.Request.Body
	if c.sent < len(head) {
		return head[c.sent:]
	}
	return body[c.sent-len(head):]
}

// secure goes on with c's handshake.
func (d *Driver) secure(c *conn) {
	t := c.tls
	for {
		over := t.step()
		if _, err := t.pipe.flush(c.fd); err != nil {
			d.fail(c, dial.Fault(err), "TLS handshake: "+err.Error())
			return
		}
		if over {
			d.secured(c)
			return
		}
		n, errno := recv(c.fd, d.buf)
		switch {
		case errno == unix.EAGAIN:
			return
		case errno != 0:
			d.fail(c, dial.Fault(errno), "TLS handshake: "+errno.Error())
			return
		case n == 0:
			t.pipe.eof = true
		default:
			t.pipe.in = d.buf[:n]
		}
	}
}

// secured sends the request that c was opened for, unless the handshake failed.
func (d *Driver) secured(c *conn) {
	if err := c.tls.err; err != nil {
		d.fail(c, session.NewFault(session.TLSFailed, 0), err.Error())
		return
	}
	now := d.tick()
	c.x.Phases.TLS = now - c.begun
	rest := c.tls.pipe.in
	d.opened(c)
	if c.state != closed {
		d.decrypt(c, rest)
	}
	// More may have come while the handshake read: its event is gone.
	if c.state != closed {
		d.read(c, false)
	}
}

// decrypt takes in encrypted bytes of the answer.
func (d *Driver) decrypt(c *conn, b []byte) {
	if d.plain == nil {
		d.plain = make([]byte, 2*piece)
	}
	c.tls.pipe.in = b
	for {
		n, err := c.tls.Read(d.plain)
		if n > 0 {
			d.feed(c, d.plain[:n])
		}
		switch {
		case c.state == closed:
			return
		case err == nil:
		case errors.Is(err, errEmpty):
			if _, err := c.tls.pipe.flush(c.fd); err != nil {
				d.readFailed(c, err)
			}
			return
		case errors.Is(err, io.EOF):
			d.eof(c)
			return
		case c.x == nil:
			d.drop(c)
			return
		default:
			d.tlsFailed(c, err)
			return
		}
	}
}

// tlsFailed ends c's exchange after crypto/tls refused what came. A connection
// that was cut inside a record is cut short, not wrong.
func (d *Driver) tlsFailed(c *conn, err error) {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		_, fault, why := c.parser.EOF()
		if fault == 0 {
			fault, why = session.NewFault(session.AnswerCutShort, 0), err.Error()
		}
		d.fail(c, fault, why)
		return
	}
	d.fail(c, session.NewFault(session.TLSFailed, 0), err.Error())
}

// pipe is the memory that crypto/tls reads and writes in place of a socket.
type pipe struct {
	in   []byte // received and not yet read; the driver's buffer
	out  []byte // written and not yet sent
	sent int    // … of which the kernel has taken so much
	eof  bool
	wait func() bool // during the handshake: returns when there is more; false: give up
}

// flush sends what the kernel takes of out.
func (p *pipe) flush(fd int32) (empty bool, err error) {
	for p.sent < len(p.out) {
		n, errno := send(fd, p.out[p.sent:])
		if errno == unix.EAGAIN {
			return false, nil
		}
		if errno != 0 {
			return false, errno
		}
		p.sent += n
	}
	p.sent = 0
	if p.out = p.out[:0]; cap(p.out) > 2<<10 {
		p.out = nil // a connection at rest holds no buffer
	}
	return true, nil
}

// Read implements net.Conn.
func (p *pipe) Read(b []byte) (int, error) {
	for len(p.in) == 0 {
		if p.eof {
			return 0, io.EOF
		}
		if p.wait == nil {
			return 0, errEmpty
		}
		if !p.wait() {
			return 0, net.ErrClosed
		}
	}
	n := copy(b, p.in)
	p.in = p.in[n:]
	return n, nil
}

// Write implements net.Conn. It never blocks.
func (p *pipe) Write(b []byte) (int, error) {
	p.out = append(p.out, b...)
	return len(b), nil
}

// The rest of net.Conn, which crypto/tls asks for and has no use of here.

func (p *pipe) Close() error                     { return nil }
func (p *pipe) LocalAddr() net.Addr              { return nil }
func (p *pipe) RemoteAddr() net.Addr             { return nil }
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// errEmpty says that nothing is left to read. It is temporary, so that crypto/tls
// does not take the connection for dead.
var errEmpty error = empty{}

type empty struct{}

func (empty) Error() string   { return "nothing to read yet" }
func (empty) Timeout() bool   { return false }
func (empty) Temporary() bool { return true }
