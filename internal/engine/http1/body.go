package http1

import (
	"bytes"
	"math"

	"hyperscale/internal/session"
)

// takeKnown reads of a body or chunk whose length is known.
func (p *Parser) takeKnown(b []byte) int {
	n := int(min(p.left, int64(len(b))))
	p.keepBody(b[:n])
	p.left -= int64(n)
	if p.left > 0 {
		return n
	}
	if p.state == inChunk {
		p.state = inChunkCR
	} else {
		p.state = isDone
	}
	return n
}

// keepBody counts b as body and keeps of it what there is room for.
func (p *Parser) keepBody(b []byte) {
	if room := p.keep - p.size; room > 0 {
		p.body.add(p, bodyOf, b[:min(room, int64(len(b)))])
	}
	p.size += int64(len(b))
}

// takeFrame reads what stands between chunks.
func (p *Parser) takeFrame(b []byte) int {
	switch {
	case p.state == inChunkSize:
		return p.takeSize(b)
	case p.state == inChunkCR && b[0] == '\r':
		p.state = inChunkLF
	case p.state == inChunkLF && b[0] == '\n':
		p.state, p.section = inChunkSize, 0
	default:
		p.fail(session.MalformedAnswer, "no CRLF after a chunk")
	}
	return 1
}

// takeSize reads the line before a chunk: its length in hexadecimal digits and
// extensions, which are read over.
func (p *Parser) takeSize(b []byte) int {
	line, n, whole := p.line(b, false)
	if !whole {
		return n
	}
	size, ok := chunkSize(line)
	switch {
	case !ok:
		p.fail(session.MalformedAnswer, "not a chunk size: "+sample(line))
	case size == 0:
		p.state, p.section = inTrailer, 0
	case size > math.MaxInt64-p.size:
		p.fail(session.MalformedAnswer, "a body of more than 2⁶³ bytes")
	default:
		p.state, p.left = inChunk, size
	}
	return n
}

// chunkSize reads the line before a chunk.
func chunkSize(line []byte) (size int64, ok bool) {
	line, ok = bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return 0, false
	}
	i := 0
	for ; i < len(line); i++ {
		d := hexDigit(line[i])
		if d < 0 {
			break
		}
		if size > math.MaxInt64>>4 {
			return 0, false
		}
		size = size<<4 | d
	}
	rest := bytes.TrimLeft(line[i:], " \t")
	return size, i > 0 && (len(rest) == 0 || rest[0] == ';')
}

// hexDigit is the value of a hexadecimal digit, -1 for any other byte.
func hexDigit(c byte) int64 {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int64(c|0x20-'a') + 10
	}
	return -1
}

// takeTrailers reads over the header lines after the last chunk.
func (p *Parser) takeTrailers(b []byte) (n int) {
	for n < len(b) && p.state == inTrailer {
		line, k, whole := p.line(b[n:], true)
		n += k
		if !whole {
			return n
		}
		text := trimEnd(line)
		switch {
		case len(text) == 0:
			p.state = isDone
		case nameEnd(text, 0) < 1:
			p.fail(session.MalformedAnswer, "not a trailer: "+sample(text))
		}
	}
	return n
}
