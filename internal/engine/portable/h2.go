package portable

import (
	"net"

	"hyperscale/internal/engine/portable/h2"
	"hyperscale/internal/session"
)

// multi carries many calls over one connection of HTTP/2.
type multi struct {
	conn    *conn
	h2      *h2.Conn
	streams map[*call]*h2.Stream // the lane's
}

func newH2(n *conn, c net.Conn) *multi {
	d := n.driver
	m := &multi{conn: n, streams: map[*call]*h2.Stream{}}
	m.h2 = h2.New(c, n.origin.Scheme, func() { d.Post(n.spend) })
	d.work.Go(m.h2.Write)
	d.work.Go(func() {
		_ = m.h2.Read() // which ends all calls, each by itself
		d.Post(n.drop)
	})
	return m
}

func (m *multi) room() bool { return m.h2.Room() }

func (m *multi) start(c *call) {
	m.streams[c] = m.h2.Start(stream{c, m}, c.want)
}

func (m *multi) abandon(c *call) {
	m.h2.Abandon(m.streams[c])
	delete(m.streams, c)
}

// stream is a call as its stream sees it.
type stream struct {
	*call
	multi *multi
}

// View implements h2.Exchange.
func (s stream) View(f func(head, body []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.request != nil {
		f(s.request.Head, s.request.Body)
	}
}

// Wrote implements h2.Exchange.
func (s stream) Wrote(n int) { s.out.Add(int64(n)) }

// Sent implements h2.Exchange.
func (s stream) Sent() { s.sent.Store(true) }

// Read implements h2.Exchange.
func (s stream) Read(n int) {
	s.got(s.driver.Clock())
	s.in.Add(int64(n))
}

// Ended implements h2.Exchange.
func (s stream) Ended(a session.Answer, fault session.Fault, why string) {
	out := outcome{answer: a, fault: fault, text: why, end: s.driver.Clock(), reuse: true}
	s.driver.Post(func() {
		delete(s.multi.streams, s.call)
		s.driver.finish(s.call, out)
	})
}

// mostMoves bounds the connections that a call is put on in vain, lest a server
// that takes connections and no requests keeps us opening them.
const mostMoves = 3

// Unsent implements h2.Exchange: nothing of the call was written, so it goes to
// another connection.
func (s stream) Unsent() {
	end := s.driver.Clock()
	s.driver.Post(func() {
		c, d := s.call, s.driver
		delete(s.multi.streams, c)
		switch {
		case c.x == nil || d.closed:
		case c.moves == mostMoves:
			d.finish(c, outcome{fault: session.NewFault(session.ClosedBeforeAnswer, 0), text: "the server takes no requests", end: end})
		default:
			c.move()
			d.place(c)
		}
	})
}

// move takes a call off its connection.
func (c *call) move() {
	n := c.conn
	c.moves++
	c.conn = nil
	n.forget(c)
	n.released(true)
}
