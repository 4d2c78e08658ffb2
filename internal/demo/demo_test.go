package demo_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hyperscale/internal/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAnswers(t *testing.T) {
	cases := []struct {
		method, path string
		status       int
		body         string // part of it
	}{
		{"GET", "/", 200, "/delay/{ms}"},
		{"GET", "/json", 200, `"ok":true`},
		{"GET", "/products", 200, `"id":"p-1"`},
		{"GET", "/products?page=2", 200, `"id":"p-11"`},
		{"GET", "/products?page=20", 200, `"id":"p-200"`},
		{"GET", "/products?page=21", 200, `"items":[]`},
		{"GET", "/products?page=0", 400, "above zero"},
		{"GET", "/products?page=x", 400, "above zero"},
		{"POST", "/token", 200, `"access_token":"demo-`},
		{"GET", "/token", 405, "wants POST"},
		{"POST", "/cart", 201, `{"result":"ok","order":1}`},
		{"GET", "/delay/0", 200, "after 0 ms"},
		{"GET", "/delay/-1", 400, "600000"},
		{"GET", "/delay/600001", 400, "600000"},
		{"GET", "/delay", 404, "nothing is served"},
		{"GET", "/status/503", 503, "503 Service Unavailable"},
		{"GET", "/status/204", 204, ""},
		{"GET", "/status/304", 304, ""},
		{"GET", "/status/199", 400, "200 to 599"},
		{"GET", "/status/600", 400, "200 to 599"},
		{"GET", "/error?rate=1", 500, "as asked"},
		{"GET", "/error?rate=0", 200, "ok"},
		{"GET", "/error?rate=NaN", 400, "0 to 1"},
		{"GET", "/error?rate=1.1", 400, "0 to 1"},
		{"PUT", "/echo?a=b", 200, `"query":"a=b"`},
		{"GET", "/cookie", 200, `"visits":1`},
		{"GET", "/redirect/2", 302, "2 to go"},
		{"GET", "/redirect/0", 200, "arrived"},
		{"GET", "/redirect/101", 400, "0 to 100"},
		{"GET", "/bytes/16", 200, "hyperscale demo "},
		{"GET", "/bytes/x", 400, "107374182400"},
		{"GET", "/stall", 200, "ok"},
		{"GET", "/nothing", 404, "nothing is served"},
		{"GET", "/json/below", 404, "nothing is served"},
	}
	for _, c := range cases {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			answer := ask(demo.New(), c.method, c.path)
			if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.body) {
				t.Errorf("%d %q, want %d with %q", answer.Code, answer.Body, c.status, c.body)
			}
		})
	}
}

func ask(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestJSONIsJSON(t *testing.T) {
	target := demo.New()
	for _, path := range []string{"/json", "/products", "/products?page=99", "/echo", "/cookie", "/hits"} {
		if body := ask(target, "GET", path).Body.Bytes(); !json.Valid(body) {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestETagIsHonoured(t *testing.T) {
	target := demo.New()
	etag := ask(target, "GET", "/products?page=3").Header().Get("ETag")
	r := httptest.NewRequest("GET", "/products?page=3", nil)
	r.Header.Set("If-None-Match", etag)
	w := httptest.NewRecorder()
	target.ServeHTTP(w, r)
	if etag == "" || w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("ETag %q gave %d with %d bytes", etag, w.Code, w.Body.Len())
	}
}

func TestCookiesCountVisits(t *testing.T) {
	target := demo.New()
	first := ask(target, "GET", "/cookie").Result()
	r := httptest.NewRequest("GET", "/cookie", nil)
	for _, c := range first.Cookies() {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	target.ServeHTTP(w, r)
	var got struct {
		Session string
		Visits  int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Visits != 2 || got.Session != first.Cookies()[0].Value {
		t.Errorf("second visit: %+v, first cookies %v", got, first.Cookies())
	}
}

func TestGzipUnpacks(t *testing.T) {
	w := ask(demo.New(), "GET", "/gzip")
	if w.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("headers %v", w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(z); err != nil || !json.Valid(body) {
		t.Errorf("%q, %v", body, err)
	}
}

func TestEchoRefusesLargeBodies(t *testing.T) {
	for size, want := range map[int]int{1 << 20: 200, 1<<20 + 1: 413} {
		w := httptest.NewRecorder()
		demo.New().ServeHTTP(w, httptest.NewRequest("POST", "/echo", bytes.NewReader(make([]byte, size))))
		if w.Code != want {
			t.Errorf("%d bytes: %d, want %d", size, w.Code, want)
		}
	}
}

func TestHitsCountEveryRequest(t *testing.T) {
	target := demo.New()
	for range 3 {
		ask(target, "GET", "/delay/0")
	}
	ask(target, "GET", "/token") // refused, and still a hit
	ask(target, "GET", "/nothing")
	ask(target, "GET", "/hits")
	got := target.Hits()
	for name, want := range map[string]int64{"/delay/{ms}": 3, "/token": 1, "other": 1, "total": 5, "/": 0} {
		if got[name] != want {
			t.Errorf("%s: %d, want %d", name, got[name], want)
		}
	}
}

func TestErrorRateIsKept(t *testing.T) {
	target, failed := demo.New(), 0
	const n = 4000
	for range n {
		if ask(target, "GET", "/error?rate=0.25").Code == 500 {
			failed++
		}
	}
	if failed < n/5 || failed > n*3/10 { // beyond 7 standard deviations
		t.Errorf("%d of %d failed, want about a quarter", failed, n)
	}
}

func TestDelayTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := time.Now()
		ask(demo.New(), "GET", "/delay/250")
		if took := time.Since(from); took != 250*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestDelayEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		from, w := time.Now(), httptest.NewRecorder()
		demo.New().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/delay/60000", nil))
		if took := time.Since(from); took != time.Second || w.Body.Len() != 0 {
			t.Errorf("took %v and answered %q", took, w.Body)
		}
	})
}

func TestStallsOneSecondInTen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := demo.New()
		from := time.Now()
		for _, c := range []struct{ at, want time.Duration }{
			{0, 0}, {8999 * time.Millisecond, 0}, {9 * time.Second, time.Second},
			{19250 * time.Millisecond, 750 * time.Millisecond}, {20 * time.Second, 0},
		} {
			<-time.After(time.Until(from.Add(c.at)))
			before := time.Now()
			ask(target, "GET", "/stall")
			if took := time.Since(before); took != c.want {
				t.Errorf("at %v: %v, want %v", c.at, took, c.want)
			}
		}
	})
}

// serve runs the demo on a loopback port; the function it gives ends it.
func serve(t *testing.T, ln net.Listener) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- demo.Serve(ctx, ln) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func TestServeEndsWithItsContext(t *testing.T) {
	ln := listen(t)
	stop := serve(t, ln)
	client := &http.Client{Transport: &http.Transport{}}
	answer, err := client.Get("http://" + ln.Addr().String() + "/bytes/100000")
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if n != 100000 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	stop()
	if _, err := client.Get("http://" + ln.Addr().String() + "/"); err == nil {
		t.Error("answered after its context ended")
	}
	client.CloseIdleConnections()
}

func TestServeReportsABrokenListener(t *testing.T) {
	ln := listen(t)
	ln.Close()
	if err := demo.Serve(t.Context(), ln); err == nil {
		t.Error("no error from a closed listener")
	}
}

func TestServesHTTP2(t *testing.T) {
	var cleartext http.Protocols
	cleartext.SetUnencryptedHTTP2(true)
	config, err := demo.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	trust := &tls.Config{InsecureSkipVerify: true} // the certificate is made for this test alone
	for scheme, transport := range map[string]*http.Transport{
		"http":  {Protocols: &cleartext},
		"https": {TLSClientConfig: trust, ForceAttemptHTTP2: true},
	} {
		ln := listen(t)
		address := scheme + "://" + ln.Addr().String() + "/json"
		if scheme == "https" {
			ln = tls.NewListener(ln, config)
		}
		stop := serve(t, ln)
		answer, err := (&http.Client{Transport: transport}).Get(address)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.ProtoMajor != 2 {
			t.Errorf("%s: %s", scheme, answer.Proto)
		}
		transport.CloseIdleConnections()
		stop()
	}
}

func BenchmarkProducts(b *testing.B) {
	target := demo.New()
	r := httptest.NewRequest("GET", "/products?page=7", nil)
	for b.Loop() {
		target.ServeHTTP(httptest.NewRecorder(), r)
	}
}
