package yamlfile

import (
	"strings"
	"unicode/utf8"
)

// Kind is what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Null Kind = iota
	Text
	Int
	Float
	Bool
	List
	Mapping
)

// kindWords are the kinds in words, as messages say them.
var kindWords = [...]string{"nothing", "text", "a whole number", "a number", "true or false", "a list", "a mapping"}

// String is the kind in words, with its article.
func (k Kind) String() string { return kindWords[k] }

// style is how a scalar was written, as far as it matters for finding a place
// within it.
type style uint8

const (
	folded  style = iota // in a way that offsets can't be traced through
	plain                // as it is
	quoted               // in quotes, without escapes
	literal              // as a block after |
)

// Node is a value of a file. Aliases and merge keys are resolved: a node may
// occur in several places. Nodes are not changed once parsed.
type Node struct {
	Kind     Kind
	Pos      Pos
	Text     string  // scalars: the text without quotes, numbers as written
	Flow     bool    // List, Mapping: written with [ ] or { }; Null: within them
	Implicit bool    // Null: nothing was written
	Items    []*Node // List
	Entries  []Entry // Mapping, in file order; merged entries come last

	style  style
	indent int // literal: column of its lines, from 0
	size   int // nodes in it, itself included
	height int // levels below it
}

// Entry is one key of a mapping with its value.
type Entry struct {
	Key   string
	Pos   Pos
	Value *Node
}

// IsScalar reports whether the node is neither nothing, nor a list, nor a mapping.
func (n *Node) IsScalar() bool { return n.Kind != Null && n.Kind != List && n.Kind != Mapping }

// KeyPos is the place of a key; that of the mapping if it has not that key.
func (n *Node) KeyPos(key string) Pos {
	for _, e := range n.Entries {
		if e.Key == key {
			return e.Pos
		}
	}
	return n.Pos
}

// At is the place of the byte at offset of a scalar's text, or the scalar's own
// place if it was written in a way that does not tell.
func (n *Node) At(offset int) Pos {
	if offset < 0 || offset > len(n.Text) || n.style == folded {
		return n.Pos
	}
	before := n.Text[:offset]
	if n.style == literal {
		line := before[strings.LastIndexByte(before, '\n')+1:]
		return Pos{Line: n.Pos.Line + 1 + strings.Count(before, "\n"), Col: n.indent + 1 + utf8.RuneCountInString(line)}
	}
	col := n.Pos.Col + utf8.RuneCountInString(before)
	if n.style == quoted {
		col++
	}
	return Pos{Line: n.Pos.Line, Col: col}
}

// Places is At for many offsets of one text: asked in ascending order, each at
// the beginning of a character, it goes through the text only once.
func (n *Node) Places() func(offset int) Pos {
	at, last := 0, n.At(0)
	return func(offset int) Pos {
		if offset < at || offset > len(n.Text) || n.style == folded {
			return n.At(offset)
		}
		between := n.Text[at:offset]
		if newline := strings.LastIndexByte(between, '\n'); newline >= 0 && n.style == literal {
			last.Line += strings.Count(between, "\n")
			last.Col, between = n.indent+1, between[newline+1:]
		}
		last.Col += utf8.RuneCountInString(between)
		at = offset
		return last
	}
}
