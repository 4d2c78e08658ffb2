package http1

import (
	"bytes"
	"math"
	"strconv"

	"hyperscale/internal/session"
)

// takeStatus reads the status line.
func (p *Parser) takeStatus(b []byte) int {
	line, n, whole := p.line(b, false)
	if !whole {
		return n
	}
	text := trimEnd(line)
	if !p.readStatus(text) {
		p.fail(session.MalformedAnswer, "not a status line: "+sample(text))
		return n
	}
	p.state = inHeader
	return n
}

// readStatus reads HTTP/1.d ddd [reason].
func (p *Parser) readStatus(s []byte) bool {
	if len(s) < 12 || string(s[:7]) != "HTTP/1." || s[8] != ' ' || len(s) > 12 && s[12] != ' ' {
		return false
	}
	minor, c, d, u := s[7]-'0', s[9]-'0', s[10]-'0', s[11]-'0'
	if minor > 9 || c < 1 || c > 9 || d > 9 || u > 9 {
		return false
	}
	p.minor = minor
	p.status = uint16(c)*100 + uint16(d)*10 + uint16(u)
	return true
}

// takeHeaders reads header lines up to the empty one.
func (p *Parser) takeHeaders(b []byte) (n int) {
	begin := 0 // of the lines of b that are to be kept and were not yet
	for n < len(b) {
		held := p.holds()
		line, k, whole := p.line(b[n:], true)
		text := line
		if whole {
			text = trimEnd(line)
		}
		if p.headOn && (held || !whole || len(text)+2 != k || len(text) == 0) {
			p.keepHead(b[begin:n], text, whole && len(text) > 0)
			begin = n + k
		}
		n += k
		if !whole {
			return n
		}
		if len(text) == 0 {
			p.endHead()
			return n
		}
		if !p.readHeader(text) {
			return n
		}
	}
	if p.headOn {
		p.keepHead(b[begin:n], nil, false)
	}
	return n
}

// keepHead keeps lines as they are and, if there is one, a line that is not so
// in what was fed.
func (p *Parser) keepHead(lines, line []byte, is bool) {
	if len(lines) > 0 {
		p.head.add(p, headOf, lines)
	}
	if is {
		p.head.settle(p, headOf)
		s := p.hold()
		s.part[headOf] = append(append(s.part[headOf], line...), '\r', '\n')
	}
}

// readHeader takes from one header line what it says about the answer's frame.
func (p *Parser) readHeader(line []byte) bool {
	colon := nameEnd(line)
	if colon < 1 {
		p.fail(session.MalformedAnswer, "not a header line: "+sample(line))
		return false
	}
	switch name := line[:colon]; colon {
	case 8:
		if is(name, "location") {
			p.flags |= hasLocation
		}
	case 10:
		if is(name, "set-cookie") {
			p.flags |= setsCookie
		} else if is(name, "connection") {
			p.readConnection(line[colon+1:])
		}
	case 14:
		if is(name, "content-length") {
			return p.readLength(line[colon+1:])
		}
	case 16:
		if is(name, "content-encoding") {
			p.flags |= hasEncoding
		}
	case 17:
		if is(name, "transfer-encoding") {
			return p.readCoding(line[colon+1:])
		}
	}
	return true
}

// readConnection looks for the options close and keep-alive.
func (p *Parser) readConnection(list []byte) {
	for item, rest := cut(list); ; item, rest = cut(rest) {
		switch {
		case is(item, "close"):
			p.flags |= saysClose
		case is(item, "keep-alive"):
			p.flags |= saysKeepAlive
		}
		if rest == nil {
			return
		}
	}
}

// readLength reads one length, or several that are the same.
func (p *Parser) readLength(list []byte) bool {
	for item, rest := cut(list); ; item, rest = cut(rest) {
		n, ok := number(item)
		switch {
		case !ok:
			p.fail(session.MalformedAnswer, "not a length: "+sample(list))
			return false
		case p.flags&hasLength != 0 && n != p.left:
			p.fail(session.MalformedAnswer, "conflicting lengths")
			return false
		}
		p.flags |= hasLength
		p.left = n
		if rest == nil {
			return true
		}
	}
}

// readCoding notes whether the last transfer coding is chunked.
func (p *Parser) readCoding(list []byte) bool {
	for item, rest := cut(list); ; item, rest = cut(rest) {
		if len(item) > 0 {
			isChunked := is(item, "chunked")
			if isChunked && p.flags&chunked != 0 {
				p.fail(session.MalformedAnswer, "chunked twice")
				return false
			}
			p.flags = p.flags&^chunked | hasCoding
			if isChunked {
				p.flags |= chunked
			}
		}
		if rest == nil {
			return true
		}
	}
}

// endHead settles what follows the head.
func (p *Parser) endHead() {
	switch {
	case p.status == 101:
		p.fail(session.MalformedAnswer, "101 without having been asked to switch protocols")
	case p.status < 200:
		p.flags = interim
		p.left = 0
		p.head.view = nil
		if p.stash != nil {
			p.stash.part[headOf] = p.stash.part[headOf][:0]
		}
		p.state = inStatus
	default:
		p.frame()
	}
}

// frame settles how the body ends, by RFC 9112, section 6.3.
func (p *Parser) frame() {
	if p.flags&hasCoding != 0 && (p.flags&hasLength != 0 || p.minor == 0) {
		p.flags |= saysClose
	}
	switch {
	case p.noBody || p.status == 204 || p.status == 304:
		p.state = isDone
	case p.flags&chunked != 0:
		p.state, p.section = inChunkSize, 0
	case p.flags&hasLength != 0 && p.flags&hasCoding == 0:
		p.state = inLength
		if p.left == 0 {
			p.state = isDone
		}
	default:
		p.state = inClose
		p.flags |= saysClose
	}
}

// tokens marks the bytes of header names (RFC 9110, section 5.6.2).
var tokens = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return t
}()

// nameEnd is the index of the colon behind the header name that line begins
// with, -1 when there is none.
func nameEnd(line []byte) int {
	for i, c := range line {
		if !tokens[c] {
			if c == ':' {
				return i
			}
			return -1
		}
	}
	return -1
}

// is reports whether b is the word w, which is in lower case, in any case.
func is(b []byte, w string) bool {
	if len(b) != len(w) {
		return false
	}
	for i := 0; i < len(w); i++ {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != w[i] {
			return false
		}
	}
	return true
}

// cut gives the first item of a comma-separated list without white space around
// it, and the rest: nil when there is no more.
func cut(list []byte) (item, rest []byte) {
	item = list
	if at := bytes.IndexByte(list, ','); at >= 0 {
		item, rest = list[:at], list[at+1:]
	}
	for len(item) > 0 && (item[0] == ' ' || item[0] == '\t') {
		item = item[1:]
	}
	for n := len(item); n > 0 && (item[n-1] == ' ' || item[n-1] == '\t'); n = len(item) {
		item = item[:n-1]
	}
	return item, rest
}

// number reads decimal digits.
func number(b []byte) (n int64, ok bool) {
	for _, c := range b {
		d := int64(c) - '0'
		if d < 0 || d > 9 || n > (math.MaxInt64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, len(b) > 0
}

// sample quotes the beginning of what the target sent.
func sample(b []byte) string {
	const most = 60
	if len(b) <= most {
		return strconv.Quote(string(b))
	}
	return strconv.Quote(string(b[:most])) + "…"
}
