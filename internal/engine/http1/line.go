package http1

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"hyperscale/internal/session"
)

// line cuts the next line off b, with its end: n bytes of b. It is whole unless
// it goes on beyond b or is at fault. A line that folds is whole once the byte
// after it is known not to continue it; an empty one never is continued.
func (p *Parser) line(b []byte, folds bool) (line []byte, n int, whole bool) {
	if p.stash == nil || len(p.stash.line) == 0 {
		end := lineEnd(b, 0)
		if end >= 0 && (!folds || ends(b, end)) {
			p.section += int32(end + 1)
			return b[:end+1], end + 1, p.section <= MaxHead || p.failLong()
		}
	}
	return p.lineOn(b, folds)
}

// ends reports whether the line of b with its LF at end is known to end there.
func ends(b []byte, end int) bool {
	if end == 0 || end == 1 && b[0] == '\r' {
		return true
	}
	return end+1 < len(b) && b[end+1] != ' ' && b[end+1] != '\t'
}

// lineOn is line for the lines that are not in one piece: begun in an earlier
// feed, going on in a later one, folded or at fault.
func (p *Parser) lineOn(b []byte, folds bool) (line []byte, n int, whole bool) {
	s := p.hold()
	for !whole && n < len(b) {
		if at := len(s.line) - 1; at >= 0 && s.line[at] == '\n' {
			if b[n] != ' ' && b[n] != '\t' {
				whole = true
				break
			}
			s.line = append(bytes.TrimRight(s.line, "\r\n"), ' ')
			n++
			continue
		}
		part := b[n:]
		if end := bytes.IndexByte(part, '\n'); end >= 0 {
			part = part[:end+1]
		}
		s.line = append(s.line, part...)
		n += len(part)
		last := len(s.line) - 1
		whole = s.line[last] == '\n' && (!folds || last == 0 || last == 1 && s.line[0] == '\r')
	}
	if p.section = int32(min(int(p.section)+n, MaxHead+1)); p.section > MaxHead {
		return nil, n, p.failLong()
	}
	if !whole {
		return nil, n, false
	}
	line, s.line = s.line, s.line[:0]
	if lineEnd(line, 0) != len(line)-1 {
		p.fail(session.MalformedAnswer, "a line with a bare CR or a NUL: "+sample(line))
		return nil, n, false
	}
	return line, n, true
}

// failLong fails the answer for what does not fit in MaxHead.
func (p *Parser) failLong() bool {
	if p.state == inChunkSize {
		p.fail(session.MalformedAnswer, "a chunk size with more than 64 KiB of extensions")
	} else {
		p.fail(session.HeaderTooLarge, "")
	}
	return false
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// lineEnd is the index of the first LF at or after b[i], where nothing between
// is a NUL or a CR other than its own; else -1. It looks at eight bytes at once:
// subtracting 0x20 from each borrows into the top bit of those below, of which
// the first is exact.
func lineEnd(b []byte, i int) int {
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			if m := (w - 0x20*ones) & ^w & highs; m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		for i < len(b) && b[i] >= ' ' {
			i++
		}
		switch {
		case i == len(b) || b[i] == 0:
			return -1
		case b[i] == '\n':
			return i
		case b[i] == '\r':
			if i+1 < len(b) && b[i+1] == '\n' {
				return i + 1
			}
			return -1
		}
		i++ // a tab or another control character
	}
}

// trimEnd cuts a line's own end off.
func trimEnd(line []byte) []byte {
	n := len(line) - 1
	if n > 0 && line[n-1] == '\r' {
		n--
	}
	return line[:n]
}
