package session

import "testing"

// References of a Location, as RFC 3986, 5.4 resolves them, cleaned for a
// request line.
func TestReferences(t *testing.T) {
	const base = "http://a.test/b/c/d;p?q"
	tests := map[string]string{
		"g": "http://a.test/b/c/g", "./g": "http://a.test/b/c/g", "g/": "http://a.test/b/c/g/", "/g": "http://a.test/g",
		"//g": "http://g/", "?y": "http://a.test/b/c/d;p?y", "g?y": "http://a.test/b/c/g?y", "#s": "http://a.test/b/c/d;p?q",
		"g#s": "http://a.test/b/c/g", ";x": "http://a.test/b/c/;x", "": "http://a.test/b/c/d;p?q", ".": "http://a.test/b/c/",
		"./": "http://a.test/b/c/", "..": "http://a.test/b/", "../": "http://a.test/b/", "../g": "http://a.test/b/g",
		"../..": "http://a.test/", "../../g": "http://a.test/g", "../../../g": "http://a.test/g", "/./g": "http://a.test/g",
		"/../g": "http://a.test/g", "g.": "http://a.test/b/c/g.", "..g": "http://a.test/b/c/..g", "./../g": "http://a.test/b/g",
		"./g/.": "http://a.test/b/c/g/", "g/../h": "http://a.test/b/c/h", "g;x=1/./y": "http://a.test/b/c/g;x=1/y",
		"g?y/../x": "http://a.test/b/c/g?y/../x", "//g:81/x": "http://g:81/x", "https://g": "https://g/", "HTTP://G/": "http://g/",
		"a b": "http://a.test/b/c/a%20b", "é": "http://a.test/b/c/%C3%A9", "/a//b": "http://a.test/a//b", "http://u:p@g/": "http://g/",
		"mailto:x": "", "ftp://g/": "", "javascript:alert(1)": "", "//": "", "http://": "", "http://g:x/": "", "/a\x01b": "",
		"1:2": "http://a.test/b/c/1:2", "/x:y": "http://a.test/x:y",
	}
	p := compile(t, planOf(get("a", base)), Inputs{})
	s := &Session{}
	p.Init(s)
	out := s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
	for ref, want := range tests {
		origin, target, ok := s.turn.resolve(out[0].Request, []byte(ref), &p.flow.nodes[0].request.carrier)
		got := ""
		if ok {
			got = origin.Scheme + "://" + string(appendAuthority(nil, origin)) + string(target)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", ref, got, want)
		}
	}
}

// Which codes lead elsewhere, and with which method.
func TestRedirectCodes(t *testing.T) {
	want := map[int]map[string]string{
		301: {"GET": "GET", "POST": "GET", "HEAD": "HEAD", "PUT": "GET"},
		302: {"GET": "GET", "POST": "GET", "HEAD": "HEAD", "OPTIONS": "GET"},
		303: {"GET": "GET", "POST": "GET", "HEAD": "HEAD", "DELETE": "GET"},
		307: {"GET": "GET", "POST": "POST", "HEAD": "HEAD", "PUT": "PUT"},
		308: {"GET": "GET", "POST": "POST", "HEAD": "HEAD", "PATCH": "PATCH"},
		300: {"GET": ""}, 304: {"GET": ""}, 305: {"GET": ""}, 200: {"GET": ""}, 201: {"POST": ""},
	}
	for status, methods := range want {
		for method, next := range methods {
			p := compile(t, planOf(requestStep("a", method, "/", bodyText("x"))), Inputs{})
			s := &Session{}
			p.Init(s)
			s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
			a := &Answer{Status: status, Head: []byte("Location: /next\r\n"), HasLocation: true}
			out := s.Step(0, Event{Kind: Answered, ID: 1, Answer: a}, nil)
			got, body := "", 0
			if out[1].Kind == Send {
				line, _ := cut(out[1].Request.Head, ' ')
				got, body = string(line), len(out[1].Request.Body)
			}
			if got != next || next != "" && (body > 0) != (status > 303) {
				t.Errorf("%d of %s leads to %q with %d bytes, want %q", status, method, got, body, next)
			}
		}
	}
}
