package expr

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// An Op compares what was found with what was wanted.
type Op uint8

const (
	// Equal is ==, the zero Op.
	Equal Op = iota
	// NotEqual is !=.
	NotEqual
	// Less is <.
	Less
	// AtMost is <=.
	AtMost
	// Greater is >.
	Greater
	// AtLeast is >=.
	AtLeast
	// Contains holds when the text found contains the text wanted.
	Contains
	// Matches holds when the pattern (RE2) matches somewhere in the text found.
	Matches
)

// opTexts are the ops as they are written, by their number.
var opTexts = [...]string{"==", "!=", "<", "<=", ">", ">=", "contains", "matches"}

// opMeant are other languages' spellings.
var opMeant = map[string]string{
	"=": "==", "===": "==", "is": "==", "eq": "==", "<>": "!=", "!==": "!=", "ne": "!=", "=<": "<=", "=>": ">=", "lt": "<", "le": "<=", "gt": ">",
	"ge": ">=", "~": "matches", "=~": "matches", "~=": "matches", "match": "matches", "includes": "contains", "has": "contains", "in": "contains",
}

// String gives the op as it is written.
func (o Op) String() string { return opTexts[o] }

// OnText reports whether the op is one of texts only: contains and matches.
func (o Op) OnText() bool { return o == Contains || o == Matches }

// ParseOp reads the op that text begins with. The rest is what follows it and
// its blanks, a suffix of text. The error is a [SyntaxError].
func ParseOp(text string) (op Op, rest string, err error) {
	c := cursor{text: text}
	c.blanks()
	op, ok := c.op()
	if !ok {
		return 0, text, c.noOp()
	}
	c.blanks()
	return op, c.rest(), nil
}

// op reads an op: the longest that fits; words only when they end there.
func (c *cursor) op() (op Op, ok bool) {
	run := c.opRun()
	i := slices.Index(opTexts[:], run)
	if i < 0 {
		return 0, false
	}
	c.pos += len(run)
	return Op(i), true
}

// opRun gives the run of bytes at the position that could be an op: signs, or
// one word.
func (c *cursor) opRun() string {
	rest := c.rest()
	n := len(rest) - len(strings.TrimLeft(rest, "=!<>~&|"))
	if n > 0 {
		return rest[:n]
	}
	at := *c
	word, _ := at.word()
	return word
}

// noOp makes the error for a place where an op should be.
func (c *cursor) noOp() *SyntaxError {
	run := c.opRun()
	shown := c.token()
	if run != "" {
		shown = quote(run)
	}
	err := c.fault(c.pos, shown+" is no operator", strings.Join(opTexts[:], " "))
	if err.Meant = opMeant[strings.ToLower(run)]; err.Meant == "" && len(run) > 1 {
		err.Meant = Nearest(run, opTexts[:])
	}
	return err
}

// CompareInt compares two whole numbers: durations, sizes, codes. Ops on text
// hold for none.
func (o Op) CompareInt(found, wanted int64) bool { return o.holds(cmp.Compare(found, wanted)) }

// CompareText compares as numbers when both are, else byte by byte. A number is
// [-]digits[.digits][e[±]digits], compared exactly, whatever its length.
// Matches holds for none: its pattern must be compiled, see [Comparison].
func (o Op) CompareText(found, wanted []byte) bool {
	if o == Contains {
		return bytes.Contains(found, wanted)
	}
	a, isNumber := parseDecimal(found)
	if isNumber {
		if b, both := parseDecimal(wanted); both {
			return o.holds(a.compare(b))
		}
	}
	return o.holds(bytes.Compare(found, wanted))
}

// holds judges an order: -1, 0 or 1.
func (o Op) holds(order int) bool {
	switch o {
	case Equal:
		return order == 0
	case NotEqual:
		return order != 0
	case Less:
		return order < 0
	case AtMost:
		return order <= 0
	case Greater:
		return order > 0
	case AtLeast:
		return order >= 0
	}
	return false
}
