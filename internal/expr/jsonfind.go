package expr

import (
	"bytes"
	"math"
	"math/bits"
)

// Find gives the first match of the path that is not null, in the order of RFC
// 9535 (of ..name a node comes before what is below it). Raw is a part of body.
// Without a match ok is false, and kind says whether the body was malformed.
//
// The body is read once, without recursion where nothing can match, and only as
// far as needed; what stands behind the match may be anything. (An array with
// an active [-n] is read twice, to count it.) Of members with the same name the
// first counts. Nothing is allocated.
func (p *JSONPath) Find(body []byte) (raw []byte, kind JSONKind, ok bool) {
	if len(body) > math.MaxInt32 {
		return nil, JSONMalformed, false
	}
	f := finder{steps: p.steps, scanner: scanner{body: bytes.TrimPrefix(body, []byte("\ufeff"))}}
	var out hits
	f.value(1, 0, &out)
	switch {
	case f.bad:
		return nil, JSONMalformed, false
	case !f.done:
		f.match = out[0]
	}
	if f.match.end == 0 {
		return nil, JSONNothing, false
	}
	raw = f.body[f.match.start:f.match.end]
	return raw, kindOf(raw[0]), true
}

// finder evaluates a path while it reads. State i at a node means: the steps
// before i have led here, and the first match of the steps from i on is wanted.
// All states of a node are followed at once, so that nothing is read again.
//
// One state may be final: its first match is the whole path's first match,
// because nothing that comes later could go before it. Then the search ends.
type finder struct {
	scanner
	steps   []step
	match   span // when done
	done    bool
	counted int // bytes that were read to count elements
}

// maxCounted is how often a body may be read to count elements. It keeps the
// time of hostile bodies, nested to maxDepth, in bounds.
const maxCounted = 16

// noState is the final state where there is none.
const noState = -1

// span is where a value stands in the body. None ends at 0.
type span struct{ start, end int32 }

// hits holds for each state the first match found below a node.
type hits [maxSteps + 1]span

// clear forgets the matches of these states.
func (h *hits) clear(states uint32) {
	for states != 0 {
		var i int
		i, states = lowest(states)
		h[i] = span{}
	}
}

// value reads one value and notes in out what its states lead to.
func (f *finder) value(states uint32, final int, out *hits) {
	b, start, goal := f.peek(), f.pos, len(f.steps)
	inner := states &^ (1 << goal)
	switch {
	case inner == 0, final == goal && b != 'n', b != '{' && b != '[':
		f.skip()
	case b == '{':
		f.object(inner, final, out)
	default:
		f.array(inner, final, out)
	}
	if f.bad || f.done || states>>goal&1 == 0 || b == 'n' {
		return
	}
	out[goal] = span{int32(start), int32(f.pos)}
	if final == goal {
		f.match, f.done = out[goal], true
	}
}

// object reads an object in which at least one state is followed.
func (f *finder) object(states uint32, final int, out *hits) {
	var child hits
	var seen uint32 // states whose name has come
	f.enter()
	for first := true; f.more(first, '}'); first = false {
		name, escaped := f.key()
		if f.bad {
			return
		}
		direct, deep := f.member(states, seen, name, escaped, out)
		seen |= direct
		childFinal := noState
		if final != noState && direct>>final&1 == 1 {
			childFinal = final + 1
		}
		if f.child(direct, deep, childFinal, &child, out); f.bad || f.done {
			return
		}
	}
}

// member gives the states that this member of an object fits, and those that
// are to be followed below it. A name is fitted once, by its first member.
func (f *finder) member(states, seen uint32, name []byte, escaped bool, out *hits) (direct, deep uint32) {
	for states != 0 {
		var i int
		i, states = lowest(states)
		bit, s := uint32(1)<<i, &f.steps[i]
		switch {
		case s.kind == anyStep:
			if out[i].end == 0 {
				direct |= bit
			}
			continue
		case s.kind == indexStep:
			continue
		case seen&bit == 0 && sameName(name, escaped, s.name):
			direct |= bit
		}
		if s.kind == descendStep && out[i].end == 0 {
			deep |= bit
		}
	}
	return direct, deep
}

// array reads an array in which at least one state is followed.
func (f *finder) array(states uint32, final int, out *hits) {
	var child hits
	length := f.length(states)
	f.enter()
	for index := 0; f.more(index == 0, ']'); index++ {
		direct, deep := f.element(states, index, length, out)
		childFinal := noState
		switch {
		case final == noState:
		case direct>>final&1 == 1:
			childFinal = final + 1
		case deep>>final&1 == 1:
			childFinal = final
		}
		if f.child(direct, deep, childFinal, &child, out); f.bad || f.done {
			return
		}
	}
}

// element gives the states that this element of an array fits, and those that
// are to be followed below it.
func (f *finder) element(states uint32, index, length int, out *hits) (direct, deep uint32) {
	for states != 0 {
		var i int
		i, states = lowest(states)
		bit, s := uint32(1)<<i, &f.steps[i]
		switch {
		case s.kind == indexStep:
			if s.index == index || s.index < 0 && s.index+length == index {
				direct |= bit
			}
		case out[i].end != 0:
		case s.kind == anyStep:
			direct |= bit
		case s.kind == descendStep:
			deep |= bit
		}
	}
	return direct, deep
}

// length counts the elements of the array that comes next if a state needs
// that; the position stays.
func (f *finder) length(states uint32) (n int) {
	negative := false
	for states != 0 {
		var i int
		i, states = lowest(states)
		negative = negative || f.steps[i].kind == indexStep && f.steps[i].index < 0
	}
	if !negative {
		return 0
	}
	start := f.scanner
	f.enter()
	for f.more(n == 0, ']') {
		f.skip()
		n++
	}
	f.counted += f.pos - start.pos
	start.bad = f.bad || f.counted > maxCounted*len(f.body)
	f.scanner = start
	return n
}

// child reads the value of a member or element and merges what was found in it:
// a match through the node itself goes before one from below.
func (f *finder) child(direct, deep uint32, final int, child, out *hits) {
	next := direct<<1 | deep
	if next == 0 {
		f.skip()
		return
	}
	child.clear(next)
	f.value(next, final, child)
	for direct != 0 {
		var i int
		i, direct = lowest(direct)
		if child[i+1].end != 0 {
			out[i] = child[i+1]
		}
	}
	for deep != 0 {
		var i int
		i, deep = lowest(deep)
		if out[i].end == 0 {
			out[i] = child[i]
		}
	}
}

// lowest gives the number of the lowest bit of set and the set without it.
func lowest(set uint32) (bit int, rest uint32) {
	return bits.TrailingZeros32(set), set & (set - 1)
}
