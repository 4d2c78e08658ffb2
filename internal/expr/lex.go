package expr

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cursor reads tokens from a text. Its position is the byte offset that errors
// carry.
type cursor struct {
	text string
	pos  int
}

// fault makes the error for what stands at offset.
func (c *cursor) fault(offset int, what, expected string) *SyntaxError {
	return &SyntaxError{Offset: offset, What: what, Expected: expected}
}

// rest is what has not been read.
func (c *cursor) rest() string { return c.text[c.pos:] }

// end reports whether everything has been read.
func (c *cursor) end() bool { return c.pos >= len(c.text) }

// has reports whether prefix comes next.
func (c *cursor) has(prefix string) bool { return strings.HasPrefix(c.rest(), prefix) }

// take reads prefix if it comes next.
func (c *cursor) take(prefix string) bool {
	if !c.has(prefix) {
		return false
	}
	c.pos += len(prefix)
	return true
}

// blanks reads blanks.
func (c *cursor) blanks() {
	for !c.end() && isBlank(c.text[c.pos]) {
		c.pos++
	}
}

// isBlank reports whether b separates tokens.
func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

// isDigit reports whether b is a decimal digit.
func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// word reads one word: a letter or _, then letters, digits, _ and -.
func (c *cursor) word() (word string, ok bool) {
	r, _ := utf8.DecodeRuneInString(c.rest())
	if r != '_' && !unicode.IsLetter(r) {
		return "", false
	}
	return c.part(), true
}

// part reads letters, digits, _ and - as far as they go.
func (c *cursor) part() string {
	start := c.pos
	for {
		r, size := utf8.DecodeRuneInString(c.rest())
		if r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return c.text[start:c.pos]
		}
		c.pos += size
	}
}

// name reads a word with its dotted parts. After a dot that nothing follows it
// returns false with the position behind that dot.
func (c *cursor) name() (name string, ok bool) {
	start := c.pos
	if _, ok := c.word(); !ok {
		return "", false
	}
	for c.take(".") {
		if c.part() == "" {
			return "", false
		}
	}
	return c.text[start:c.pos], true
}

// number reads a number if one comes next.
func (c *cursor) number() (text string, ok bool) {
	n := numberLen(c.rest())
	text = c.text[c.pos : c.pos+n]
	c.pos += n
	return text, n > 0
}

// quoted reads a text in quotes; the position is at the opening one. A
// backslash before the same quote makes that quote part of the text.
func (c *cursor) quoted() (string, error) {
	start, mark := c.pos, c.text[c.pos]
	var b strings.Builder
	for i := start + 1; i < len(c.text); i++ {
		switch ch := c.text[i]; {
		case ch == mark:
			c.pos = i + 1
			return b.String(), nil
		case ch == '\\' && i+1 < len(c.text) && c.text[i+1] == mark:
			b.WriteByte(mark)
			i++
		default:
			b.WriteByte(ch)
		}
	}
	return "", c.fault(start, "a quote is not closed", string(mark))
}

// isQuote reports whether a quoted text comes next.
func (c *cursor) isQuote() bool { return c.has(`"`) || c.has(`'`) }

// token gives what comes next up to a blank, for messages; long ones are cut.
func (c *cursor) token() string {
	const most = 40
	text := c.rest()
	if i := strings.IndexAny(text, " \t\r\n"); i >= 0 {
		text = text[:i]
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	if text == "" {
		return "the end"
	}
	return quote(text)
}

// quote shows a piece of a text in a message.
func quote(text string) string { return strconv.Quote(text) }

// numberLen gives the length of the number that text begins with, 0 if none:
// [-]digits[.digits][e[+-]digits].
func numberLen[T string | []byte](text T) int {
	i := 0
	if i < len(text) && text[i] == '-' {
		i++
	}
	n := digits(text, i)
	if n == i {
		return 0
	}
	if m := digits(text, n+1); n < len(text) && text[n] == '.' && m > n+1 {
		n = m
	}
	if n < len(text) && (text[n] == 'e' || text[n] == 'E') {
		m := n + 1
		if m < len(text) && (text[m] == '+' || text[m] == '-') {
			m++
		}
		if e := digits(text, m); e > m {
			n = e
		}
	}
	return n
}

// digits gives the end of the run of digits that begins at i.
func digits[T string | []byte](text T, i int) int {
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return i
}
