package http1

import (
	"hyperscale/internal/session"
)

// MaxHead is the most that the heads of one answer, interim ones included, may
// take in bytes; so may its trailers, and the line before a chunk.
const MaxHead = 64 << 10

// Parser reads one answer after another. The zero value waits for an answer of
// which nothing is kept; Reset begins the next one.
type Parser struct {
	wanted
	state   state
	minor   uint8 // of the version HTTP/1.minor
	flags   flags
	status  uint16
	section int32 // bytes of the heads, trailers or chunk line so far

	size  int64 // bytes of the body so far
	left  int64 // of the body or chunk; before the body: Content-Length
	in    int64
	head  kept
	body  kept
	stash *stash // what had to be copied; nil while nothing was
	lane  *Lane  // nil: none
	failure
}

// wanted is what is to be read.
type wanted struct {
	keep   int64 // bytes of the body to keep
	noBody bool
	headOn bool // the head is kept
}

// failure is why an answer is at fault.
type failure struct {
	fault session.Fault
	why   string
}

// state is what the next byte belongs to.
type state uint8

const (
	inStatus state = iota
	inHeader
	inLength    // body of known length
	inClose     // body up to the end of the connection
	inChunkSize // the line before a chunk
	inChunk
	inChunkCR // the CRLF after a chunk
	inChunkLF
	inTrailer
	isDone
	isFailed
)

// flags are what the head said.
type flags uint16

const (
	hasLength flags = 1 << iota
	hasCoding       // Transfer-Encoding
	chunked         // … and its last coding is chunked
	saysClose
	saysKeepAlive
	setsCookie
	hasLocation
	hasEncoding
	lastOne // the connection ends with this answer, as its frame wants
)

// Reset begins an answer. NoBody says that it has no body whatever its head
// says; of the body at most keep bytes are kept, of the head all or nothing.
// What was kept of the answer before is given back.
func (p *Parser) Reset(noBody bool, keep int64, keepHead bool) {
	p.Drop()
	p.state, p.flags, p.failure = inStatus, 0, failure{}
	p.section, p.size, p.left, p.in = 0, 0, 0, 0
	p.wanted = wanted{keep, noBody, keepHead}
}

// Use makes p share with the other parsers of l.
func (p *Parser) Use(l *Lane) { p.lane = l }

// Drop gives back what is kept of a finished answer: nothing but p itself is
// held until the next one. The slices given by Answer are void.
func (p *Parser) Drop() {
	p.head.view, p.body.view = nil, nil
	if p.stash != nil {
		p.lane.put(p.stash)
		p.stash = nil
	}
}

// Feed takes the bytes just read, which may hold a part of an answer or go
// beyond its end. N of them belong to this answer: where it is done and n is
// less than len(b), the rest is not an answer to anything that was asked. A
// fault ends the answer; why says more of it. It keeps no hold on b, but for
// what Answer gives when done.
func (p *Parser) Feed(b []byte) (n int, done bool, fault session.Fault, why string) {
	for n < len(b) && p.state < isDone {
		n += p.take(b[n:])
	}
	p.in += int64(n)
	if p.state == isDone {
		return n, true, 0, ""
	}
	p.settle()
	return n, false, p.fault, p.why
}

// take reads on from the beginning of b as far as the state does not change.
func (p *Parser) take(b []byte) int {
	switch p.state {
	case inStatus:
		return p.takeStatus(b)
	case inHeader:
		return p.takeHeaders(b)
	case inLength, inChunk:
		return p.takeKnown(b)
	case inClose:
		p.keepBody(b)
		return len(b)
	case inTrailer:
		return p.takeTrailers(b)
	}
	return p.takeFrame(b)
}

// EOF says that the peer closed the connection. That completes a body that has
// no other end; any other answer is at fault: it never began (interim answers do
// not count) or was cut short.
func (p *Parser) EOF() (done bool, fault session.Fault, why string) {
	switch {
	case p.state == inClose:
		p.state = isDone
	case p.state == inStatus && !p.holds():
		p.fail(session.ClosedBeforeAnswer, "")
	case p.state < isDone:
		p.fail(session.AnswerCutShort, "")
	}
	return p.state == isDone, p.fault, p.why
}

// Answer fills in what was read of a finished answer, all but its times. Head
// and Body are parts of what was last fed or of p's own buffers: they are valid
// until the next Feed, Reset or Drop.
func (p *Parser) Answer(a *session.Answer) {
	a.Status = int(p.status)
	a.Head, a.Body = nil, nil
	if p.headOn {
		a.Head = p.head.bytes(p.stash, headOf)
	}
	if p.keep > 0 {
		a.Body = p.body.bytes(p.stash, bodyOf)
	}
	a.BodySize = p.size
	a.TooLarge = p.keep > 0 && p.size > p.keep
	a.SetsCookie = p.flags&setsCookie != 0
	a.HasLocation = p.flags&hasLocation != 0
	a.HasEncoding = p.flags&hasEncoding != 0
}

// KeepAlive reports whether the connection may carry another request after this
// finished answer.
func (p *Parser) KeepAlive() bool {
	if p.state != isDone || p.flags&(saysClose|lastOne) != 0 {
		return false
	}
	return p.minor > 0 || p.flags&saysKeepAlive != 0
}

// Started reports whether any byte of the answer was seen.
func (p *Parser) Started() bool { return p.in > 0 }

// BytesIn is the length of the answer so far as it was received: heads, framing
// and body.
func (p *Parser) BytesIn() int64 { return p.in }

// fail ends the answer with a fault; the first one counts.
func (p *Parser) fail(code session.FaultCode, why string) {
	p.state, p.failure = isFailed, failure{session.NewFault(code, 0), why}
}
