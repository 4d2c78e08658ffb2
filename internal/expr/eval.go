package expr

import "strconv"

// operandKind says where the text of an operand comes from.
type operandKind uint8

const (
	textOperand      operandKind = iota // constant text
	refOperand                          // a name of the scope
	uuidOperand                         // two draws
	nowOperand                          // the wall clock in Unix milliseconds
	rfc3339Operand                      // the wall clock in RFC 3339
	vuOperand                           // the virtual user's number
	iterationOperand                    // the iteration's number
)

// operand is a value without arguments.
type operand struct {
	kind    operandKind
	number  bool // its text is a JSON number and json leaves it so
	ref     Ref
	sites   [2]uint32 // of uuid
	text    string
	noValue *NoValue // the error when there is none or it can't serve; nil for constant text
}

// Append appends the template's text to dst, its values escaped as esc. When a
// value is missing it returns dst as long as it came and a [NoValue]. It
// allocates nothing but what dst needs to grow.
func (b *Bound) Append(dst []byte, s Scope, esc Escape) ([]byte, error) {
	start := len(dst)
	for i := range b.segments {
		g := &b.segments[i]
		if g.kind == textSegment {
			dst = append(dst, g.text...)
			continue
		}
		var missing *NoValue
		if dst, missing = g.append(dst, s, esc); missing != nil {
			return dst[:start], missing
		}
	}
	return dst, nil
}

// append appends what is not plain text, or the default in its place.
func (g *segment) append(dst []byte, s Scope, esc Escape) (out []byte, missing *NoValue) {
	if g.fixed {
		esc = g.escape
	}
	n := len(dst)
	switch g.kind {
	case constantSegment:
		return esc.Append(dst, g.text), nil
	case randSegment, randStrSegment:
		dst, missing = g.random(dst, s)
	default:
		dst, missing = g.value(dst, s)
	}
	switch {
	case missing == nil:
		return esc.fix(dst, n), nil
	case g.fallback != nil:
		return esc.Append(dst[:n], *g.fallback), nil
	}
	return dst, missing
}

// value appends the encoded value of the operand.
func (g *segment) value(dst []byte, s Scope) (out []byte, missing *NoValue) {
	o, n := &g.args[0], len(dst)
	if g.encoding == jsonEncoding && o.kind == refOperand {
		if typed, is := s.(JSONScope); is {
			out, ok := typed.AppendJSON(dst, o.ref)
			return out, o.unless(ok)
		}
	}
	dst, ok := o.append(dst, s)
	if ok && (g.encoding != jsonEncoding || !o.number) {
		dst = g.encoding.fix(dst, n)
	}
	return dst, o.unless(ok)
}

// unless gives the operand's error, or nil if ok.
func (o *operand) unless(ok bool) *NoValue {
	if ok {
		return nil
	}
	return o.noValue
}

// append appends the text of the operand.
func (o *operand) append(dst []byte, s Scope) (out []byte, ok bool) {
	switch o.kind {
	case refOperand:
		return s.Append(dst, o.ref)
	case uuidOperand:
		return appendUUID(dst, s.Draw(o.sites[0]), s.Draw(o.sites[1])), true
	case nowOperand:
		return strconv.AppendInt(dst, s.Now().UnixMilli(), 10), true
	case rfc3339Operand:
		return appendRFC3339(dst, s.Now()), true
	case vuOperand:
		return strconv.AppendInt(dst, s.VU(), 10), true
	case iterationOperand:
		return strconv.AppendInt(dst, s.Iteration(), 10), true
	}
	return append(dst, o.text...), true
}

// random appends what rand or randstr gives. An argument that is no whole
// number, or one that cannot be, has no value.
func (g *segment) random(dst []byte, s Scope) (out []byte, missing *NoValue) {
	first, second := &g.args[0], &g.args[1]
	dst, low, ok := first.whole(dst, s)
	if !ok {
		return dst, first.noValue
	}
	if g.kind == randStrSegment {
		if low < 1 || low > maxRandStr {
			return dst, first.noValue
		}
		return appendRandStr(dst, s.Draw(g.sites[0]), s.Draw(g.sites[1]), int(low)), nil
	}
	dst, high, ok := second.whole(dst, s)
	switch {
	case ok && low <= high:
		return strconv.AppendInt(dst, between(s.Draw(g.sites[0]), low, high), 10), nil
	case second.noValue != nil:
		return dst, second.noValue
	}
	return dst, first.noValue
}

// whole gives the operand as a whole number. It uses dst's room and returns it
// as long as it came.
func (o *operand) whole(dst []byte, s Scope) (out []byte, n int64, ok bool) {
	if o.kind == textOperand {
		n, ok = whole(o.text)
		return dst, n, ok
	}
	end := len(dst)
	dst, ok = o.append(dst, s)
	if ok {
		n, ok = whole(dst[end:])
	}
	return dst[:end], n, ok
}
