package ops

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves a node until the test ends.
func serve(t *testing.T, n Node) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- Serve(ctx, ln, Handler(n)) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return "http://" + ln.Addr().String()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

func TestChecks(t *testing.T) {
	ready := errors.New("there is no manager")
	url := serve(t, Node{Ready: func() error { return ready }})
	if code, body := get(t, url+"/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("%d %q", code, body)
	}
	if code, body := get(t, url+"/readyz"); code != 503 || body != "there is no manager\n" {
		t.Errorf("%d %q", code, body)
	}
	ready = nil
	if code, _ := get(t, url+"/readyz"); code != 200 {
		t.Errorf("%d", code)
	}
	if code, _ := get(t, url+"/else"); code != 404 {
		t.Errorf("%d", code)
	}
	if r, err := http.Post(url+"/readyz", "", nil); err != nil || r.StatusCode != 405 {
		t.Errorf("%v %v", r, err)
	} else {
		r.Body.Close()
	}
}

func TestMetrics(t *testing.T) {
	n := 1.0
	url := serve(t, Node{Metrics: func() []Metric {
		n++
		return []Metric{
			{Name: "x_cores", Help: "Cores.", Value: n},
			{Name: "x_sent_total", Help: "Sent.", Counter: true, Value: 7},
			{Name: "x_holds", Help: "Holds.", Value: 1, Labels: []Label{{"state", "running"}}},
			{Name: "x_holds", Help: "Holds.", Value: 2, Labels: []Label{{"state", "ended"}}},
		}
	}})
	_, body := get(t, url+"/metrics")
	for _, want := range []string{
		"# HELP x_cores Cores.", "# TYPE x_cores gauge", "x_cores 2\n", "# TYPE x_sent_total counter", "x_sent_total 7\n",
		`x_holds{state="running"} 1`, `x_holds{state="ended"} 2`, "go_goroutines", "process_cpu_seconds_total",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
	if _, body := get(t, url+"/metrics"); !strings.Contains(body, "x_cores 3\n") {
		t.Error("the figures are old")
	}
}

// A listener that breaks is an error, and nothing is left.
func TestServeFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, func() { ln.Close() })
	if err := Serve(t.Context(), ln, Handler(Node{})); err == nil || !strings.Contains(err.Error(), "serving 127.0.0.1:") {
		t.Errorf("%v", err)
	}
}
