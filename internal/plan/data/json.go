package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// place says what may come next in a JSON file.
type place int

// The places of a file. JSON lines have no commas and no end but the file's.
const (
	atBegin  place = iota // [ or the first object of JSON lines
	inLines               // an object
	inEmpty               // an object or ]
	behind                // a comma or ]
	inArray               // an object
	atFinish              // nothing
)

// jsonShape reads an array of flat objects, or such objects one after the other
// (JSON lines). The first object's keys are the columns.
type jsonShape struct {
	columns []string
	byName  map[string]int
	seen    []int64 // by column: the row that had it last, from 1
	row     int64   // number of rows taken
	place   place
}

func (j *jsonShape) names() []string { return j.columns }

func (j *jsonShape) find(piece []byte, more bool) (span, *flaw) {
	if skip := skipBlanks(piece, 0); skip > 0 || len(piece) == 0 {
		return span{skip: skip}, nil
	}
	next, ok := j.place.after(piece[0])
	if !ok {
		return span{}, j.place.stranger(piece, more)
	}
	if piece[0] != '{' {
		j.place = next
		return span{skip: 1}, nil
	}
	size := objectSize(piece)
	if size == 0 && !more {
		return span{}, &flaw{what: "an object is not closed", expected: "}"}
	}
	if size > 0 {
		j.place = next
	}
	return span{size: size}, nil
}

// after gives the place behind b; false if b can't stand at p.
func (p place) after(b byte) (place, bool) {
	switch {
	case p == atBegin && b == '[':
		return inEmpty, true
	case (p == atBegin || p == inLines) && b == '{':
		return inLines, true
	case (p == inEmpty || p == inArray) && b == '{':
		return behind, true
	case (p == inEmpty || p == behind) && b == ']':
		return atFinish, true
	case p == behind && b == ',':
		return inArray, true
	}
	return p, false
}

// expected says what may stand at p.
func (p place) expected() string {
	switch p {
	case atBegin:
		return "[ and objects, or an object on each line"
	case inEmpty:
		return "an object or ]"
	case behind:
		return ", or ]"
	case atFinish:
		return "nothing after the array"
	}
	return "an object"
}

// stranger is the flaw of what begins piece and can't stand at p; nil if more
// must be seen to name it.
func (p place) stranger(piece []byte, more bool) *flaw {
	const most, marks = 20, ",[]{}"
	word := piece[:min(len(piece), most)]
	switch end := bytes.IndexAny(word, marks+" \t\r\n"); {
	case end >= 0:
		word = word[:max(end, 1)]
	case more && len(word) < most:
		return nil
	}
	return &flaw{what: "found " + show(word), expected: p.expected()}
}

func (j *jsonShape) end() *flaw {
	switch j.place {
	case atBegin:
		return &flaw{whole: true, what: "the file is empty", expected: j.place.expected()}
	case inEmpty, behind, inArray:
		return &flaw{what: "the file ends within the array", expected: j.place.expected()}
	}
	return nil
}

func (j *jsonShape) take(row []byte) (counts bool, _ *flaw) {
	if flaw := checkJSON(row); flaw != nil {
		return false, flaw
	}
	if j.columns == nil {
		if flaw := j.header(row); flaw != nil {
			return false, flaw
		}
	}
	j.row++
	c := members[[]byte]{text: row}
	for i := 0; c.next(); i++ {
		if flaw := j.member(i, &c); flaw != nil {
			return false, flaw
		}
	}
	for i, row := range j.seen {
		if row != j.row {
			return false, &flaw{what: "the object has no key " + show(j.columns[i]), expected: "the keys of the first object"}
		}
	}
	return true, nil
}

// checkJSON says whether an object is well-formed.
func checkJSON(object []byte) *flaw {
	if json.Valid(object) {
		return nil
	}
	var ignored json.RawMessage
	err := json.Unmarshal(object, &ignored)
	f := &flaw{what: "the object is malformed"}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		f.at, f.what = max(0, int(syntax.Offset)-1), "malformed JSON: "+syntax.Error()
	}
	return f
}

// header takes the names of the columns from the first object.
func (j *jsonShape) header(row []byte) *flaw {
	j.byName = make(map[string]int)
	c := members[[]byte]{text: row}
	for c.next() {
		name := textOf(string(c.key))
		if flaw := checkColumn(j.byName, name); flaw != nil {
			flaw.at = c.keyAt
			return flaw
		}
		j.byName[name] = len(j.byName)
		j.columns = append(j.columns, name)
	}
	if len(j.columns) == 0 {
		return &flaw{what: "the first object has no keys", expected: "its keys as names of the columns"}
	}
	j.seen = make([]int64, len(j.columns))
	return nil
}

// member checks member i of the object that is being taken.
func (j *jsonShape) member(i int, c *members[[]byte]) *flaw {
	column, ok := columnOf(j, i, c.key)
	if !ok {
		return &flaw{at: c.keyAt, what: "the object has a key " + show(textOf(string(c.key))), expected: "only the keys of the first object"}
	}
	if j.seen[column] == j.row {
		return &flaw{at: c.keyAt, what: "the object has the key " + show(j.columns[column]) + " twice", expected: "each key once"}
	}
	j.seen[column] = j.row
	return nil
}

// columnOf gives the column of member i, whose key stands in quotes. Objects
// that keep the order of the first need no looking up.
func columnOf[T text](j *jsonShape, i int, key T) (column int, ok bool) {
	inner := key[1 : len(key)-1]
	if i < len(j.columns) && string(inner) == j.columns[i] {
		return i, true // a name has no backslash, so this is no escape
	}
	column, ok = j.byName[textOf(string(key))]
	return column, ok
}

func (j *jsonShape) split(row string, dst []string) ([]string, bool) {
	base, n := len(dst), 0
	for range j.columns {
		dst = append(dst, "")
	}
	c := members[string]{text: row}
	for ; c.next(); n++ {
		column, ok := columnOf(j, n, c.key)
		if !ok {
			return dst, false
		}
		dst[base+column] = textOf(c.value)
	}
	return dst, !c.broken && n == len(j.columns) && onlyBetween(row[c.pos:])
}

// onlyBetween reports whether s has nothing but what may stand between objects.
func onlyBetween(s string) bool { return strings.Trim(s, " \t\r\n,") == "" }

// textOf gives the text of a value: strings without their quotes, null as
// nothing, all else as it is written.
func textOf(value string) string {
	if value == "null" {
		return ""
	}
	if value[0] != '"' {
		return value
	}
	inner := value[1 : len(value)-1]
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if json.Unmarshal([]byte(value), &s) != nil {
		return inner // the file changed: its text was checked when it was opened
	}
	return s
}
