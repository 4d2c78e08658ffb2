package expr

// maxDepth is how deeply arrays and objects may be nested in a body. It bounds
// the stack of a search and, for hostile bodies, its time.
const maxDepth = 512

// scanner reads JSON from a body (RFC 8259). The first fault is final.
type scanner struct {
	body  []byte
	pos   int
	depth int  // of the arrays and objects entered
	bad   bool // malformed, or too deep
}

// peek skips blanks and gives the next byte; 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.body) {
		if b := s.body[s.pos]; b > ' ' || !isBlank(b) {
			return b
		}
		s.pos++
	}
	return 0
}

// take reads the byte b, past blanks, or finds the body malformed.
func (s *scanner) take(b byte) bool {
	if s.peek() != b {
		s.bad = true
		return false
	}
	s.pos++
	return true
}

// enter reads the bracket that opens an array or object.
func (s *scanner) enter() {
	s.pos++
	s.depth++
	s.bad = s.bad || s.depth > maxDepth
}

// more reads what stands before the next member or element of the array or
// object that ends with end; false when it has ended or is malformed.
func (s *scanner) more(first bool, end byte) bool {
	b := s.peek()
	switch {
	case s.bad:
		return false
	case b == end:
		s.pos++
		s.depth--
		return false
	case first:
		return true
	}
	return s.take(',')
}

// key reads a member's name and colon. It gives what stands between the quotes.
func (s *scanner) key() (name []byte, escaped bool) {
	if s.peek() != '"' {
		s.bad = true
		return nil, false
	}
	start := s.pos + 1
	escaped = s.text()
	end := s.pos - 1
	if s.bad || !s.take(':') {
		return nil, false
	}
	return s.body[start:end], escaped
}

// text reads a string and reports whether it has escapes. The position is at
// its opening quote.
func (s *scanner) text() (escaped bool) {
	body, i := s.body, s.pos+1
	for {
		for i < len(body) && !special[body[i]] {
			i++
		}
		switch {
		case i == len(body), body[i] < ' ':
			s.bad = true
			return escaped
		case body[i] == '"':
			s.pos = i + 1
			return escaped
		}
		n := escapeLen(body[i:])
		if n == 0 {
			s.bad = true
			return escaped
		}
		escaped = true
		i += n
	}
}

// special are the bytes at which reading a string stops to think: the quote,
// the backslash and control characters.
var special = func() [256]bool {
	set := [256]bool{'"': true, '\\': true}
	for b := range ' ' {
		set[b] = true
	}
	return set
}()

// scalar reads a string, a number, true, false or null.
func (s *scanner) scalar() {
	switch s.peek() {
	case '"':
		s.text()
		return
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		n := numberLen(s.body[s.pos:])
		s.bad = !isJSONNumber(s.body[s.pos : s.pos+n])
		s.pos += n
	}
	if s.pos == len(s.body) {
		s.bad = s.bad || s.depth > 0 // more of it may be missing
	} else if !endsWord(s.body[s.pos]) {
		s.bad = true
	}
}

// word reads this very word.
func (s *scanner) word(word string) {
	end := s.pos + len(word)
	if end > len(s.body) || string(s.body[s.pos:end]) != word {
		s.bad = true
		return
	}
	s.pos = end
}

// endsWord reports whether b may stand behind a number or word.
func endsWord(b byte) bool { return isBlank(b) || b == ',' || b == ']' || b == '}' }

// isJSONNumber reports whether text is a number as JSON writes it: as ours, but
// without leading zeros.
func isJSONNumber[T string | []byte](text T) bool {
	n := numberLen(text)
	if n == 0 || n != len(text) {
		return false
	}
	i := 0
	if text[0] == '-' {
		i = 1
	}
	return text[i] != '0' || digits(text, i) == i+1
}

// nest remembers for each level of nesting whether it is an object.
type nest [(maxDepth + 1 + 63) / 64]uint64

// set notes the kind of a level.
func (n *nest) set(level int, object bool) {
	bit := uint64(1) << (level % 64)
	n[level/64] &^= bit
	if object {
		n[level/64] |= bit
	}
}

// closer gives the byte that ends a level.
func (n *nest) closer(level int) byte {
	if n[level/64]>>(level%64)&1 == 1 {
		return '}'
	}
	return ']'
}

// skip reads one value of any kind.
func (s *scanner) skip() {
	if b := s.peek(); b == '{' || b == '[' {
		s.skipNested()
		return
	}
	s.scalar()
}

// skipNested reads an array or object without recursion.
func (s *scanner) skipNested() {
	var levels nest
	base := s.depth
	for !s.bad {
		first := false
		if b := s.peek(); b == '{' || b == '[' {
			if s.enter(); s.bad {
				return
			}
			levels.set(s.depth, b == '{')
			first = true
		} else {
			s.scalar()
		}
		for s.depth > base && !s.more(first, levels.closer(s.depth)) {
			if s.bad || s.depth == base {
				return
			}
			first = false
		}
		if levels.closer(s.depth) == '}' {
			s.key()
		}
	}
}

// escapeLen gives the length of the escape that text begins with, 0 if it is
// none. A pair of surrogates counts as two.
func escapeLen(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(text[2:]); ok {
			return 6
		}
	}
	return 0
}

// hex4 reads the four hexadecimal digits of \uXXXX.
func hex4[T string | []byte](text T) (r rune, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for i := range 4 {
		b := text[i]
		switch {
		case isDigit(b):
			b -= '0'
		case 'a' <= b|0x20 && b|0x20 <= 'f':
			b = b | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(b)
	}
	return r, true
}
