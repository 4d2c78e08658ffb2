package portable

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	"hyperscale"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

func TestHTTP2(t *testing.T) {
	for _, https := range []bool{false, true} {
		r := newRig(t)
		g := newTarget(t, https, echo)
		o := originOf(g.URL, nil)
		owner := &wire.Owner{}
		for i := range 3 {
			x := r.send(get(o, "/a"), owner)
			r.want(x, 200, "/a 0")
			seen := "seen: GET " + strings.TrimPrefix(strings.TrimPrefix(g.URL, "https://"), "http://") + " /a 1 us\r\n"
			if !strings.Contains(string(x.Answer.Head), seen) {
				t.Errorf("head %q, want in it %q", x.Answer.Head, seen)
			}
			if p := x.Phases; (p.Connect >= 0) != (i == 0) || (p.TLS >= 0) != (i == 0 && https) || p.FirstByte < 0 || p.Transfer < 0 {
				t.Errorf("request %d: phases %+v", i, p)
			}
			if x.BytesIn < 9 || x.BytesOut < 9 {
				t.Errorf("request %d: %d bytes in, %d out", i, x.BytesIn, x.BytesOut)
			}
		}
		upload := get(o, "/up")
		upload.Body = make([]byte, 5<<20)
		x := r.send(upload, owner)
		if r.want(x, 200, "/up 5242880"); x.BytesOut < 5<<20 {
			t.Errorf("%d bytes out", x.BytesOut)
		}
		if g.conns.Load() != 1 || g.hits.Load() != 4 || r.driver.Open() != 1 {
			t.Errorf("%d requests over %d connections, %d open", g.hits.Load(), g.conns.Load(), r.driver.Open())
		}
	}
}

// TestHTTP2Together: requests at the same time share a user's connection, also
// while it is being opened.
func TestHTTP2Together(t *testing.T) {
	var here sync.WaitGroup
	here.Add(10)
	g := newTarget(t, true, func(w http.ResponseWriter, q *http.Request) {
		here.Done()
		here.Wait() // all are here at once
		echo(w, q)
	})
	for _, p := range []hyperscale.ConnPolicy{hyperscale.ConnPerVU, hyperscale.ConnShared} {
		r := newRig(t)
		o := originOf(g.URL, func(t *hyperscale.Transport) { t.Connections = p })
		before := g.conns.Load()
		owner := &wire.Owner{}
		for range 2 {
			var xs []*wire.Exchange
			for i := range 10 {
				xs = append(xs, r.send(get(o, fmt.Sprintf("/%d", i)), owner))
				if p == hyperscale.ConnShared {
					owner = &wire.Owner{}
				}
			}
			connects := 0
			for i, x := range xs {
				if r.want(x, 200, fmt.Sprintf("/%d 0", i)); x.Phases.Connect >= 0 {
					connects++
				}
			}
			here.Add(10)
			if connects > 1 {
				t.Errorf("%s: %d requests say that they connected", p, connects)
			}
		}
		if got := g.conns.Load() - before; got != 1 {
			t.Errorf("%s: %d connections", p, got)
		}
		r.driver.Close()
	}
}

func TestHTTP2Policies(t *testing.T) {
	for _, c := range []struct {
		policy hyperscale.ConnPolicy
		conns  int64 // of two owners with two iterations of two requests each
	}{
		{hyperscale.ConnPerVU, 2}, {hyperscale.ConnShared, 1}, {hyperscale.ConnPerIteration, 4}, {hyperscale.ConnPerRequest, 8},
	} {
		r := newRig(t)
		g := newTarget(t, false, echo)
		o := originOf(g.URL, func(t *hyperscale.Transport) { t.Connections = c.policy })
		owners := []*wire.Owner{{}, {}}
		for range 2 {
			for _, owner := range owners {
				r.want(r.send(get(o, "/"), owner), 200, "/ 0")
				r.want(r.send(get(o, "/"), owner), 200, "/ 0")
				r.driver.Release(owner, hyperscale.ConnPerIteration)
			}
		}
		if g.conns.Load() != c.conns || g.hits.Load() != 8 {
			t.Errorf("%s: %d requests over %d connections, want 8 over %d", c.policy, g.hits.Load(), g.conns.Load(), c.conns)
		}
		for _, owner := range owners {
			r.driver.Release(owner, hyperscale.ConnPerVU)
		}
		if want := map[hyperscale.ConnPolicy]int{hyperscale.ConnShared: 1}[c.policy]; r.driver.Open() != want {
			t.Errorf("%s: %d connections stay open", c.policy, r.driver.Open())
		}
	}
}

// TestHTTP2Cancel: of several, one; of one, the connection.
func TestHTTP2Cancel(t *testing.T) {
	r := newRig(t)
	gone, goOn := make(chan struct{}, 2), make(chan struct{})
	g := newTarget(t, true, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/hang" {
			<-goOn
			echo(w, q)
			return
		}
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-q.Context().Done()
		gone <- struct{}{}
	})
	o, owner := originOf(g.URL, nil), &wire.Owner{}
	hang, other := r.send(get(o, "/hang"), owner), r.send(get(o, "/other"), owner)
	r.until("both to be there", func() bool { return g.hits.Load() == 2 })
	r.until("the head", func() bool { return hang.Conn.(*call).stage() == wire.Receiving })
	if got := r.driver.Cancel(hang); got != wire.Receiving {
		t.Errorf("cancelled at stage %d", got)
	}
	<-gone
	close(goOn)
	r.want(other, 200, "/other 0")
	if g.conns.Load() != 1 || r.driver.Open() != 1 {
		t.Errorf("%d connections, %d open: want the one", g.conns.Load(), r.driver.Open())
	}
	alone := r.send(get(o, "/hang"), owner)
	r.until("it to be there", func() bool { return g.hits.Load() == 3 })
	r.driver.Cancel(alone)
	<-gone
	if r.driver.Open() != 0 {
		t.Errorf("%d connections are open", r.driver.Open())
	}
	r.want(r.send(get(o, "/again"), owner), 200, "/again 0")
	if r.ended[hang]+r.ended[alone] != 0 || g.hits.Load() != 4 {
		t.Errorf("%d handed back that were cancelled; %d requests", r.ended[hang]+r.ended[alone], g.hits.Load())
	}
}

// TestHTTP2NotSpoken: servers that speak HTTP/1 only.
func TestHTTP2NotSpoken(t *testing.T) {
	h := http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		if q.Method != "PRI" { // the preface, which it takes for a request
			t.Errorf("a request was seen: %s %s", q.Method, q.URL)
		}
	})
	plain, secure := httptest.NewServer(h), httptest.NewUnstartedServer(h)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer plain.Close()
	defer secure.Close()
	r := newRig(t)
	r.wantFault(r.send(get(originOf(plain.URL, nil), "/"), &wire.Owner{}), session.MalformedAnswer, "not HTTP/2")
	r.wantFault(r.send(get(originOf(secure.URL, nil), "/"), &wire.Owner{}), session.TLSFailed, "")
	if r.driver.Open() != 0 {
		t.Errorf("%d connections are open", r.driver.Open())
	}
	silent := newTLSServer(t)
	r.wantFault(r.send(get(originOf(silent, nil), "/"), &wire.Owner{}), session.TLSFailed, "did not agree to HTTP/2")
}

// newTLSServer knows no protocols and shakes hands all the same.
func newTLSServer(t *testing.T) string {
	s := httptest.NewTLSServer(nil)
	cert := s.TLS.Certificates
	s.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: cert})
	if err != nil {
		t.Fatal(err)
	}
	var g sync.WaitGroup
	g.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.Go(func() {
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		g.Wait()
	})
	return "https://" + l.Addr().String()
}

// TestHTTP2GoesAway: a server that ends its connections between requests is not
// noticed by any of them.
func TestHTTP2GoesAway(t *testing.T) {
	r := newRig(t)
	g := newTarget(t, false, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Connection", "close") // which net/http turns into GOAWAY
		echo(w, q)
	})
	owner := &wire.Owner{}
	for range 5 {
		r.want(r.send(get(originOf(g.URL, nil), "/"), owner), 200, "/ 0")
		r.until("the connection to be gone", func() bool { return r.driver.Open() == 0 })
	}
	if g.conns.Load() != 5 || g.hits.Load() != 5 {
		t.Errorf("%d requests over %d connections", g.hits.Load(), g.conns.Load())
	}
}

// scripted is a server of HTTP/2 in the clear that reads requests and does what
// is said. It counts its connections.
func scripted(t *testing.T, do func(conn int64, f *http2.Framer)) (base string, conns *atomic.Int64) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns = new(atomic.Int64)
	var g sync.WaitGroup
	g.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := conns.Add(1)
			g.Go(func() {
				defer c.Close()
				f := http2.NewFramer(c, c)
				_, _ = io.CopyN(io.Discard, c, int64(len(http2.ClientPreface)))
				do(n, f)
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		g.Wait()
	})
	return "http://" + l.Addr().String(), conns
}

// TestHTTP2UnsentMovesOn: what a connection did not send goes to another one, a
// few times at most.
func TestHTTP2UnsentMovesOn(t *testing.T) {
	r, owner := newRig(t), &wire.Owner{}
	g := newTarget(t, false, func(w http.ResponseWriter, q *http.Request) { <-q.Context().Done() })
	x := r.send(get(originOf(g.URL, nil), "/"), owner)
	for n := range int64(mostMoves + 1) {
		r.until("the request to be there", func() bool { return g.hits.Load() == n+1 })
		c := x.Conn.(*call)
		m := c.conn.carrier.(*multi)
		c.conn.spent = true // as a server makes it that goes away
		m.h2.Abandon(m.streams[c])
		stream{c, m}.Unsent()
		r.until("the call to have left", func() bool { return c.x == nil || c.conn.carrier != carrier(m) })
	}
	r.wantFault(x, session.ClosedBeforeAnswer, "takes no requests")
	if g.conns.Load() != mostMoves+1 || r.driver.Open() != 0 {
		t.Errorf("%d connections, %d of them open", g.conns.Load(), r.driver.Open())
	}
}

// TestHTTP2TakesNoRequests: a server that ends every connection before it takes a
// request is not asked for ever.
func TestHTTP2TakesNoRequests(t *testing.T) {
	base, conns := scripted(t, func(_ int64, f *http2.Framer) {
		_ = f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
		_ = f.WriteGoAway(0, http2.ErrCodeNo, nil)
	})
	r := newRig(t)
	for range 10 {
		before := conns.Load()
		r.wantFault(r.send(get(originOf(base, nil), "/"), &wire.Owner{}), session.ClosedBeforeAnswer, "")
		if n := conns.Load() - before; n > mostMoves+1 {
			t.Errorf("%d connections for one request", n)
		}
	}
}

func TestHTTP2Close(t *testing.T) {
	r := newRig(t)
	g := newTarget(t, true, func(w http.ResponseWriter, q *http.Request) { <-q.Context().Done() })
	owner := &wire.Owner{}
	var xs []*wire.Exchange
	for range 5 {
		xs = append(xs, r.send(get(originOf(g.URL, nil), "/"), owner))
	}
	r.until("all to be there", func() bool { return g.hits.Load() == 5 })
	r.driver.Close()
	r.turn(0)
	for _, x := range xs {
		if r.ended[x] != 0 {
			t.Error("handed back after Close")
		}
	}
	if r.driver.Open() != 0 {
		t.Errorf("%d connections are open", r.driver.Open())
	}
}
