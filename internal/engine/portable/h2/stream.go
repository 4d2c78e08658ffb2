package h2

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/net/http2"

	"hyperscale/internal/engine/dial"
	"hyperscale/internal/session"
)

// Stream is one exchange on a connection. Its fields are guarded by Conn.mu.
type Stream struct {
	x       Exchange
	want    Want
	id      uint32 // 0: not begun
	over    bool
	sentAll bool
	at      int   // bytes of the request's body that were taken
	window  int64 // bytes that the peer takes now

	status  int
	flags   session.Answer // SetsCookie, HasLocation, HasEncoding
	head    []byte
	body    []byte
	size    int64 // of the body
	length  int64 // Content-Length; -1: none
	interim int   // bytes of interim heads
	unread  int64 // bytes that came and were not acknowledged
}

// answer is what was read.
func (s *Stream) answer() session.Answer {
	a := s.flags
	a.Status, a.Head, a.Body, a.BodySize = s.status, s.head, s.body, s.size
	a.TooLarge = s.want.Keep > 0 && s.size > s.want.Keep
	return a
}

// faultOf is the kind that the end of the connection is for s.
func (s *Stream) faultOf(err, broken error) session.FaultCode {
	var m malformed
	if errors.As(err, &m) {
		return session.MalformedAnswer
	}
	code := dial.Fault(err).Code()
	switch {
	case code != session.ClosedBeforeAnswer:
		return code
	case s.status != 0:
		return session.AnswerCutShort
	case broken != nil:
		return dial.Fault(broken).Code()
	}
	return code
}

// handle deals with one frame.
func (c *Conn) handle(frame http2.Frame) error {
	switch f := frame.(type) {
	case *http2.MetaHeadersFrame:
		return c.onHeaders(f)
	case *http2.DataFrame:
		return c.onData(f)
	case *http2.RSTStreamFrame:
		c.onReset(f)
	case *http2.SettingsFrame:
		return c.onSettings(f)
	case *http2.PingFrame:
		return c.onPing(f)
	case *http2.GoAwayFrame:
		c.onGoAway(f)
	case *http2.WindowUpdateFrame:
		return c.onWindow(f)
	case *http2.PushPromiseFrame:
		return malformed("it pushes though it was told not to")
	}
	return nil
}

// begun reports whether a stream of that number was ever begun.
func (c *Conn) begun(id uint32) bool { return id%2 == 1 && id < c.nextID }

func (c *Conn) onHeaders(f *http2.MetaHeadersFrame) error {
	s := c.streams[f.StreamID]
	switch {
	case !c.begun(f.StreamID):
		return malformed("it answers what was not asked")
	case s == nil:
		return nil // given up
	case f.Truncated || size(f) > maxHead:
		c.put(c.framer.WriteRSTStream(s.id, http2.ErrCodeCancel))
		c.end(s, session.HeaderTooLarge, "")
		return nil
	}
	if why := s.takeHead(f); why != "" {
		if why == tooLarge {
			c.end(s, session.HeaderTooLarge, "")
		} else {
			c.refuse(s, why)
		}
		return nil
	}
	if f.StreamEnded() {
		c.complete(s)
	}
	return nil
}

// size is the size of a head as RFC 9113 (6.5.2) counts it.
func size(f *http2.MetaHeadersFrame) (n uint32) {
	for _, h := range f.Fields {
		n += h.Size()
	}
	return n
}

// tooLarge is what takeHead says of heads beyond the limit.
const tooLarge = "too large"

// takeHead reads a head or trailers. It says what is wrong with them.
func (s *Stream) takeHead(f *http2.MetaHeadersFrame) string {
	status := f.PseudoValue("status")
	if s.status != 0 {
		if status != "" || !f.StreamEnded() {
			return "a second head"
		}
		return "" // trailers
	}
	code, err := strconv.Atoi(status)
	switch {
	case err != nil || len(status) != 3 || code < 100:
		return "not a status: " + strconv.Quote(status)
	case code == 101:
		return "101, which HTTP/2 does not have"
	case code < 200 && f.StreamEnded():
		return "an interim answer without another"
	case code < 200:
		if s.interim += int(f.Header().Length) + 9; s.interim > maxHead {
			return tooLarge
		}
		return ""
	}
	s.status = code
	return s.takeFields(f)
}

// takeFields reads the header lines of the final head.
func (s *Stream) takeFields(f *http2.MetaHeadersFrame) string {
	for _, h := range f.RegularFields() {
		switch h.Name {
		case "set-cookie":
			s.flags.SetsCookie = true
		case "location":
			s.flags.HasLocation = true
		case "content-encoding":
			s.flags.HasEncoding = true
		case "content-length":
			n, err := strconv.ParseUint(h.Value, 10, 63)
			if err != nil || s.length >= 0 && s.length != int64(n) {
				return "not a length: " + strconv.Quote(h.Value)
			}
			s.length = int64(n)
		}
		if s.want.KeepHead {
			s.head = append(append(append(append(s.head, h.Name...), ": "...), strings.TrimSpace(h.Value)...), "\r\n"...)
		}
	}
	return ""
}

func (c *Conn) onData(f *http2.DataFrame) error {
	if !c.begun(f.StreamID) {
		return malformed("it answers what was not asked")
	}
	n := int64(f.Length)
	if c.unread += n; c.unread >= connWindow/2 {
		c.put(c.framer.WriteWindowUpdate(0, uint32(c.unread)))
		c.unread = 0
	}
	s := c.streams[f.StreamID]
	if s == nil {
		return nil // given up
	}
	if s.status == 0 {
		c.refuse(s, "a body without a head")
		return nil
	}
	if room := s.want.Keep - s.size; room > 0 {
		s.body = append(s.body, f.Data()[:min(room, int64(len(f.Data())))]...)
	}
	s.size += int64(len(f.Data()))
	if f.StreamEnded() {
		c.complete(s)
		return nil
	}
	if s.unread += n; s.unread >= streamWindow/2 {
		c.put(c.framer.WriteWindowUpdate(s.id, uint32(s.unread)))
		s.unread = 0
	}
	return nil
}

// complete ends s with its answer, if it is as long as it said.
func (c *Conn) complete(s *Stream) {
	bodiless := s.want.NoBody || s.status == 204 || s.status == 304
	switch {
	case s.status == 0:
		c.refuse(s, "an end without a head")
	case s.length >= 0 && s.length != s.size && !bodiless:
		c.refuse(s, "a body of "+strconv.FormatInt(s.size, 10)+" bytes under Content-Length "+strconv.FormatInt(s.length, 10))
	default:
		c.end(s, session.NoFault, "")
	}
}

func (c *Conn) onReset(f *http2.RSTStreamFrame) {
	s := c.streams[f.StreamID]
	switch {
	case s == nil:
	case s.status == 0:
		c.drop(s)
		s.x.Ended(session.Answer{}, session.NewFault(session.ClosedBeforeAnswer, 0), "the stream was reset: "+f.ErrCode.String())
	default:
		c.drop(s)
		s.x.Ended(session.Answer{}, session.NewFault(session.AnswerCutShort, 0), "the stream was reset: "+f.ErrCode.String())
	}
}

func (c *Conn) onGoAway(f *http2.GoAwayFrame) {
	first := !c.last
	c.last = true
	for id, s := range c.streams {
		if id > f.LastStreamID {
			c.drop(s)
			s.x.Ended(session.Answer{}, session.NewFault(session.ClosedBeforeAnswer, 0), "the server is going away: "+f.ErrCode.String())
		}
	}
	for i := 0; i < len(c.queue); {
		if s := c.queue[i]; s.id == 0 {
			c.drop(s)
			s.x.Unsent()
			continue
		}
		i++
	}
	if first {
		c.leaving()
	}
}

func (c *Conn) onPing(f *http2.PingFrame) error {
	if f.IsAck() {
		return nil
	}
	c.put(c.framer.WritePing(true, f.Data))
	return c.patient()
}

// patient fails when the peer wants answers and does not read them.
func (c *Conn) patient() error {
	if c.out.Len() > mostControl {
		return malformed("it asks without reading the answers")
	}
	return nil
}

func (c *Conn) onSettings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	if err := f.ForeachSetting(c.set); err != nil {
		return err
	}
	c.put(c.framer.WriteSettingsAck())
	return c.patient()
}

func (c *Conn) set(s http2.Setting) error {
	if err := s.Valid(); err != nil {
		return malformed("a setting out of range: " + s.String())
	}
	switch s.ID {
	case http2.SettingInitialWindowSize:
		by := int64(s.Val) - c.peer.streamWindow
		c.peer.streamWindow += by
		for _, t := range c.streams {
			t.window += by
		}
	case http2.SettingMaxFrameSize:
		c.peer.frame = int(s.Val)
	case http2.SettingMaxConcurrentStreams:
		c.peer.streams = int(min(s.Val, lastID))
	case http2.SettingHeaderTableSize:
		c.encoder.SetMaxDynamicTableSize(min(s.Val, 4096))
	}
	return nil
}

func (c *Conn) onWindow(f *http2.WindowUpdateFrame) error {
	if f.StreamID == 0 {
		if c.peer.window += int64(f.Increment); c.peer.window > lastID {
			return malformed("a window above 2³¹")
		}
		return nil
	}
	s := c.streams[f.StreamID]
	if s == nil {
		return nil
	}
	if s.window += int64(f.Increment); s.window > lastID {
		c.refuse(s, "a window above 2³¹")
	}
	return nil
}
