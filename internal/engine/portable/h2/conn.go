// Package h2 speaks HTTP/2 (RFC 9113) as a client over one connection: many
// exchanges at once, each sent once and never again.
//
// The framing and the compression of headers are those of golang.org/x/net/http2.
// Its client is not used: it is deprecated, writes to the process's log, keeps
// timers for seconds after a connection has ended, and does not tell how many
// bytes an exchange took.
package h2

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"hyperscale/internal/session"
)

const (
	maxHead      = 64 << 10 // of one answer, as RFC 9113 (6.5.2) counts it
	streamWindow = 4 << 20  // bytes of a body that the peer may send unasked
	connWindow   = 64 << 20 // … of all bodies
	batch        = 64 << 10 // bytes of requests that are written at once
	mostControl  = 1 << 20  // bytes of answers to control frames that wait for a peer who does not read
	firstStreams = 100      // streams at once until the peer has said how many
	lastID       = 1<<31 - 1
)

// Exchange is one request and what becomes of it. Its methods are called by the
// goroutines of the connection and must not wait for them.
type Exchange interface {
	// View shows the request, head in HTTP/1 form, while f runs; it does nothing
	// when the request was given up.
	View(f func(head, body []byte))
	// Wrote says that n more bytes of it are being written, with their frames.
	Wrote(n int)
	// Sent says that all of it was handed to the system.
	Sent()
	// Read says that n more bytes of the answer came.
	Read(n int)
	// Ended is called once, unless the exchange was abandoned. The answer is the
	// exchange's to keep.
	Ended(a session.Answer, fault session.Fault, why string)
	// Unsent is called in place of Ended when nothing of the request was written
	// and the connection takes no more.
	Unsent()
}

// Want is what is wanted of an answer.
type Want struct {
	NoBody, KeepHead bool
	Keep             int64 // bytes of the body; 0: count and drop
}

// Conn is one connection. Its owner runs Read and Write, each in a goroutine of
// its own, and closes the connection to end both.
type Conn struct {
	wire    net.Conn
	scheme  string
	leaving func() // called once when the peer takes no more exchanges
	bell    chan struct{}

	mu sync.Mutex
	sender
	streams map[uint32]*Stream
	queue   []*Stream // those with something left to send, in turn
	peer    peer
	unread  int64 // bytes of bodies that came and were not acknowledged
	nextID  uint32
	last    bool  // the peer takes no more exchanges
	ended   bool  // nothing is read any more
	broken  error // why nothing is written any more
}

// sender is what is to be written, and what makes it.
type sender struct {
	out     bytes.Buffer
	framer  *http2.Framer // into out
	block   bytes.Buffer
	encoder *hpack.Encoder // into block
}

// peer is what the other side has said.
type peer struct {
	window       int64 // bytes of bodies that it takes now
	streamWindow int64 // … of a new stream
	frame        int   // largest frame
	streams      int   // at once
}

// New makes a connection of an open one. Leaving is called, from Read, when the
// peer takes no more exchanges; those under way go on.
func New(wire net.Conn, scheme string, leaving func()) *Conn {
	c := &Conn{
		wire:    wire,
		scheme:  scheme,
		leaving: leaving,
		bell:    make(chan struct{}, 1),
		streams: map[uint32]*Stream{},
		nextID:  1,
		peer:    peer{window: 65535, streamWindow: 65535, frame: 16 << 10, streams: firstStreams},
	}
	c.framer = http2.NewFramer(&c.out, nil)
	c.encoder = hpack.NewEncoder(&c.block)
	c.out.WriteString(http2.ClientPreface)
	c.put(c.framer.WriteSettings(
		http2.Setting{ID: http2.SettingEnablePush, Val: 0},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: maxHead}))
	c.put(c.framer.WriteWindowUpdate(0, connWindow-65535))
	return c
}

// put checks what a write into memory gave back: only a frame that must not be
// can fail.
func (c *Conn) put(err error) {
	if err != nil {
		panic("h2: " + err.Error())
	}
}

// Start begins an exchange. Where the peer's limits leave no room it waits.
func (c *Conn) Start(x Exchange, w Want) *Stream {
	s := &Stream{x: x, want: w, length: -1}
	c.mu.Lock()
	closed := c.last || c.ended
	if !closed {
		c.queue = append(c.queue, s)
	}
	c.mu.Unlock()
	if closed {
		x.Unsent()
		return s
	}
	c.ring()
	return s
}

// Abandon gives an exchange up: the peer is told to stop, and nothing is heard
// of it any more.
func (c *Conn) Abandon(s *Stream) {
	c.mu.Lock()
	if s.id != 0 && !s.over {
		c.put(c.framer.WriteRSTStream(s.id, http2.ErrCodeCancel))
	}
	c.drop(s)
	c.mu.Unlock()
	c.ring()
}

// Room reports whether another exchange would begin at once.
func (c *Conn) Room() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := 0
	for _, s := range c.queue {
		if s.id == 0 {
			waiting++
		}
	}
	return !c.last && !c.ended && len(c.streams)+waiting < c.peer.streams && c.nextID < lastID-2*uint32(waiting)
}

// ring wakes the writer.
func (c *Conn) ring() {
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// drop forgets s.
func (c *Conn) drop(s *Stream) {
	s.over = true
	delete(c.streams, s.id)
	for i, q := range c.queue {
		if q == s {
			c.queue = append(c.queue[:i], c.queue[i+1:]...)
			return
		}
	}
}

// end ends s.
func (c *Conn) end(s *Stream, fault session.FaultCode, why string) {
	if s.over {
		return
	}
	if s.id != 0 && !s.sentAll && fault == session.NoFault {
		c.put(c.framer.WriteRSTStream(s.id, http2.ErrCodeCancel)) // it has its answer: nobody reads the rest
	}
	c.drop(s)
	if fault != session.NoFault {
		s.x.Ended(session.Answer{}, session.NewFault(fault, 0), why)
		return
	}
	s.x.Ended(s.answer(), 0, "")
}

// Read reads until the connection ends, and ends what is under way. The error
// says why.
func (c *Conn) Read() error {
	r := &counter{r: bufio.NewReaderSize(c.wire, 16<<10)}
	f := http2.NewFramer(nil, r)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.MaxHeaderListSize = 16 * maxHead // what is above maxHead is counted, not given up in the middle
	f.SetMaxReadFrameSize(16 << 10)    // what a peer may send that was not told of more
	f.SetReuseFrames()
	err := c.readAll(f, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, s := range c.streams {
		c.end(s, s.faultOf(err, c.broken), plainly(err))
	}
	for len(c.queue) > 0 {
		s := c.queue[0]
		c.drop(s)
		s.x.Ended(session.Answer{}, session.NewFault(s.faultOf(err, c.broken), 0), plainly(err))
	}
	c.ring()
	return err
}

func (c *Conn) readAll(f *http2.Framer, r *counter) error {
	for first := true; ; first = false {
		frame, err := f.ReadFrame()
		n := r.taken()
		if err = c.understand(f, frame, err, n); err != nil {
			return err
		}
		if _, ok := frame.(*http2.SettingsFrame); first && !ok {
			return malformed("it does not begin with settings")
		}
	}
}

// understand deals with what reading a frame of n bytes gave.
func (c *Conn) understand(f *http2.Framer, frame http2.Frame, err error, n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.ring()
	var stream http2.StreamError
	switch {
	case errors.As(err, &stream):
		c.refuse(c.streams[stream.StreamID], malformedText(f, err))
		return nil
	case errors.Is(err, http2.ErrFrameTooLarge):
		return malformed("it is not HTTP/2")
	case err != nil:
		return c.unreadable(f, frame, err, n)
	}
	if s := c.streams[frame.Header().StreamID]; s != nil {
		s.x.Read(n)
	}
	return c.handle(frame)
}

// unreadable is the error of a connection that can't go on.
func (c *Conn) unreadable(f *http2.Framer, frame http2.Frame, err error, n int) error {
	var connection http2.ConnectionError
	if !errors.As(err, &connection) {
		return err
	}
	if h, ok := frame.(*http2.MetaHeadersFrame); ok && h != nil && (h.Truncated || n > maxHead) {
		if s := c.streams[h.StreamID]; s != nil {
			c.end(s, session.HeaderTooLarge, "")
		}
	}
	return malformed(malformedText(f, err))
}

// refuse ends s, whose answer is malformed, and tells the peer.
func (c *Conn) refuse(s *Stream, why string) {
	if s == nil || s.over {
		return
	}
	c.put(c.framer.WriteRSTStream(s.id, http2.ErrCodeProtocol))
	c.end(s, session.MalformedAnswer, why)
}

func malformedText(f *http2.Framer, err error) string {
	if detail := f.ErrorDetail(); detail != nil {
		return detail.Error()
	}
	return err.Error()
}

// malformed is an error of the peer's speaking.
type malformed string

func (m malformed) Error() string { return string(m) }

// plainly is err without the addresses that net puts before it.
func plainly(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF):
		return "the connection was closed"
	case errors.As(err, &op) && op.Err != nil:
		return fmt.Sprintf("%s: %v", op.Op, op.Err)
	}
	return err.Error()
}

// counter counts the bytes of frames.
type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

// taken is the number of bytes since it was last asked.
func (c *counter) taken() int {
	n := c.n
	c.n = 0
	return n
}
