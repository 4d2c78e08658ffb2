package portable

import (
	"net"

	"hyperscale/internal/engine/dial"
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
		err := m.h2.Read()
		d.Post(func() { n.lost(dial.Fault(err), err.Error()) })
	})
	return m
}

func (m *multi) room() bool { return m.h2.Room() }

func (m *multi) start(c *call) {
	m.streams[c] = m.h2.Start(stream{c, m}, h2.Want{NoBody: c.noBody, KeepHead: c.keepHead, Keep: c.keep})
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
func (s stream) Wrote(n int, all bool) {
	s.out.Add(int64(n))
	if all {
		s.sent.Store(true)
	}
}

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

// Unsent implements h2.Exchange: the call goes to another connection.
func (s stream) Unsent() {
	s.driver.Post(func() {
		delete(s.multi.streams, s.call)
		if s.x == nil || s.driver.closed {
			return
		}
		s.moved()
		s.driver.place(s.call)
	})
}

var _ carrier = (*multi)(nil)

// moved takes a call of which nothing was written off its connection.
func (c *call) moved() {
	n := c.conn
	n.forget(c)
	c.conn = nil
	n.released(true)
}
