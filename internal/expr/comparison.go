package expr

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// A Comparison is an op and the template of what is wanted: the leaf of a check
// on JSON, and the right side of a condition's term.
type Comparison struct {
	op     Op
	wanted Template
	offset int // of the wanted text
}

// ParseComparison reads what a check wants of a value: OP VALUE, or VALUE alone
// for ==. A VALUE after an op may be in quotes. The error is a [SyntaxError].
func ParseComparison(text string) (*Comparison, error) {
	c := cursor{text: text}
	c.blanks()
	op, ok := c.op()
	switch {
	case !ok && c.has("="): // surely meant as an operator; for the text there is == =
		return nil, c.noOp()
	case !ok:
		return NewComparison(Equal, text)
	}
	c.blanks()
	if c.isQuote() {
		cmp, err := c.quotedValue(op)
		if err == nil && !c.trailing() {
			return cmp, nil
		}
		return nil, orAfterQuotes(&c, err)
	}
	return c.value(op, nil)
}

// orAfterQuotes gives err, or else the error for text behind a quoted value.
func orAfterQuotes(c *cursor, err error) error {
	if err != nil {
		return err
	}
	return c.fault(c.pos, c.token()+" after the quotes", "the end")
}

// trailing reports whether anything but blanks is left.
func (c *cursor) trailing() bool {
	c.blanks()
	return !c.end()
}

// NewComparison makes a comparison with the template wanted, quotes and all. The
// error is a [SyntaxError].
func NewComparison(op Op, wanted string) (*Comparison, error) {
	c := cursor{text: wanted}
	return c.value(op, nil)
}

// value reads a template up to stop as what is wanted.
func (c *cursor) value(op Op, stop func(byte) bool) (*Comparison, error) {
	start := c.pos
	parts, err := c.parts(stop)
	if err != nil {
		return nil, err
	}
	return &Comparison{op: op, offset: start, wanted: Template{text: c.text[start:c.pos], parts: parts}}, nil
}

// quotedValue reads a template in quotes as what is wanted.
func (c *cursor) quotedValue(op Op) (*Comparison, error) {
	inside := c.pos + 1
	text, err := c.quoted()
	if err != nil {
		return nil, err
	}
	sub := cursor{text: c.text[:inside] + text, pos: inside} // offsets stay those of the whole
	return sub.value(op, nil)
}

// Op is the op.
func (c *Comparison) Op() Op { return c.op }

// Wanted is the text that is compared with, without quotes.
func (c *Comparison) Wanted() string { return c.wanted.text }

// String gives the comparison in full, as it is named in results.
func (c *Comparison) String() string { return c.op.String() + " " + quote(c.wanted.text) }

// Names lists the names that the wanted text uses.
func (c *Comparison) Names() []NameRef { return c.wanted.Names() }

// BoundComparison is a Comparison whose names are resolved. It is safe for
// concurrent use.
type BoundComparison struct {
	op       Op
	constant []byte         // what is wanted, when wanted is nil
	wanted   *Bound         // nil when constant
	pattern  *regexp.Regexp // of Matches
}

// Bind resolves the names of the wanted text. The pattern of matches must be
// known before the start. Errors are as those of [Template.Bind].
func (c *Comparison) Bind(r Resolver) (*BoundComparison, error) {
	b := binder{Resolver: r}
	bound := b.comparison(c)
	if err := b.fault(); err != nil {
		return nil, err
	}
	return bound, nil
}

// comparison compiles a comparison.
func (b *binder) comparison(c *Comparison) *BoundComparison {
	before := len(b.faults)
	wanted := b.template(&c.wanted)
	text, constant := wanted.Constant()
	bound := &BoundComparison{op: c.op}
	switch {
	case len(b.faults) > before:
	case c.op == Matches && !constant:
		b.faults = append(b.faults, &SyntaxError{Offset: c.offset, What: "a pattern that is only known while running", Expected: "text, vars or env alone after matches"})
	case c.op == Matches:
		var err error
		if bound.pattern, err = compile(text, c.offset); err != nil {
			b.faults = append(b.faults, err)
		}
	case constant:
		bound.constant = []byte(text)
	default:
		bound.wanted = wanted
	}
	return bound
}

// compile compiles a pattern that stands at offset.
func compile(pattern string, offset int) (*regexp.Regexp, error) {
	re, err := regexp.Compile(pattern)
	if err == nil {
		return re, nil
	}
	what := quote(pattern) + " is no regular expression"
	if fault, is := errors.AsType[*syntax.Error](err); is {
		what += ": " + fault.Code.String() + " " + quote(fault.Expr)
	}
	return nil, &SyntaxError{Offset: offset, What: what, Expected: "RE2 syntax"}
}

// Holds compares what was found. Scratch is room for the wanted text; found may
// lie in front of it in the same array. It comes back as it came, perhaps grown.
// The error is a [NoValue].
func (b *BoundComparison) Holds(found []byte, s Scope, scratch []byte) (holds bool, out []byte, err error) {
	if b.pattern != nil {
		return b.pattern.Match(found), scratch, nil
	}
	if b.wanted == nil {
		return b.op.CompareText(found, b.constant), scratch, nil
	}
	n := len(scratch)
	scratch, err = b.wanted.Append(scratch, s, None)
	if err != nil {
		return false, scratch, err
	}
	return b.op.CompareText(found, scratch[n:]), scratch[:n], nil
}
