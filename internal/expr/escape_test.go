package expr

import (
	"encoding/json"
	"net/url"
	"testing"

	"pgregory.net/rapid"
)

func TestEscapeTouchesValuesOnly(t *testing.T) {
	for _, test := range []struct {
		esc  Escape
		want string
	}{
		{None, `a b/"` + `Ann "A" O'Neil & co` + `a b&c` + `x y`},
		{Query, `a b/"` + `Ann%20%22A%22%20O%27Neil%20%26%20co` + `a%20b%26c` + `x%20y`},
		{Form, `a b/"` + `Ann+%22A%22+O%27Neil+%26+co` + `a+b%26c` + `x+y`},
		{Path, `a b/"` + `Ann%20%22A%22%20O'Neil%20&%20co` + `a%20b&c` + `x%20y`},
		{JSON, `a b/"` + `Ann \"A\" O'Neil & co` + `a b&c` + `x y`},
	} {
		w := shop()
		got, err := render(t, w, w, `a b/"{{ name }}{{ blank }}{{ none | x y }}`, test.esc)
		if err != nil || got != test.want {
			t.Errorf("%d: got  %s, %v\nwant %s", test.esc, got, err, test.want)
		}
	}
}

func TestEscapedTakesTheTextToo(t *testing.T) {
	w := shop()
	tpl, _ := ParseTemplate(`a b&"{{ name }}{{ blank }}{{ none | x y }}`)
	b, err := tpl.Bind(w)
	if err != nil {
		t.Fatal(err)
	}
	form := b.Escaped(Form)
	want := "a+b%26%22Ann+%22A%22+O%27Neil+%26+coa+b%26cx+y"
	for _, esc := range []Escape{None, JSON, Form} { // the one of Append has no effect any more
		if got, err := form.Append(nil, w, esc); err != nil || string(got) != want {
			t.Errorf("got %s, %v", got, err)
		}
	}
	if got, ok := Join(Text("a b"), b.Escaped(Query)).ConstantAs(Query); ok {
		t.Errorf("constant %q with a name in it", got)
	}
}

func TestConstantAs(t *testing.T) {
	tpl, _ := ParseTemplate("/a b/{{ blank }}")
	b, err := tpl.Bind(shop())
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := b.ConstantAs(Query); !ok || got != "/a b/a%20b%26c" {
		t.Errorf("got %s, %v", got, ok)
	}
}

func TestEscapesAreUndoneByTheirReaders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if got, err := url.QueryUnescape(string(Form.Append(nil, text))); err != nil || got != text {
			t.Fatalf("form: %q, %v", got, err)
		}
		if got, err := url.QueryUnescape(string(Query.Append(nil, text))); err != nil || got != text {
			t.Fatalf("query: %q, %v", got, err)
		}
		if got, err := url.PathUnescape(string(Path.Append(nil, text))); err != nil || got != text {
			t.Fatalf("path: %q, %v", got, err)
		}
		var got string
		if err := json.Unmarshal(jsonEncoding.fix([]byte(text), 0), &got); err != nil || got != text {
			t.Fatalf("json: %q, %v", got, err)
		}
	})
}

func TestJSONEscape(t *testing.T) {
	for text, want := range map[string]string{
		"\x00\x1f\b\f\n\r\t": `\u0000\u001F\b\f\n\r\t`,
		`"\/`:                `\"\\/`,
		"\xff\xc3ü\u2028<":   `\ufffd\ufffdü` + "\u2028<",
		"\ufffd":             "\ufffd", // a real U+FFFD stays
	} {
		if got := string(JSON.Append([]byte(`"`), text)); got != `"`+want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// A json string that is exactly one template takes the captured value's JSON
// type; all others are strings.
func TestAsJSON(t *testing.T) {
	w := shop()
	s := typed{w, map[string]bool{"id": true, "five": true}}
	for _, test := range []struct {
		text, typed, plain string
	}{
		{"", `""`, `""`},
		{`say "hi"`, `"say \"hi\""`, `"say \"hi\""`},
		{"{{ id }}", `42`, `"42"`},
		{"{{ id | 5 }}", `42`, `"42"`},
		{"{{ none | 5 }}", `"5"`, `"5"`},
		{`{{ none | 'a"b' }}`, `"a\"b"`, `"a\"b"`},
		{" {{ id }}", `" 42"`, `" 42"`},
		{"{{ id }}{{ id }}", `"4242"`, `"4242"`},
		{"{{ name }}", `"Ann \"A\" O'Neil & co"`, `"Ann \"A\" O'Neil & co"`},
		{"{{ vu }}", `"12"`, `"12"`},
		{"{{ region }}", `"eu"`, `"eu"`},
		{"{{ json id }}", `"42"`, `"\"42\""`},
		{"{{ none | }}", `""`, `""`},
	} {
		tpl, err := ParseTemplate(test.text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := tpl.Bind(w)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := b.AsJSON().Append(nil, s, None); err != nil || string(got) != test.typed {
			t.Errorf("%s: got %s, %v; want %s", test.text, got, err, test.typed)
		}
		if got, err := b.AsJSON().Append(nil, w, Query); err != nil || string(got) != test.plain {
			t.Errorf("%s without types: got %s, %v; want %s", test.text, got, err, test.plain)
		}
	}
	got, err := render(t, s, w, `{"product": {{ json id }}, "user": {{ json users.name }}}`, None)
	if err != nil || got != `{"product": 42, "user": "eve"}` {
		t.Errorf("got %s, %v", got, err)
	}
}

// A whole JSON body can be one Bound.
func TestJoin(t *testing.T) {
	w := shop()
	bind := func(text string) *Bound {
		tpl, err := ParseTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := tpl.Bind(w)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	body := Join(Text(`{"a":`), bind("{{ id }}").AsJSON(), Text(`,"b":`), bind("x{{ name }}").AsJSON(), Text("}"))
	got, err := body.Append(nil, typed{w, map[string]bool{"id": true}}, None)
	if want := `{"a":42,"b":"xAnn \"A\" O'Neil & co"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

// Bytes are escaped like text, behind what is there.
func TestAppendBytes(t *testing.T) {
	for _, esc := range []Escape{None, Query, Form, JSON, Path} {
		const text = "a b\"\n/é\xff"
		if got, want := string(esc.AppendBytes([]byte("x "), []byte(text))), string(esc.Append([]byte("x "), text)); got != want {
			t.Errorf("%d: %q, want %q", esc, got, want)
		}
	}
}
