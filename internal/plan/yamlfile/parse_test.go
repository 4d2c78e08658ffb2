package yamlfile_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	yaml "github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"hyperscale/internal/plan/yamlfile"
)

// show writes a tree in one line: text in quotes, everything else as written.
func show(n *yamlfile.Node) string {
	var parts []string
	switch {
	case n == nil:
		return "empty"
	case n.Kind == yamlfile.Text:
		return strconv.Quote(n.Text)
	case n.Kind == yamlfile.List:
		for _, item := range n.Items {
			parts = append(parts, show(item))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case n.Kind == yamlfile.Mapping:
		for _, e := range n.Entries {
			parts = append(parts, e.Key+":"+show(e.Value))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case n.Kind == yamlfile.Null:
		return "null"
	}
	return n.Text
}

func TestParse(t *testing.T) {
	for src, want := range map[string]string{
		"": "empty", "# only\n": "empty", "---\n": "empty", "--- # x\n...\n": "empty", "\ufeffa: 1": "{a:1}",
		"a: b\nc: d": `{a:"b" c:"d"}`, "a: b\r\nc: d\r\n": `{a:"b" c:"d"}`, "---\na: 1\n...\n# end\n": "{a:1}",
		"a:\n  b:\n    c: 1\n  d: 2\ne: 3":                          "{a:{b:{c:1} d:2} e:3}",
		"a:\n- 1\n- b: 2\n  c: 3\n- - 4\n  - 5\nd: 6":               "{a:[1 {b:2 c:3} [4 5]] d:6}",
		"- a\n-\n  b: 1\n-\n- c":                                    `["a" {b:1} null "c"]`,
		"a:\nb: ~\nc: null # x":                                     "{a:null b:null c:null}",
		"a: x # no\nb: x#yes\nc: 'x # yes'":                         `{a:"x" b:"x#yes" c:"x # yes"}`,
		"a: one\n  two\n\n  three\nb: 1":                            `{a:"one two\nthree" b:1}`,
		"a: 'it''s'\nb: \"a\\tb\\u00e9\\ud83d\\ude00\\x41\\\n  c\"": `{a:"it's" b:"a\tbé😀Ac"}`,
		"a: \"x  \n\n  y\n  z\"":                                    `{a:"x\ny z"}`,
		"a: |\n  x\n   y\n\n  z\n\nb: >-\n  x\n  y\n\n  z\n":        `{a:"x\n y\n\nz\n" b:"x y\nz"}`,
		"a: |+\n  x\n\nb: |2\n   y\nc: >\n  x\n   y\n  z\n":         `{a:"x\n\n" b:" y\n" c:"x\n y\nz\n"}`,
		"{a: 1, \"b\":2, 'c': [x, \"y\",\n z], d: {}, }":            `{a:1 b:2 c:["x" "y" "z"] d:{}}`,
		"[a: b, c]": `[{a:"b"} "c"]`, "a: [b:c, http://x/y]": `{a:["b:c" "http://x/y"]}`,
		"a: &x {b: 1}\nc: *x\nd: [*x, &y 2, *y]":                    "{a:{b:1} c:{b:1} d:[{b:1} 2 2]}",
		"a: &x\n  b: 1\n  c: 2\nd:\n  <<: *x\n  c: 3\n":             "{a:{b:1 c:2} d:{c:3 b:1}}",
		"x: &x {a: 1}\ny: &y {a: 2, b: 3}\nz: {<<: [*x, *y], c: 4}": "{x:{a:1} y:{a:2 b:3} z:{c:4 a:1 b:3}}",
		"\"<<\": 1": "{<<:1}", "1: a\ntrue: b\n? : c": `fault: text where a key should be`,
		"get: /p?page={{ rand 1 20 }}": `{get:"/p?page={{ rand 1 20 }}"}`,
		"id: json $.items[0].id":       `{id:"json $.items[0].id"}`,
		"time: < 800ms":                `{time:"< 800ms"}`,
		"a: 1_000\nb: 0x1F\nc: 1.10\nd: 1e3\ne: +5\nf: .5\ng: yes\nh: 2001-01-01\ni: 0o17\nj: 1.2.3\nk: -": `fault: a list begins in the line of its key`,
		"a: {k: [1, -2.5, .inf, 5s, 1-2, +, e5]}":                                                          `{a:{k:[1 -2.5 .inf "5s" "1-2" "+" "e5"]}}`,
		"a:\tb\n": `{a:"b"}`,
	} {
		root, faults := yamlfile.Parse([]byte(src))
		got := show(root)
		if len(faults) > 0 {
			got = "fault: " + faults[0].What
		}
		if !strings.HasPrefix(got, want) || !strings.HasPrefix(want, "fault") && got != want {
			t.Errorf("%q:\n got %s\nwant %s", src, got, want)
		}
	}
}

// TestParseFaults holds what is said of files that are no YAML, and where.
func TestParseFaults(t *testing.T) {
	hint := "; expected " + yamlfile.FlowHint
	for src, want := range map[string]string{
		"a: {id: json $.items[0].id}": `1:21: "[" where a comma or } should be` + hint,
		"a: {id: {{ token }}}":        `1:9: a value that begins with {{ is not in quotes` + hint + `; did you mean "{{ token }}"`,
		"a: {{ token }}":              `1:4: a value that begins with {{ is not in quotes` + hint + `; did you mean "{{ token }}"`,
		"a: {q: x, y}":                `1:11: "y" has no value` + hint,
		"a: {q: x, b: }":              `1:11: "b" has no value` + hint,
		"a: {regex: a{1,3}}":          `1:13: "{" where a comma or } should be` + hint,
		"a: {k: \"m\" n}":             `1:12: "n" where a comma or } should be` + hint,
		"a: {m: x]}":                  `1:9: "]" where a comma or } should be` + hint,
		"a: {time: > 5s}":             `1:11: a value can't begin with >; expected it in quotes`,
		"a: {[x]: 1}":                 `1:5: "[" where a key should be` + hint,
		"a: [1, 2\nb: 3":              `1:4: there is no ] that ends this`,
		"a: [1, 2\n":                  `1:4: there is no ] that ends this`,
		"name: a: b":                  `1:7: a mapping begins within a value; expected quotes around text that contains a colon and a blank`,
		"a: x\n  b: y":                `1:4: a mapping begins within a value; expected quotes around text that contains a colon and a blank`,
		"a: 'x'\n  b: y":              `2:3: an entry of a mapping in another column than those before it; expected column 1`,
		"  a: 1\n b: 2":               `2:2: a value that belongs to nothing; expected all entries of a list or mapping in one column`,
		"a: 1\nb":                     `2:1: text where a key should be; expected KEY: VALUE`,
		"a: > 800ms":                  `1:4: nothing but + - and a digit can follow > or | in its line; expected text that begins so in quotes; did you mean "> 800ms"`,
		"\ta: x":                      `1:2: a tab in the indentation; expected blanks`,
		"a:\n \t b: 1":                `2:4: a tab in the indentation; expected blanks`,
		"a: 'x":                       `1:4: the text in quotes has no end`,
		"a: \"\\q\"":                  `1:5: an unknown escape in double quotes; expected \\ for a backslash, or single quotes`,
		"a: \"\\ud800\"":              `1:5: an escape in double quotes that is no character`,
		"a: \"x\" y":                  `1:8: text after the end of a value; expected the whole value in quotes, or a new line`,
		"a: {b: 1} c":                 `1:11: text after the end of a value; expected the whole value in quotes, or a new line`,
		"a: 1\na: 2\n\"a\": 3":        "2:1: \"a\" is already in line 1; expected each key once\n3:1: \"a\" is already in line 1; expected each key once",
		"a: *b":                       `1:4: no anchor &b comes before *b; expected text that begins with * in quotes`,
		"a: &b [*b]":                  `1:8: the value of &b contains itself`,
		"a: &b &c d":                  `1:4: two anchors for one value`,
		"a: &b *c":                    `1:4: an anchor for what has one already; expected the alias alone`,
		"a: & b":                      `1:4: an anchor without a name; expected text that begins with & or * in quotes`,
		"<<: 1":                       `1:5: << takes mappings and this is a whole number; expected *ANCHOR of a mapping`,
		"a: !x y":                     `1:4: tags have no meaning here; expected text that begins with ! in quotes`,
		"a: %x":                       `1:4: a value can't begin with %; expected it in quotes`,
		"a: @x":                       `1:4: a value can't begin with @; expected it in quotes`,
		"%YAML 1.2\n---\na: 1":        `1:1: a value can't begin with %; expected it in quotes`,
		"? a\n: b":                    `1:1: a value can't begin with ? and a blank; expected it in quotes; keys are plain text`,
		"a: - b":                      `1:4: a list begins in the line of its key; expected it in the next line`,
		": b":                         `1:1: a colon without a key; expected KEY: VALUE`,
		"a: 1\n---\nb: 2":             `2:1: a second document in one file`,
		"a: 1\n...\nb: 2":             `3:1: text after the end of the document`,
		"é: {ü: [}":                   `1:9: a value can't begin with }` + hint,
		"a: \x01":                     `1:4: the byte 0x01 is no text; expected a YAML file`,
		"a: b\rc: d":                  `1:5: the byte 0x0d is no text; expected a YAML file`,
		"a: \xff":                     `1:4: the file is not in UTF-8`,
		"\x00":                        `1:1: the byte 0x00 is no text; expected a YAML file`,
	} {
		_, faults := yamlfile.Parse([]byte(src))
		var got []string
		for i := range faults {
			faults[i].File = "f"
			got = append(got, strings.TrimPrefix(faults[i].String(), "f:"))
		}
		if all := strings.Join(got, "\n"); all != want {
			t.Errorf("%q:\n got %s\nwant %s", src, all, want)
		}
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	lines := func(n int) string { return strings.Repeat("- 1\n", n) }
	bomb := "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	deep := "a: &a " + nested(40) + "\nb: " + strings.Repeat("[", 30) + "*a" + strings.Repeat("]", 30)
	for _, c := range []struct{ name, src, want string }{
		{"64 deep", nested(64), ""},
		{"66 deep", nested(66), "lists and mappings are nested more than 64 deep"},
		{"dashes", strings.Repeat("- ", 70) + "a", "lists and mappings are nested more than 64 deep"},
		{"deep by alias", deep, "lists and mappings are nested more than 64 deep"},
		{"99 999 values", lines(99_999), ""},
		{"100 001 values", lines(100_000), "the file has more than 100000 values, with those of its aliases"},
		{"alias bomb", bomb, "the file has more than 100000 values, with those of its aliases"},
		{"16 MiB", "a: " + strings.Repeat("x", yamlfile.MaxBytes-3), ""},
		{"above 16 MiB", "a: " + strings.Repeat("x", yamlfile.MaxBytes-2), "the file is larger than 16 MiB"},
	} {
		_, faults := yamlfile.Parse([]byte(c.src))
		got := ""
		if len(faults) > 0 {
			got = faults[len(faults)-1].What
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAt(t *testing.T) {
	for _, c := range []struct {
		src    string
		offset int
		want   yamlfile.Pos
	}{
		{"a: xyz", 2, yamlfile.Pos{Line: 1, Col: 6}}, {"a: éyz", 2, yamlfile.Pos{Line: 1, Col: 5}},
		{"a: 'xyz'", 2, yamlfile.Pos{Line: 1, Col: 7}}, {"a: \"xyz\"", 2, yamlfile.Pos{Line: 1, Col: 7}},
		{"a: 'x''z'", 2, yamlfile.Pos{Line: 1, Col: 4}}, {"a: x\n  y", 2, yamlfile.Pos{Line: 1, Col: 4}},
		{"a: |\n  xy\n  zw\n", 4, yamlfile.Pos{Line: 3, Col: 4}}, {"a: >\n  xy\n  zw\n", 4, yamlfile.Pos{Line: 1, Col: 4}},
	} {
		root, _ := yamlfile.Parse([]byte(c.src))
		if got := root.Entries[0].Value.At(c.offset); got != c.want {
			t.Errorf("%q at %d: got %v, want %v", c.src, c.offset, got, c.want)
		}
	}
}

// Places gives what At gives, whatever it was asked for before.
func TestPlaces(t *testing.T) {
	for _, src := range []string{
		"a: xyz", "a: éyz ü", "a: 'é yz'", "a: 'x''z'", "a: |\n  xé\n\n  zw\n  é y\n", "a: |\n\n  xy", "a: >\n  xy\n  zw\n", "a: x\n  y", "a: ''",
	} {
		root, _ := yamlfile.Parse([]byte(src))
		node := root.Entries[0].Value
		rapid.Check(t, func(t *rapid.T) {
			places := node.Places()
			for offset := range node.Text {
				if rapid.Bool().Draw(t, "ask") && places(offset) != node.At(offset) {
					t.Fatalf("%q at %d: got %v, want %v", src, offset, places(offset), node.At(offset))
				}
			}
			for _, offset := range []int{0, len(node.Text), len(node.Text) + 1, -1} {
				if got, want := places(offset), node.At(offset); got != want {
					t.Fatalf("%q at %d: got %v, want %v", src, offset, got, want)
				}
			}
		})
	}
}

// tree draws a value of JSON.
func tree() *rapid.Generator[any] {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "true", "null", "5", "a: b", "- x", "{{ x }}", "x #y", "<<", "é\n\tb ", "a\nb", "|", "'", "~", "0x1"}))
	leaf := rapid.OneOf(rapid.Map(text, func(s string) any { return s }), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.IntRange(-1000, 1000), func(i int) any { return float64(i) }), rapid.Map(rapid.Float64Range(-1e6, 1e6), func(f float64) any { return f }), rapid.Just[any](nil))
	var value *rapid.Generator[any]
	value = rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return any(rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return value }), 0, 3).Draw(t, "list"))
		case 1:
			return any(rapid.MapOfN(text, rapid.Deferred(func() *rapid.Generator[any] { return value }), 0, 3).Draw(t, "map"))
		}
		return leaf.Draw(t, "leaf")
	})
	return value
}

// plainValue is a tree as encoding/json decodes it.
func plainValue(n *yamlfile.Node) any {
	switch {
	case n == nil || n.Kind == yamlfile.Null:
		return nil
	case n.Kind == yamlfile.Bool:
		return n.Text == "true"
	case n.Kind == yamlfile.Int || n.Kind == yamlfile.Float:
		f, err := strconv.ParseFloat(n.Text, 64)
		if err != nil {
			return math.NaN()
		}
		return f
	case n.Kind == yamlfile.List:
		list := []any{}
		for _, item := range n.Items {
			list = append(list, plainValue(item))
		}
		return list
	case n.Kind == yamlfile.Mapping:
		m := map[string]any{}
		for _, e := range n.Entries {
			m[e.Key] = plainValue(e.Value)
		}
		return m
	}
	return n.Text
}

// TestJSONIsYAML reads back what encoding/json writes.
func TestJSONIsYAML(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, indent := range []string{"", "  "} {
			src, err := json.MarshalIndent(tree().Draw(t, "tree"), "", indent)
			if err != nil {
				t.Skip(err)
			}
			var want any
			if err := json.Unmarshal(src, &want); err != nil {
				t.Fatal(err)
			}
			root, faults := yamlfile.Parse(src)
			if got := plainValue(root); len(faults) > 0 || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\n got %#v, %v\nwant %#v", src, got, faults, want)
			}
		}
	})
}

// TestReadsWhatAnotherWrites reads back block style as goccy/go-yaml writes it.
func TestReadsWhatAnotherWrites(t *testing.T) {
	words := rapid.SampledFrom([]string{"a", "b c", "true", "5", "1.5", "null", "x: y", "- z", "# q", "a #b", "{x", "[y]", "line\nline\n", "two\n\n  three", "*a", "&b", "it's", `"q"`, "", " pad ", "é", "GET /x?y={{ z }}", "> 5", "|"})
	keys := rapid.SampledFrom([]string{"a", "b-c", "d e", "5", "true", "x:y", "é"})
	rapid.Check(t, func(t *rapid.T) {
		value := map[string]any{"steps": rapid.SliceOfN(rapid.MapOfN(keys, words, 1, 3), 0, 4).Draw(t, "steps"), "vars": rapid.MapOfN(keys, words, 0, 4).Draw(t, "vars"), "list": rapid.SliceOfN(words, 0, 4).Draw(t, "list")}
		src, err := yaml.MarshalWithOptions(value, yaml.UseLiteralStyleIfMultiline(rapid.Bool().Draw(t, "literal")), yaml.IndentSequence(rapid.Bool().Draw(t, "indent")))
		if err != nil {
			t.Skip(err)
		}
		var want any
		asJSON, _ := json.Marshal(value)
		if err := json.Unmarshal(asJSON, &want); err != nil {
			t.Fatal(err)
		}
		root, faults := yamlfile.Parse(src)
		if got := plainValue(root); len(faults) > 0 || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n got %#v, %v\nwant %#v", src, got, faults, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: b", "- a\n- {b: [c, 'd']}", "a: &x |\n  t\nb: *x\n<<: {c: 1}", "{{ x }}", "\"\\u00e9\n x\"", "a: >-\n\n  x\n   y\n", "---\n...\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		root, faults := yamlfile.Parse(src)
		for _, fault := range faults {
			if strings.Contains(fault.String(), "\n") {
				t.Errorf("a fault of more than one line: %q", fault)
			}
		}
		if root != nil && len(faults) == 0 {
			show(root)
		}
		lines := strings.Count(string(src), "\n") + 1
		for _, fault := range faults {
			if fault.Pos.Line < 0 || fault.Pos.Line > lines || fault.Pos.Line > 0 && fault.Pos.Col < 1 {
				t.Errorf("a fault at %v in %d lines", fault.Pos, lines)
			}
		}
	})
}
