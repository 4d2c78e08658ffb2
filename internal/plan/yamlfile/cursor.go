package yamlfile

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// cursor goes over a file from front to end, and counts what it finds. After a
// fault of syntax it stands at the end of the file, which ends every loop.
type cursor struct {
	src   string
	pos   int // offset of the next byte
	start int // offset of its line
	line  int // number of its line, from 1

	counted, col int // column col, from 0, was counted for the offset counted

	count int // nodes, with those of aliases
	depth int // open lists and mappings
	fatal *Fault
}

// fail ends the reading with a fault; the first one counts.
func (c *cursor) fail(pos Pos, what, expected string) {
	if c.fatal == nil {
		c.fatal = &Fault{Pos: pos, What: what, Expected: expected}
	}
	c.pos, c.start, c.counted, c.col = len(c.src), len(c.src), len(c.src), 0
}

// node makes a node at pos, within the limits.
func (c *cursor) node(kind Kind, pos Pos) *Node {
	c.add(pos, 1, 0)
	return &Node{Kind: kind, Pos: pos, size: 1}
}

// add counts nodes that become part of the tree, with levels below them.
func (c *cursor) add(pos Pos, nodes, levels int) {
	c.count += nodes
	switch {
	case c.count > MaxNodes:
		c.fail(pos, fmt.Sprintf("the file has more than %d values, with those of its aliases", MaxNodes), "")
	case c.depth+levels > MaxDepth:
		c.fail(pos, fmt.Sprintf("lists and mappings are nested more than %d deep", MaxDepth), "")
	}
}

func (c *cursor) end() bool { return c.pos >= len(c.src) }

// peek is the next byte, 0 at the end of the file.
func (c *cursor) peek() byte { return c.at(0) }

// at is the byte n after the next, 0 beyond the end of the file.
func (c *cursor) at(n int) byte {
	if c.pos+n >= len(c.src) {
		return 0
	}
	return c.src[c.pos+n]
}

// skip passes n bytes, or as many as there are.
func (c *cursor) skip(n int) { c.pos = min(c.pos+n, len(c.src)) }

// isBreak reports whether c is a blank or ends a line or the file.
func isBreak(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == 0 }

// indent is the number of bytes before the next one in its line. In block style
// these are blanks and dashes.
func (c *cursor) indent() int { return c.pos - c.start }

// here is the place of the next byte.
func (c *cursor) here() Pos {
	if c.counted < c.start || c.counted > c.pos {
		c.counted, c.col = c.start, 0
	}
	c.col += utf8.RuneCountInString(c.src[c.counted:c.pos])
	c.counted = c.pos
	return Pos{Line: c.line, Col: c.col + 1}
}

// newline passes the end of a line.
func (c *cursor) newline() {
	c.skip(1)
	c.line++
	c.start = c.pos
}

// blanks passes blanks and tabs.
func (c *cursor) blanks() {
	for c.peek() == ' ' || c.peek() == '\t' {
		c.skip(1)
	}
}

// comment reports whether a comment comes next: # at the beginning of a line or
// after a blank.
func (c *cursor) comment() bool {
	return c.peek() == '#' && (c.pos == c.start || isBreak(c.src[c.pos-1]))
}

// lineEnd passes blanks and a comment and reports whether the line is over.
func (c *cursor) lineEnd() bool {
	c.blanks()
	if c.comment() {
		c.pos = c.restOfLine()
	}
	return c.peek() == '\n' || c.end()
}

// restOfLine is the offset of the end of the line.
func (c *cursor) restOfLine() int {
	if n := strings.IndexByte(c.src[c.pos:], '\n'); n >= 0 {
		return c.pos + n
	}
	return len(c.src)
}

// toContent passes blanks, comments and ends of lines. A tab in the indentation
// of what follows in block style is a fault.
func (c *cursor) toContent() {
	for c.lineEnd() && !c.end() {
		c.newline()
	}
	if tab := strings.IndexByte(c.src[c.start:c.pos], '\t'); tab >= 0 && strings.TrimLeft(c.src[c.start:c.pos], " \t") == "" {
		c.fail(c.here(), "a tab in the indentation", "blanks")
	}
}

// toFlowContent is toContent within braces or brackets, where indentation does
// not count.
func (c *cursor) toFlowContent() {
	for c.lineEnd() && !c.end() {
		c.newline()
	}
}

// marker reports whether the line is --- or ..., the ends of documents.
func (c *cursor) marker() bool {
	rest := c.src[c.pos:]
	return c.pos == c.start && (strings.HasPrefix(rest, "---") || strings.HasPrefix(rest, "...")) && isBreak(c.at(3))
}

// dash reports whether an entry of a list in block style comes next.
func (c *cursor) dash() bool { return c.peek() == '-' && isBreak(c.at(1)) }

// word is what comes next, for messages: a character, or text up to a blank.
func (c *cursor) word() string {
	rest := c.src[c.pos:min(c.pos+20, len(c.src))]
	if strings.IndexByte("[]{},:", rest[0]) >= 0 {
		return rest[:1]
	}
	if n := strings.IndexAny(rest, " \t\n,[]{}"); n > 0 {
		return rest[:n]
	}
	return strings.ToValidUTF8(rest, "")
}
