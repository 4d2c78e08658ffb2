package expr

import "testing"

func TestParseCapture(t *testing.T) {
	for _, test := range []struct {
		text     string
		kind     CaptureKind
		arg      string
		fallback string // "-" without one
	}{
		{"json $.access_token", CaptureJSON, "$.access_token", "-"},
		{"json $.items[0].id", CaptureJSON, "$.items[0].id", "-"},
		{"json  $  ", CaptureJSON, "$", "-"},
		{"json $.a | text", CaptureJSON, "$.a", "text"},
		{"json $.a | two words ", CaptureJSON, "$.a", "two words"},
		{"json $.a | a | b", CaptureJSON, "$.a", "a | b"},
		{"json $['a | b'] | c", CaptureJSON, "$['a | b']", "c"},
		{"json $['a | b']", CaptureJSON, "$['a | b']", "-"},
		{"json $.a |", CaptureJSON, "$.a", ""},
		{"json $.a | ''", CaptureJSON, "$.a", ""},
		{`json $.a | " x "`, CaptureJSON, "$.a", " x "},
		{"regex id=(\\d+)", CaptureRegex, "id=(\\d+)", "-"},
		{"regex a|b", CaptureRegex, "a|b", "-"}, // no blanks around the bar
		{"regex a|b | c", CaptureRegex, "a|b", "c"},
		{"regex a | b | c", CaptureRegex, "a | b", "c"}, // the last bar begins the default
		{"regex a b  c | d e", CaptureRegex, "a b  c", "d e"},
		{"regex a |", CaptureRegex, "a", ""},
		{"regex 'x'", CaptureRegex, "'x'", "-"},
		{"header etag", CaptureHeader, "etag", "-"},
		{"header X-Request-ID | none", CaptureHeader, "X-Request-ID", "none"},
		{"header a|b", CaptureHeader, "a|b", "-"}, // | may stand in a header's name
		{"cookie sid | x", CaptureCookie, "sid", "x"},
		{"status", CaptureStatus, "", "-"},
		{"status | 0", CaptureStatus, "", "0"},
		{" body ", CaptureBody, "", "-"},
		{"body | x", CaptureBody, "", "x"},
	} {
		c, err := ParseCapture(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		fallback, ok := c.Default()
		if !ok {
			fallback = "-"
		}
		if c.Kind() != test.kind || c.Arg() != test.arg || fallback != test.fallback {
			t.Errorf("%s: got %v %q default %q", test.text, c.Kind(), c.Arg(), fallback)
		}
		again, err := ParseCapture(c.String())
		if err != nil || again.String() != c.String() {
			t.Errorf("%s: %s does not read as itself: %v", test.text, c, err)
		}
		if c.NeedsBody() != (test.kind == CaptureJSON || test.kind == CaptureRegex || test.kind == CaptureBody) {
			t.Errorf("%s: NeedsBody %v", test.text, c.NeedsBody())
		}
	}
}

func TestParseCaptureErrors(t *testing.T) {
	const kinds = "expected json PATH, regex RE, header NAME, cookie NAME, status or body"
	for _, test := range []struct {
		text   string
		offset int
		want   string
	}{
		{"", 0, "the end is no capture; " + kinds},
		{"jsn $.a", 0, `"jsn" is no capture; ` + kinds + "; did you mean json"},
		{"$.a", 0, `"$.a" is no capture; ` + kinds + "; did you mean json $.a"},
		{"json", 4, "the end is no JSON path; expected $ first, as in $.items[0].id"},
		{"json a.b", 5, `"a.b" is no JSON path; expected $ first, as in $.items[0].id; did you mean $.a.b`},
		{"json $.a x", 9, `"x" in a JSON path; expected .name ['name'] [n] [-n] [*] or ..name`},
		{"json $.a|x", 8, `"|x" in a JSON path; expected .name ['name'] [n] [-n] [*] or ..name`},
		{"json $.a | 'x", 11, "a quote is not closed; expected '"},
		{"json $.a | 'x' y", 15, `"y" after the quotes; expected the end`},
		{"regex", 5, "regex without a pattern; expected regex RE"},
		{"regex | x", 6, "regex without a pattern; expected regex RE"},
		{"regex a( | x", 6, "\"a(\" is no regular expression: missing closing ) \"a(\"; expected RE2 syntax"},
		{"header", 6, "header without a name; expected header NAME"},
		{"header | x", 7, "header without a name; expected header NAME"},
		{"header a b", 9, `"b" after header; expected " | " and a default, or the end`},
		{"status 200", 7, `"200" after status; expected " | " and a default, or the end`},
		{"status|0", 0, `"status" is no capture; ` + kinds + "; did you mean status"},
	} {
		_, err := ParseCapture(test.text)
		checkFault(t, test.text, err, test.offset, test.want)
	}
}

func TestNewCapture(t *testing.T) {
	x := "x"
	c, err := NewCapture("regex", "a | b", &x)
	if err != nil || c.Arg() != "a | b" || c.Kind() != CaptureRegex {
		t.Fatalf("%v, %v", c, err)
	}
	if d, ok := c.Default(); !ok || d != "x" {
		t.Errorf("default %q, %v", d, ok)
	}
	for _, test := range [][2]string{{"json", "$.a"}, {"header", "etag"}, {"cookie", "a"}, {"status", ""}, {"body", ""}} {
		if c, err := NewCapture(test[0], test[1], nil); err != nil || c.Arg() != test[1] || c.Kind().String() != test[0] {
			t.Errorf("%v: %v, %v", test, c, err)
		}
	}
	for _, test := range [][2]string{{"jsn", "$.a"}, {"json", "$.a | x"}, {"json", ""}, {"header", "a b"}, {"status", "200"}, {"regex", ""}, {"regex", "("}} {
		if _, err := NewCapture(test[0], test[1], nil); err == nil {
			t.Errorf("%v: no error", test)
		} else if _, ok := Offset(err); !ok {
			t.Errorf("%v: %v has no offset", test, err)
		}
	}
}

func TestCaptureFind(t *testing.T) {
	const body = `{"id": 7, "s": "a\nb", "o": {"x": [1, 2]}, "n": null}`
	for _, test := range []struct {
		text, want string
		kind       JSONKind
		ok         bool
	}{
		{"json $.id", "7", JSONNumber, true},
		{"json $.s", "a\nb", JSONString, true},
		{"json $.o", `{"x": [1, 2]}`, JSONObject, true},
		{"json $.n", "", JSONNothing, false},
		{"json $.n | x", "", JSONNothing, false}, // the default is the caller's
		{`regex "id": (\d+)`, "7", JSONNothing, true},
		{`regex "id": \d+`, `"id": 7`, JSONNothing, true},
		{`regex (i)(d)`, "i", JSONNothing, true},
		{`regex (zz)?"id"`, "", JSONNothing, false}, // the group has no part in the match
		{`regex "n":( *)null`, " ", JSONNothing, true},
		{"regex xyz", "", JSONNothing, false},
		{"body", body, JSONNothing, true},
		{"header etag", "", JSONNothing, false},
		{"status", "", JSONNothing, false},
	} {
		c, err := ParseCapture(test.text)
		if err != nil {
			t.Fatal(err)
		}
		raw, kind, ok := c.Find([]byte(body))
		if got := string(AppendJSONText(nil, raw, kind)); ok != test.ok || kind != test.kind || got != test.want {
			t.Errorf("%s: got %q, %v, %v", test.text, got, kind, ok)
		}
	}
	c, _ := ParseCapture("json $.a")
	if _, kind, ok := c.Find([]byte("<html>")); ok || kind != JSONMalformed {
		t.Errorf("%v, %v", kind, ok)
	}
}
