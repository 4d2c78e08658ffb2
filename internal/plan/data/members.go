package data

// members walks over the members of an object. It finds where keys and values
// are and relies on their having been checked; on any other text it still ends
// and may be broken.
type members[T text] struct {
	text   T
	pos    int // behind what was read
	key    T   // with its quotes
	keyAt  int
	value  T
	broken bool
}

// next goes to the next member; false when the object ended or is broken.
func (m *members[T]) next() bool {
	m.blanks()
	switch {
	case m.pos == 0:
		return m.take('{') && m.first()
	case m.take('}'):
		return false
	}
	if !m.take(',') {
		m.broken = true
		return false
	}
	return m.member()
}

// first goes to the first member of an object that may have none.
func (m *members[T]) first() bool {
	m.blanks()
	if m.take('}') {
		return false
	}
	return m.member()
}

// member reads a key and its value.
func (m *members[T]) member() bool {
	m.blanks()
	m.keyAt = m.pos
	end := stringEnd(m.text, m.pos)
	if end == 0 {
		m.broken = true
		return false
	}
	m.key, m.pos = m.text[m.pos:end], end
	m.blanks()
	if !m.take(':') {
		m.broken = true
		return false
	}
	m.blanks()
	end = valueEnd(m.text, m.pos)
	if end == 0 {
		m.broken = true
		return false
	}
	m.value, m.pos = m.text[m.pos:end], end
	return true
}

func (m *members[T]) blanks() { m.pos = skipBlanks(m.text, m.pos) }

func (m *members[T]) take(b byte) bool {
	if m.pos >= len(m.text) || m.text[m.pos] != b {
		return false
	}
	m.pos++
	return true
}

// objectSize gives the length of the object that piece begins with, 0 if it does
// not end there.
func objectSize(piece []byte) int { return nestedEnd(piece, 0) }

// valueEnd gives the end of the value at i, 0 if there is none.
func valueEnd[T text](s T, i int) int {
	if i >= len(s) {
		return 0
	}
	switch s[i] {
	case '"':
		return stringEnd(s, i)
	case '{', '[':
		return nestedEnd(s, i)
	}
	j := i
	for j < len(s) && s[j] != ',' && s[j] != '}' && s[j] != ']' && !isBlank(s[j]) {
		j++
	}
	if j == i {
		return 0
	}
	return j
}

// nestedEnd gives the end of the object or array at i, 0 if it is not closed.
func nestedEnd[T text](s T, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			end := stringEnd(s, i)
			if end == 0 {
				return 0
			}
			i = end
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		i++
		if depth == 0 {
			return i
		}
	}
	return 0
}

// stringEnd gives the end of the string whose quote is at i, 0 if there is none.
func stringEnd[T text](s T, i int) int {
	if i >= len(s) || s[i] != '"' {
		return 0
	}
	for i++; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return 0
}

// skipBlanks gives the first place from i on that is no blank.
func skipBlanks[T text](s T, i int) int {
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return i
}

// isBlank reports whether b is white space of JSON.
func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }
