package expr

import "errors"

// A Condition is parsed but not yet bound.
type Condition struct {
	text  string
	terms []term
}

// term is [not] operand [op value]. A term that begins a new group follows an
// "or".
type term struct {
	not     bool
	group   bool
	operand argument
	compare *Comparison // nil for the operand alone
}

// ParseCondition reads a condition. The error is a [SyntaxError].
func ParseCondition(text string) (*Condition, error) {
	c := cursor{text: text}
	cond := &Condition{text: text}
	for group := true; ; {
		t, err := c.term()
		if err != nil {
			return nil, err
		}
		t.group = group
		cond.terms = append(cond.terms, t)
		if !c.trailing() {
			return cond, nil
		}
		switch {
		case c.takeWord("and"):
			group = false
		case c.takeWord("or"):
			group = true
		default:
			return nil, c.noJoint(t)
		}
	}
}

// takeWord reads this very word if it comes next.
func (c *cursor) takeWord(word string) bool {
	at := *c
	if got, _ := at.word(); got != word {
		return false
	}
	*c = at
	return true
}

// term reads one term.
func (c *cursor) term() (term, error) {
	c.blanks()
	var t term
	if c.takeWord("not") {
		t.not = true
		c.blanks()
	}
	start := c.pos
	name, ok := c.name()
	if !ok {
		return t, c.noOperand(start)
	}
	t.operand = argument{offset: start, text: name}
	if err := t.operand.check(c); err != nil {
		return t, err
	}
	c.blanks()
	op, ok := c.op()
	if !ok {
		return t, nil
	}
	var err error
	t.compare, err = c.conditionValue(op)
	return t, err
}

// noOperand makes the error for a place where a name should be.
func (c *cursor) noOperand(start int) error {
	switch {
	case c.pos > start:
		return c.fault(start, quote(c.text[start:c.pos])+" ends with a dot", "a name after the dot")
	case c.has("{{"):
		return c.fault(start, "a condition names its values without braces", `a name, as in: id != ""`)
	}
	err := c.fault(start, c.token()+" is no name", `a name, as in: id != ""`)
	if c.has("!") {
		err.Meant = "not"
	}
	return err
}

// noJoint makes the error for what stands behind a whole term.
func (c *cursor) noJoint(t term) error {
	if t.compare == nil {
		if err := c.noOp(); c.opRun() != "&&" && c.opRun() != "||" && err.Meant != "" {
			return err
		}
	}
	err := c.fault(c.pos, c.token()+" after a term", `"and", "or" or the end; text with blanks in quotes`)
	switch {
	case c.has("&"):
		err.Meant = "and"
	case c.has("|"):
		err.Meant = "or"
	default:
		err.Meant = Nearest(c.opRun(), []string{"and", "or"})
	}
	return err
}

// conditionValue reads what follows an op: a text in quotes, or one word.
func (c *cursor) conditionValue(op Op) (*Comparison, error) {
	c.blanks()
	if c.isQuote() {
		return c.quotedValue(op)
	}
	at := *c
	word, _ := at.word()
	if c.end() || word == "and" || word == "or" || word == "not" {
		return nil, c.fault(c.pos, c.token()+" after "+op.String(), `a value; "" for nothing`)
	}
	return c.value(op, isBlank)
}

// String gives the condition as it was written.
func (c *Condition) String() string { return c.text }

// Names lists the names that the condition uses, built-ins left out, in order of
// the text.
func (c *Condition) Names() []NameRef {
	var names []NameRef
	for _, t := range c.terms {
		if _, builtin := t.operand.nullary(); !builtin {
			names = append(names, NameRef{Name: t.operand.text, Offset: t.operand.offset, Default: true})
		}
		if t.compare != nil {
			names = append(names, t.compare.Names()...)
		}
	}
	return names
}

// BoundCondition is a Condition whose names are resolved. It is safe for
// concurrent use.
type BoundCondition struct {
	terms []boundTerm
}

// boundTerm is a term whose names are resolved.
type boundTerm struct {
	not     bool
	group   bool
	operand operand
	compare *BoundComparison // nil for the operand alone
}

// Bind resolves the condition's names. Errors are as those of [Template.Bind].
func (c *Condition) Bind(r Resolver) (*BoundCondition, error) {
	b := binder{Resolver: r}
	bound := &BoundCondition{terms: make([]boundTerm, len(c.terms))}
	for i, t := range c.terms {
		bound.terms[i] = boundTerm{not: t.not, group: t.group, operand: b.conditionOperand(t.operand)}
		if t.compare != nil {
			bound.terms[i].compare = b.comparison(t.compare)
		}
	}
	if err := b.fault(); err != nil {
		return nil, err
	}
	return bound, nil
}

// conditionOperand compiles a condition's own name. Unset is "".
func (b *binder) conditionOperand(a argument) operand {
	o, err := b.operand(a)
	switch {
	case errors.Is(err, ErrUnset):
		return operand{kind: textOperand}
	case err != nil:
		b.faults = append(b.faults, &BindError{Offset: a.offset, Name: a.text, Err: err})
	}
	return o
}

// Eval reports whether the condition holds; one that needs a value that is
// missing does not. It may allocate: where speed matters use Holds.
func (c *BoundCondition) Eval(s Scope) bool {
	holds, _, _ := c.Holds(s, nil)
	return holds
}

// Holds reports whether the condition holds. Scratch is room to work in; it
// comes back as it came, perhaps grown, so that the next call allocates nothing.
// The error is a [NoValue]: a template on the right side of a term has no value.
func (c *BoundCondition) Holds(s Scope, scratch []byte) (holds bool, out []byte, err error) {
	for i := range c.terms {
		t := &c.terms[i]
		if t.group {
			if holds {
				return true, scratch, nil
			}
			holds = true
		}
		if !holds {
			continue
		}
		if holds, scratch, err = t.holds(s, scratch); err != nil {
			return false, scratch, err
		}
	}
	return holds, scratch, nil
}

// holds judges one term.
func (t *boundTerm) holds(s Scope, scratch []byte) (holds bool, out []byte, err error) {
	n := len(scratch)
	out, _ = t.operand.append(scratch, s) // nothing appended: unset is ""
	found := out[n:]
	if t.compare == nil {
		holds = len(found) > 0 && string(found) != "false"
	} else if holds, out, err = t.compare.Holds(found, s, out); err != nil {
		return false, out[:n], err
	}
	return holds != t.not, out[:n], nil
}
