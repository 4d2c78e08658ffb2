package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A JSONPath is a query of RFC 9535, limited to $ .name ['name'] [n] [-n] [*]
// and ..name. It is safe for concurrent use.
type JSONPath struct {
	steps []step
}

// stepKind says which children of a node a step leads to.
type stepKind uint8

const (
	nameStep    stepKind = iota // the member of this name
	indexStep                   // the element of this index; negative from the end
	anyStep                     // every member or element
	descendStep                 // the members of this name of the node and of everything below
)

// step is one segment of a path.
type step struct {
	kind  stepKind
	name  string
	index int
}

const (
	// maxSteps is how many segments a path may have: one bit of a state set each.
	maxSteps = 31
	// maxIndex is the greatest index of RFC 9535, 2.1 (I-JSON).
	maxIndex = 1<<53 - 1
)

// ParseJSONPath reads a path. The error is a [SyntaxError].
func ParseJSONPath(text string) (*JSONPath, error) {
	c := cursor{text: text}
	c.blanks()
	p, err := c.jsonPath()
	if err != nil {
		return nil, err
	}
	if c.trailing() {
		return nil, c.noSegment()
	}
	return p, nil
}

// jsonPath reads a path as far as it goes.
func (c *cursor) jsonPath() (*JSONPath, error) {
	if !c.take("$") {
		err := c.fault(c.pos, c.token()+" is no JSON path", "$ first, as in $.items[0].id")
		if at := *c; !c.has(".") {
			if _, ok := at.word(); ok {
				err.Meant = "$." + strings.Trim(c.token(), `"`)
			}
		}
		return nil, err
	}
	p := &JSONPath{}
	for {
		start := c.pos
		c.blanks()
		if !c.has(".") && !c.has("[") {
			c.pos = start
			return p, nil
		}
		if len(p.steps) == maxSteps {
			return nil, c.fault(c.pos, "the path is too long", strconv.Itoa(maxSteps)+" segments at most")
		}
		s, err := c.segment()
		if err != nil {
			return nil, err
		}
		p.steps = append(p.steps, s)
	}
}

// noSegment makes the error for what is no part of a path.
func (c *cursor) noSegment() *SyntaxError {
	return c.fault(c.pos, c.token()+" in a JSON path", ".name ['name'] [n] [-n] [*] or ..name")
}

// segment reads one segment.
func (c *cursor) segment() (step, error) {
	start := c.pos
	switch {
	case c.take(".."):
		name, err := c.member(start)
		return step{kind: descendStep, name: name}, err
	case c.take("."):
		if c.has("*") {
			err := c.fault(start, `".*" in a JSON path`, ".name ['name'] [n] [-n] [*] or ..name")
			err.Meant = "[*]"
			return step{}, err
		}
		name, err := c.member(start)
		return step{kind: nameStep, name: name}, err
	}
	c.take("[")
	c.blanks()
	s, err := c.selector()
	if err != nil {
		return step{}, err
	}
	c.blanks()
	if !c.take("]") {
		return step{}, c.fault(c.pos, c.token()+" in brackets", `"]"; slices, lists and filters are not known here`)
	}
	return s, nil
}

// member reads a member name without quotes (RFC 9535, 2.5.1.1).
func (c *cursor) member(start int) (string, error) {
	begin := c.pos
	for !c.end() {
		r, size := utf8.DecodeRuneInString(c.rest())
		ok := r == '_' || 'a' <= r|0x20 && r|0x20 <= 'z' || r >= utf8.RuneSelf && (r != utf8.RuneError || size > 1)
		if !ok && (c.pos == begin || !isDigit(byte(r)) || r >= utf8.RuneSelf) {
			break
		}
		c.pos += size
	}
	name := c.text[begin:c.pos]
	switch {
	case name == "":
		return "", c.fault(start, quote(c.text[start:begin])+" without a name", ".name ['name'] [n] [-n] [*] or ..name")
	case c.has("-"):
		err := c.fault(c.pos, `"-" in a name without quotes`, "letters, digits and _")
		if at := *c; c.text[start:begin] == "." {
			err.Meant = "['" + name + at.part() + "']"
		}
		return "", err
	}
	return name, nil
}

// selector reads what stands in brackets.
func (c *cursor) selector() (step, error) {
	switch {
	case c.take("*"):
		return step{kind: anyStep}, nil
	case c.isQuote():
		name, err := c.memberQuoted()
		return step{kind: nameStep, name: name}, err
	}
	start := c.pos
	c.take("-")
	c.pos = digits(c.text, c.pos)
	text := c.text[start:c.pos]
	n, ok := whole(text)
	switch {
	case !ok || n > maxIndex || n < -maxIndex || n > math.MaxInt || n < math.MinInt:
		c.pos = start
		return step{}, c.fault(start, c.token()+" in brackets", "[n], [-n], [*] or ['name']")
	case strconv.FormatInt(n, 10) != text:
		return step{}, c.fault(start, quote(text)+" is no index", strconv.FormatInt(n, 10))
	}
	return step{kind: indexStep, index: int(n)}, nil
}

// memberQuoted reads a quoted member name with its escapes (RFC 9535, 2.3.1.1).
func (c *cursor) memberQuoted() (string, error) {
	start, mark := c.pos, c.text[c.pos]
	var name []byte
	for i := start + 1; i < len(c.text); {
		switch b := c.text[i]; {
		case b == mark && !utf8.Valid(name):
			return "", c.fault(start, "a name that is not UTF-8", "UTF-8")
		case b == mark:
			c.pos = i + 1
			return string(name), nil
		case b < ' ':
			return "", c.fault(i, "a control character in a name", fmt.Sprintf(`\u%04x`, b))
		case b != '\\':
			name = append(name, b)
			i++
		default:
			var size int
			name, size = unescape(name, c.text[i:], mark)
			if size == 0 {
				return "", c.fault(i, "a backslash that begins no escape", `\b \f \n \r \t \/ \\ \uXXXX or \`+string(mark))
			}
			i += size
		}
	}
	return "", c.fault(start, "a quote is not closed", string(mark))
}

// String gives the path in its normal form: names in quotes where they must be.
func (p *JSONPath) String() string {
	b := []byte("$")
	for _, s := range p.steps {
		switch {
		case s.kind == anyStep:
			b = append(b, "[*]"...)
		case s.kind == indexStep:
			b = append(strconv.AppendInt(append(b, '['), int64(s.index), 10), ']')
		case s.kind == descendStep:
			b = append(append(b, ".."...), s.name...)
		case isMember(s.name):
			b = append(append(b, '.'), s.name...)
		default:
			b = append(JSON.Append(append(b, `["`...), s.name), `"]`...)
		}
	}
	return string(b)
}

// isMember reports whether name may stand in a path without quotes.
func isMember(name string) bool {
	c := cursor{text: name}
	_, err := c.member(0)
	return err == nil && c.end()
}
