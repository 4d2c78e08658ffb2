package expr

import (
	"strconv"
	"strings"
)

// A Template is text with expressions in it, parsed but not yet bound.
type Template struct {
	text  string
	parts []part
}

// part is a piece of a template: literal text, or an expression.
type part struct {
	text string
	expr *expression // nil for literal text
}

// expression is what stands between {{ and }}.
type expression struct {
	offset   int
	fn       string     // the function that is called; "" for a value alone
	args     []argument // the function's arguments, or the one value
	fallback *string    // the default; nil without
}

// argument is a name, the name of a function without arguments, or a literal.
type argument struct {
	offset  int
	text    string
	literal bool
	number  bool // a literal without quotes
}

// nowRFC3339 is how the parser writes "now rfc3339", which no name can be.
const nowRFC3339 = "now rfc3339"

// ParseTemplate reads a template. The error is a [SyntaxError].
func ParseTemplate(text string) (*Template, error) {
	c := cursor{text: text}
	parts, err := c.parts(nil)
	if err != nil {
		return nil, err
	}
	return &Template{text: text, parts: parts}, nil
}

// Literal gives the template that stands for exactly this text.
func Literal(text string) string { return strings.ReplaceAll(text, "{{", `\{{`) }

// String gives the template as it was written.
func (t *Template) String() string { return t.text }

// Names lists the names that the template uses, built-ins left out, in order of
// the text. A name occurs as often as it is used.
func (t *Template) Names() []NameRef {
	var names []NameRef
	for _, p := range t.parts {
		if p.expr == nil {
			continue
		}
		for _, a := range p.expr.args {
			if _, builtin := a.nullary(); !builtin && !a.literal {
				names = append(names, NameRef{Name: a.text, Offset: a.offset, Default: p.expr.fallback != nil})
			}
		}
	}
	return names
}

// nullary gives the kind of operand that a is when it is a built-in value.
func (a argument) nullary() (kind operandKind, ok bool) {
	if a.literal {
		return 0, false
	}
	switch a.text {
	case "uuid":
		return uuidOperand, true
	case "now":
		return nowOperand, true
	case nowRFC3339:
		return rfc3339Operand, true
	case "vu":
		return vuOperand, true
	case "iteration":
		return iterationOperand, true
	}
	return 0, false
}

// parts reads literal text and expressions to the end of the text, or to the
// first byte of literal text for which stop is true.
func (c *cursor) parts(stop func(byte) bool) ([]part, error) {
	var parts []part
	for !c.end() && (stop == nil || !stop(c.text[c.pos])) {
		if !c.has("{{") {
			parts = append(parts, part{text: c.literal(stop)})
			continue
		}
		e, err := c.expression()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{expr: e})
	}
	return parts, nil
}

// literal reads text up to the next expression or stop; \{{ gives {{.
func (c *cursor) literal(stop func(byte) bool) string {
	var b strings.Builder
	for !c.end() && !c.has("{{") && (stop == nil || !stop(c.text[c.pos])) {
		if c.take(`\{{`) {
			b.WriteString("{{")
			continue
		}
		b.WriteByte(c.text[c.pos])
		c.pos++
	}
	return b.String()
}

// expression reads {{ … }}.
func (c *cursor) expression() (*expression, error) {
	open := c.pos
	c.take("{{")
	args, err := c.arguments(open)
	if err != nil {
		return nil, err
	}
	e := &expression{offset: args[0].offset}
	if c.take("|") {
		text, err := c.fallback(open)
		if err != nil {
			return nil, err
		}
		e.fallback = &text
	}
	if !c.take("}}") {
		return nil, c.unclosed(open)
	}
	return e, e.shape(c, args)
}

// arguments reads words, numbers and quoted texts up to | or }}. The first must
// be a name.
func (c *cursor) arguments(open int) ([]argument, error) {
	var args []argument
	for {
		c.blanks()
		switch {
		case c.end():
			return nil, c.unclosed(open)
		case len(args) > 0 && (c.has("|") || c.has("}}")):
			return args, nil
		}
		a, err := c.argument()
		if err != nil {
			return nil, err
		}
		if len(args) == 0 && a.literal {
			return nil, c.fault(a.offset, "a template can't begin with "+quote(a.text), "a name or a function")
		}
		args = append(args, a)
	}
}

// argument reads one name, number or quoted text.
func (c *cursor) argument() (argument, error) {
	start := c.pos
	if c.isQuote() {
		text, err := c.quoted()
		return argument{offset: start, text: text, literal: true}, err
	}
	text, literal := c.number()
	if !literal {
		var ok bool
		if text, ok = c.name(); !ok {
			return argument{}, c.noName(start)
		}
	}
	if !c.end() && !isBlank(c.text[c.pos]) && !c.has("|") && !c.has("}}") {
		c.pos = start
		return argument{}, c.fault(start, c.token()+" is no name and no number", "letters, digits, _ and -, parts joined by dots; other text in quotes")
	}
	return argument{offset: start, text: text, literal: literal, number: literal}, nil
}

// noName makes the error for a place where a name should be.
func (c *cursor) noName(start int) error {
	switch {
	case c.pos > start:
		return c.fault(start, quote(c.text[start:c.pos])+" ends with a dot", "a name after the dot")
	case c.has("}}"), c.has("|"):
		return c.fault(start, "nothing stands before "+quote(c.text[start:start+1]), "a name or a function")
	}
	return c.fault(start, c.token()+" is no name", "a name or a function")
}

// unclosed makes the error for an expression without its end.
func (c *cursor) unclosed(open int) error {
	if c.end() {
		return c.fault(open, `"{{" is not closed`, `"}}", or \{{ for the text {{`)
	}
	return c.fault(c.pos, c.token()+" after the default", `"}}"`)
}

// fallback reads the default of an expression up to its }}.
func (c *cursor) fallback(open int) (string, error) {
	c.blanks()
	if c.isQuote() {
		text, err := c.quoted()
		c.blanks()
		return text, err
	}
	start := c.pos
	n := strings.Index(c.rest(), "}}")
	if n < 0 {
		c.pos = len(c.text)
		return "", c.unclosed(open)
	}
	text := strings.TrimRight(c.text[start:start+n], " \t\r\n")
	if strings.Count(text, "{") != strings.Count(text, "}") {
		return "", c.fault(start, "the default "+quote(text)+" has braces without a partner", "the default in quotes")
	}
	c.pos += n
	return text, nil
}

// shape makes the expression of its words and checks that functions have the
// arguments they need.
func (e *expression) shape(c *cursor, args []argument) error {
	first := args[0]
	fn, isFn := lookup(first.text)
	switch {
	case len(args) == 2 && first.text == "now" && args[1].text == "rfc3339":
		first.text = nowRFC3339
		e.args = []argument{first}
	case !isFn && len(args) > 1:
		return unknownFunction(c, first)
	case !isFn, fn.arity() == 0 && len(args) == 1:
		e.args = args
	case first.text == "now":
		return c.fault(args[1].offset, `"now" can't be written as `+quote(args[1].text), "now or now rfc3339")
	case len(args)-1 != fn.arity():
		return wrongCount(c, fn, args)
	default:
		e.fn, e.args = fn.name, args[1:]
	}
	if err := e.checkArguments(c); err != nil {
		return err
	}
	return e.checkFallback(c)
}

// unknownFunction makes the error for arguments after what is no function.
func unknownFunction(c *cursor, first argument) error {
	var names []string
	for _, f := range functions {
		names = append(names, f.name)
	}
	err := c.fault(first.offset, quote(first.text)+" is no function", "one of "+strings.Join(names, ", "))
	err.Meant = Nearest(first.text, names)
	return err
}

// wrongCount makes the error for too few or too many arguments.
func wrongCount(c *cursor, fn function, args []argument) error {
	if fn.arity() == 0 {
		return c.fault(args[1].offset, quote(fn.name)+" takes no argument", "{{ "+fn.name+" }}")
	}
	return c.fault(args[0].offset, quote(fn.name)+" has the wrong number of arguments", "{{ "+fn.name+" "+fn.args+" }}")
}

// checkArguments refuses names that can't be arguments and literal numbers that
// the function can't take.
func (e *expression) checkArguments(c *cursor) error {
	for _, a := range e.args {
		if err := a.check(c); err != nil {
			return err
		}
	}
	if e.fn != "rand" && e.fn != "randstr" {
		return nil
	}
	bounds, literal := [2]int64{}, true
	for i, a := range e.args {
		n, ok := whole(a.text)
		if a.literal && !ok {
			return c.fault(a.offset, quote(a.text)+" is no whole number", "a number such as 20")
		}
		bounds[i], literal = n, literal && a.literal
	}
	if !literal {
		return nil // judged when bound or when evaluated
	}
	if fault := boundsFault(e.fn, bounds); fault != nil {
		fault.Offset = e.offset
		return fault
	}
	return nil
}

// boundsFault says what is wrong with the numbers given to rand or randstr; nil
// if nothing is.
func boundsFault(fn string, bounds [2]int64) *SyntaxError {
	switch {
	case fn == "rand" && bounds[0] > bounds[1]:
		return &SyntaxError{What: "the first bound of rand is above the second", Expected: "{{ rand LOWEST HIGHEST }}"}
	case fn == "randstr" && (bounds[0] < 1 || bounds[0] > maxRandStr):
		return &SyntaxError{What: "randstr can't be of this length", Expected: "1 to " + strconv.Itoa(maxRandStr) + " characters"}
	}
	return nil
}

// check refuses a name that is a keyword, a function with arguments, or env.
func (a argument) check(c *cursor) error {
	fn, isFn := lookup(a.text)
	switch {
	case a.literal, a.text == nowRFC3339:
		return nil
	case isFn && fn.arity() > 0:
		return c.fault(a.offset, quote(a.text)+" is a function and needs arguments", "{{ "+fn.name+" "+fn.args+" }}")
	case isFn:
		return nil
	}
	return checkUse(c, a.text, a.offset)
}

// checkUse refuses names that no plan can have defined.
func checkUse(c *cursor, name string, offset int) error {
	if name == "env" {
		return c.fault(offset, `"env" alone is no value`, "env.NAME")
	}
	for _, k := range keywords {
		if name == k {
			return c.fault(offset, quote(name)+" is a word of conditions and no name", "a name")
		}
	}
	return nil
}

// checkFallback refuses a default that could never be taken.
func (e *expression) checkFallback(c *cursor) error {
	if e.fallback == nil {
		return nil
	}
	for _, a := range e.args {
		if _, builtin := a.nullary(); !builtin && !a.literal {
			return nil
		}
	}
	return c.fault(e.offset, "a default for what always has a value", "no default")
}
