package expr

import "strings"

// A Bound is a template whose names are resolved: a list of segments in which
// everything known before the start is constant. It is safe for concurrent use.
type Bound struct {
	segments []segment
}

// segmentKind says what a segment appends.
type segmentKind uint8

const (
	textSegment     segmentKind = iota // literal text
	constantSegment                    // a value known before the start
	valueSegment                       // the value of an operand
	randSegment                        // rand A B
	randStrSegment                     // randstr N
)

// segment is one piece of a Bound.
type segment struct {
	kind     segmentKind
	encoding encoding // of a value
	fixed    bool     // escape is settled; else that of the evaluation holds
	escape   Escape
	text     string     // of text and constants
	args     [2]operand // the value; the bounds of rand; the length of randstr
	sites    [2]uint32  // of rand and randstr
	fallback *string    // nil without a default
}

// Text gives the Bound that always appends text, whatever the escape.
func Text(text string) *Bound {
	return &Bound{segments: fold([]segment{{kind: textSegment, text: text}})}
}

// Join gives the Bound that appends all of bounds, one after the other.
// Adjacent constant text becomes one segment.
func Join(bounds ...*Bound) *Bound {
	var all []segment
	for _, b := range bounds {
		all = append(all, b.segments...)
	}
	return &Bound{segments: fold(all)}
}

// Escaped gives the Bound that escapes everything, its literal text too, as
// esc. The escape given to its Append has no effect. It is for what Bind gave,
// not for what was escaped before.
func (b *Bound) Escaped(esc Escape) *Bound {
	all := make([]segment, len(b.segments))
	for i, g := range b.segments {
		switch {
		case g.kind == textSegment, g.kind == constantSegment:
			g = segment{kind: textSegment, text: string(esc.Append(nil, g.text))}
		default:
			g.fixed, g.escape = true, esc
		}
		all[i] = g
	}
	return &Bound{segments: fold(all)}
}

// AsJSON gives the Bound that appends the template as one JSON value. A
// template that is exactly one name takes the JSON type of its value, if the
// scope is a [JSONScope]; its default and everything else is a JSON string.
func (b *Bound) AsJSON() *Bound {
	if _, single := b.Single(); !single {
		return Join(Text(`"`), b.Escaped(JSON), Text(`"`))
	}
	g := b.segments[0]
	g.encoding, g.fixed, g.escape = jsonEncoding, true, None
	if g.fallback != nil {
		text := string(jsonEncoding.fix([]byte(*g.fallback), 0))
		g.fallback = &text
	}
	return &Bound{segments: []segment{g}}
}

// Constant gives the text when it is known before the start, with values as
// they are.
func (b *Bound) Constant() (text string, ok bool) { return b.ConstantAs(None) }

// ConstantAs gives the text when it is known before the start, with values
// escaped as esc.
func (b *Bound) ConstantAs(esc Escape) (text string, ok bool) {
	var all []byte
	for i := range b.segments {
		g := &b.segments[i]
		switch g.kind {
		case textSegment:
			all = append(all, g.text...)
		case constantSegment:
			all = esc.Append(all, g.text)
		default:
			return "", false
		}
	}
	return string(all), true
}

// Single gives the name's Ref when the template is exactly one name, with or
// without a default, that is not constant, and nothing around it.
func (b *Bound) Single() (ref Ref, ok bool) {
	if len(b.segments) != 1 {
		return 0, false
	}
	g := &b.segments[0]
	if g.kind != valueSegment || g.encoding != noEncoding || g.args[0].kind != refOperand {
		return 0, false
	}
	return g.args[0].ref, true
}

// fold joins adjacent text. A constant that no escape changes is text as well.
func fold(segments []segment) []segment {
	var all []segment
	for _, g := range segments {
		if g.kind == constantSegment && isPlain(g.text) {
			g = segment{kind: textSegment, text: g.text}
		}
		last := len(all) - 1
		switch {
		case g.kind == textSegment && g.text == "":
		case g.kind == textSegment && last >= 0 && all[last].kind == textSegment:
			all[last].text += g.text
		default:
			all = append(all, g)
		}
	}
	return all
}

// isPlain reports whether no Escape changes text.
func isPlain(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > 0x7f || !unreserved[r] }) < 0
}
