package yamlfile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The limits of a file.
const (
	MaxBytes = 16 << 20 // of a file
	MaxNodes = 100_000  // values, after aliases are put in
	MaxDepth = 64       // levels of lists and mappings
)

// FlowHint is what the message of a mistake within braces or brackets expects.
const FlowHint = "quotes: within {…} and […] quote what contains [ ] { } , or begins with {{"

// Parse reads a YAML file into a tree. JSON is YAML too. Its time is linear in
// the size of the file whatever the file holds.
//
// It takes YAML 1.2 with its core schema but for what no plan needs and what
// hides mistakes: one document, keys that are text on one line, no tags and no
// directives. Merge keys (<<) are taken. Reading ends at the first fault of
// syntax; root is nil then, and for an empty file.
func Parse(src []byte) (root *Node, faults Faults) {
	if fault := checkBytes(src); fault != nil {
		return nil, Faults{*fault}
	}
	text := strings.TrimPrefix(string(src), "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	p := &parser{src: text, line: 1, anchors: map[string]*Node{}}
	root = p.document()
	if p.fatal != nil {
		return nil, append(p.faults, *p.fatal)
	}
	return root, p.faults
}

// checkBytes refuses what is no text, or too much of it.
func checkBytes(src []byte) *Fault {
	if len(src) > MaxBytes {
		return TooLarge()
	}
	for i, c := range src {
		lone := c == '\r' && (i+1 == len(src) || src[i+1] != '\n')
		if lone || c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return &Fault{Pos: posOf(src, i), What: fmt.Sprintf("the byte 0x%02x is no text", c), Expected: "a YAML file"}
		}
	}
	if !utf8.Valid(src) {
		return &Fault{Pos: posOf(src, invalidAt(src)), What: "the file is not in UTF-8"}
	}
	return nil
}

// TooLarge is the fault of a file above MaxBytes.
func TooLarge() *Fault {
	return &Fault{What: "the file is larger than 16 MiB", Expected: "large data and bodies in files of their own"}
}

// invalidAt is where the first byte that is not UTF-8 stands.
func invalidAt(src []byte) int {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(src)
}

// posOf is the place of a byte.
func posOf(src []byte, at int) Pos {
	before := src[:at]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return Pos{Line: 1 + bytes.Count(before, []byte("\n")), Col: 1 + utf8.RuneCount(line)}
}

// parser reads a file from front to end. After a fault of syntax it stands at
// the end of the file, which ends every loop.
type parser struct {
	src   string
	pos   int // offset of the next byte
	start int // offset of its line
	line  int // number of its line, from 1

	counted, col int // column col, from 0, was counted for the offset counted

	anchors map[string]*Node // nil while the anchor's own value is being read
	count   int              // nodes, with those of aliases
	depth   int
	faults  Faults
	fatal   *Fault
}

// document reads the one document of a file.
func (p *parser) document() *Node {
	p.toContent()
	if p.peek() == '%' {
		p.fail(p.here(), "a value can't begin with %", "it in quotes")
	}
	if p.marker() && p.peek() == '-' {
		p.skip(len("---"))
	}
	var root *Node
	if p.toContent(); !p.end() && !p.marker() {
		root = p.blockNode(-1)
		p.toContent()
	}
	if p.marker() && p.peek() == '.' {
		p.skip(len("..."))
		if p.toContent(); !p.end() {
			p.fail(p.here(), "text after the end of the document", "")
		}
	}
	switch {
	case p.end():
	case p.marker():
		p.fail(p.here(), "a second document in one file", "")
	default:
		p.fail(p.here(), "a value that belongs to nothing", "all entries of a list or mapping in one column")
	}
	return root
}

// fail ends the reading with a fault; the first one counts.
func (p *parser) fail(pos Pos, what, expected string) {
	if p.fatal == nil {
		p.fatal = &Fault{Pos: pos, What: what, Expected: expected}
	}
	p.pos, p.start, p.counted, p.col = len(p.src), len(p.src), len(p.src), 0
}

// flaw notes a fault that does not end the reading.
func (p *parser) flaw(pos Pos, what, expected string) {
	p.faults = append(p.faults, Fault{Pos: pos, What: what, Expected: expected})
}

// node makes a node at pos, within the limits.
func (p *parser) node(kind Kind, pos Pos) *Node {
	p.add(pos, 1, 0)
	return &Node{Kind: kind, Pos: pos, size: 1}
}

// add counts nodes that become part of the tree, with levels below them.
func (p *parser) add(pos Pos, nodes, levels int) {
	p.count += nodes
	switch {
	case p.count > MaxNodes:
		p.fail(pos, fmt.Sprintf("the file has more than %d values, with those of its aliases", MaxNodes), "")
	case p.depth+levels > MaxDepth:
		p.fail(pos, fmt.Sprintf("lists and mappings are nested more than %d deep", MaxDepth), "")
	}
}

// The cursor.

func (p *parser) end() bool { return p.pos >= len(p.src) }

// peek is the next byte, 0 at the end of the file.
func (p *parser) peek() byte { return p.at(0) }

// at is the byte n after the next, 0 beyond the end of the file.
func (p *parser) at(n int) byte {
	if p.pos+n >= len(p.src) {
		return 0
	}
	return p.src[p.pos+n]
}

// skip passes n bytes, or as many as there are.
func (p *parser) skip(n int) { p.pos = min(p.pos+n, len(p.src)) }

// isBreak reports whether c is a blank or ends a line or the file.
func isBreak(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == 0 }

// indent is the number of bytes before the next one in its line. In block style
// these are blanks and dashes.
func (p *parser) indent() int { return p.pos - p.start }

// here is the place of the next byte.
func (p *parser) here() Pos {
	if p.counted < p.start || p.counted > p.pos {
		p.counted, p.col = p.start, 0
	}
	p.col += utf8.RuneCountInString(p.src[p.counted:p.pos])
	p.counted = p.pos
	return Pos{Line: p.line, Col: p.col + 1}
}

// newline passes the end of a line.
func (p *parser) newline() {
	p.skip(1)
	p.line++
	p.start = p.pos
}

// blanks passes blanks and tabs.
func (p *parser) blanks() {
	for c := p.peek(); c == ' ' || c == '\t'; c = p.peek() {
		p.skip(1)
	}
}

// comment reports whether a comment comes next: # at the beginning of a line or
// after a blank.
func (p *parser) comment() bool {
	return p.peek() == '#' && (p.pos == p.start || isBreak(p.src[p.pos-1]))
}

// lineEnd passes blanks and a comment and reports whether the line is over.
func (p *parser) lineEnd() bool {
	p.blanks()
	if p.comment() {
		p.pos = p.restOfLine()
	}
	return p.peek() == '\n' || p.end()
}

// restOfLine is the offset of the end of the line.
func (p *parser) restOfLine() int {
	if n := strings.IndexByte(p.src[p.pos:], '\n'); n >= 0 {
		return p.pos + n
	}
	return len(p.src)
}

// toContent passes blanks, comments and ends of lines. A tab in the indentation
// of what follows in block style is a fault.
func (p *parser) toContent() {
	for p.lineEnd() && !p.end() {
		p.newline()
	}
	if tab := strings.IndexByte(p.src[p.start:p.pos], '\t'); tab >= 0 && strings.TrimLeft(p.src[p.start:p.pos], " \t") == "" {
		p.fail(p.here(), "a tab in the indentation", "blanks")
	}
}

// toFlowContent is toContent within braces or brackets, where indentation does
// not count.
func (p *parser) toFlowContent() {
	for p.lineEnd() && !p.end() {
		p.newline()
	}
}

// marker reports whether the line is --- or ..., the ends of documents.
func (p *parser) marker() bool {
	rest := p.src[p.pos:]
	return p.pos == p.start && (strings.HasPrefix(rest, "---") || strings.HasPrefix(rest, "...")) && isBreak(p.at(3))
}
