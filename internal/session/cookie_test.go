package session

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// at is a request as cookies see it.
func at(url string, now Time) *visit {
	l, _ := split([]byte(url))
	return &visit{host: string(l.host), path: pathOf(l.target), secure: l.scheme == "https", now: now}
}

// Which cookies an answer may set, and with which requests they go (RFC 6265).
func TestCookieRules(t *testing.T) {
	tests := []struct {
		from, line, to string
		want           bool
	}{
		// Host only without Domain, the host and all below with it.
		{"http://a.test/", "n=v", "http://a.test/", true},
		{"http://a.test/", "n=v", "http://b.a.test/", false},
		{"http://a.test/", "n=v; Domain=a.test", "http://b.a.test/", true},
		{"http://b.a.test/", "n=v; Domain=.A.Test", "http://a.test/", true},
		{"http://a.test/", "n=v; Domain=a.test", "http://xa.test/", false},
		{"http://a.test/", "n=v; Domain=b.a.test", "http://b.a.test/", false},
		{"http://a.test/", "n=v; Domain=b.test", "http://b.test/", false},
		{"http://a.test/", "n=v; Domain=test", "http://a.test/", false},
		{"http://a.test/", "n=v; Domain=", "http://a.test/", true},
		{"http://localhost/", "n=v; Domain=localhost", "http://localhost/", true},
		{"http://127.0.0.1/", "n=v; Domain=127.0.0.1", "http://127.0.0.1/", true},
		{"http://127.0.0.1/", "n=v; Domain=0.0.1", "http://127.0.0.1/", false},
		{"http://[::1]/", "n=v", "http://[::1]/", true},
		// The port is not part of it.
		{"http://a.test:81/", "n=v", "http://a.test/", true},
		// Path: that of the request up to its last slash, or as said.
		{"http://a.test/x/y", "n=v", "http://a.test/x/z", true},
		{"http://a.test/x/y?q=/", "n=v", "http://a.test/x", true},
		{"http://a.test/x/y", "n=v", "http://a.test/", false},
		{"http://a.test/x/y", "n=v", "http://a.test/xy", false},
		{"http://a.test/x", "n=v; Path=/y", "http://a.test/y/z", true},
		{"http://a.test/x", "n=v; Path=/y/", "http://a.test/y/z", true},
		{"http://a.test/x", "n=v; Path=/y/", "http://a.test/y", false},
		{"http://a.test/x/y", "n=v; Path=relative", "http://a.test/x/", true},
		{"http://a.test/x", "n=v; path=/a; PATH=/b", "http://a.test/b", true},
		// Secure.
		{"https://a.test/", "n=v; Secure", "https://a.test/", true},
		{"https://a.test/", "n=v; secure", "http://a.test/", false},
		// What is no cookie.
		{"http://a.test/", "n", "http://a.test/", false},
		{"http://a.test/", "=v", "http://a.test/", false},
		{"http://a.test/", " n = v ; x", "http://a.test/", true},
		{"http://a.test/", "n=v\x01", "http://a.test/", false},
		{"http://a.test/", "n=" + strings.Repeat("v", 4096), "http://a.test/", false},
		// Expiry, in job time.
		{"http://a.test/", "n=v; Max-Age=10", "http://a.test/ 9s", true},
		{"http://a.test/", "n=v; Max-Age=10", "http://a.test/ 10s", false},
		{"http://a.test/", "n=v; Max-Age=0", "http://a.test/", false},
		{"http://a.test/", "n=v; Max-Age=-5", "http://a.test/", false},
		{"http://a.test/", "n=v; Max-Age=x", "http://a.test/", true},
		{"http://a.test/", "n=v; Max-Age=9223372036854775807", "http://a.test/ 1000000h", true},
		{"http://a.test/", "n=v; Expires=Sun, 01 Mar 2026 12:00:10 GMT", "http://a.test/ 9s", true},
		{"http://a.test/", "n=v; Expires=Sun, 01 Mar 2026 12:00:10 GMT", "http://a.test/ 10s", false},
		{"http://a.test/", "n=v; Expires=Sun, 01 Mar 2026 11:59:59 GMT", "http://a.test/", false},
		{"http://a.test/", "n=v; Expires=nonsense", "http://a.test/", true},
		{"http://a.test/", "n=v; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://a.test/", true},
		{"http://a.test/", "n=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=10", "http://a.test/", true},
	}
	for _, test := range tests {
		var j jar
		from := at(test.from, 0)
		if c, ok := parseSetCookie([]byte(test.line), from, wallOf); ok {
			j.set(&c, from)
		}
		url, later, _ := strings.Cut(test.to, " ")
		now := Time(0)
		if later != "" {
			now = duration(t, later)
		}
		got := string(j.append(nil, 0, at(url, now), nil))
		if (got == "n=v") != test.want || !test.want && got != "" {
			t.Errorf("%s sets %q: %s gets %q", test.from, test.line, test.to, got)
		}
	}
}

// Longer paths go first, then the older; a cookie set again keeps its place.
func TestCookieOrder(t *testing.T) {
	var j jar
	from := at("http://a.test/x/y", 0)
	for _, line := range []string{"a=1; Path=/", "b=1; Path=/x", "c=1; Path=/", "a=1; Path=/x", "a=2; Path=/", "d=1; Path=/x", "d=; Max-Age=0; Path=/x", "e=1; Path=/x/y"} {
		c, ok := parseSetCookie([]byte(line), from, wallOf)
		if !ok {
			t.Fatal(line)
		}
		j.set(&c, from)
	}
	if got := string(j.append(nil, 0, from, nil)); got != "e=1; b=1; a=1; a=2; c=1" {
		t.Error(got)
	}
	if got := string(j.append([]byte("x=1"), 0, from, []string{"a"})); got != "x=1; e=1; b=1; c=1" {
		t.Error(got)
	}
}

// A jar is bounded, whatever a target sets.
func TestCookiesAreBounded(t *testing.T) {
	var j jar
	from := at("http://a.test/", 0)
	for i := range 10 * mostCookies {
		c, _ := parseSetCookie(fmt.Appendf(nil, "n%d=v", i), from, wallOf)
		j.set(&c, from)
	}
	if len(j.cookies) != mostCookies {
		t.Errorf("%d cookies", len(j.cookies))
	}
}

func TestCookieDates(t *testing.T) {
	tests := map[string]string{
		"Wed, 21 Oct 2015 07:28:00 GMT":  "2015-10-21T07:28:00Z",
		"Wednesday, 21-Oct-15 07:28:00":  "2015-10-21T07:28:00Z",
		"Wed Oct 21 07:28:00 2015":       "2015-10-21T07:28:00Z",
		"21 oct 99 7:8:9":                "1999-10-21T07:08:09Z",
		"1 jan 1601 00:00:00":            "1601-01-01T00:00:00Z",
		"07:28:00 2015 21 October":       "2015-10-21T07:28:00Z",
		"31 Feb 2015 07:28:00":           "",
		"21 Oct 2015":                    "",
		"21 Oct 1600 07:28:00":           "",
		"21 Oct 2015 24:00:00":           "",
		"21 Oct 2015 07:60:00":           "",
		"21 xyz 2015 07:28:00":           "",
		"":                               "",
		"Oct 07:28:00 2015":              "",
		"99999999999999999999 Oct 2015 ": "",
	}
	for text, want := range tests {
		date, ok := parseCookieDate([]byte(text))
		if got := date.Format(time.RFC3339); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %s, %t", text, got, ok)
		}
	}
}

// What a target sets never makes a request of ours malformed.
func FuzzSetCookie(f *testing.F) {
	for _, seed := range []string{"a=b; Path=/; Max-Age=3", "a=b; expires=Wed, 21 Oct 2015 07:28:00 GMT; domain=.a.test; secure", "=;;==;", "a=\"b; c\"; Max-Age=99999999999999999999"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var j jar
		v := at("http://b.a.test/x/y", math.MaxInt64/2)
		c, ok := parseSetCookie(line, v, wallOf)
		if !ok {
			return
		}
		j.set(&c, v)
		if got := j.append(nil, 0, v, nil); hasControl(got) {
			t.Errorf("%q gives %q", line, got)
		}
	})
}
