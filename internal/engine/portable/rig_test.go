package portable

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// rig is a driver with a lane and what came back.
type rig struct {
	*testing.T
	*lane
	driver *Driver
	ended  map[*wire.Exchange]int
}

func newRig(t *testing.T) *rig {
	names := dial.NewNames()
	ctx, stop := context.WithCancel(context.Background())
	var g sync.WaitGroup
	g.Go(func() { names.Run(ctx) })
	r := &rig{T: t, lane: newLane(), ended: map[*wire.Exchange]int{}}
	r.driver = New(Config{Names: names, Clock: r.clock, Post: r.post, Done: func(x *wire.Exchange) { r.ended[x]++ }})
	t.Cleanup(func() {
		r.driver.Close()
		stop()
		g.Wait()
	})
	return r
}

func (r *rig) until(what string, done func() bool) {
	r.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); r.turn(10 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("waited in vain: %s", what)
		}
	}
}

func (r *rig) send(q *session.Request, o *wire.Owner) *wire.Exchange {
	x := &wire.Exchange{Request: q, Owner: o}
	r.driver.Send(x)
	return x
}

func (r *rig) wait(x *wire.Exchange) *wire.Exchange {
	r.Helper()
	r.until("an exchange to end", func() bool { return r.ended[x] > 0 })
	if r.ended[x] != 1 {
		r.Errorf("handed back %d times", r.ended[x])
	}
	return x
}

func (r *rig) want(x *wire.Exchange, status int, body string) {
	r.Helper()
	if r.wait(x); x.Fault != 0 || x.Answer.Status != status || string(x.Answer.Body) != body {
		r.Errorf("fault %d (%s), status %d, body %q; want %d %q", x.Fault.Code(), x.Text, x.Answer.Status, x.Answer.Body, status, body)
	}
}

func (r *rig) wantFault(x *wire.Exchange, code session.FaultCode, why string) {
	r.Helper()
	if r.wait(x); x.Fault.Code() != code || !strings.Contains(x.Text, why) {
		r.Errorf("fault %d (%s), want %d (%s)", x.Fault.Code(), x.Text, code, why)
	}
}

// target is a server of net/http that speaks HTTP/2.
type target struct {
	*httptest.Server
	hits, conns atomic.Int64
}

func newTarget(t *testing.T, https bool, handler http.HandlerFunc) *target {
	g := &target{}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		g.hits.Add(1)
		if q.ProtoMajor != 2 {
			t.Errorf("%s came in %s", q.URL, q.Proto)
		}
		handler(w, q)
	}))
	g.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			g.conns.Add(1)
		}
	}
	g.Config.Protocols = new(http.Protocols)
	g.Config.Protocols.SetHTTP2(true)
	g.Config.Protocols.SetUnencryptedHTTP2(true)
	if g.EnableHTTP2 = https; https {
		g.StartTLS()
	} else {
		g.Start()
	}
	t.Cleanup(g.Close)
	return g
}

// originOf makes the origin of a server's URL, over HTTP/2 and without checking certificates.
func originOf(base string, set func(*hyperscale.Transport)) *session.Origin {
	scheme, place, _ := strings.Cut(base, "://")
	host, port, _ := net.SplitHostPort(place)
	t := &hyperscale.Transport{HTTP: 2, Connections: hyperscale.ConnPerVU, TLS: hyperscale.TLS{Insecure: true}}
	if set != nil {
		set(t)
	}
	return &session.Origin{Key: fmt.Sprintf("%s %+v", base, *t), Scheme: scheme, Host: host, Port: port, Transport: t}
}

func get(o *session.Origin, path string) *session.Request {
	head := "GET " + path + " HTTP/1.1\r\nHost: " + net.JoinHostPort(o.Host, o.Port) + "\r\nUser-Agent: us\r\n\r\n"
	return &session.Request{Origin: o, Head: []byte(head), Keep: 1 << 20, KeepHead: true}
}

func echo(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	w.Header().Set("Seen", fmt.Sprint(q.Method, " ", q.Host, " ", q.RequestURI, " ", len(q.Header), " ", q.UserAgent()))
	fmt.Fprintf(w, "%s %d", q.URL.Path, len(body))
}
