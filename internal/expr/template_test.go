package expr

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// world is a Scope and Resolver for tests: variables by name, constants, env
// names that are not set, and draws that are a function of the site.
type world struct {
	vars   map[string]string // known at run time; "\x00" is known but unset
	consts map[string]string
	unset  []string
	draw   func(site uint32) uint64
	now    time.Time
	vu     int64
	iter   int64

	names []string
	sites uint32
}

const noValueYet = "\x00"

func (w *world) Resolve(name string) (Ref, *string, error) {
	if text, ok := w.consts[name]; ok {
		return -1, &text, nil
	}
	for _, n := range w.unset {
		if n == name {
			return 0, nil, fmt.Errorf("%s %w", name, ErrUnset)
		}
	}
	if _, ok := w.vars[name]; !ok {
		return 0, nil, fmt.Errorf("unknown name %s", name)
	}
	w.names = append(w.names, name)
	return Ref(len(w.names) - 1), nil, nil
}

func (w *world) Site() uint32 { w.sites++; return w.sites - 1 }

func (w *world) Append(dst []byte, ref Ref) ([]byte, bool) {
	text := w.vars[w.names[ref]]
	if text == noValueYet {
		return dst, false
	}
	return append(dst, text...), true
}

func (w *world) Draw(site uint32) uint64 {
	if w.draw == nil {
		return uint64(site+1) * 0x9e3779b97f4a7c15
	}
	return w.draw(site)
}
func (w *world) Now() time.Time   { return w.now }
func (w *world) VU() int64        { return w.vu }
func (w *world) Iteration() int64 { return w.iter }

// typed is a world that knows that some of its variables are JSON.
type typed struct {
	*world
	json map[string]bool
}

func (t typed) AppendJSON(dst []byte, ref Ref) ([]byte, bool) {
	n := len(dst)
	dst, ok := t.Append(dst, ref)
	if ok && !t.json[t.names[ref]] {
		dst = jsonEncoding.fix(dst, n)
	}
	return dst, ok
}

// shop is the world of most tables.
func shop() *world {
	return &world{
		vars: map[string]string{
			"id": "42", "name": `Ann "A" O'Neil & co`, "empty": "", "none": noValueYet, "neg": "-3", "five": "5",
			"users.name": "eve", "users.2024": "y", "token": "t0k", "über": "ü", "user-id": "u1", "path": "a/b c", "_x": "x",
		},
		consts: map[string]string{"region": "eu", "env.HOME": "/home/me", "env.N": "7", "blank": "a b&c"},
		unset:  []string{"env.NOPE"},
		now:    time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("", 3600)),
		vu:     12, iter: 3,
	}
}

// render parses, binds and evaluates.
func render(t *testing.T, s Scope, w *world, text string, esc Escape) (string, error) {
	t.Helper()
	tpl, err := ParseTemplate(text)
	if err != nil {
		return "", err
	}
	b, err := tpl.Bind(w)
	if err != nil {
		return "", err
	}
	out, err := b.Append([]byte("<"), s, esc)
	if len(out) == 0 || out[0] != '<' {
		t.Fatalf("%s: dst was not kept: %q", text, out)
	}
	return string(out[1:]), err
}

func TestTemplate(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"plain", "plain"},
		{"/products?page=1", "/products?page=1"},
		{"{{ id }}", "42"},
		{"{{id}}", "42"},
		{"{{\n id\t}}", "42"},
		{"a{{ id }}b{{ users.name }}c", "a42bevec"},
		{"{{ id }}{{ id }}", "4242"},
		{"Bearer {{ token }}", "Bearer t0k"},
		{"{{ users.2024 }}{{ über }}{{ user-id }}{{ _x }}", "yüu1x"},
		{"{{ name }}", `Ann "A" O'Neil & co`}, // values go in as they are

		// Defaults.
		{"{{ none | x }}", "x"},
		{"{{ none|x }}", "x"},
		{"{{ id | x }}", "42"},
		{"{{ empty | x }}", ""}, // "" is a value
		{"{{ none | two words  }}", "two words"},
		{"{{ none | }}", ""},
		{"{{ none | '' }}", ""},
		{"{{ none | ' x ' }}", " x "},
		{`{{ none | "}}" }}`, "}}"},
		{`{{ none | "say \"hi\" \n" }}`, `say "hi" \n`},
		{"{{ none | it's }}", "it's"},
		{"{{ none | a | b }}", "a | b"},
		{"{{ none | {} }}", "{}"},
		{`{{ none | '{"a":{}}' }}`, `{"a":{}}`},
		{"{{ env.NOPE | eu }}", "eu"},
		{"{{ env.HOME | x }}", "/home/me"},

		// A literal {{ is \{{.
		{`\{{`, "{{"},
		{`\{{ id }}`, "{{ id }}"},
		{`\\{{ id }}`, `\{{ id }}`},
		{`\{{{ id }}`, "{{{ id }}"},
		{`\{{{{ id }}`, "{{42"},
		{`a\b }} { }`, `a\b }} { }`},
		{`{"a":{{ id }}}`, `{"a":42}`},
		{`{"a":{{ none | 1 }}}`, `{"a":1}`},

		// Functions.
		{"{{ vu }}/{{ iteration }}", "12/3"},
		{"{{ now }}", "1767319445678"},
		{"{{ now rfc3339 }}", "2026-01-02T02:04:05.678Z"},
		{"{{  now   rfc3339  }}", "2026-01-02T02:04:05.678Z"},
		{"{{ json name }}", `"Ann \"A\" O'Neil & co"`},
		{"{{ json 'a b' }}{{ json 5 }}{{ json '5' }}{{ json -1.5e3 }}{{ json 007 }}", `"a b"5"5"-1.5e3"007"`},
		{"{{ json id }}", `"42"`}, // text, in a scope without types
		{"{{ json vu }}{{ json iteration }}{{ json now }}", "1231767319445678"},
		{"{{ json now }}", "1767319445678"},
		{"{{ json region }}", `"eu"`},
		{"{{ json none | null }}", "null"},
		{"{{ base64 'user:pass' }}", "dXNlcjpwYXNz"},
		{"{{ base64 id }}", "NDI="},
		{"{{ base64 empty }}", ""},
		{"{{ base64 vu }}", "MTI="},
		{"{{ urlquery path }}", "a%2Fb%20c"},
		{"{{ urlquery blank }}", "a%20b%26c"},
		{"{{ urlquery 'ü~' }}", "%C3%BC~"},
		{"{{ urlquery none | a b }}", "a b"},
		{"{{ rand 5 5 }}{{ rand -3 -3 }}", "5-3"},
		{"{{ rand five five }}{{ rand neg neg }}", "5-3"},
		{"{{ rand env.N 7 }}", "7"},
		{"{{ rand none 5 | 9 }}", "9"},
		{"{{ rand name 5 | 9 }}", "9"},   // no whole number is no value
		{"{{ rand five neg | 9 }}", "9"}, // bounds that cannot be
		{"{{ rand env.NOPE 5 | 9 }}", "9"},
		{"{{ randstr neg | 9 }}", "9"},
	} {
		w := shop()
		got, err := render(t, w, w, test.text, None)
		if err != nil || got != test.want {
			t.Errorf("%s: got %q, %v; want %q", test.text, got, err, test.want)
		}
	}
}

func TestTemplateSyntaxErrors(t *testing.T) {
	for _, test := range []struct {
		text   string
		offset int
		want   string
	}{
		{"a{{", 1, `"{{" is not closed; expected "}}", or \{{ for the text {{`},
		{"{{ id", 0, `"{{" is not closed; expected "}}", or \{{ for the text {{`},
		{"{{ id | x", 0, `"{{" is not closed; expected "}}", or \{{ for the text {{`},
		{"{{ id }", 6, `"}" is no name; expected a name or a function`},
		{"{{}}", 2, `nothing stands before "}"; expected a name or a function`},
		{"{{  | x }}", 4, `nothing stands before "|"; expected a name or a function`},
		{"{{ 5 }}", 3, `a template can't begin with "5"; expected a name or a function`},
		{"{{ 'x' }}", 3, `a template can't begin with "x"; expected a name or a function`},
		{"{{ users. }}", 3, `"users." ends with a dot; expected a name after the dot`},
		{"{{ a..b }}", 3, `"a." ends with a dot; expected a name after the dot`},
		{"{{ .a }}", 3, `".a" is no name; expected a name or a function`},
		{"{{ a$b }}", 3, `"a$b" is no name and no number; expected letters, digits, _ and -, parts joined by dots; other text in quotes`},
		{"{{ rand 1x 2 }}", 8, `"1x" is no name and no number; expected letters, digits, _ and -, parts joined by dots; other text in quotes`},
		{"{{ ranb 1 20 }}", 3, `"ranb" is no function; expected one of uuid, rand, randstr, now, vu, iteration, json, base64, urlquery; did you mean rand`},
		{"{{ users.first name }}", 3, `"users.first" is no function; expected one of uuid, rand, randstr, now, vu, iteration, json, base64, urlquery`},
		{"{{ rand 1 }}", 3, `"rand" has the wrong number of arguments; expected {{ rand A B }}`},
		{"{{ rand }}", 3, `"rand" has the wrong number of arguments; expected {{ rand A B }}`},
		{"{{ rand 1 2 3 }}", 3, `"rand" has the wrong number of arguments; expected {{ rand A B }}`},
		{"{{ json }}", 3, `"json" has the wrong number of arguments; expected {{ json X }}`},
		{"{{ uuid 4 }}", 8, `"uuid" takes no argument; expected {{ uuid }}`},
		{"{{ now unix }}", 7, `"now" can't be written as "unix"; expected now or now rfc3339`},
		{"{{ rand 1.5 2 }}", 8, `"1.5" is no whole number; expected a number such as 20`},
		{"{{ rand x 'b' }}", 10, `"b" is no whole number; expected a number such as 20`},
		{"{{ rand 9 1 }}", 3, `the first bound of rand is above the second; expected {{ rand LOWEST HIGHEST }}`},
		{"{{ rand 1 9223372036854775808 }}", 10, `"9223372036854775808" is no whole number; expected a number such as 20`},
		{"{{ randstr 0 }}", 3, `randstr can't be of this length; expected 1 to 1048576 characters`},
		{"{{ randstr 1048577 }}", 3, `randstr can't be of this length; expected 1 to 1048576 characters`},
		{"{{ json rand }}", 8, `"rand" is a function and needs arguments; expected {{ rand A B }}`},
		{"{{ env }}", 3, `"env" alone is no value; expected env.NAME`},
		{"{{ and }}", 3, `"and" is a word of conditions and no name; expected a name`},
		{"{{ uuid | x }}", 3, `a default for what always has a value; expected no default`},
		{"{{ rand 1 2 | x }}", 3, `a default for what always has a value; expected no default`},
		{"{{ id | {{ x }} }}", 8, `the default "{{ x" has braces without a partner; expected the default in quotes`},
		{"{{ id | 'x }}", 8, `a quote is not closed; expected '`},
		{"{{ id | 'x' y }}", 12, `"y" after the default; expected "}}"`},
		{"{{ base64 'x }}", 10, `a quote is not closed; expected '`},
	} {
		_, err := ParseTemplate(test.text)
		checkFault(t, test.text, err, test.offset, test.want)
	}
}

// checkFault compares an error with the offset and message wanted.
func checkFault(t *testing.T, text string, err error, offset int, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		return
	}
	if at, ok := Offset(err); !ok || at != offset {
		t.Errorf("%s: offset %d, want %d", text, at, offset)
	}
}

func TestTemplateNames(t *testing.T) {
	tpl, err := ParseTemplate("{{ a }} {{ b.c | x }}{{ vu }}{{ json d }}{{ rand e 5 | 1 }}{{ now rfc3339 }}{{ a }}{{ base64 uuid }}")
	if err != nil {
		t.Fatal(err)
	}
	want := []NameRef{{"a", 3, false}, {"b.c", 11, true}, {"d", 37, false}, {"e", 49, true}, {"a", 79, false}}
	if got := tpl.Names(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBindErrors(t *testing.T) {
	for _, test := range []struct {
		text   string
		offset int
		want   string
	}{
		{"{{ what }}", 3, "unknown name what"},
		{"{{ what | x }}", 3, "unknown name what"}, // a default does not make a name known
		{"x{{ env.NOPE }}", 4, "env.NOPE is not set"},
		{"{{ json env.NOPE }}", 8, "env.NOPE is not set"},
		{"{{ rand region 2 }}", 8, `"region" is "eu", no whole number; expected a number such as 20`},
		{"{{ rand env.N 2 }}", 3, `the first bound of rand is above the second; expected {{ rand LOWEST HIGHEST }}`},
		{"{{ a }}{{ id }}{{ b }}", 3, "unknown name a\nunknown name b"},
	} {
		tpl, err := ParseTemplate(test.text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tpl.Bind(shop())
		checkFault(t, test.text, err, test.offset, test.want)
	}
}

func TestNoValueNamesTheName(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"a{{ none }}", "no value none"},
		{"{{ json none }}", "no value none"},
		{"{{ rand five none }}", "no value none"},
		{"{{ rand none five }}", "no value none"},
		{"{{ rand name five }}", "no value name"},
		{"{{ rand five name }}", "no value name"},
		{"{{ rand five neg }}", "no value neg"},
		{"{{ rand five 1 }}", "no value five"},
		{"{{ randstr neg }}", "no value neg"},
	} {
		w := shop()
		out, err := render(t, w, w, test.text, None)
		if err == nil || err.Error() != test.want || out != "" {
			t.Errorf("%s: got %q, %v; want %s", test.text, out, err, test.want)
		}
		if _, is := errors.AsType[*NoValue](err); !is {
			t.Errorf("%s: %T is no NoValue", test.text, err)
		}
	}
}

func TestConstantAndSingle(t *testing.T) {
	for _, test := range []struct {
		text     string
		constant string
		isConst  bool
		single   bool
	}{
		{"", "", true, false},
		{"a", "a", true, false},
		{"{{ region }}", "eu", true, false},
		{"x{{ region }}y{{ env.NOPE | q }}{{ base64 region }}", "xeuyqZXU=", true, false},
		{"{{ blank }}", "a b&c", true, false},
		{"{{ id }}", "", false, true},
		{"{{ id | 5 }}", "", false, true},
		{" {{ id }}", "", false, false},
		{"{{ id }}{{ id }}", "", false, false},
		{"{{ json id }}", "", false, false},
		{"{{ vu }}", "", false, false},
	} {
		tpl, err := ParseTemplate(test.text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := tpl.Bind(shop())
		if err != nil {
			t.Fatal(err)
		}
		text, ok := b.Constant()
		if text != test.constant || ok != test.isConst {
			t.Errorf("%s: constant %q, %v", test.text, text, ok)
		}
		if _, ok := b.Single(); ok != test.single {
			t.Errorf("%s: single %v", test.text, ok)
		}
	}
}

func TestAdjacentConstantsAreOneSegment(t *testing.T) {
	tpl, _ := ParseTemplate(`/a/{{ region }}/b\{{{{ env.NOPE | c }}?x={{ id }}&y={{ region }}z`)
	b, err := tpl.Bind(shop())
	if err != nil {
		t.Fatal(err)
	}
	if len(b.segments) != 3 {
		t.Errorf("%d segments: %+v", len(b.segments), b.segments)
	}
	if j := Join(Text("a"), b, Text("c")); len(j.segments) != 3 || len(b.segments) != 3 {
		t.Errorf("joined: %d segments", len(j.segments))
	}
}

func TestLiteralStandsForItself(t *testing.T) {
	for _, text := range []string{"", "x", "{{", "{{{", "{{{{", `\{{`, `\\{{ a }}`, "a {{ b }} c"} {
		w := shop()
		if got, err := render(t, w, w, Literal(text), None); err != nil || got != text {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	w := shop()
	dst := make([]byte, 0, 4096)
	for _, text := range []string{
		"constant", "{{ id }}", "/p/{{ id }}?q={{ users.name }}", "{{ none | d }}", "{{ uuid }}", "{{ rand 1 20 }}", "{{ randstr 100 }}", "{{ now }}",
		"{{ now rfc3339 }}", "{{ vu }}{{ iteration }}", "{{ json name }}{{ base64 name }}{{ urlquery name }}", "{{ none }}", "{{ blank }}",
	} {
		tpl, err := ParseTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := tpl.Bind(w)
		if err != nil {
			t.Fatal(err)
		}
		j := b.AsJSON()
		for _, esc := range []Escape{None, Query, JSON} {
			if n := testing.AllocsPerRun(100, func() {
				_, _ = b.Append(dst, w, esc)
				_, _ = j.Append(dst, w, esc)
			}); n != 0 {
				t.Errorf("%s: %v allocations", text, n)
			}
		}
	}
}
