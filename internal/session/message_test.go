package session

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"hyperscale"
)

// sent runs a workflow of one step up to its request. Before it, set gives the
// variables of the iteration.
func sent(t *testing.T, plan *hyperscale.Plan, in Inputs) (*Request, *Effect, *Program) {
	t.Helper()
	p := compile(t, plan, in)
	s := &Session{}
	p.Init(s)
	out := s.Step(0, Event{Kind: Begin, Iteration: &Iteration{VU: 3, Pass: 4}}, nil)
	return out[0].Request, &out[0], p
}

// varied are values that no compiler can know: they come after the start.
func varied(plan *hyperscale.Plan, values ...string) *hyperscale.Plan {
	flow := &plan.Workflows[0]
	flow.Steps = inOrder(append([]hyperscale.Step{setStep("values", pairs(values...)...)}, flow.Steps...))
	return plan
}

// The URL of a step: below the target, or absolute. Each is made twice: of
// constants, and of values that are known only while running.
func TestURLs(t *testing.T) {
	tests := []struct{ target, url, place, line string }{
		{"http://h.test", "/", "http://h.test:80", "/"},
		{"http://h.test", "", "http://h.test:80", "/"},
		{"http://h.test/", "", "http://h.test:80", "/"},
		{"http://h.test/api/", "", "http://h.test:80", "/api/"},
		{"http://h.test/api", "/x", "http://h.test:80", "/api/x"},
		{"http://h.test/api/", "/x", "http://h.test:80", "/api/x"},
		{"http://h.test/api", "x", "http://h.test:80", "/api/x"},
		{"http://h.test/api", "?q=1", "http://h.test:80", "/api?q=1"},
		{"http://h.test", "?q=1", "http://h.test:80", "/?q=1"},
		{"http://h.test:8080", "/a?b=c#d", "http://h.test:8080", "/a?b=c"},
		{"http://h.test", "https://other.test/x", "https://other.test:443", "/x"},
		{"http://h.test", "HTTPS://Other.Test", "https://other.test:443", "/"},
		{"", "http://[::1]:81/x", "http://::1:81", "/x"},
		{"http://h.test", "/a b/é\"<>`{}^|", "http://h.test:80", "/a%20b/%C3%A9%22%3C%3E%60%7B%7D%5E|"},
		{"http://h.test", "/?a b=\"{}|`^é", "http://h.test:80", "/?a%20b=%22{}|`^%C3%A9"},
		{"http://h.test", "/a%20b/../c", "http://h.test:80", "/a%20b/../c"},
	}
	for _, test := range tests {
		plans := map[string]*hyperscale.Plan{}
		plans["constant"] = planOf(get("a", strings.ReplaceAll(test.url, "{", "{")))
		plans["constant"].Target = test.target
		plans["env"] = planOf(get("a", "{{ env.URL }}"))
		plans["env"].Target, plans["env"].Env = "{{ env.TARGET }}", pairs("URL", test.url, "TARGET", test.target)
		plans["late"] = varied(planOf(get("a", "{{ url }}")), "url", strings.ReplaceAll(test.url, "{{", `\{{`))
		plans["late"].Target = test.target
		if test.target != "" {
			plans["late target"] = varied(planOf(get("a", test.url)), "target", test.target)
			plans["late target"].Target = "{{ target }}"
		}
		for name, plan := range plans {
			r, e, p := sent(t, plan, Inputs{})
			if r == nil {
				t.Errorf("%s: %q below %q: %s", name, test.url, test.target, p.FaultName(e.Fault))
				continue
			}
			place := r.Origin.Scheme + "://" + r.Origin.Host + ":" + r.Origin.Port
			line, _, _ := strings.Cut(string(r.Head), "\r\n")
			if place != test.place || line != "GET "+test.line+" HTTP/1.1" {
				t.Errorf("%s: %q below %q: %s at %s", name, test.url, test.target, line, place)
			}
		}
	}
}

// A URL that is none, or would break the request, is not sent.
func TestBadURLs(t *testing.T) {
	for _, url := range []string{"http://", "http://:80/", "http://h.test:0/", "http://h.test:70000/", "http://a b/", "http://[::1/", "http://[1.2.3.4]/",
		"http://h.test:x/", "http://é.test/", "/a\r\nHost: evil", "/a\x00", "http://h.test/\n"} {
		if _, err := Compile(planOf(get("a", url)), 0, Inputs{}); err == nil {
			t.Errorf("%q compiles", url)
		}
		r, e, p := sent(t, varied(planOf(get("a", "{{ url }}")), "url", url), Inputs{})
		if r != nil || e.Kind != Faulted || p.FaultName(e.Fault) != "bad value url" {
			t.Errorf("%q: %v %s", url, e.Kind, p.FaultName(e.Fault))
		}
	}
}

// What is sent, line by line. BOUNDARY stands for that of a multipart body.
func TestMessages(t *testing.T) {
	file := hyperscale.File{Path: "dir/cat.png", Content: []byte("\x89PNG")}
	tests := []struct {
		name string
		step hyperscale.Step
		want string
	}{
		{"default", get("a", "/"), "GET / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test||"},
		{"overridden", get("a", "/", headers("host", "other", "User-agent", "x")), "GET / HTTP/1.1|host: other|User-agent: x||"},
		{"post without body", post("a", "/"), "POST / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|Content-Length: 0||"},
		{"delete without body", requestStep("a", "DELETE", "/"), "DELETE / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test||"},
		{"params", get("a", "/s?x=1", params("q", "a b&c", "é", "{{ v }}")), "GET /s?x=1&q=a%20b%26c&%C3%A9=5%26%22 HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test||"},
		{"params on a late path", get("a", "/{{ n }}#x", params("q", "1")), "GET /7?q=1 HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test||"},
		{"params on a late query", get("a", "/{{ n }}?x", params("q", "1")), "GET /7?x&q=1 HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test||"},
		{"params on a late URL", get("a", "{{ url }}", params("q", "1")), "GET /u?q=1 HTTP/1.1|Host: late.test:81|User-Agent: hyperscale/test||"},
		{"headers", get("a", "/", headers("x-a", "{{ v }}", "x-b", "{{ env.NONE | d }}")), "GET / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|x-a: 5&\"|x-b: d||"},
		{"basic", get("a", "/", func(r *hyperscale.Request) { r.BasicAuth = &hyperscale.Pair{Name: "ann", Value: "p:w"} }),
			"GET / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|Authorization: Basic YW5uOnA6dw==||"},
		{"late basic", get("a", "/", func(r *hyperscale.Request) { r.BasicAuth = &hyperscale.Pair{Name: "ann", Value: "{{ n }}"} }),
			"GET / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|Authorization: Basic YW5uOjc=||"},
		{"bearer", get("a", "/", func(r *hyperscale.Request) { r.BearerAuth = "{{ n }}" }),
			"GET / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|Authorization: Bearer 7||"},
		{"own authorization", get("a", "/", headers("authorization", "x"), func(r *hyperscale.Request) { r.BearerAuth = "t" }),
			"GET / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|authorization: x||"},
		{"user in the URL", get("a", "http://ann:p%40w@h.test/"), "GET / HTTP/1.1|Host: h.test|User-Agent: hyperscale/test|Authorization: Basic YW5uOnBAdw==||"},
		{"cookies", get("a", "/", headers("Cookie", "a=1"), cookies("b", "{{ n }}")), "GET / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|Cookie: a=1; b=7||"},
		{"text", post("a", "/", bodyText("n={{ n }}")), "POST / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|Content-Type: text/plain; charset=utf-8|Content-Length: 3||n=7"},
		{"own type", post("a", "/", bodyText("x"), headers("content-type", "text/x")), "POST / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|content-type: text/x|Content-Length: 1||x"},
		{"json", post("a", "/", jsonText(`{"v": "{{ v }}", "t": "<{{ v }}>", "{{ n }}": [1.50, "\\{{ x }}", null], "f": "{{ rand 3 3 }}"}`)),
			`POST / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|Content-Type: application/json|Content-Length: 68||{"v": "5&\"", "t": "<5&\">", "7": [1.50, "{{ x }}", null], "f": "3"}`},
		{"form", post("a", "/", fieldsOf(hyperscale.BodyForm, hyperscale.Field{Name: "a b", Value: "c d&"}, hyperscale.Field{Name: "v", Value: "{{ v }}"})),
			"POST / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|Content-Type: application/x-www-form-urlencoded|Content-Length: 20||a+b=c+d%26&v=5%26%22"},
		{"multipart", post("a", "/", fieldsOf(hyperscale.BodyMultipart, hyperscale.Field{Name: `a"`, Value: "{{ n }}"}, hyperscale.Field{Name: "pic", File: file})),
			"POST / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|Content-Type: multipart/form-data; boundary=BOUNDARY|Content-Length: 290||" +
				"--BOUNDARY|Content-Disposition: form-data; name=\"a%22\"||7|" +
				"--BOUNDARY|Content-Disposition: form-data; name=\"pic\"; filename=\"cat.png\"|Content-Type: image/png||\x89PNG|--BOUNDARY--|"},
		{"file", requestStep("a", "PUT", "/", func(r *hyperscale.Request) { r.Body = hyperscale.Body{Kind: hyperscale.BodyFile, File: file} }),
			"PUT / HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test|Content-Type: image/png|Content-Length: 4||\x89PNG"},
		{"proxied", get("a", "/x", proxied("http://me:pw@proxy.test:3128")),
			"GET http://shop.test/x HTTP/1.1|Host: shop.test|Proxy-Authorization: Basic bWU6cHc=|User-Agent: hyperscale/test||"},
		{"proxied late", get("a", "{{ url }}", proxied("http://me:pw@proxy.test:3128")),
			"GET http://late.test:81/u HTTP/1.1|Host: late.test:81|Proxy-Authorization: Basic bWU6cHc=|User-Agent: hyperscale/test||"},
		{"proxied tls", get("a", "https://shop.test/x", proxied("http://me:pw@proxy.test:3128")),
			"GET /x HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test||"},
		{"proxied HTTP/2", get("a", "/x", proxied("http://me:pw@proxy.test:3128"), func(r *hyperscale.Request) { r.Transport.HTTP = 2 }),
			"GET /x HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test||"},
		{"built-ins", get("a", "/{{ vu }}/{{ iteration }}/{{ now }}/{{ now rfc3339 }}"),
			"GET /3/4/1772366400000/2026-03-01T12:00:00.000Z HTTP/1.1|Host: shop.test|User-Agent: hyperscale/test||"},
	}
	for _, test := range tests {
		r, e, p := sent(t, varied(planOf(test.step), "v", `5&"`, "n", "7", "url", "http://late.test:81/u"), Inputs{})
		if r == nil {
			t.Errorf("%s: %s", test.name, p.FaultName(e.Fault))
			continue
		}
		if want := fmt.Sprintf("Content-Length: %d\r\n", len(r.Body)); len(r.Body) > 0 && !strings.Contains(string(r.Head), want) {
			t.Errorf("%s: the body has %d bytes", test.name, len(r.Body))
		}
		got := string(r.Head) + string(r.Body)
		if _, after, ok := strings.Cut(got, "boundary="); ok {
			boundary, _, _ := strings.Cut(after, "\r\n")
			got = strings.ReplaceAll(got, boundary, "BOUNDARY")
		}
		if got = strings.ReplaceAll(got, "\r\n", "|"); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

func fieldsOf(kind hyperscale.BodyKind, fields ...hyperscale.Field) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) { r.Body = hyperscale.Body{Kind: kind, Fields: fields} }
}

func proxied(url string) func(*hyperscale.Request) {
	return func(r *hyperscale.Request) { r.Transport.Proxy = url }
}

// A json string that is exactly one template takes the type of a captured value;
// a key stays a string.
func TestJSONTypes(t *testing.T) {
	tests := []struct{ captured, want, key string }{
		{`5`, `{"v": 5, "t": "<5>"}`, `"5"`},
		{`1.50e3`, `{"v": 1.50e3, "t": "<1.50e3>"}`, `"1.50e3"`},
		{`true`, `{"v": true, "t": "<true>"}`, `"true"`},
		{`"5"`, `{"v": "5", "t": "<5>"}`, `"5"`},
		{`"a\"\u00e9"`, `{"v": "a\"é", "t": "<a\"é>"}`, `"a\"é"`},
		{`[1, "x"]`, `{"v": [1, "x"], "t": "<[1, \"x\"]>"}`, `"[1, \"x\"]"`},
		{`{"a":null}`, `{"v": {"a":null}, "t": "<{\"a\":null}>"}`, `"{\"a\":null}"`},
	}
	for _, test := range tests {
		p := compile(t, planOf(
			get("a", "/", capturing("v", hyperscale.CaptureJSON, "$.x")),
			post("b", "/", jsonText(`{"v": "{{ v }}", "t": "<{{ v }}>", "{{ v }}" : 0}`)),
		), Inputs{})
		s := &Session{}
		p.Init(s)
		s.Step(0, Event{Kind: Begin, Iteration: &Iteration{}}, nil)
		out := s.Step(0, Event{Kind: Answered, ID: 1, Answer: &Answer{Status: 200, Body: []byte(`{"x":` + test.captured + `}`)}}, nil)
		want := strings.TrimSuffix(test.want, "}") + ", " + test.key + " : 0}"
		if got := string(out[len(out)-1].Request.Body); got != want {
			t.Errorf("%s: %s", test.captured, got)
		}
	}
}

// Bodies are compressed before the start when they are known, else when sent.
func TestCompress(t *testing.T) {
	for _, text := range []string{"constant", "n={{ n }}"} {
		step := post("a", "/", bodyText(text), func(r *hyperscale.Request) { r.Compress = true })
		r, _, _ := sent(t, varied(planOf(step), "n", "7"), Inputs{})
		reader, err := gzip.NewReader(bytes.NewReader(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(reader)
		if want := strings.ReplaceAll(text, "{{ n }}", "7"); err != nil || string(plain) != want {
			t.Errorf("%q: %q, %v", text, plain, err)
		}
		if !strings.Contains(string(r.Head), "Content-Encoding: gzip\r\n") {
			t.Errorf("%q: %s", text, r.Head)
		}
	}
}

// No value can add a line to a head: the step fails and nothing is sent.
func TestInjectionIsRefused(t *testing.T) {
	steps := map[string]hyperscale.Step{
		"bad value header x-id": get("a", "/", headers("x-id", "{{ v }}")),
		"bad value url":         get("a", "/{{ v }}"),
		"bad value cookies":     get("a", "/", cookies("c", "{{ v }}")),
		"bad value auth":        get("a", "/", func(r *hyperscale.Request) { r.BearerAuth = "{{ v }}" }),
	}
	for _, value := range []string{"a\r\nX: 1", "a\n", "\r", "\x00", "\x7f"} {
		for want, step := range steps {
			r, e, p := sent(t, varied(planOf(step), "v", value), Inputs{})
			if r != nil || e.Kind != Faulted || p.FaultName(e.Fault) != want {
				t.Errorf("%q: %v %q, want %q", value, e.Kind, p.FaultName(e.Fault), want)
			}
		}
	}
	escaped := get("a", "/", params("q", "{{ v }}"), fieldsOf(hyperscale.BodyForm, hyperscale.Field{Name: "f", Value: "{{ v }}"}))
	if r, _, _ := sent(t, varied(planOf(escaped), "v", "a\r\nX: 1"), Inputs{}); r == nil || strings.Contains(string(r.Head), "X: 1") {
		t.Error("params are escaped, not refused")
	}
}

// Equal origins are one, with one key; what a connection depends on tells them
// apart, what a request depends on does not.
func TestOrigins(t *testing.T) {
	with := func(change func(*hyperscale.Transport)) func(*hyperscale.Request) {
		return func(r *hyperscale.Request) { change(&r.Transport) }
	}
	p := compile(t, planOf(
		get("a", "/a"), get("b", "/b", with(func(t *hyperscale.Transport) { t.Timeout, t.MaxBody, t.Redirects = 1, 2, 3 })),
		get("c", "https://shop.test/"), get("d", "http://shop.test:81/"),
		get("e", "/e", with(func(t *hyperscale.Transport) { t.TLS.Insecure = true })),
		get("f", "/f", with(func(t *hyperscale.Transport) { t.Connections = hyperscale.ConnShared })),
		get("g", "/g", with(func(t *hyperscale.Transport) { t.Resolve = pairs("shop.test", "127.0.0.1") })),
	), Inputs{})
	if len(p.Origins) != 6 {
		t.Fatalf("%d origins", len(p.Origins))
	}
	keys := map[string]bool{}
	for _, o := range p.Origins {
		keys[o.Key] = true
	}
	if len(keys) != 6 {
		t.Errorf("%d keys", len(keys))
	}
	late, _, _ := sent(t, varied(planOf(get("a", "{{ url }}")), "url", "http://SHOP.test/x"), Inputs{})
	if late.Origin.Key != p.Origins[0].Key {
		t.Errorf("%q is not %q", late.Origin.Key, p.Origins[0].Key)
	}
}

// A target that leads to ever new places fills no memory.
func TestOriginsAreBounded(t *testing.T) {
	p := compile(t, planOf(get("a", "http://h{{ iteration }}.test/")), Inputs{})
	s := &Session{Scratch: &Scratch{}}
	p.Init(s)
	for pass := range int64(2 * mostOrigins) {
		s.Step(0, Event{Kind: Begin, Iteration: &Iteration{Pass: pass}}, nil)
		s.Step(0, Event{Kind: Interrupt}, nil)
	}
	if n := len(s.Scratch.origins); n == 0 || n > mostOrigins {
		t.Errorf("%d origins", n)
	}
}
