package yamlfile

import (
	"fmt"
	"strings"
)

// flow reads a list or mapping in braces or brackets.
func (p *parser) flow() *Node {
	if strings.HasPrefix(p.src[p.pos:], "{{") {
		return p.template()
	}
	p.depth++
	defer func() { p.depth-- }()
	if p.peek() == '{' {
		return p.flowMapping()
	}
	return p.flowList()
}

// template fails for a template without quotes.
func (p *parser) template() *Node {
	pos := p.here()
	line := p.src[p.pos:p.restOfLine()]
	p.fail(pos, "a value that begins with {{ is not in quotes", FlowHint)
	if end := strings.Index(line, "}}"); end >= 0 && !strings.Contains(line[:end], `"`) {
		p.fatal.Meant = `"` + line[:end+2] + `"`
	}
	return p.node(Null, pos)
}

// flowMapping reads {KEY: VALUE, …}.
func (p *parser) flowMapping() *Node {
	open := p.here()
	m := p.newMapping(open)
	m.n.Flow = true
	p.skip(1)
	for p.more(open, '}') {
		k, ok := p.flowKey()
		if !ok {
			break
		}
		m.entry(k, p.pairValue(k))
		p.separator('}')
	}
	return m.finish()
}

// flowList reads [VALUE, …]; an entry KEY: VALUE is a mapping of its own.
func (p *parser) flowList() *Node {
	open := p.here()
	n := p.node(List, open)
	n.Flow = true
	p.skip(1)
	for p.more(open, ']') {
		pos := p.here()
		item := p.flowValue()
		p.toFlowContent()
		if p.colon(item) {
			pair := p.newMapping(pos)
			pair.n.Flow = true
			k := key{text: item.Text, pos: pos}
			pair.entry(k, p.pairValue(k))
			item = pair.finish()
		}
		n.add(item)
		p.separator(']')
	}
	return n
}

// more goes to the next entry of what began at open. It passes the end and
// reports false if there is none.
func (p *parser) more(open Pos, closing byte) bool {
	p.toFlowContent()
	switch {
	case p.fatal != nil:
		return false
	case p.end():
		p.fail(open, fmt.Sprintf("there is no %c that ends this", closing), "")
		return false
	case p.peek() == closing:
		p.skip(1)
		return false
	}
	return true
}

// separator passes the comma behind an entry, if one must follow.
func (p *parser) separator(closing byte) {
	p.toFlowContent()
	switch {
	case p.fatal != nil, p.end(), p.peek() == closing:
	case p.peek() == ',':
		p.skip(1)
	default:
		p.fail(p.here(), fmt.Sprintf("%q where a comma or %c should be", p.word(), closing), FlowHint)
	}
}

// flowKey reads the key of an entry without its colon.
func (p *parser) flowKey() (key, bool) {
	k := key{pos: p.here()}
	switch c := p.peek(); {
	case c == '"' || c == '\'':
		k.text, _ = p.quotedText()
	case p.plainStart(true):
		n := p.plain(-1, true)
		k.text, k.merge = n.Text, n.Text == "<<"
	default:
		what := fmt.Sprintf("%q where a key should be", p.word())
		p.fail(k.pos, what, FlowHint)
	}
	return k, p.fatal == nil
}

// colon reports whether the item is the key of a pair.
func (p *parser) colon(item *Node) bool {
	return p.fatal == nil && p.peek() == ':' && item.IsScalar()
}

// pairValue reads the colon and value of an entry. A key without a value is a
// fault: mostly it is text with a comma in it.
func (p *parser) pairValue(k key) *Node {
	p.toFlowContent()
	if p.peek() == ':' {
		p.skip(1)
		p.toFlowContent()
		if c := p.peek(); c != ',' && c != '}' && c != ']' && !p.end() {
			return p.flowValue()
		}
	}
	n := p.node(Null, p.here())
	n.Implicit, n.Flow = true, true
	if p.fatal == nil {
		p.flaw(k.pos, fmt.Sprintf("%q has no value", k.text), FlowHint)
	}
	return n
}

// flowValue reads a value within braces or brackets.
func (p *parser) flowValue() *Node {
	switch c := p.peek(); c {
	case '{', '[':
		return p.flow()
	case '"', '\'':
		return p.quoted()
	case '*':
		return p.alias()
	case '&':
		pos := p.here()
		name := p.anchor()
		p.toFlowContent()
		return p.anchored(name, pos, p.flowValue)
	}
	if !p.plainStart(true) {
		return p.indicator(true)
	}
	return p.plain(-1, true)
}
