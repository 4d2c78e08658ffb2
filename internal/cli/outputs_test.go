package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// hook is a web hook that keeps what it is told.
type hook struct {
	*httptest.Server
	mu      sync.Mutex
	started int // requests in all windows
	results []int
	ids     map[string]bool
	status  func() int // nil: all is well
}

func newHook(t *testing.T) *hook {
	h := &hook{ids: map[string]bool{}}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.status != nil && h.status() != 200 {
		w.WriteHeader(h.status())
		return
	}
	var body struct {
		Windows []struct {
			Steps map[string]struct{ Requests struct{ Started int } }
		}
		Summary *struct {
			ExitCode int `json:"exit_code"`
		}
	}
	text, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(text, &body); err != nil || h.ids[r.Header.Get("webhook-id")] {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	h.ids[r.Header.Get("webhook-id")] = true
	for _, win := range body.Windows {
		for _, s := range win.Steps {
			h.started += s.Requests.Started
		}
	}
	if body.Summary != nil {
		h.results = append(h.results, body.Summary.ExitCode)
	}
}

func target(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	return s.URL
}

// A reporter has every request of a run, and its result, when the run ends; two of the
// same kind have it each.
func TestRunReports(t *testing.T) {
	first, second, s := newHook(t), newHook(t), newTestWorld()
	out := filepath.Join(t.TempDir(), "out.json")
	code := s.run("run", target(t), "-n", "50", "-c", "2", "-o", "webhook="+first.URL, "-o", "webhook="+second.URL, "-o", "json="+out)
	if code != 0 {
		t.Fatalf("code %d: %s", code, &s.err)
	}
	for _, h := range []*hook{first, second} {
		if h.started != 50 || len(h.results) != 1 || h.results[0] != 0 {
			t.Errorf("%d requests, results %v", h.started, h.results)
		}
	}
	if got := read(t, out); got.Totals.Requests["started"] != 50 {
		t.Errorf("%+v", got)
	}
}

// One that refuses changes nothing of the run but the exit code, which the summary has.
func TestRunWhoseReporterRefuses(t *testing.T) {
	bad, good, s := newHook(t), newHook(t), newTestWorld()
	bad.status = func() int { return http.StatusForbidden }
	out := filepath.Join(t.TempDir(), "out.json")
	code := s.run("run", target(t), "-n", "50", "-c", "2", "-o", "webhook="+bad.URL, "-o", "webhook="+good.URL, "-o", "json="+out)
	got := read(t, out)
	if code != 1 || got.ExitCode != 1 || got.Phase != "COMPLETED" || good.started != 50 || len(good.results) != 1 {
		t.Errorf("code %d, summary %+v, the other has %d requests and results %v", code, got, good.started, good.results)
	}
	if said := s.err.String(); !strings.Contains(said, "reporter webhook: failed after 1 attempt: "+bad.URL+"/ answers 403 Forbidden") {
		t.Errorf("stderr:\n%s", said)
	}
}

// Whoever does not want to wait for a reporter that is down interrupts, and has all
// else.
func TestInterruptGivesReportersUp(t *testing.T) {
	down, s := newHook(t), newTestWorld()
	asked := make(chan struct{}, 100)
	down.status = func() int { asked <- struct{}{}; return http.StatusServiceUnavailable }
	go func() {
		for range 3 { // the run is over by then
			<-asked
		}
		s.signals <- os.Interrupt
	}()
	out := filepath.Join(t.TempDir(), "out.json")
	began := time.Now()
	code := s.run("run", target(t), "-n", "20", "-c", "2", "-o", "webhook="+down.URL, "-o", "json="+out)
	if got := read(t, out); got.Phase != "COMPLETED" && got.Phase != "CANCELLED" {
		t.Errorf("summary %+v", got)
	}
	if said := s.err.String(); code == 0 || time.Since(began) > 20*time.Second || !strings.Contains(said, "it was not waited for; before that: "+down.URL+"/ answers 503") {
		t.Errorf("code %d after %v, stderr:\n%s", code, time.Since(began), said)
	}
}

// What can't be reported to is known before anything is sent.
func TestReportersThatAreRefused(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, tt := range []struct {
		output string
		env    []string
		want   string
	}{
		{"webhook=" + gone.URL, nil, "-o webhook: " + gone.URL},
		{"webhook=", nil, "-o webhook: it needs an address"},
		{"prometheus=http://me:sesame@localhost", nil, "HYPERSCALE_PROMETHEUS_PASSWORD"},
		{"webhook=" + gone.URL, []string{"HYPERSCALE_WEBHOOK_TOKEN_FILE=/none/here"}, "HYPERSCALE_WEBHOOK_TOKEN_FILE: open /none/here"},
	} {
		s := newTestWorld()
		s.Env = tt.env
		sent := 0
		url := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent++ }))
		code := s.run("run", url.URL, "-n", "1", "-o", tt.output)
		url.Close()
		if said := s.err.String(); code != codeRefused || sent > 0 || s.out.Len() > 0 || !strings.Contains(said, tt.want) || strings.Contains(said, "sesame") {
			t.Errorf("%s: code %d, %d requests, stderr:\n%s", tt.output, code, sent, said)
		}
	}
}
