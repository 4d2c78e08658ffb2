package http1

import "bytes"

// Lane is what the parsers of one lane share to be quick: buffers, so that
// answers which come in pieces cost no allocation, and the heads read last, for
// most answers of a load begin with the very bytes of one before. It changes
// nothing in what is read. The zero value is ready; it is not for use by several
// goroutines.
type Lane struct {
	free  []*stash
	heads [8]knownHead
}

const (
	maxSpare = 64 << 10 // the largest buffer worth keeping for the next answer, in bytes
	maxKnown = 1 << 10  // the longest head worth knowing, in bytes
)

func (l *Lane) get() *stash {
	if l == nil || len(l.free) == 0 {
		return new(stash)
	}
	last := len(l.free) - 1
	s := l.free[last]
	l.free = l.free[:last]
	return s
}

func (l *Lane) put(s *stash) {
	if l == nil {
		return
	}
	s.line = emptied(s.line)
	for i := range s.part {
		s.part[i] = emptied(s.part[i])
	}
	l.free = append(l.free, s)
}

func emptied(b []byte) []byte {
	if cap(b) > maxSpare {
		return nil
	}
	return b[:0]
}

// knownHead is a head with what was read in it.
type knownHead struct {
	text   []byte // from the status line to the empty one; empty: none is known
	lines  int    // where its header lines begin
	left   int64
	flags  flags
	status uint16
	minor  uint8
}

// known is the place of the head that b may begin with. Equal answers are mostly
// read in pieces of equal length, and different ones are not.
func (l *Lane) known(b []byte) *knownHead { return &l.heads[len(b)%len(l.heads)] }

// recall reads the head at the beginning of b if it is known, else nothing.
func (p *Parser) recall(b []byte) int {
	if p.lane == nil || p.section > 0 {
		return 0
	}
	h := p.lane.known(b)
	n := len(h.text)
	if n == 0 || !bytes.HasPrefix(b, h.text) {
		return 0
	}
	p.status, p.minor, p.flags, p.left = h.status, h.minor, h.flags, h.left
	p.section = int32(n)
	p.keepHead(b[h.lines:n-len(crlf)], nil)
	p.frame()
	return n
}

// learn keeps the head that was just read, wholly from the first n bytes of b
// and with its header lines at b[lines:].
func (p *Parser) learn(b []byte, lines, n int) {
	if p.lane == nil || n > maxKnown {
		return
	}
	h := p.lane.known(b)
	h.text = append(h.text[:0], b[:n]...)
	h.lines, h.left, h.flags = lines, p.left, p.flags&^lastOne
	h.status, h.minor = p.status, p.minor
}
