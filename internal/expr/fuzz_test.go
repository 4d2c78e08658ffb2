package expr

import (
	"bytes"
	"errors"
	"testing"
)

// anything is a Scope and Resolver in which every name has a value, but for
// those with an x in them.
type anything struct {
	*world
	names *[]string
}

func (a anything) Resolve(name string) (Ref, *string, error) {
	*a.names = append(*a.names, name)
	return Ref(len(*a.names) - 1), nil, nil
}

func (a anything) Append(dst []byte, ref Ref) ([]byte, bool) {
	name := (*a.names)[ref]
	if bytes.ContainsRune([]byte(name), 'x') {
		return dst, false
	}
	return append(dst, name...), true
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		"", "a{{ b }}c", `\{{ x }}`, "{{ rand 1 20 }}", "{{ rand a b | 5 }}", "{{ randstr 8 }}{{ uuid }}", "{{ now rfc3339 }}", "{{ json a | 'b' }}",
		"{{ env.REGION | eu }}", "{{ x | \"}}\" }}", "{{", "{{ | }}", "{{ a.b.1 }}", "{{ base64 'ü' }}{{ urlquery \"\xff\" }}", "{{ rand 9 1 }}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		if plain := mustTemplate(t, Literal(text)); len(plain.Names()) != 0 {
			t.Fatalf("the literal of %q has names", text)
		}
		tpl, err := ParseTemplate(text)
		if err != nil {
			checkOffset(t, text, err)
			return
		}
		for _, n := range tpl.Names() {
			if at := text[n.Offset:]; len(at) < len(n.Name) || at[:len(n.Name)] != n.Name {
				t.Fatalf("%q: no %s at %d", text, n.Name, n.Offset)
			}
		}
		w := anything{shop(), new([]string)}
		b, err := tpl.Bind(w)
		if err != nil {
			checkOffset(t, text, err)
			return
		}
		checkBound(t, text, b, w)
	})
}

// mustTemplate parses what must be right.
func mustTemplate(t *testing.T, text string) *Template {
	t.Helper()
	tpl, err := ParseTemplate(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return tpl
}

// checkBound checks what holds for every template: it keeps what was there,
// fails only for want of a value, and escapes alike before and while running.
func checkBound(t *testing.T, text string, b *Bound, s Scope) {
	t.Helper()
	for _, esc := range []Escape{None, Query, Form, JSON, Path} {
		out, err := b.Append([]byte("kept"), s, esc)
		if _, is := errors.AsType[*NoValue](err); err != nil && !is || !bytes.HasPrefix(out, []byte("kept")) {
			t.Fatalf("%q: %q, %v", text, out, err)
		}
		if constant, ok := b.ConstantAs(esc); ok && constant != string(out[4:]) {
			t.Fatalf("%q: %q, but constant %q", text, out[4:], constant)
		}
		plain, _ := b.Append(nil, s, None)
		whole, whereas := b.Escaped(esc).Append(nil, s, None)
		if esc != JSON && string(whole) != string(esc.Append(nil, string(plain))) || (err == nil) != (whereas == nil) {
			t.Fatalf("%q: escaped %q, in parts %q", text, esc.Append(nil, string(plain)), whole)
		}
	}
}

func FuzzCondition(f *testing.F) {
	for _, seed := range []string{
		`id != ""`, "a and not b or c", "a == {{ b | 'x' }} and d < 5", "a contains 'x y'", `a matches ^\d+$`, "not", "a =", "vu>=3or b", "a == '{{ b }}'", `a=="\"{{ b }}"`, "a == x{{ b }}y z",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text)
		if err != nil {
			checkOffset(t, text, err)
			return
		}
		w := anything{shop(), new([]string)}
		b, err := c.Bind(w)
		if err != nil {
			checkOffset(t, text, err)
			return
		}
		holds, out, err := b.Holds(w, []byte("kept"))
		if holds != b.Eval(w) || string(out) != "kept" || holds && err != nil {
			t.Fatalf("%q: %v, %q, %v", text, holds, out, err)
		}
	})
}

func FuzzCapture(f *testing.F) {
	for _, seed := range []string{"json $.a[0] | x", "regex a|(b) | c", "header etag", "cookie a |", "status", "body | 'x'", "jsn", "json", "regex (", "json $['|'] | \"\""} {
		f.Add(seed, "{\"a\":[1]}")
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		c, err := ParseCapture(text)
		if err != nil {
			checkOffset(t, text, err)
			return
		}
		raw, kind, _ := c.Find([]byte(body))
		AppendJSONText(nil, raw, kind)
	})
}

func FuzzComparison(f *testing.F) {
	for _, seed := range []string{"> 5", "== 'x'", "contains a b", "5", "= 5", "matches (", "{{ a }}", "2xx", "200..299", ">=1e99999999999999999999"} {
		f.Add(seed, "5")
	}
	f.Fuzz(func(t *testing.T, text, found string) {
		if _, err := ParseStatus(text); err != nil {
			checkOffset(t, text, err)
		}
		if err := CheckName(text); err != nil {
			checkOffset(t, text, err)
		}
		c, err := ParseComparison(text)
		if err != nil {
			checkOffset(t, text, err)
			return
		}
		w := anything{shop(), new([]string)}
		if b, err := c.Bind(w); err != nil {
			checkOffset(t, text, err)
		} else if holds, _, err := b.Holds([]byte(found), w, nil); holds && err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
