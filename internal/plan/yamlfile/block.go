package yamlfile

import (
	"fmt"
	"strings"
)

// key is the key of an entry, read with its colon.
type key struct {
	text  string
	pos   Pos
	merge bool // << without quotes
}

// blockNode reads a value in block style that begins here and may be a list or
// mapping; parent is the column of the entry it belongs to.
func (p *parser) blockNode(parent int) *Node {
	switch {
	case p.peek() == '&':
		return p.value(parent, true)
	case p.dash():
		return p.list()
	case p.peek() == '?' && isBreak(p.at(1)):
		p.fail(p.here(), "a value can't begin with ? and a blank", "it in quotes; keys are plain text")
	}
	col := p.indent()
	if k, ok := p.key(); ok {
		return p.mapping(col, k)
	}
	return p.inline(parent)
}

// value reads what follows a key or a dash, in this line or below it; parent is
// the column of the key or dash. After a dash (compact) a list or mapping may
// begin in the same line; after a key a list may begin in its column.
func (p *parser) value(parent int, compact bool) *Node {
	p.blanks()
	pos := p.here()
	name := p.anchor()
	n := p.anchored(name, pos, func() *Node {
		switch {
		case p.lineEnd():
			p.toContent()
			deeper := p.indent() > parent || !compact && p.indent() == parent && p.dash()
			if p.end() || p.marker() || !deeper {
				n := p.node(Null, pos)
				n.Implicit = true
				return n
			}
			return p.blockNode(parent)
		case compact && name == "":
			return p.blockNode(parent)
		}
		return p.inline(parent)
	})
	return n
}

// anchored reads a value and gives it the anchor's name; "" is none.
func (p *parser) anchored(name string, pos Pos, read func() *Node) *Node {
	if name == "" {
		return read()
	}
	switch p.peek() {
	case '&':
		p.fail(pos, "two anchors for one value", "")
	case '*':
		p.fail(pos, "an anchor for what has one already", "the alias alone")
	}
	p.anchors[name] = nil
	n := read()
	p.anchors[name] = n
	return n
}

// anchor reads &NAME and the blanks behind it; "" if there is none.
func (p *parser) anchor() string {
	if p.peek() != '&' {
		return ""
	}
	name := p.reference("anchor")
	p.blanks()
	return name
}

// reference reads the name behind & or *.
func (p *parser) reference(what string) string {
	pos := p.here()
	p.skip(1)
	from := p.pos
	for !isBreak(p.peek()) && strings.IndexByte("[]{},", p.peek()) < 0 {
		p.skip(1)
	}
	name := p.src[from:p.pos]
	if name == "" {
		p.fail(pos, "an "+what+" without a name", "text that begins with & or * in quotes")
	}
	return name
}

// alias puts the value of an anchor in.
func (p *parser) alias() *Node {
	pos := p.here()
	name := p.reference("alias")
	value, known := p.anchors[name]
	switch {
	case value != nil:
		p.add(pos, value.size, value.height)
		return value
	case known:
		p.flaw(pos, "the value of &"+name+" contains itself", "")
	default:
		p.flaw(pos, "no anchor &"+name+" comes before *"+name, "text that begins with * in quotes")
	}
	return p.node(Text, pos)
}

// list reads a list in block style whose dashes stand in the column of this one.
func (p *parser) list() *Node {
	col := p.indent()
	n := p.node(List, p.here())
	p.depth++
	for p.dash() && p.indent() == col {
		p.skip(1)
		n.add(p.value(col, true))
		p.next(col, "a list")
	}
	p.depth--
	return n
}

// next goes to the next entry of a list or mapping whose entries stand in col.
func (p *parser) next(col int, what string) {
	if p.toContent(); !p.end() && p.indent() > col {
		p.fail(p.here(), "an entry of "+what+" in another column than those before it", fmt.Sprintf("column %d", col+1))
	}
}

// add appends an item of a list.
func (n *Node) add(item *Node) {
	n.Items = append(n.Items, item)
	n.grow(item)
}

// grow counts a value that is now part of the node.
func (n *Node) grow(part *Node) {
	n.size += part.size
	n.height = max(n.height, part.height+1)
}

// mapping reads a mapping in block style whose keys stand in col, the first one
// being k.
func (p *parser) mapping(col int, k key) *Node {
	m := p.newMapping(k.pos)
	p.depth++
	for {
		m.entry(k, p.value(col, false))
		p.next(col, "a mapping")
		if p.end() || p.indent() < col || p.marker() {
			break
		}
		var ok bool
		if k, ok = p.key(); !ok {
			p.fail(p.here(), "text where a key should be", "KEY: VALUE")
			break
		}
	}
	p.depth--
	return m.finish()
}

// key reads a key with its colon, if one begins here.
func (p *parser) key() (key, bool) {
	k := key{pos: p.here()}
	switch c := p.peek(); {
	case c == '"' || c == '\'':
		before := *p
		var oneLine bool
		k.text, oneLine = p.quotedText()
		p.blanks()
		if !oneLine || p.peek() != ':' || !isBreak(p.at(1)) {
			*p = before
			return key{}, false
		}
	case !p.plainStart(false):
		return key{}, false
	default:
		end := p.plainEnd(false)
		if end >= len(p.src) || p.src[end] != ':' {
			return key{}, false
		}
		k.text = strings.TrimRight(p.src[p.pos:end], " \t")
		k.merge = k.text == "<<"
		p.pos = end
	}
	p.skip(1)
	return k, true
}

// inline reads a value that is no list or mapping in block style.
func (p *parser) inline(parent int) *Node {
	var n *Node
	switch c := p.peek(); c {
	case '|', '>':
		return p.block(parent)
	case '{', '[':
		n = p.flow()
	case '"', '\'':
		n = p.quoted()
	case '*':
		n = p.alias()
	default:
		if !p.plainStart(false) {
			return p.indicator(false)
		}
		return p.plain(parent, false)
	}
	if !p.lineEnd() {
		what, expected := "text after the end of a value", "the whole value in quotes, or a new line"
		if p.peek() == ':' {
			what, expected = "a mapping begins within a value", "keys that are text, one below the other"
		}
		p.fail(p.here(), what, expected)
	}
	return n
}

// indicator fails for a character that no value begins with.
func (p *parser) indicator(flow bool) *Node {
	pos, c := p.here(), p.peek()
	what, expected := fmt.Sprintf("a value can't begin with %c", c), "it in quotes"
	switch {
	case c == '-':
		what, expected = "a list begins in the line of its key", "it in the next line"
	case c == '!':
		what, expected = "tags have no meaning here", "text that begins with ! in quotes"
	case c == ':':
		what, expected = "a colon without a key", "KEY: VALUE"
	case flow && c != '>' && c != '|' && c != '&' && c != '%' && c != '@' && c != '`':
		expected = FlowHint
	}
	p.fail(pos, what, expected)
	return p.node(Null, pos)
}

// mappingBuilder fills a mapping: its own keys, then those of merged mappings
// that it has not.
type mappingBuilder struct {
	p      *parser
	n      *Node
	seen   map[string]Pos
	merged *Node // value of <<
}

func (p *parser) newMapping(pos Pos) *mappingBuilder {
	return &mappingBuilder{p: p, n: p.node(Mapping, pos), seen: map[string]Pos{}}
}

// entry adds a key with its value.
func (m *mappingBuilder) entry(k key, value *Node) {
	first, again := m.seen[k.text]
	if !again {
		m.seen[k.text] = k.pos
	}
	switch {
	case again:
		m.p.flaw(k.pos, fmt.Sprintf("%q is already in line %d", k.text, first.Line), "each key once")
	case k.merge:
		m.merged = value
	default:
		m.n.Entries = append(m.n.Entries, Entry{Key: k.text, Pos: k.pos, Value: value})
		m.n.grow(value)
	}
}

// finish gives the mapping with what is merged into it.
func (m *mappingBuilder) finish() *Node {
	if m.merged != nil {
		m.merge(m.merged, true)
	}
	return m.n
}

// merge adds the entries of a mapping, or of a list of mappings.
func (m *mappingBuilder) merge(from *Node, lists bool) {
	switch {
	case from.Kind == List && lists:
		for _, item := range from.Items {
			m.merge(item, false)
		}
	case from.Kind == Mapping:
		for _, e := range from.Entries {
			if _, own := m.seen[e.Key]; own {
				continue
			}
			m.seen[e.Key] = e.Pos
			m.p.add(e.Pos, e.Value.size, e.Value.height+1)
			m.n.Entries = append(m.n.Entries, e)
			m.n.grow(e.Value)
		}
	default:
		m.p.flaw(from.Pos, "<< takes mappings and this is "+from.Kind.String(), "*ANCHOR of a mapping")
	}
}
