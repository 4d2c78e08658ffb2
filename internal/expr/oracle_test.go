package expr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// node is a JSON value as encoding/json sees it, with its members in order.
type node struct {
	raw    json.RawMessage
	object bool
	names  []string
	below  []node
}

// parse reads a value with encoding/json.
func parse(t interface{ Fatalf(string, ...any) }, raw json.RawMessage) node {
	n := node{raw: raw}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // JSON has numbers that float64 has not
	open, err := dec.Token()
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if open != json.Delim('{') && open != json.Delim('[') {
		return n
	}
	n.object = open == json.Delim('{')
	for dec.More() {
		if n.object {
			name, err := dec.Token()
			if err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			n.names = append(n.names, name.(string))
		}
		var child json.RawMessage
		if err := dec.Decode(&child); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		n.below = append(n.below, parse(t, child))
	}
	return n
}

// member gives the first member of this name.
func (n node) member(name string) []node {
	for i, have := range n.names {
		if have == name {
			return n.below[i : i+1 : i+1]
		}
	}
	return nil
}

// all evaluates a path the way RFC 9535 defines it: each step turns a list of
// nodes into the next.
func (n node) all(steps []step) []node {
	list := []node{n}
	for _, s := range steps {
		var next []node
		for _, n := range list {
			switch s.kind {
			case nameStep:
				next = append(next, n.member(s.name)...)
			case anyStep:
				next = append(next, n.below...)
			case descendStep:
				next = append(next, n.descend(s.name)...)
			case indexStep:
				i := s.index
				if i < 0 {
					i += len(n.below)
				}
				if !n.object && 0 <= i && i < len(n.below) {
					next = append(next, n.below[i])
				}
			}
		}
		list = next
	}
	return list
}

// descend gives the members of this name of the node and of all below it.
func (n node) descend(name string) []node {
	list := n.member(name)
	for _, child := range n.below {
		list = append(list, child.descend(name)...)
	}
	return list
}

// first is what Find should give: the first node that is not null.
func (n node) first(steps []step) string {
	for _, n := range n.all(steps) {
		if string(n.raw) != "null" {
			return string(n.raw)
		}
	}
	return ""
}

// blank draws blanks, mostly none.
var blank = rapid.SampledFrom([]string{"", "", "", " ", "\n", "\t \r"})

// memberName draws a member's name as JSON, often with needless escapes, from
// few enough that paths meet them and objects repeat them.
var memberName = rapid.SampledFrom([]string{`"a"`, `"b"`, `"c"`, `"\u0061"`, `"a b"`, `""`, `"\""`, `"ü"`, `"\u00FC"`, `"\ud83d\ude00"`, `"\\\/"`})

// scalarText draws a value without children.
var scalarText = rapid.OneOf(
	rapid.SampledFrom([]string{"null", "true", "false", "0", "-1", "1.50", "2E+3", `""`, `"x"`, `"\u0041]}"`, `"\\\""`}),
	rapid.Map(rapid.String(), func(s string) string { b, _ := json.Marshal(s); return string(b) }),
	rapid.Map(rapid.Float64(), func(f float64) string { b, _ := json.Marshal(f); return string(b) }),
)

// document draws JSON of at most this depth.
func document(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 4).Draw(t, "kind")
	if depth == 0 || kind == 0 {
		return scalarText.Draw(t, "scalar")
	}
	var parts []string
	for range rapid.IntRange(0, 4).Draw(t, "children") {
		part := blank.Draw(t, "") + document(t, depth-1) + blank.Draw(t, "")
		if kind > 1 {
			part = blank.Draw(t, "") + memberName.Draw(t, "name") + blank.Draw(t, "") + ":" + part
		}
		parts = append(parts, part)
	}
	open, end := "[", "]"
	if kind > 1 {
		open, end = "{", "}"
	}
	return open + strings.Join(parts, ",") + blank.Draw(t, "") + end
}

// path draws a path as text.
func path(t *rapid.T) string {
	text := rapid.SampledFrom([]string{".a", ".b", "..a", "..b", "..a", "['a']", `["a b"]`, "['']", `['"']`, ".ü", `["\ud83d\ude00"]`, "[*]", "[0]", "[1]", "[-1]", "[-2]"})
	return "$" + strings.Join(rapid.SliceOfN(text, 0, 5).Draw(t, "path"), "")
}

func TestFindAgreesWithTheStandard(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		body, text := document(t, 6), path(t)
		p, err := ParseJSONPath(text)
		if err != nil {
			t.Fatal(err)
		}
		want := parse(t, json.RawMessage(body)).first(p.steps)
		raw, kind, ok := p.Find([]byte(body))
		if string(raw) != want || ok != (want != "") || kind == JSONMalformed {
			t.Fatalf("%s in %s: got %q, %v; want %q", text, body, raw, kind, want)
		}
		if ok {
			found++
		}
		checkText(t, raw, kind)
	})
	if found == 0 {
		t.Error("no path found anything")
	}
}

// checkText compares the text of a string with encoding/json's, which replaces
// bytes that are not UTF-8, whereas a capture keeps them.
func checkText(t interface{ Fatalf(string, ...any) }, raw []byte, kind JSONKind) {
	if kind != JSONString || !utf8.Valid(raw) {
		return
	}
	var want string
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	if got := string(AppendJSONText(nil, raw, kind)); got != want {
		t.Fatalf("%s: got %q, want %q", raw, got, want)
	}
}

// A body that is cut short never yields part of a value, unless the value is the
// whole body (15 cut to 1). It may yield a value from below the one that would
// have gone before it only if that one is final already, so never another one.
func TestFindInCutBodies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body, text := document(t, 4), path(t)
		p, err := ParseJSONPath(text)
		if err != nil {
			t.Fatal(err)
		}
		whole, _, _ := p.Find([]byte(body))
		cut := rapid.IntRange(0, len(body)).Draw(t, "cut")
		raw, kind, ok := p.Find([]byte(body[:cut]))
		if ok && string(raw) != string(whole) && len(raw) != len(strings.TrimLeft(body[:cut], " \t\r\n")) {
			t.Fatalf("%s in %s cut at %d: %q, %v", text, body, cut, raw, kind)
		}
	})
}

func FuzzJSONPath(f *testing.F) {
	for _, seed := range [][2]string{
		{"$.a[0]..b", `{"a":[{"c":{"b":1}}]}`}, {"$['\\u0061'][-1]", `{"\u0061":[1,null]}`}, {"$..x[*]", `{"x":[{"x":[]}]}`}, {"$", "1e5"}, {"$.a", `{"a":"\ud800"`},
		{"$..a..a", `[[[[{"a":{"a":`}, {"$[", "{]"}, {"$.a", "\ufeff{\"a\":\"\xff\"}"},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		p, err := ParseJSONPath(text)
		if err != nil {
			checkOffset(t, text, err)
			return
		}
		again, err := ParseJSONPath(p.String())
		if err != nil || fmt.Sprint(again.steps) != fmt.Sprint(p.steps) {
			t.Fatalf("%q is written as %s: %v", text, p, err)
		}
		raw, kind, ok := p.Find(body)
		if ok && !json.Valid(raw) {
			t.Fatalf("%s in %q: %q is no JSON", p, body, raw)
		}
		checkText(t, raw, kind)
		if json.Valid(body) && kind != JSONMalformed {
			if want := parse(t, bytes.Trim(body, " \t\r\n")).first(p.steps); want != string(raw) {
				t.Fatalf("%s in %q: got %q, want %q", p, body, raw, want)
			}
		}
	})
}

// checkOffset makes sure that an error says where it is.
func checkOffset(t *testing.T, text string, err error) {
	t.Helper()
	if at, ok := Offset(err); !ok || at < 0 || at > len(text) || err.Error() == "" {
		t.Fatalf("%q: %v at %d", text, err, at)
	}
}
