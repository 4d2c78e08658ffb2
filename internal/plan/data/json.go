package data

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// jsonParser parses an array of objects, or objects one after the other. The
// keys of the first object are the columns; all others must have the same.
type jsonParser struct {
	columns []string
	at      map[string]int // column → index
	array   bool
	state   jsonState
	seen    []bool   // per column, while an object is taken
	values  [][]byte // per column
}

// jsonState is what the parser has come to.
type jsonState int

const (
	jsonStart  jsonState = iota // nothing
	jsonFirst                   // [
	jsonObject                  // an object
	jsonComma                   // a comma
	jsonEnd                     // ]
	jsonAny                     // anywhere between objects of a file that was checked before
)

func (p *jsonParser) header() []string { return p.columns }

func (p *jsonParser) wants() string { return "an array of objects, or an object in each line" }

func (p *jsonParser) again() parser {
	return &jsonParser{columns: p.columns, at: p.at, state: jsonAny, seen: make([]bool, len(p.columns)), values: make([][]byte, len(p.columns))}
}

func (p *jsonParser) next(buf []byte, last bool, f *fields) (n int, row bool, err error) {
	blank := len(buf) - len(bytes.TrimLeft(buf, " \t\r\n"))
	if blank > 0 {
		return blank, false, nil
	}
	if len(buf) == 0 {
		return 0, false, p.atEnd(last)
	}
	if buf[0] != '{' {
		return 1, false, p.mark(buf[0])
	}
	if p.array && p.state == jsonObject || p.state == jsonEnd {
		return 0, false, &FileError{What: "an object where a comma or ] should be", Expected: p.wants()}
	}
	n = objectEnd(buf)
	switch {
	case n == 0 && last:
		return 0, false, &FileError{What: "the object has no end"}
	case n == 0:
		return 0, false, nil
	}
	if p.state != jsonAny {
		p.state = jsonObject
	}
	return n, true, p.object(buf[:n], f)
}

// atEnd judges the end of the file.
func (p *jsonParser) atEnd(last bool) error {
	if last && p.array && p.state != jsonEnd && p.state != jsonAny {
		return &FileError{What: "the array has no end", Expected: "]"}
	}
	return nil
}

// mark takes a character between objects.
func (p *jsonParser) mark(c byte) error {
	switch {
	case p.state == jsonAny:
		return nil
	case c == '[' && p.state == jsonStart:
		p.array, p.state = true, jsonFirst
		return nil
	case c == ',' && p.array && p.state == jsonObject:
		p.state = jsonComma
		return nil
	case c == ']' && p.array && (p.state == jsonObject || p.state == jsonFirst):
		p.state = jsonEnd
		return nil
	}
	return &FileError{What: fmt.Sprintf("%q where an object should be", string(rune(c))), Expected: p.wants()}
}

// objectEnd is the length of the object that buf begins with, 0 if it has no end
// in buf.
func objectEnd(buf []byte) int {
	depth := 0
	for i := 0; i < len(buf); i++ {
		switch buf[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			end := stringEnd(buf, i)
			if end == 0 {
				return 0
			}
			i = end - 1
		}
	}
	return 0
}

// stringEnd is the offset behind the string that opens at i, 0 if it has no end
// in buf.
func stringEnd(buf []byte, i int) int {
	for i++; i < len(buf); i++ {
		switch buf[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// object takes the fields of an object.
func (p *jsonParser) object(text []byte, f *fields) error {
	if p.state != jsonAny && !json.Valid(text) {
		return &FileError{What: "this is no JSON: " + syntaxOf(text)}
	}
	if p.columns == nil {
		if err := p.names(text); err != nil {
			return err
		}
	}
	clear(p.seen)
	if err := members(text, p.member); err != nil {
		return err
	}
	for i, name := range p.columns {
		if !p.seen[i] {
			return &FileError{What: fmt.Sprintf("the object has no %q", name), Expected: "the keys of the first object in all"}
		}
		f.add(p.values[i])
	}
	return nil
}

// syntaxOf says why a text is no JSON.
func syntaxOf(text []byte) string {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err.Error()
	}
	return "syntax"
}

// names takes the names of the columns from the first object.
func (p *jsonParser) names(text []byte) error {
	p.at = map[string]int{}
	err := members(text, func(key, _ []byte) error {
		name := string(unquote(key))
		if name == "" {
			return &FileError{What: "a key of the object is empty"}
		}
		if _, again := p.at[name]; !again {
			p.at[name] = len(p.columns)
			p.columns = append(p.columns, name)
		}
		return nil
	})
	if err == nil && p.columns == nil {
		err = &FileError{What: "the first object is empty", Expected: "the columns as its keys"}
	}
	p.seen, p.values = make([]bool, len(p.columns)), make([][]byte, len(p.columns))
	return err
}

// member takes one key of an object: text as it is, null as nothing, anything
// else as JSON.
func (p *jsonParser) member(key, value []byte) error {
	i, ok := p.at[string(unquote(key))]
	switch {
	case !ok:
		return &FileError{What: fmt.Sprintf("the object has a key %s that the first one has not", key), Expected: strings.Join(p.columns, ", ")}
	case p.seen[i]:
		return &FileError{What: fmt.Sprintf("the object has the key %s twice", key), Expected: "each key once"}
	}
	p.seen[i] = true
	switch {
	case value[0] == '"':
		value = unquote(value)
	case string(value) == "null":
		value = nil
	}
	p.values[i] = value
	return nil
}

// unquote gives the text of a JSON string that is known to be one.
func unquote(text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text[1 : len(text)-1]
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return nil // it was checked
	}
	return []byte(s)
}

// members calls f for every key of an object that is known to be JSON.
func members(text []byte, f func(key, value []byte) error) error {
	const blanks = " \t\r\n"
	rest := bytes.TrimLeft(text[1:], blanks)
	for len(rest) > 0 && rest[0] == '"' {
		end := stringEnd(rest, 0)
		key := rest[:end]
		rest = bytes.TrimLeft(rest[end:], blanks)[1:] // the colon
		rest = bytes.TrimLeft(rest, blanks)
		end = valueEnd(rest)
		if err := f(key, rest[:end]); err != nil {
			return err
		}
		rest = bytes.TrimLeft(rest[end:], blanks)
		if len(rest) > 0 && rest[0] == ',' {
			rest = bytes.TrimLeft(rest[1:], blanks)
		}
	}
	return nil
}

// valueEnd is the length of the JSON value that text begins with.
func valueEnd(text []byte) int {
	switch text[0] {
	case '{', '[':
		return objectEnd(text)
	case '"':
		return stringEnd(text, 0)
	}
	return bytes.IndexAny(text, ",} \t\r\n")
}
