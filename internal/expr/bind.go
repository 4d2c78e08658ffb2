package expr

import "errors"

// Bind resolves the template's names and compiles it. The error joins one
// [BindError] for each name that can't be resolved and one [SyntaxError] for
// each constant that can't be an argument where it stands.
func (t *Template) Bind(r Resolver) (*Bound, error) {
	b := binder{Resolver: r}
	bound := b.template(t)
	if err := b.fault(); err != nil {
		return nil, err
	}
	return bound, nil
}

// binder resolves names and keeps the faults it meets.
type binder struct {
	Resolver
	faults []error
}

// fault gives what went wrong, nil if nothing did.
func (b *binder) fault() error {
	if len(b.faults) == 1 {
		return b.faults[0]
	}
	return errors.Join(b.faults...)
}

// template compiles a template.
func (b *binder) template(t *Template) *Bound {
	segments := make([]segment, 0, len(t.parts))
	for _, p := range t.parts {
		if p.expr == nil {
			segments = append(segments, segment{kind: textSegment, text: p.text})
			continue
		}
		segments = append(segments, b.expression(p.expr))
	}
	return &Bound{segments: fold(segments)}
}

// expression compiles one expression to a segment.
func (b *binder) expression(e *expression) segment {
	g := segment{kind: valueSegment, encoding: encodings[e.fn], fallback: e.fallback}
	for i, a := range e.args {
		o, err := b.operand(a)
		switch {
		case errors.Is(err, ErrUnset) && e.fallback != nil:
			return segment{kind: constantSegment, text: *e.fallback}
		case err != nil:
			b.faults = append(b.faults, &BindError{Offset: a.offset, Name: a.text, Err: err})
		}
		g.args[i] = o
	}
	switch e.fn {
	case "rand":
		g.kind, g.sites[0] = randSegment, b.Site()
		b.bounds(e, &g)
	case "randstr":
		g.kind, g.sites = randStrSegment, [2]uint32{b.Site(), b.Site()}
		b.bounds(e, &g)
	default:
		return g.constant()
	}
	return g
}

// operand compiles one argument. On an error it is not to be evaluated.
func (b *binder) operand(a argument) (operand, error) {
	if a.literal {
		return operand{kind: textOperand, text: a.text, number: a.number && isJSONNumber(a.text)}, nil
	}
	o := operand{noValue: &NoValue{Name: a.text}}
	if kind, builtin := a.nullary(); builtin {
		o.kind, o.number = kind, kind != rfc3339Operand && kind != uuidOperand
		if kind == uuidOperand {
			o.sites = [2]uint32{b.Site(), b.Site()}
		}
		return o, nil
	}
	ref, constant, err := b.Resolve(a.text)
	if err == nil && constant != nil {
		return operand{kind: textOperand, text: *constant}, nil
	}
	o.kind, o.ref = refOperand, ref
	return o, err
}

// bounds refuses constant arguments of rand and randstr that can't be. Those
// that are known only later have no value then.
func (b *binder) bounds(e *expression, g *segment) {
	bounds, constant := [2]int64{}, true
	for i, a := range e.args {
		if g.args[i].kind != textOperand {
			constant = false
			continue
		}
		n, ok := whole(g.args[i].text)
		if !ok {
			what := quote(a.text) + " is " + quote(g.args[i].text) + ", no whole number"
			b.faults = append(b.faults, &SyntaxError{Offset: a.offset, What: what, Expected: "a number such as 20"})
		}
		bounds[i], constant = n, constant && ok
	}
	if !constant {
		return
	}
	if fault := boundsFault(e.fn, bounds); fault != nil {
		fault.Offset = e.offset
		b.faults = append(b.faults, fault)
	}
}

// constant evaluates a segment whose operand is known before the start.
func (g segment) constant() segment {
	o := &g.args[0]
	if o.kind != textOperand {
		return g
	}
	text := []byte(o.text)
	if g.encoding != jsonEncoding || !o.number {
		text = g.encoding.fix(text, 0)
	}
	return segment{kind: constantSegment, text: string(text)}
}
