package dial

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/session"
)

func targets(t *testing.T, entries ...string) Targets {
	t.Helper()
	got, err := ParseTargets(entries)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		allowed, name, addr, port string
		want                      bool
	}{
		{"", "shop", "10.0.0.1", "80", true},
		{"", "", "127.0.0.1", "80", true},
		{"", "metadata", "169.254.169.254", "80", false},
		{"", "", "fe80::1%eth0", "80", false},
		{"", "", "::ffff:169.254.169.254", "80", false},
		{"", "", "64:ff9b::a9fe:a9fe", "80", false},
		{"", "", "::a9fe:a9fe", "80", false},
		{"", "", "fd00:ec2::254", "80", false},
		{"", "", "100.100.100.200", "80", false},
		{"0.0.0.0/0 ::/0", "", "169.254.169.254", "80", false},
		{"0.0.0.0/0", "", "8.8.8.8", "80", true},
		{"169.254.169.254", "", "169.254.169.254", "80", true},
		{"169.254.169.254", "", "::ffff:169.254.169.254", "80", true},
		{"169.254.0.0/16", "metadata", "169.254.1.1", "80", true},
		{"metadata.internal", "metadata.internal", "169.254.169.254", "80", false},
		{"shop.example.com", "Shop.Example.Com.", "10.0.0.1", "443", true},
		{"shop.example.com", "example.com", "10.0.0.1", "443", false},
		{"shop.example.com", "evil-shop.example.com", "10.0.0.1", "443", false},
		{"*.example.com", "a.b.example.com", "10.0.0.1", "443", true},
		{"*.example.com", "example.com", "10.0.0.1", "443", false},
		{"*.example.com", "badexample.com", "10.0.0.1", "443", false},
		{"shop:8080", "shop", "10.0.0.1", "8080", true},
		{"shop:8080", "shop", "10.0.0.1", "80", false},
		{"10.0.0.0/8", "shop", "10.1.2.3", "80", true},
		{"10.0.0.0/8", "shop", "11.1.2.3", "80", false},
		{"10.0.0.0/8:80", "", "10.1.2.3", "81", false},
		{"10.0.0.1 shop", "other", "10.0.0.2", "80", false},
		{"[::1]:80", "", "::1", "80", true},
		{"[::1]:80", "", "::1", "81", false},
		{"::1", "", "::1", "81", true},
		{"[::1]", "", "::1", "81", true},
	} {
		list := targets(t, strings.Fields(c.allowed)...)
		if got := list.allow(c.name, netip.MustParseAddr(c.addr), c.port); got != c.want {
			t.Errorf("%q allows %s %s:%s: %v", c.allowed, c.name, c.addr, c.port, got)
		}
	}
}

// Every entry that is none is named.
func TestTargetsFaults(t *testing.T) {
	_, err := ParseTargets([]string{"ok", "10.0.0.0/99", "a b", "host:0", "*", "", "http://x/"})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{`"10.0.0.0/99"`, `"a b"`, `"host:0"`, `"*"`, `""`, `"http://x/"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	if strings.Contains(err.Error(), `"ok"`) {
		t.Error(err)
	}
}

// Whatever is allowed, a guarded address is refused unless an entry names nothing
// else; and reading never panics.
func TestGuardedStaysGuarded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOf(rapid.OneOf(
			rapid.StringMatching(`(\*\.)?[a-z]{1,4}(\.[a-z]{1,3})?(:[0-9]{1,5})?`),
			rapid.StringMatching(`[0-9]{1,3}\.[0-9]{1,3}\.0\.0/[0-9]{1}`), rapid.String(),
		)).Draw(t, "entries")
		list, _ := ParseTargets(entries)
		for _, g := range guarded() {
			name := rapid.StringMatching(`[a-z.]{0,8}`).Draw(t, "name")
			if a := g.Addr(); list.allow(name, a, "80") && !list.named(a, "80") {
				t.Fatalf("%q allow %v", entries, a)
			}
		}
	})
}

// What is not allowed has no address: as it is named, as it resolves, behind a
// proxy, and as the plan would have it resolved.
func TestNamesOnlyAllowed(t *testing.T) {
	z := &zone{table: map[string]string{
		"shop": "10.0.0.1 169.254.169.254", "meta": "169.254.169.254", "other": "10.0.0.9", "proxy": "10.0.0.3",
	}}
	origin := func(host, port string, change func(*hyperscale.Transport)) *session.Origin {
		tr := &hyperscale.Transport{}
		if change != nil {
			change(tr)
		}
		return &session.Origin{Key: host + port, Scheme: "http", Host: host, Port: port, Transport: tr}
	}
	via := func(tr *hyperscale.Transport) { tr.Proxy = "http://proxy:3128" }
	as := func(to string) func(*hyperscale.Transport) {
		return func(tr *hyperscale.Transport) { tr.Resolve = []hyperscale.Pair{{Name: "shop", Value: to}} }
	}
	for _, c := range []struct {
		allowed string
		origin  *session.Origin
		want    string // "": refused
	}{
		{"", origin("shop", "80", nil), "10.0.0.1:80"},
		{"", origin("meta", "80", nil), ""},
		{"", origin("169.254.169.254", "80", nil), ""},
		{"", origin("shop", "80", as("169.254.169.254")), ""},
		{"", origin("169.254.169.254", "80", via), ""},
		{"shop", origin("shop", "80", nil), "10.0.0.1:80"},
		{"shop", origin("other", "80", nil), ""},
		{"shop", origin("shop", "80", as("10.0.0.9")), ""},
		{"shop", origin("shop", "80", via), ""},
		{"shop proxy", origin("shop", "80", via), "10.0.0.3:3128"},
		{"proxy", origin("shop", "80", via), ""},
		{"shop:81", origin("shop", "80", nil), ""},
		{"shop:81", origin("shop", "81", nil), "10.0.0.1:81"},
	} {
		n := NamesBy(z.lookup)
		n.Only(targets(t, strings.Fields(c.allowed)...))
		_ = n.Preload(t.Context(), c.origin)
		err := n.Refused(c.origin)
		addr, state := n.Of(c.origin).Next()
		switch {
		case c.want == "" && (err == nil || state != Missing || !strings.Contains(n.Of(c.origin).Why(), "no target that this node allows")):
			t.Errorf("%q: %s is %v %v, %v", c.allowed, c.origin.Key, addr, state, err)
		case c.want != "" && (err != nil || addr.String() != c.want):
			t.Errorf("%q: %s is %v, %v", c.allowed, c.origin.Key, addr, err)
		}
	}
}

// Two ports of one name are two questions once ports are told apart.
func TestNamesPerPort(t *testing.T) {
	z := &zone{table: map[string]string{"shop": "10.0.0.1"}}
	n := NamesBy(z.lookup)
	n.Only(targets(t, "shop:81"))
	o := func(port string) *session.Origin {
		return &session.Origin{Key: port, Scheme: "http", Host: "shop", Port: port, Transport: &hyperscale.Transport{}}
	}
	_ = n.Preload(t.Context(), o("80"), o("81"))
	if err := n.Refused(o("81")); err != nil {
		t.Error(err)
	}
	if err := n.Refused(o("80")); err == nil {
		t.Error("port 80 is allowed")
	}
}

func FuzzParseTargets(f *testing.F) {
	for _, s := range []string{"shop", "*.a.b:1", "[::1]:80", "10.0.0.0/8", "::/0", "[", "a:", ":1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := ParseTargets([]string{s})
		if err == nil && list.open() {
			t.Errorf("%q allows everything", s)
		}
	})
}
