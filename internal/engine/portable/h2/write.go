package h2

import (
	"bytes"
	"errors"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"hyperscale/internal/engine/dial"
	"hyperscale/internal/session"
)

// Write writes until nothing is read any more, or the peer does not take it.
func (c *Conn) Write() {
	var spare bytes.Buffer
	for range c.bell {
		for {
			c.mu.Lock()
			if c.ended {
				c.mu.Unlock()
				return
			}
			whole := c.fill()
			c.out, spare = spare, c.out
			c.mu.Unlock()
			if spare.Len() == 0 {
				break
			}
			if _, err := c.wire.Write(spare.Bytes()); err != nil {
				c.unwritable(err)
				return
			}
			spare.Reset()
			for _, x := range whole {
				x.Sent()
			}
		}
	}
}

// unwritable notes why nothing is written any more. When the peer is gone the
// reader finds that out too, and maybe an answer before; else it is told.
func (c *Conn) unwritable(err error) {
	c.mu.Lock()
	c.broken = err
	c.last = true
	c.mu.Unlock()
	if dial.Fault(err).Code() != session.ConnectionReset {
		_ = c.wire.Close() // the error that counts is err
	}
}

// fill puts what may be sent now into out, one frame of each exchange in turn. It
// gives those that are whole with it.
func (c *Conn) fill() (whole []Exchange) {
	for moved := true; moved && c.out.Len() < batch; {
		moved = false
		for i := 0; i < len(c.queue) && c.out.Len() < batch; {
			s := c.queue[i]
			before := c.out.Len()
			c.send(s)
			if n := c.out.Len() - before; n > 0 {
				moved = true
				s.x.Wrote(n)
			}
			if s.sentAll {
				whole = append(whole, s.x)
			}
			if i < len(c.queue) && c.queue[i] == s {
				i++
			}
		}
	}
	return whole
}

// send puts the next frame of s into out, if it may be sent.
func (c *Conn) send(s *Stream) {
	if s.id == 0 && (len(c.streams) >= c.peer.streams || c.nextID > lastID) {
		return
	}
	var err error
	s.x.View(func(head, body []byte) {
		if s.id == 0 {
			err = c.sendHead(s, head, len(body) == 0)
		} else {
			c.sendBody(s, body)
		}
	})
	switch {
	case err != nil:
		c.drop(s)
		s.x.Ended(session.Answer{}, session.NewFault(session.SendFailed, 0), err.Error())
	case s.sentAll:
		c.unqueue(s)
	}
}

// unqueue takes s out of those that have something to send.
func (c *Conn) unqueue(s *Stream) {
	for i, q := range c.queue {
		if q == s {
			c.queue = append(c.queue[:i], c.queue[i+1:]...)
			return
		}
	}
}

// sendHead begins s.
func (c *Conn) sendHead(s *Stream, head []byte, last bool) error {
	c.block.Reset()
	if err := c.encode(head); err != nil {
		return err
	}
	s.id, s.window, s.sentAll = c.nextID, c.peer.streamWindow, last
	c.nextID += 2
	c.streams[s.id] = s
	block := c.block.Bytes()
	first := block[:min(len(block), c.peer.frame)]
	rest := block[len(first):]
	c.put(c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: s.id, BlockFragment: first, EndStream: last, EndHeaders: len(rest) == 0,
	}))
	for len(rest) > 0 {
		next := rest[:min(len(rest), c.peer.frame)]
		rest = rest[len(next):]
		c.put(c.framer.WriteContinuation(s.id, len(rest) == 0, next))
	}
	return nil
}

// sendBody sends a frame of s's body, as large as the peer takes.
func (c *Conn) sendBody(s *Stream, body []byte) {
	n := min(int64(len(body)-s.at), int64(c.peer.frame), s.window, c.peer.window, batch)
	if n <= 0 {
		return
	}
	piece := body[s.at : s.at+int(n)]
	s.at += int(n)
	s.window -= n
	c.peer.window -= n
	s.sentAll = s.at == len(body)
	c.put(c.framer.WriteData(s.id, s.sentAll, piece))
}

// encode compresses a head that is given in HTTP/1 form.
func (c *Conn) encode(head []byte) error {
	line, rest, _ := strings.Cut(string(head), "\r\n")
	method, target, ok := strings.Cut(line, " ")
	target, _, ok2 := strings.Cut(target, " ")
	if !ok || !ok2 {
		return errors.New("a request without a request line")
	}
	authority := ""
	for field := range strings.SplitSeq(rest, "\r\n") {
		if name, value, _ := strings.Cut(field, ":"); strings.EqualFold(name, "host") {
			authority = strings.TrimSpace(value)
		}
	}
	c.field(":method", method)
	c.field(":scheme", c.scheme)
	c.field(":authority", authority)
	c.field(":path", path(target))
	for field := range strings.SplitSeq(rest, "\r\n") {
		name, value, ok := strings.Cut(field, ":")
		if name, value = strings.ToLower(name), strings.TrimSpace(value); ok && carried(name, value) {
			c.field(name, value)
		}
	}
	return nil
}

func (c *Conn) field(name, value string) {
	c.put(c.encoder.WriteField(hpack.HeaderField{Name: name, Value: value}))
}

// path is the path of a target, which names the place too when it is meant for a
// proxy.
func path(target string) string {
	_, rest, ok := strings.Cut(target, "://")
	if !ok || target[0] == '/' {
		return target
	}
	at := strings.IndexAny(rest, "/?")
	switch {
	case at < 0:
		return "/"
	case rest[at] == '?':
		return "/" + rest[at:]
	}
	return rest[at:]
}

// carried reports whether a header line belongs to the request, and not to the
// connection (RFC 9113, section 8.2.2) or to a proxy on its way.
func carried(name, value string) bool {
	switch name {
	case "host", "connection", "keep-alive", "proxy-connection", "proxy-authorization", "transfer-encoding", "upgrade", "http2-settings":
		return false
	case "te":
		return value == "trailers"
	}
	return true
}
