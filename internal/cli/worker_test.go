package cli

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hyperscale/internal/testkit"
)

// All that is wrong with a worker's flags is said at once, a line each.
func TestWorkerFaults(t *testing.T) {
	s := newTestWorld()
	code := s.run("worker", "--name", "w 1", "--cores", "-1", "--join", "10.0.0.1,:1", "--autonomy", "1s", "--http", "0.0.0.0:7401",
		"--allow-target", "10.0.0.0/99", "--cert", "x.crt")
	if code != codeRefused {
		t.Errorf("code %d", code)
	}
	for _, want := range []string{
		"--cert, --key-file and --ca belong together; 1 of the three", "--http 0.0.0.0:7401: without certificates",
		`the node name "w 1"`, "manager 10.0.0.1:7400: without certificates", `manager ":1"`, "-1 cores", "an autonomy of 1s",
		`allowed target "10.0.0.0/99"`,
	} {
		found := false
		for line := range strings.Lines(s.err.String()) {
			found = found || strings.HasPrefix(line, "hyperscale: ") && strings.Contains(line, want)
		}
		if !found {
			t.Errorf("no line says %q:\n%s", want, &s.err)
		}
	}
}

// Who a worker is says its certificate; flags that say otherwise are refused.
func TestWorkerCertificates(t *testing.T) {
	dir := t.TempDir()
	certs := filepath.Join(dir, "certs")
	for _, args := range [][]string{
		{"certs", "init", certs, "--cluster", "shop"}, {"certs", "issue", certs, "worker", "w1", "--dc", "fra"},
	} {
		if s := newTestWorld(); s.run(args...) != 0 {
			t.Fatal(&s.err)
		}
	}
	home := filepath.Join(certs, "worker-w1")
	s := newTestWorld()
	code := s.run("worker", "--cert", filepath.Join(home, nodeCert), "--key-file", filepath.Join(home, nodeKey), "--ca", filepath.Join(home, authorityCert),
		"--name", "w2", "--dc", "fra", "--cluster", "else")
	text := s.err.String()
	if code != codeRefused || !strings.Contains(text, "--name w2, but the certificate says w1") || !strings.Contains(text, "--cluster else, but the certificate says shop") ||
		strings.Contains(text, "--dc") {
		t.Errorf("code %d: %s", code, text)
	}
}

// The same holds for those who use a cluster.
func TestClientCertificates(t *testing.T) {
	certs := filepath.Join(t.TempDir(), "certs")
	for _, args := range [][]string{{"certs", "init", certs, "--cluster", "shop"}, {"certs", "issue", certs, "client", "ada"}} {
		if s := newTestWorld(); s.run(args...) != 0 {
			t.Fatal(&s.err)
		}
	}
	home := filepath.Join(certs, "client-ada")
	s := newTestWorld()
	code := s.run("jobs", "--cert", filepath.Join(home, nodeCert), "--key-file", filepath.Join(home, nodeKey), "--ca", filepath.Join(home, authorityCert),
		"--cluster", "else", "--environment", "prod")
	text := s.err.String()
	if code != codeRefused || !strings.Contains(text, "--cluster else, but the certificate says shop") || !strings.Contains(text, "--environment prod, but") {
		t.Errorf("code %d: %s", code, text)
	}
}

// A worker says how it is, and goes after a signal: with nothing to do at once.
func TestWorkerRuns(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	s := newTestWorld()
	log := new(testkit.Log)
	s.Stderr = log
	s.Env = []string{"HYPERSCALE_HTTP=" + address, "HYPERSCALE_JOIN=127.0.0.1:1,127.0.0.1:2"}
	config := filepath.Join(t.TempDir(), "worker.yaml")
	if err := os.WriteFile(config, []byte("name: w7\ncores: 3\nallow-target: [shop, 10.0.0.0/8]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan int)
	go func() { done <- s.run("worker", "--config", config) }()
	get := func(path string) (int, string) {
		limit := time.After(10 * time.Second)
		for {
			r, err := http.Get("http://" + address + path)
			if err == nil {
				defer r.Body.Close()
				body, _ := io.ReadAll(r.Body)
				return r.StatusCode, string(body)
			}
			select {
			case <-time.After(10 * time.Millisecond):
			case <-limit:
				t.Fatal(err)
			}
		}
	}
	if code, body := get("/healthz"); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	if code, body := get("/readyz"); code != 503 || body != "worker w7 has no manager\n" {
		t.Errorf("%d %s", code, body)
	}
	if _, body := get("/metrics"); !strings.Contains(body, "hyperscale_worker_cores 3\n") {
		t.Error(body)
	}
	http.DefaultClient.CloseIdleConnections()
	s.signals <- syscall.SIGTERM
	if code := <-done; code != 0 {
		t.Errorf("code %d", code)
	}
	text := log.String()
	for _, want := range []string{
		"managers=\"[127.0.0.1:1 127.0.0.1:2]\"", "without certificates only managers on loopback", "no link to the manager", "address=127.0.0.1:1", "draining", "drained",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not say %q:\n%s", want, text)
		}
	}
}
