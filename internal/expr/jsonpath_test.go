package expr

import (
	"strings"
	"testing"
)

func TestParseJSONPath(t *testing.T) {
	for text, want := range map[string]string{
		"$": "$", " $ ": "$", "$.a": "$.a", "$.a.b1._c": "$.a.b1._c", "$['a']": "$.a", `$["a b"]`: `$["a b"]`, "$['a-b']": `$["a-b"]`,
		"$[0]": "$[0]", "$[-1]": "$[-1]", "$[*]": "$[*]", "$[ * ]": "$[*]", "$[ -12 ]": "$[-12]", "$..a": "$..a", "$..a[0].b..c": "$..a[0].b..c",
		"$ .a [0]": "$.a[0]", "$.ü": "$.ü", "$.über[*].x": "$.über[*].x", `$['it\'s']`: `$["it's"]`, `$["\u00fc\n\ud83d\ude00"]`: `$["ü\n😀"]`,
		`$['"']`: `$["\""]`, "$['']": `$[""]`, "$['1']": `$["1"]`, "$[9007199254740991]": "$[9007199254740991]", "$['$']": `$["$"]`,
	} {
		p, err := ParseJSONPath(text)
		if err != nil || p.String() != want {
			t.Errorf("%s: got %v, %v; want %s", text, p, err, want)
			continue
		}
		if again, err := ParseJSONPath(want); err != nil || again.String() != want {
			t.Errorf("%s: %v, %v", want, again, err)
		}
	}
}

func TestJSONPathSyntaxErrors(t *testing.T) {
	const part = `.name ['name'] [n] [-n] [*] or ..name`
	const bracket = `[n], [-n], [*] or ['name']`
	for _, test := range []struct {
		text   string
		offset int
		want   string
	}{
		{"", 0, "the end is no JSON path; expected $ first, as in $.items[0].id"},
		{"a.b", 0, `"a.b" is no JSON path; expected $ first, as in $.items[0].id; did you mean $.a.b`},
		{".a", 0, `".a" is no JSON path; expected $ first, as in $.items[0].id`},
		{"$a", 1, `"a" in a JSON path; expected ` + part},
		{"$.", 1, `"." without a name; expected ` + part},
		{"$..", 1, `".." without a name; expected ` + part},
		{"$.a.", 3, `"." without a name; expected ` + part},
		{"$...a", 1, `".." without a name; expected ` + part},
		{"$.1", 1, `"." without a name; expected ` + part},
		{"$.*", 1, `".*" in a JSON path; expected ` + part + `; did you mean [*]`},
		{"$..*", 1, `".." without a name; expected ` + part},
		{"$..[0]", 1, `".." without a name; expected ` + part},
		{"$.a-b", 3, `"-" in a name without quotes; expected letters, digits and _; did you mean ['a-b']`},
		{"$..a-b", 4, `"-" in a name without quotes; expected letters, digits and _`},
		{"$[]", 2, `"]" in brackets; expected ` + bracket},
		{"$[a]", 2, `"a]" in brackets; expected ` + bracket},
		{"$[?@.x]", 2, `"?@.x]" in brackets; expected ` + bracket},
		{"$[1:2]", 3, `":2]" in brackets; expected "]"; slices, lists and filters are not known here`},
		{"$[1,2]", 3, `",2]" in brackets; expected "]"; slices, lists and filters are not known here`},
		{"$[1", 3, `the end in brackets; expected "]"; slices, lists and filters are not known here`},
		{"$[01]", 2, `"01" is no index; expected 1`},
		{"$[-0]", 2, `"-0" is no index; expected 0`},
		{"$[9007199254740992]", 2, `"9007199254740992]" in brackets; expected ` + bracket},
		{"$[-9007199254740992]", 2, `"-9007199254740992]" in brackets; expected ` + bracket},
		{"$['a]", 2, "a quote is not closed; expected '"},
		{`$['\x']`, 3, `a backslash that begins no escape; expected \b \f \n \r \t \/ \\ \uXXXX or \'`},
		{`$['\"']`, 3, `a backslash that begins no escape; expected \b \f \n \r \t \/ \\ \uXXXX or \'`},
		{"$['\t']", 3, `a control character in a name; expected \u0009`},
		{"$['\x96']", 2, "a name that is not UTF-8; expected UTF-8"},
		{"$.a b", 4, `"b" in a JSON path; expected ` + part},
		{"$" + strings.Repeat(".a", 32), 63, "the path is too long; expected 31 segments at most"},
	} {
		_, err := ParseJSONPath(test.text)
		checkFault(t, test.text, err, test.offset, test.want)
	}
}

func TestFind(t *testing.T) {
	const shop = ` {"items": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "tags": []}, {"tags": null}], "id": "x\u0041\"",
		"nested": {"deep": {"id": true, "list": [[1, 2], [3, [4]]]}}, "n": null, "f": -1.50e+3, "": 0, "a b": {}, "id": "second" } `
	for _, test := range []struct {
		path, body, want string
		kind             JSONKind
	}{
		{"$", " 5 ", "5", JSONNumber},
		{"$", `"x"`, `"x"`, JSONString},
		{"$", "[ ]", "[ ]", JSONArray},
		{"$", "false", "false", JSONBool},
		{"$", "null", "", JSONNothing},
		{"$", "\ufefftrue", "true", JSONBool},
		{"$.items[0].id", shop, "1", JSONNumber},
		{"$.items[1].id", shop, "2", JSONNumber},
		{"$.items[-2].id", shop, "2", JSONNumber},
		{"$.items[-3].id", shop, "1", JSONNumber},
		{"$.items[3]", shop, "", JSONNothing},
		{"$.items[-4]", shop, "", JSONNothing},
		{"$.items[2].id", shop, "", JSONNothing},
		{"$.items[0].tags", shop, `["a", "b"]`, JSONArray},
		{"$.items[*].tags[1]", shop, `"b"`, JSONString},
		{"$.items[*].id", shop, "1", JSONNumber},
		{"$.id", shop, `"x\u0041\""`, JSONString}, // of members with one name the first
		{"$.n", shop, "", JSONNothing},            // null counts as nothing
		{"$.f", shop, "-1.50e+3", JSONNumber},     // numbers keep their text
		{"$['']", shop, "0", JSONNumber},
		{"$['a b']", shop, "{}", JSONObject},
		{"$.nested.deep.list[-1][1][0]", shop, "4", JSONNumber},
		{"$.nested.deep.list[*][1]", shop, "2", JSONNumber},
		{"$.id.x", shop, "", JSONNothing},
		{"$.id[0]", shop, "", JSONNothing},
		{"$.items.id", shop, "", JSONNothing}, // a name is no member of an array
		{"$[0]", shop, "", JSONNothing},       // an index is no element of an object
		{"$[*].deep.id", shop, "true", JSONBool},
		{"$[*]", `{"a":null,"b":2}`, "2", JSONNumber},
		{"$[*]", `[null,[],3]`, "[]", JSONArray},

		// ..name: a node's own member goes before what is below, wherever it stands.
		{"$..id", shop, `"x\u0041\""`, JSONString},
		{"$..deep.id", shop, "true", JSONBool},
		{"$.nested..id", shop, "true", JSONBool},
		{"$..list[1][0]", shop, "3", JSONNumber},
		{"$..list[-1][-1][0]", shop, "4", JSONNumber},
		{"$..tags[0]", shop, `"a"`, JSONString},
		{"$..none", shop, "", JSONNothing},
		{"$..x", `{"a":{"x":1},"x":2}`, "2", JSONNumber},
		{"$..x", `{"a":{"b":{"x":1},"x":2}}`, "2", JSONNumber},
		{"$..x", `[{"a":{"x":1}},{"x":2}]`, "1", JSONNumber}, // elements in order
		{"$..x", `{"a":{"x":1},"x":null}`, "1", JSONNumber},
		{"$..x", `{"x":null,"x":3,"a":{"x":1}}`, "1", JSONNumber}, // only the first x is the member x
		{"$..x.y", `{"x":{"x":{"y":1}}}`, "1", JSONNumber},
		{"$..x.y", `{"a":{"x":{"y":1}},"x":{"z":0,"y":2}}`, "2", JSONNumber},
		{"$..x..y", `{"x":{"a":{"y":1},"x":{"y":2},"y":3}}`, "3", JSONNumber},
		{"$..x..x", `{"x":{"x":1}}`, "1", JSONNumber},
		{"$..x..x", `{"x":{"a":1},"b":{"x":{"c":{"x":7}}}}`, "7", JSONNumber},
		{"$..x[*]", `{"a":{"x":[1]},"x":[null]}`, "1", JSONNumber},
		{"$..x[-1]", `{"x":[[1],{"x":[2,3]}]}`, `{"x":[2,3]}`, JSONObject},

		// Names with escapes on either side.
		{"$.aé", `{"a\u00e9":1}`, "1", JSONNumber},
		{`$["\u0061"]`, `{"a":1}`, "1", JSONNumber},
		{"$['😀']", `{"\ud83d\ude00":1}`, "1", JSONNumber},
		{`$["a\"b"]`, `{"a\"b":1}`, "1", JSONNumber},
		{`$["a/b"]`, `{"a\/b":1}`, "1", JSONNumber},
		{"$.ab", `{"a\u0062c":1,"a\u0062":2}`, "2", JSONNumber},
		{"$.abc", `{"a\u0062":1}`, "", JSONNothing},
		{"$['\ufffd']", `{"\ud800":1}`, "1", JSONNumber},

		// What stands behind the match is not read.
		{"$.a", `{"a":1 garbage`, "1", JSONNumber},
		{"$.a", `{"a":1}{"a":2}`, "1", JSONNumber},
		{"$[0]", `["x"`, `"x"`, JSONString},
	} {
		p, err := ParseJSONPath(test.path)
		if err != nil {
			t.Fatal(err)
		}
		raw, kind, ok := p.Find([]byte(test.body))
		if string(raw) != test.want || kind != test.kind || ok != (test.want != "") {
			t.Errorf("%s in %.60s: got %s, %v, %v; want %s", test.path, test.body, raw, kind, ok, test.want)
		}
	}
}

func TestFindInMalformedBodies(t *testing.T) {
	path, err := ParseJSONPath("$.z")
	if err != nil {
		t.Fatal(err)
	}
	deep, _ := ParseJSONPath("$..z")
	for _, body := range []string{
		"", " ", "<html>", "{", "[", "{]", "[}", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{"a":1 "b":2}`, `{"a":}`,
		"[1,]", "[,1]", "[1 2]", "[1}", `{"a":1]`, `{,"a":1}`, `{"a":[}`, `{"a":[1}`, "tru", "truex", "true1", "1true", `1"a"`, "null{", "[1", `{"a":12`, "[true", "nul", "TRUE", "01", "-", "1.", ".5", "+1", "1e", "0x1", "NaN",
		`"`, `"a`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", `"\`, `{"a\q":1}`, "{\"a\x01\":1}", `[{"a":[1,{"b":]}]`, "\xff", "\x00", `[[[[1]]]`, `{"a":{"b":1}`,
	} {
		for _, wrapped := range []string{body, `{"y":` + body + `}`} {
			for _, p := range []*JSONPath{path, deep} {
				raw, kind, ok := p.Find([]byte(wrapped))
				if ok || raw != nil || kind != JSONMalformed {
					t.Errorf("%s in %q: %q, %v, %v", p, wrapped, raw, kind, ok)
				}
			}
		}
	}
}

// The end of a body may be the middle of a number.
func TestFindDoesNotTrustTheEndOfABody(t *testing.T) {
	p, err := ParseJSONPath("$[0]")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"[1", "[true", `["a`} {
		if raw, kind, ok := p.Find([]byte(body)); ok || kind != JSONMalformed {
			t.Errorf("%s: %s, %v", body, raw, kind)
		}
	}
}

func TestFindInDeepBodies(t *testing.T) {
	nested := func(open, inner, end string, n int) []byte {
		return []byte(strings.Repeat(open, n) + inner + strings.Repeat(end, n))
	}
	for _, text := range []string{"$.z", "$..z", "$..a", "$..a..a.z", "$[-1][-1]", "$..a[-1]", "$[*]..z"} {
		p, err := ParseJSONPath(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range [][]byte{
			nested("[", "", "]", maxDepth), nested(`{"a":`, "1", "}", maxDepth), nested(`{"a":[`, "", "]}", maxDepth/2),
		} {
			if _, kind, _ := p.Find(body); kind == JSONMalformed {
				t.Errorf("%s: %.10s… of the greatest depth is refused", p, body)
			}
		}
		for _, body := range [][]byte{
			nested("[", "", "]", maxDepth+1), []byte(strings.Repeat("[", 1<<20)), []byte(strings.Repeat(`{"a":`, 1<<18)), nested(`{"b":[`, "1", "]}", 1<<18),
		} {
			if _, kind, ok := p.Find(body); text != "$..a" && (ok || kind != JSONMalformed) {
				t.Errorf("%s: %.10s… beyond the greatest depth: %v, %v", p, body, kind, ok)
			}
		}
	}
	if _, kind, ok := (&JSONPath{}).Find(nested("[", "", "]", maxDepth+1)); ok || kind != JSONMalformed {
		t.Errorf("$ beyond the greatest depth: %v, %v", kind, ok)
	}
}

// Counting elements for [-n] again and again is the one thing that could make
// the time of a search grow faster than the body.
func TestFindCountsWithinReason(t *testing.T) {
	const depth = maxDepth / 2
	hostile := strings.Repeat(`{"a":[`, depth) + strings.Repeat("1,", 1<<12) + "1" + strings.Repeat("]}", depth)
	p, err := ParseJSONPath("$..a[-1].z")
	if err != nil {
		t.Fatal(err)
	}
	if _, kind, ok := p.Find([]byte(hostile)); ok || kind != JSONMalformed {
		t.Errorf("%v, %v", kind, ok)
	}
	p, _ = ParseJSONPath("$" + strings.Repeat("[-1]", 15))
	usual := strings.Repeat("[0,", 15) + "7" + strings.Repeat("]", 15)
	if raw, _, _ := p.Find([]byte(usual)); string(raw) != "7" {
		t.Errorf("got %s", raw)
	}
}

func TestAppendJSONText(t *testing.T) {
	for _, test := range []struct {
		raw  string
		kind JSONKind
		want string
	}{
		{`"a"`, JSONString, "a"}, {`""`, JSONString, ""}, {`"\"\\\/\b\f\n\r\t"`, JSONString, "\"\\/\b\f\n\r\t"},
		{`"\u00fc\u4e2d\u0000"`, JSONString, "ü中\x00"}, {`"\ud83d\ude00"`, JSONString, "😀"}, {`"\uD83D\uDE00x"`, JSONString, "😀x"},
		{`"\ud83d"`, JSONString, "\ufffd"}, {`"\ud83dx"`, JSONString, "\ufffdx"}, {`"\ud83d\u0041"`, JSONString, "\ufffdA"}, {`"\ude00\ud83d"`, JSONString, "\ufffd\ufffd"},
		{`"\ud83d\ud83d\ude00"`, JSONString, "\ufffd😀"}, {`"ü"`, JSONString, "ü"}, {"1.50", JSONNumber, "1.50"}, {"{ }", JSONObject, "{ }"},
		{"true", JSONBool, "true"}, {`"x"`, JSONNothing, `"x"`},
	} {
		if got := string(AppendJSONText([]byte("<"), []byte(test.raw), test.kind)); got != "<"+test.want {
			t.Errorf("%s: got %q, want %q", test.raw, got[1:], test.want)
		}
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	body := []byte(`{"a":[{"b":1},{"c\u0041":"x","id":"7"}],"z":{"id":null},"list":[1,2,3]}`)
	dst := make([]byte, 0, 100)
	for _, text := range []string{"$.a[1].id", "$..id", "$.a[*].cA", "$.list[-1]", "$.none", "$..a..id"} {
		p, err := ParseJSONPath(text)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() {
			raw, kind, _ := p.Find(body)
			if kind == JSONString {
				_ = AppendJSONText(dst, raw, kind)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	item := `{"id": 12345, "name": "a product with a name", "price": 12.50, "tags": ["one", "two"], "stock": {"a": 1, "b": null}},`
	body := []byte(`{"meta":{"page":1},"items":[` + strings.Repeat(item, 100) + `{}],"next":"/p/2"}`)
	for _, text := range []string{"$.items[0].id", "$.next", "$..next", "$..none", "$.items[-1]", "$.items[*].stock.b"} {
		p, err := ParseJSONPath(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				p.Find(body)
			}
		})
	}
}
