package portable

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/http1"
	"hyperscale/internal/session"
)

// h1 speaks HTTP/1 over a connection. One goroutine reads as long as it is open,
// so that a close is seen when it comes; another one writes while there is a
// request to write.
type h1 struct {
	conn    *conn
	driver  *Driver
	wire    net.Conn
	current atomic.Pointer[writing] // nil: none is under way

	// The reader's.
	parser  http1.Parser
	reading *writing // the call that the parser reads the answer of
}

// writing is a call with what its writer says of it.
type writing struct {
	*call
	last atomic.Bool   // all that is left is on its way into the kernel
	over chan struct{} // closed when the writer is through
	err  error         // why it stopped; read after over
}

// grace is how long the end of an answer or of a connection waits for the writer
// to come back from the kernel. The time that the exchange ended is not touched.
const grace = 5 * time.Millisecond

// smallRead is the size of an idle connection's buffer, in bytes.
const smallRead = 4 << 10

func newH1(n *conn, c net.Conn) *h1 {
	h := &h1{conn: n, driver: n.driver, wire: c}
	h.driver.work.Go(h.read)
	return h
}

func (h *h1) room() bool    { return len(h.conn.calls) == 0 }
func (h *h1) abandon(*call) {} // never: it carries one call at a time

func (h *h1) start(c *call) {
	w := &writing{call: c, over: make(chan struct{})}
	h.current.Store(w)
	h.driver.work.Go(func() { h.write(w) })
}

// write writes w's request. Where the peer broke the connection it leaves the
// rest to the reader, for there may be an answer all the same.
func (h *h1) write(w *writing) {
	defer close(w.over)
	b := h.driver.pieces.Get().(*piece)
	defer h.driver.pieces.Put(b)
	for {
		n, rest := w.take(b[:])
		if n == 0 {
			return
		}
		w.last.Store(!rest)
		n, err := h.wire.Write(b[:n])
		w.out.Add(int64(n))
		if err != nil {
			w.err = err
			if !isBroken(err) {
				h.report(w, outcome{fault: dial.Fault(err), text: "send: " + cause(err).Error()})
			}
			return
		}
		if !rest {
			w.sent.Store(true)
			return
		}
	}
}

// isBroken reports whether err says that the peer is gone: then reading ends too.
func isBroken(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && dial.Fault(err).Code() == session.ConnectionReset
}

// read reads until the connection ends or may not be used again.
func (h *h1) read() {
	small := make([]byte, smallRead)
	b := small
	for {
		n, err := h.wire.Read(b)
		if n > 0 && !h.feed(b[:n]) {
			return
		}
		if err != nil {
			h.ended(err)
			return
		}
		b = h.fit(b, small, n)
	}
}

// fit gives the buffer for the next read: a large one while much comes.
func (h *h1) fit(b, small []byte, n int) []byte {
	switch {
	case len(b) == len(small) && n == len(b):
		return h.driver.pieces.Get().(*piece)[:]
	case len(b) > len(small) && h.current.Load() == nil:
		h.driver.pieces.Put((*piece)(b))
		return small
	}
	return b
}

// feed gives bytes to the answer that is under way. It reports whether reading
// goes on.
func (h *h1) feed(b []byte) bool {
	now := h.driver.Clock()
	w := h.begin()
	if w == nil {
		h.lost(session.NewFault(session.MalformedAnswer, 0), "bytes that answer nothing")
		return false
	}
	w.got(now)
	n, done, fault, why := h.parser.Feed(b)
	w.in.Store(h.parser.BytesIn())
	switch {
	case fault != 0:
		h.written(w) // so that its bytes are counted
		h.report(w, outcome{fault: fault, text: why, end: now})
		return false
	case !done:
		return true
	}
	return h.complete(w, now, n == len(b) && h.parser.KeepAlive())
}

// begin readies the parser for the call under way; nil: there is none.
func (h *h1) begin() *writing {
	w := h.current.Load()
	if w != nil && w != h.reading {
		h.reading = w
		h.parser.Reset(w.want.NoBody, w.want.Keep, w.want.KeepHead)
	}
	return w
}

// complete reports an answer and whether the connection may be used again.
func (h *h1) complete(w *writing, now hyperscale.JobTime, clean bool) (again bool) {
	out := outcome{end: now}
	h.parser.Answer(&out.answer)
	out.answer.Head, out.answer.Body = bytes.Clone(out.answer.Head), bytes.Clone(out.answer.Body)
	h.parser.Drop()
	out.reuse = clean && h.written(w)
	h.report(w, out)
	return out.reuse
}

// written reports whether w's request was wholly written. The answer to it may
// be here before the writer knows.
func (h *h1) written(w *writing) bool {
	return w.last.Load() && w.comesBack() && w.err == nil
}

// comesBack gives the writer a moment to come to its end, and reports whether it
// did.
func (w *writing) comesBack() bool {
	select {
	case <-w.over:
		return true
	default:
	}
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-w.over:
		return true
	case <-t.C:
		return false
	}
}

// ended is called when nothing more can be read.
func (h *h1) ended(err error) {
	if errors.Is(err, io.EOF) {
		defer h.conn.link.close()
	}
	w := h.begin()
	if w == nil { // but there may be one when the lane hears of it
		fault, why := session.NewFault(session.ClosedBeforeAnswer, 0), ""
		if !errors.Is(err, io.EOF) {
			fault, why = dial.Fault(err), "receive: "+cause(err).Error()
		}
		h.lost(fault, why)
		return
	}
	now := h.driver.Clock()
	done, fault, why := h.parser.EOF()
	switch {
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		fault, why = dial.Fault(err), "receive: "+cause(err).Error()
	case done && errors.Is(err, io.EOF):
		h.complete(w, now, false)
		return
	case done: // inside a record of TLS
		fault, why = session.NewFault(session.AnswerCutShort, 0), err.Error()
	case fault.Code() == session.ClosedBeforeAnswer:
		fault, why = h.broken(w, fault, why)
	}
	h.written(w)
	h.report(w, outcome{fault: fault, text: why, end: now})
}

// broken is the kind of a connection that ended before the answer: what the
// writer ran into says more. A reset is told to one of the two only.
func (h *h1) broken(w *writing, fault session.Fault, why string) (session.Fault, string) {
	if w.comesBack() && w.err != nil {
		return dial.Fault(w.err), "send: " + cause(w.err).Error()
	}
	return fault, why
}

// report ends w.
func (h *h1) report(w *writing, out outcome) {
	h.current.CompareAndSwap(w, nil)
	if out.end == 0 {
		out.end = h.driver.Clock()
	}
	h.driver.Post(func() { h.driver.finish(w.call, out) })
}

// lost ends the connection.
func (h *h1) lost(fault session.Fault, why string) {
	h.driver.Post(func() { h.conn.lost(fault, why) })
}
