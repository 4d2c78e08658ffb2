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
	p := &parser{scanner: scanner{cursor{src: text, line: 1}}, anchors: map[string]*Node{}}
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

// parser reads the structure of a file: lists, mappings, anchors.
type parser struct {
	scanner
	anchors map[string]*Node // nil while the anchor's own value is being read
	faults  Faults           // those that do not end the reading
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

// flaw notes a fault that does not end the reading.
func (p *parser) flaw(pos Pos, what, expected string) {
	p.faults = append(p.faults, Fault{Pos: pos, What: what, Expected: expected})
}
