package http1

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"

	"hyperscale/internal/session"
)

// takeStatus reads the status line, and what follows it if that is a plain head.
func (p *Parser) takeStatus(b []byte) int {
	if n := p.recall(b); n > 0 {
		return n
	}
	first := p.section == 0
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
	k := p.takePlain(b[n:])
	if first && p.state != inHeader && p.state != inStatus && p.state != isFailed {
		p.learn(b, n, n+k)
	}
	return n + k
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

// takeHeaders reads header lines up to the empty one, or up to where lines of
// the other sort begin: plain ones are in one piece, end in CRLF and do not fold.
func (p *Parser) takeHeaders(b []byte) int {
	if !p.holds() {
		if n := p.takePlain(b); n > 0 {
			return n
		}
	}
	return p.takeOdd(b)
}

// takePlain reads as many plain header lines as b begins with, and the empty
// line if that comes next.
func (p *Parser) takePlain(b []byte) (n int) {
	most := min(len(b), MaxHead-int(p.section))
	for p.state == inHeader && n+1 < most {
		if b[n] == '\r' && b[n+1] == '\n' {
			p.keepHead(b[:n], nil)
			p.section += int32(n + 2)
			p.endHead()
			return n + 2
		}
		colon := nameEnd(b, n)
		if colon <= n {
			break
		}
		end := lineEnd(b, colon)
		if end < 0 || b[end-1] != '\r' || end+1 >= most || b[end+1] == ' ' || b[end+1] == '\t' {
			break
		}
		p.readHeader(b[n:colon], b[colon+1:end-1])
		n = end + 1
	}
	p.keepHead(b[:n], nil)
	p.section += int32(n)
	return n
}

// takeOdd reads one header line of any sort, or the empty one.
func (p *Parser) takeOdd(b []byte) int {
	line, n, whole := p.line(b, true)
	if !whole {
		return n
	}
	text := trimEnd(line)
	if len(text) == 0 {
		p.endHead()
		return n
	}
	colon := nameEnd(text, 0)
	if colon < 1 {
		p.fail(session.MalformedAnswer, "not a header line: "+sample(text))
		return n
	}
	p.keepHead(text, crlf)
	p.readHeader(text[:colon], text[colon+1:])
	return n
}

var crlf = []byte("\r\n")

// keepHead keeps lines, if the head is kept, and the end that they need.
func (p *Parser) keepHead(lines, end []byte) {
	if !p.headOn || len(lines) == 0 {
		return
	}
	p.head.add(p, headOf, lines)
	if end != nil {
		p.head.add(p, headOf, end) // which copies both: lines may not outlast the next line
	}
}

// readHeader takes from one header what it says about the answer's frame.
func (p *Parser) readHeader(name, value []byte) {
	switch len(name) {
	case len("location"):
		if is(name, "location") {
			p.flags |= hasLocation
		}
	case len("connection"):
		if is(name, "set-cookie") {
			p.flags |= setsCookie
		} else if is(name, "connection") {
			p.readConnection(value)
		}
	case len("content-length"):
		if is(name, "content-length") {
			p.readLength(value)
		}
	case len("content-encoding"):
		if is(name, "content-encoding") {
			p.flags |= hasEncoding
		}
	case len("transfer-encoding"):
		if is(name, "transfer-encoding") {
			p.readCoding(value)
		}
	}
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
func (p *Parser) readLength(list []byte) {
	for item, rest := cut(list); ; item, rest = cut(rest) {
		n, ok := number(item)
		switch {
		case !ok:
			p.fail(session.MalformedAnswer, "not a length: "+sample(list))
			return
		case p.flags&hasLength != 0 && n != p.left:
			p.fail(session.MalformedAnswer, "conflicting lengths")
			return
		}
		p.flags |= hasLength
		p.left = n
		if rest == nil {
			return
		}
	}
}

// readCoding notes whether the last transfer coding is chunked.
func (p *Parser) readCoding(list []byte) {
	for item, rest := cut(list); ; item, rest = cut(rest) {
		if len(item) > 0 {
			isChunked := is(item, "chunked")
			if isChunked && p.flags&chunked != 0 {
				p.fail(session.MalformedAnswer, "chunked twice")
				return
			}
			p.flags = p.flags&^chunked | hasCoding
			if isChunked {
				p.flags |= chunked
			}
		}
		if rest == nil {
			return
		}
	}
}

// endHead settles what follows the head.
func (p *Parser) endHead() {
	switch {
	case p.status == 101:
		p.fail(session.MalformedAnswer, "101 without having been asked to switch protocols")
	case p.status < 200:
		p.flags, p.left = 0, 0
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
		p.flags |= lastOne
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
		p.flags |= lastOne
	}
}

// nameEnd is the index of the colon behind the header name at b[i:], -1 when
// there is none. A name holds visible characters of ASCII only. Like lineEnd it
// looks at eight bytes at once, for a colon, for what is below '!' and for what
// is above ASCII.
func nameEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		x := w ^ ':'*ones
		if m := ((x-ones)&^x | (w-'!'*ones)&^w | w) & highs; m != 0 {
			i += bits.TrailingZeros64(m) >> 3
			break
		}
	}
	for i < len(b) && b[i] != ':' && '!' <= b[i] && b[i] < 0x80 {
		i++
	}
	if i < len(b) && b[i] == ':' {
		return i
	}
	return -1
}

// is reports whether b is the word w, which is of small letters and hyphens, in
// letters of any size. B has no CR, which would pass for a hyphen.
func is(b []byte, w string) bool {
	if len(b) != len(w) {
		return false
	}
	for i := range b {
		if b[i]|0x20 != w[i] {
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
