package yamlfile

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads scalars: text without quotes, in quotes, and in blocks.
type scanner struct{ cursor }

// plainStart reports whether text without quotes can begin here.
func (p *scanner) plainStart(flow bool) bool {
	c := p.peek()
	switch {
	case isBreak(c) || strings.IndexByte(",[]{}#&*!|>'\"%@`", c) >= 0:
		return false
	case c == '-' || c == '?' || c == ':':
		next := p.at(1)
		return !isBreak(next) && !(flow && strings.IndexByte(",[]{}", next) >= 0)
	}
	return true
}

// plainEnd is the offset at which text without quotes that begins or goes on
// here ends in this line: at a colon, a comment, the end of the line, and within
// braces or brackets at any of those and commas.
func (p *scanner) plainEnd(flow bool) int {
	for i := p.pos; i < len(p.src); i++ {
		switch c := p.src[i]; {
		case c == '\n', c == '#' && i > p.pos && isBreak(p.src[i-1]):
			return i
		case flow && strings.IndexByte(",[]{}", c) >= 0:
			return i
		case c == ':':
			next := byte(0)
			if i+1 < len(p.src) {
				next = p.src[i+1]
			}
			if isBreak(next) || flow && strings.IndexByte(",[]{}", next) >= 0 {
				return i
			}
		}
	}
	return len(p.src)
}

// plain reads text without quotes, which may go on in lines that are indented
// more than parent.
func (p *scanner) plain(parent int, flow bool) *Node {
	pos := p.here()
	text := p.plainLine(flow)
	how := plain
	if p.peek() == '\n' {
		var b strings.Builder
		b.WriteString(text)
		for breaks := p.goesOn(parent, flow); breaks > 0; breaks = p.goesOn(parent, flow) {
			b.WriteString(foldBreaks(breaks))
			b.WriteString(p.plainLine(flow))
			how = folded
		}
		text = b.String()
	}
	if !flow && p.peek() == ':' {
		p.fail(pos, "a mapping begins within a value", "quotes around text that contains a colon and a blank")
	}
	n := p.node(kindOf(text), pos)
	n.Text, n.style = text, how
	return n
}

// plainLine reads the part of a text without quotes that stands in this line.
func (p *scanner) plainLine(flow bool) string {
	from := p.pos
	p.pos = p.plainEnd(flow)
	return strings.TrimRight(p.src[from:p.pos], " \t")
}

// goesOn passes ends of lines, and blanks, to the next line of a text without
// quotes and gives their number. It is 0, and nothing is passed, if there is none.
func (p *scanner) goesOn(parent int, flow bool) int {
	if p.peek() != '\n' {
		return 0
	}
	before := *p
	breaks := 0
	for ; p.peek() == '\n'; breaks++ {
		p.newline()
		p.blanks()
	}
	c := p.peek()
	ends := p.end() || c == '#' || p.pos == p.start && p.marker()
	if flow {
		ends = ends || strings.IndexByte(",[]{}", c) >= 0 || c == ':' && p.plainEnd(true) == p.pos
	} else {
		ends = ends || p.indent() <= parent
	}
	if ends {
		*p = before
		return 0
	}
	return breaks
}

// foldBreaks is what ends of lines within text become: one becomes a blank, more
// become one less.
func foldBreaks(n int) string {
	if n == 1 {
		return " "
	}
	return strings.Repeat("\n", n-1)
}

// quoted reads text in quotes.
func (p *scanner) quoted() *Node {
	pos, from := p.here(), p.pos
	text, _ := p.quotedText()
	n := p.node(Text, pos)
	n.Text = text
	if from+len(text)+2 == p.pos && p.src[from+1:p.pos-1] == text {
		n.style = quoted
	}
	return n
}

// quotedText reads text in quotes. Line says whether it stands in one line.
func (p *scanner) quotedText() (text string, line bool) {
	open, number := p.here(), p.line
	quote := p.peek()
	p.skip(1)
	var b []byte
	for {
		part := p.quotedPart(quote)
		b = append(b, part...)
		switch c := p.peek(); {
		case p.end():
			p.fail(open, "the text in quotes has no end", "")
			return string(b), false
		case c == '\n':
			b = p.fold(b, len(part))
		case c == '\\' && quote == '"':
			b = p.escape(b)
		case quote == '\'' && p.at(1) == '\'':
			b = append(b, '\'')
			p.skip(2)
		default:
			p.skip(1)
			return string(b), number == p.line
		}
	}
}

// quotedPart reads up to a quote, an escape or the end of the line.
func (p *scanner) quotedPart(quote byte) string {
	stop := "\n\\\""
	if quote == '\'' {
		stop = "\n'"
	}
	n := strings.IndexAny(p.src[p.pos:], stop)
	if n < 0 {
		n = len(p.src) - p.pos
	}
	p.skip(n)
	return p.src[p.pos-n : p.pos]
}

// fold passes the end of a line within quotes. The blanks around it go; tail is
// the number of bytes at the end of b that stand in the file as they are.
func (p *scanner) fold(b []byte, tail int) []byte {
	kept := bytes.TrimRight(b[len(b)-tail:], " \t")
	b = b[:len(b)-tail+len(kept)]
	breaks := 0
	for ; p.peek() == '\n'; breaks++ {
		p.newline()
		p.blanks()
	}
	return append(b, foldBreaks(breaks)...)
}

// escapes are what one character after a backslash stands for.
var escapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
	' ': " ", '"': `"`, '/': "/", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

// escape reads an escape in double quotes.
func (p *scanner) escape(b []byte) []byte {
	pos := p.here()
	c := p.at(1)
	if text, ok := escapes[c]; ok {
		p.skip(2)
		return append(b, text...)
	}
	if c == '\n' { // the line goes on
		p.skip(1)
		p.newline()
		p.blanks()
		return b
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	r, ok := p.hex(2, digits)
	if digits == 0 || !ok {
		p.fail(pos, "an unknown escape in double quotes", `\\ for a backslash, or single quotes`)
		return b
	}
	p.skip(2 + digits)
	if low, pair := p.hex(2, 4); utf16.IsSurrogate(r) && pair && p.peek() == '\\' && p.at(1) == 'u' {
		r = utf16.DecodeRune(r, low)
		p.skip(6)
	}
	if !utf8.ValidRune(r) {
		p.fail(pos, "an escape in double quotes that is no character", "")
		return b
	}
	return utf8.AppendRune(b, r)
}

// hex reads n hexadecimal digits that begin at an offset from here.
func (p *scanner) hex(offset, n int) (rune, bool) {
	if p.pos+offset+n > len(p.src) {
		return 0, false
	}
	v, err := strconv.ParseUint(p.src[p.pos+offset:p.pos+offset+n], 16, 32)
	return rune(v), err == nil && v <= utf8.MaxRune
}

// kindOf is the kind of a text without quotes by the core schema of YAML 1.2.
func kindOf(text string) Kind {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return Null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return Bool
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
		return Float
	}
	digits := strings.TrimLeft(text[:1], "+-") + text[1:]
	switch {
	case digits == "" || digits[0] > '9' && digits[0] != '.':
		return Text
	case onlyOf(digits, "0123456789"):
		return Int
	case strings.HasPrefix(text, "0x") && len(text) > 2 && onlyOf(text[2:], "0123456789abcdefABCDEF"):
		return Int
	case strings.HasPrefix(text, "0o") && len(text) > 2 && onlyOf(text[2:], "01234567"):
		return Int
	case onlyOf(digits, "0123456789.eE+-"):
		if _, err := strconv.ParseFloat(text, 64); err == nil || errors.Is(err, strconv.ErrRange) {
			return Float
		}
	}
	return Text
}

// onlyOf reports whether text consists of the characters.
func onlyOf(text, characters string) bool { return strings.Trim(text, characters) == "" }
