package sink

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/testkit"
	"hyperscale/internal/testkit/ports"
)

// need finds a server's program, or skips the test and says why.
func need(t *testing.T, program, of string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	if there, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program); len(there) > 0 { // where Debian has it
		return there[len(there)-1]
	}
	t.Skipf("%s is not installed: apt-get install %s", program, of)
	return ""
}

// take is n ports in a row.
func take(t *testing.T, n int) *ports.Taken {
	t.Helper()
	p, err := ports.Take(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.GiveUp)
	return p
}

// serve runs a server until the test ends, and waits until it is ready.
func serve(t *testing.T, cmd *exec.Cmd, ready func(context.Context) error) {
	t.Helper()
	var log testkit.Log
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return
		}
		select {
		case why := <-ended:
			ended <- why
			t.Fatalf("%s ended: %v\n%s", cmd.Path, why, &log)
		case <-ctx.Done():
			t.Fatalf("%s is not ready: %v\n%s", cmd.Path, err, &log)
		case <-tick.C:
		}
	}
}

// answers is ready when a URL is answered well.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode >= 300 {
			return fmt.Errorf("%s", resp.Status)
		}
		return nil
	}
}

// write makes a file below a folder of the test.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.TrimLeft(text, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
