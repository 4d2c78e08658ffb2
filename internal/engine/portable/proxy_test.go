package portable

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"hyperscale"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// proxy passes on what it is asked to, and notes what it was asked.
type proxy struct {
	*testing.T
	addr   string
	answer string // in place of connecting; "": connects
	mu     sync.Mutex
	asked  []string
}

func newProxy(t *testing.T, cfg *tls.Config) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{T: t, addr: l.Addr().String()}
	if cfg != nil {
		l = tls.NewListener(l, cfg)
	}
	var g sync.WaitGroup
	g.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		g.Wait()
	})
	return p
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	q, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, strings.TrimSpace(q.Method+" "+q.RequestURI+" "+q.Header.Get("Proxy-Authorization")))
	p.mu.Unlock()
	if p.answer != "" {
		_, _ = io.WriteString(c, p.answer)
		return
	}
	to, err := net.Dial("tcp", q.Host)
	if err != nil {
		return
	}
	defer to.Close()
	if q.Method == "CONNECT" {
		_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connected\r\nContent-Length: 7\r\n\r\n")
	} else if err := q.Write(to); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(c, to)
		_ = c.Close()
	}()
	_, _ = io.Copy(to, r)
	_ = to.Close()
	<-done
}

func (p *proxy) want(asked ...string) {
	p.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := strings.Join(p.asked, ", "); got != strings.Join(asked, ", ") {
		p.Errorf("the proxy was asked %s, want %s", got, asked)
	}
}

// via makes requests go through a proxy over a version of HTTP.
func via(url string, version int) func(*hyperscale.Transport) {
	return func(t *hyperscale.Transport) { t.Proxy, t.HTTP = url, version }
}

func TestProxy(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(echo))
	secure := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer plain.Close()
	defer secure.Close()
	h2c := newTarget(t, false, echo)
	h2 := newTarget(t, true, echo)
	place := func(url string) string { _, p, _ := strings.Cut(url, "://"); return p }

	for _, c := range []struct {
		name, url string
		version   int
		tls       bool // the way to the proxy
		asked     string
	}{
		{"http", plain.URL, 1, false, "GET " + plain.URL + "/a"},
		{"https", secure.URL, 1, false, "CONNECT " + place(secure.URL) + " Basic dTpw"},
		{"https through https", secure.URL, 1, true, "CONNECT " + place(secure.URL) + " Basic dTpw"},
		{"HTTP/2", h2.URL, 2, false, "CONNECT " + place(h2.URL) + " Basic dTpw"},
		{"HTTP/2 in the clear", h2c.URL, 2, false, "CONNECT " + place(h2c.URL) + " Basic dTpw"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var cfg *tls.Config
			scheme := "http"
			if c.tls {
				cfg, scheme = &tls.Config{Certificates: secure.TLS.Certificates}, "https"
			}
			p := newProxy(t, cfg)
			r := newRig(t)
			o, owner := originOf(c.url, via(scheme+"://u:p@"+p.addr, c.version)), &wire.Owner{}
			q := get(o, "/a")
			if c.name == "http" { // as the session does
				q.Head = []byte(strings.Replace(string(q.Head), "GET /a", "GET "+c.url+"/a", 1))
			}
			for i := range 2 {
				x := r.send(q, owner)
				if r.want(x, 200, "/a 0"); (x.Phases.Connect >= 0) != (i == 0) {
					t.Errorf("phases %+v", x.Phases)
				}
			}
			p.want(c.asked)
		})
	}
}

func TestProxyRefuses(t *testing.T) {
	for answer, why := range map[string]string{
		"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n": "through the proxy: it refused with status 407",
		"HTTP/1.1 2":  "through the proxy: it did not answer: EOF",
		"garbage\r\n": `through the proxy: its answer is malformed: not a status line: "garbage"`,
	} {
		p := newProxy(t, nil)
		p.answer = answer
		r := newRig(t)
		x := r.send(get(originOf("https://127.0.0.1:1", via("http://"+p.addr, 1)), "/"), &wire.Owner{})
		if r.wait(x); x.Fault.Code() != session.ConnectFailed && x.Fault.Code() != session.ClosedBeforeAnswer || !strings.Contains(x.Text, why) {
			t.Errorf("fault %d (%s), want %s", x.Fault.Code(), x.Text, why)
		}
		if r.driver.Open() != 0 {
			t.Errorf("%d connections are open", r.driver.Open())
		}
	}
	r := newRig(t)
	r.wantFault(r.send(get(originOf("https://127.0.0.1:1", via("socks5://127.0.0.1:1", 1)), "/"), &wire.Owner{}), session.ConnectFailed, "scheme must be")
}
