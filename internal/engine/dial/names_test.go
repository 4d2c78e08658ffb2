package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// zone answers lookups from a table and counts them.
type zone struct {
	mu    sync.Mutex
	table map[string]string // addresses by name; "": it fails
	asked []string
	block chan struct{} // not nil: lookups wait for it
}

func (z *zone) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	z.mu.Lock()
	z.asked = append(z.asked, host)
	z.mu.Unlock()
	if z.block != nil {
		select {
		case <-z.block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.table[host] == "" {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var out []netip.Addr
	for _, a := range strings.Fields(z.table[host]) {
		out = append(out, netip.MustParseAddr(a))
	}
	return out, nil
}

func (z *zone) set(host, addrs string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.table[host] = addrs
}

func (z *zone) count() int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return len(z.asked)
}

func origin(host, port string) *session.Origin {
	return &session.Origin{Scheme: "http", Host: host, Port: port, Transport: &hyperscale.Transport{}}
}

// next is the next address in words.
func next(n *Name) string {
	addr, state := n.Next()
	switch state {
	case Unknown:
		return "unknown"
	case Missing:
		return "missing: " + n.Why()
	}
	return addr.String()
}

func wantNext(t *testing.T, n *Name, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := next(n); got != w {
			t.Errorf("next is %s, want %s", got, w)
		}
	}
}

func TestAddressesAreUsedInTurn(t *testing.T) {
	z := &zone{table: map[string]string{"a.test": "10.0.0.1 10.0.0.2 ::ffff:10.0.0.3"}}
	n := NamesBy(z.lookup)
	if err := n.Preload(t.Context(), origin("a.test", "80"), origin("A.test", "81")); err != nil {
		t.Fatal(err)
	}
	if z.count() != 1 {
		t.Errorf("asked for %v, want one lookup of one name", z.asked)
	}
	// Every lane begins at another one; Preload took the first two.
	one, two := n.Of(origin("a.test", "80")), n.Of(origin("a.test", "81"))
	wantNext(t, one, "10.0.0.3:80", "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80")
	wantNext(t, two, "10.0.0.1:81", "10.0.0.2:81")
}

func TestNothingToLookUp(t *testing.T) {
	n := NamesBy(func(context.Context, string) ([]netip.Addr, error) { panic("looked up") })
	cases := []struct{ host, port, want string }{
		{"127.0.0.1", "8080", "127.0.0.1:8080"},
		{"::1", "80", "[::1]:80"},
		{"fe80::1%lo", "80", "[fe80::1%lo]:80"},
		{"::ffff:1.2.3.4", "80", "1.2.3.4:80"},
		{"named.test", "80", "192.0.2.7:80"},
		{"NAMED.test", "80", "192.0.2.7:80"},
		{"127.0.0.1", "70000", `missing: no port "70000"`},
		{"127.0.0.1", "0", `missing: no port "0"`},
		{"127.0.0.1", "http", `missing: no port "http"`},
	}
	for _, c := range cases {
		o := origin(c.host, c.port)
		o.Transport.Resolve = []hyperscale.Pair{{Name: "other.test", Value: "192.0.2.8"}, {Name: "named.test", Value: "192.0.2.7"}}
		if err := n.Preload(t.Context(), o); err != nil {
			t.Error(err)
		}
		name := n.Of(o)
		wantNext(t, name, c.want, c.want)
		called := false
		if name.Wait(func() { called = true }); !called {
			t.Errorf("%s: waits for what is known", c.host)
		}
	}
}

func TestMissing(t *testing.T) {
	z := &zone{table: map[string]string{"there.test": "10.0.0.1"}}
	n := NamesBy(z.lookup)
	err := n.Preload(t.Context(), origin("gone.test", "80"), origin("there.test", "80"))
	if err == nil || err.Error() != "look up gone.test: no such host" {
		t.Errorf("error %v", err)
	}
	wantNext(t, n.Of(origin("gone.test", "80")), "missing: no such host")
	wantNext(t, n.Of(origin("there.test", "80")), "10.0.0.1:80")

	empty := NamesBy(func(context.Context, string) ([]netip.Addr, error) { return nil, nil })
	_ = empty.Preload(t.Context(), origin("a.test", "80"))
	wantNext(t, empty.Of(origin("a.test", "80")), "missing: it has no address")
}

func TestProxyIsWhatIsLookedUp(t *testing.T) {
	z := &zone{table: map[string]string{"proxy.test": "10.0.0.9"}}
	n := NamesBy(z.lookup)
	o := origin("target.test", "80")
	o.Transport.Proxy = "http://u:p@proxy.test:3128"
	if err := n.Preload(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	wantNext(t, n.Of(o), "10.0.0.9:3128")
	o.Transport.Proxy = "ftp://proxy.test"
	wantNext(t, n.Of(o), `missing: read the proxy's URL "ftp://proxy.test": its scheme must be http or https`)
}

// running runs f beside a running n, on virtual time.
func running(t *testing.T, n *Names, f func(t *testing.T)) {
	ctx, stop := context.WithCancel(t.Context())
	var g sync.WaitGroup
	g.Go(func() { n.Run(ctx) })
	f(t)
	stop()
	g.Wait()
}

func TestFoundWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := &zone{table: map[string]string{"a.test": "10.0.0.1"}, block: make(chan struct{})}
		n := NamesBy(z.lookup)
		running(t, n, func(t *testing.T) {
			name, told := n.Of(origin("a.test", "80")), 0
			wantNext(t, name, "unknown", "unknown")
			name.Wait(func() { told++ })
			n.Of(origin("a.test", "81")).Wait(func() { told++ })
			synctest.Wait()
			if told != 0 {
				t.Error("told before it was found")
			}
			close(z.block)
			synctest.Wait()
			if told != 2 || z.count() != 1 {
				t.Errorf("told %d of 2, after %d lookups of 1", told, z.count())
			}
			wantNext(t, name, "10.0.0.1:80")
		})
	})
}

func TestLookedUpAgainWhileInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := &zone{table: map[string]string{"a.test": "10.0.0.1", "idle.test": "10.0.0.5"}}
		n := NamesBy(z.lookup)
		if err := n.Preload(t.Context(), origin("a.test", "80"), origin("idle.test", "80")); err != nil {
			t.Fatal(err)
		}
		running(t, n, func(t *testing.T) {
			name := n.Of(origin("a.test", "80"))
			wantNext(t, name, "10.0.0.1:80")
			z.set("a.test", "10.0.0.2")
			time.Sleep(again - time.Second)
			wantNext(t, name, "10.0.0.1:80")
			time.Sleep(2 * time.Second)
			synctest.Wait()
			wantNext(t, name, "10.0.0.2:80")

			z.set("a.test", "") // what is known stays
			time.Sleep(again + time.Second)
			synctest.Wait()
			wantNext(t, name, "10.0.0.2:80")

			time.Sleep(again) // one more for the use just now
			synctest.Wait()
			before := z.count()
			time.Sleep(10 * again)
			if synctest.Wait(); z.count() != before {
				t.Errorf("%d lookups of a name that nobody used", z.count()-before)
			}
			if slices.Index(z.asked[2:], "idle.test") >= 0 {
				t.Error("looked up a name that nobody used")
			}
		})
	})
}

// TestForgotten: names come and go in a long run; what is used again is looked up
// again.
func TestForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := &zone{table: map[string]string{"a.test": "10.0.0.1"}}
		n := NamesBy(z.lookup)
		running(t, n, func(t *testing.T) {
			one, two := n.Of(origin("a.test", "80")), n.Of(origin("a.test", "80"))
			wantNext(t, one, "unknown")
			synctest.Wait()
			wantNext(t, one, "10.0.0.1:80")
			time.Sleep(2 * idle)
			if synctest.Wait(); len(n.hosts) != 0 {
				t.Errorf("%d names are known that nobody uses", len(n.hosts))
			}
			three := n.Of(origin("a.test", "80"))
			wantNext(t, three, "unknown")
			z.set("a.test", "10.0.0.2")
			synctest.Wait()
			for _, name := range []*Name{one, two, three} {
				wantNext(t, name, "10.0.0.2:80")
			}
			if len(n.hosts) != 1 {
				t.Errorf("%d names are known, of one", len(n.hosts))
			}
		})
	})
}

func TestMissingIsLookedUpSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := &zone{table: map[string]string{}}
		n := NamesBy(z.lookup)
		running(t, n, func(t *testing.T) {
			name := n.Of(origin("a.test", "80"))
			wantNext(t, name, "unknown")
			synctest.Wait()
			wantNext(t, name, "missing: no such host")
			z.set("a.test", "10.0.0.1")
			time.Sleep(againMissing + time.Second)
			synctest.Wait()
			wantNext(t, name, "10.0.0.1:80")
		})
	})
}

// TestEndsWithLookupsUnderWay: Run returns and leaves none behind.
func TestEndsWithLookupsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := &zone{block: make(chan struct{})}
		n := NamesBy(z.lookup)
		running(t, n, func(t *testing.T) {
			for i := range 2 * atOnce {
				wantNext(t, n.Of(origin(strings.Repeat("a", i+1)+".test", "80")), "unknown")
			}
			synctest.Wait()
		})
	})
}

func TestLookupsThatHangAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := &zone{block: make(chan struct{})}
		n := NamesBy(z.lookup)
		begun := time.Now()
		err := n.Preload(t.Context(), origin("a.test", "80"))
		if err == nil || time.Since(begun) != patience {
			t.Errorf("error %v after %v", err, time.Since(begun))
		}
	})
}

func TestReachable(t *testing.T) {
	addrs := func(s string) (out []netip.Addr) {
		for _, a := range strings.Fields(s) {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	cases := []struct{ name, in, want string }{
		{"one family stays", "127.0.0.1 127.0.0.2", "127.0.0.1 127.0.0.2"},
		{"where it listens", "::1 127.0.0.1", "127.0.0.1"},
		{"without a route", "100::1 127.0.0.1", "127.0.0.1"},
	}
	for _, c := range cases {
		if c.name == "without a route" && routed(t.Context(), "[100::1]:9") {
			t.Log("this machine has a route for the IPv6 address that has none: case left out")
			continue
		}
		if got := reachable(t.Context(), port, addrs(c.in)); !slices.Equal(got, addrs(c.want)) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	l.Close()
	if got := reachable(t.Context(), port, addrs("::1 127.0.0.1")); len(got) != 2 {
		t.Errorf("where nothing listens: %v, want all", got)
	}
}

func TestZoneID(t *testing.T) {
	ifs, err := net.Interfaces()
	if err != nil || len(ifs) == 0 {
		t.Skip("no interfaces:", err)
	}
	if got := ZoneID(ifs[0].Name); got != uint32(ifs[0].Index) {
		t.Errorf("%s is %d, want %d", ifs[0].Name, got, ifs[0].Index)
	}
	if ZoneID("") != 0 || ZoneID("7") != 7 || ZoneID("no such") != 0 {
		t.Error("zones by number")
	}
}

func TestParseProxy(t *testing.T) {
	cases := []struct {
		in   string
		want Proxy
		err  string
	}{
		{"http://p.test", Proxy{Host: "p.test", Port: "80"}, ""},
		{"https://p.test", Proxy{TLS: true, Host: "p.test", Port: "443"}, ""},
		{"http://[::1]:3128", Proxy{Host: "::1", Port: "3128"}, ""},
		{"http://u:p%40@p.test:1", Proxy{Host: "p.test", Port: "1", Auth: "Basic dTpwQA=="}, ""},
		{"socks5://u:secret@p.test", Proxy{}, `read the proxy's URL "socks5://u:xxxxx@p.test": its scheme must be http or https`},
		{"http://", Proxy{}, `read the proxy's URL "http:": it names no host`},
		{"http://u:secret@p.test:x", Proxy{}, `read the proxy's URL: invalid port ":x" after host`},
	}
	for _, c := range cases {
		got, err := ParseProxy(c.in)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %+v, %v", c.in, got, err)
		}
	}
}

var errOther = errors.New("other")
