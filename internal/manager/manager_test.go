package manager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/ops"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/store/etcdstore"
	"hyperscale/internal/testkit"
	"hyperscale/internal/testkit/ports"
)

// Where the disk was full before the store was ended, etcd dies with a lock held, and
// what serves its watches waits for that for ever. That nothing of a store which
// ends in peace stays is tested where the store is.
func TestMain(m *testing.M) {
	const serving = "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc."
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction(serving+"(*watchServer).Watch"),
		goleak.IgnoreAnyFunction(serving+"(*serverWatchStream).sendLoop"),
		goleak.IgnoreAnyFunction(serving+"(*serverWatchStream).recvLoop"))
}

// config is a manager alone on free ports, with a directory of its own.
func config(t *testing.T, name string) Config {
	t.Helper()
	return Config{
		Name: hyperscale.NodeID(name), Cluster: "hs", Env: "test", DC: "fra", Version: "1.2.3", Data: filepath.Join(t.TempDir(), name),
		At: Addresses{Listen: ports.One(t), HTTP: ports.One(t), Gossip: ports.One(t), Store: ports.One(t)},
	}
}

// running is a manager under test.
type running struct {
	*Manager
	log  *testkit.Log
	end  context.CancelFunc
	done chan error
}

// start runs a manager until the test ends, or until it is stopped.
func start(t *testing.T, cfg Config) *running {
	t.Helper()
	r := &running{log: &testkit.Log{}, done: make(chan error, 1)}
	var err error
	if r.Manager, err = New(cfg, slog.New(slog.NewTextHandler(r.log, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	r.end = end
	go func() { r.done <- r.Run(ctx) }()
	t.Cleanup(func() {
		end()
		select {
		case err, on := <-r.done:
			if on && err != nil {
				t.Errorf("%s ended with: %v", cfg.Name, err)
			}
		case <-time.After(patience):
			t.Errorf("%s does not end", cfg.Name)
		}
		if t.Failed() || os.Getenv("SHOW") != "" {
			t.Logf("log of %s:\n%s", cfg.Name, r.log)
		}
	})
	return r
}

// stop ends a manager and gives why it ended.
func (r *running) stop() error {
	r.end()
	return r.ended()
}

// ended waits for a manager to end and gives why it did.
func (r *running) ended() error {
	select {
	case err := <-r.done:
		close(r.done)
		return err
	case <-time.After(patience):
		return errors.New("it does not end")
	}
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// until waits for something to hold.
func until(t *testing.T, what string, holds func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func (r *running) mustServe(t *testing.T) {
	t.Helper()
	until(t, string(r.cfg.Name)+" does not serve", func() error {
		select {
		case err := <-r.done:
			close(r.done)
			t.Fatalf("it ended with: %v\n%s", err, r.log)
		default:
		}
		return r.Ready()
	})
}

// ask calls a manager as a client without certificates.
func ask(t *testing.T, address string) *rpc.Conn {
	t.Helper()
	return dial(t, address, rpc.Dialing{Self: identity.ID{Cluster: "hs", Env: "test", Role: identity.Client, Tenant: "default", Name: "eve"}})
}

func dial(t *testing.T, address string, d rpc.Dialing) *rpc.Conn {
	t.Helper()
	c, err := rpc.Dial(address, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// attach is a worker that beats once and stays until the test ends.
func attach(t *testing.T, address string, d rpc.Dialing, node hyperscale.NodeID, cores int) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	t.Cleanup(end)
	call, err := dial(t, address, d).Attach(ctx)
	if err == nil {
		err = call.Send(link.Statement{Node: node, Boot: 1, Seq: 1, Cores: cores, Free: cores})
	}
	if err != nil {
		t.Fatalf("a worker attaches: %v", err)
	}
}

func soon(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(t.Context(), patience)
	t.Cleanup(stop)
	return ctx
}

// get asks a manager by HTTP.
func get(t *testing.T, address, path string) (code int, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address + path)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestWhatThoseSeeWhoRunAManager(t *testing.T) {
	t.Parallel()
	cfg := config(t, "m1")
	m := start(t, cfg)
	until(t, "nothing is heard by HTTP", func() error {
		if code, body := get(t, cfg.At.HTTP, "/healthz"); code != 200 {
			return fmt.Errorf("%d %s", code, body)
		}
		return nil
	})
	m.mustServe(t)
	if code, body := get(t, cfg.At.HTTP, "/readyz"); code != 200 {
		t.Errorf("ready, and says %d %s", code, body)
	}
	attach(t, cfg.At.Listen, rpc.Dialing{Self: identity.ID{Cluster: "hs", Env: "test", Role: identity.Worker, DC: "fra", Node: "w1"}}, "w1", 3)
	until(t, "metrics", func() error {
		code, body := get(t, cfg.At.HTTP, "/metrics")
		for _, want := range []string{
			`hyperscale_manager_build_info{version="1.2.3"} 1`, `hyperscale_manager_workers{state="heard"} 1`, "hyperscale_manager_cores 3",
			"hyperscale_manager_cores_free 3", `hyperscale_manager_jobs_owned{phase="RUNNING"} 0`, "hyperscale_manager_takeovers_total 0",
			"hyperscale_manager_save_interval_seconds 1",
			`hyperscale_manager_windows_total{receipt="stray"} 0`, `hyperscale_manager_save_seconds_bucket{le="0.05"} 0`, "hyperscale_manager_save_seconds_count 0",
			"hyperscale_manager_store_leader 1", `hyperscale_manager_store_state{state="ready"} 1`, `hyperscale_manager_calls_calls_total{of="Link/Attach"} 1`,
			`hyperscale_manager_pressure{of="memory"}`, "hyperscale_manager_overload_level 0", "go_goroutines",
		} {
			if !strings.Contains(body, want) {
				return fmt.Errorf("%d: without %s in\n%s", code, want, body)
			}
		}
		return nil
	})
	members, err := ask(t, cfg.At.Listen).Members(soon(t))
	if err != nil || len(members) != 2 {
		t.Errorf("members: %+v, %v", members, err)
	}
	job := submit(t, cfg.At.Listen, "k")
	seriesAreBounded(t, m.Metrics(), job)
}

// seriesAreBounded checks that no label of a metric grows with jobs, workers or callers:
// their names are in logs and in what clients ask for.
func seriesAreBounded(t *testing.T, metrics []ops.Metric, job hyperscale.JobID) {
	t.Helper()
	closed := []string{"version", "state", "phase", "receipt", "le", "of"}
	for _, m := range metrics {
		for _, l := range m.Labels {
			if !slices.Contains(closed, l.Name) || l.Value == "w1" || l.Value == string(job) {
				t.Errorf("%s has the label %s=%q", m.Name, l.Name, l.Value)
			}
		}
	}
	if len(metrics) > 500 {
		t.Errorf("%d series", len(metrics))
	}
}

// Whoever comes second to a directory, or with another's name, is refused before
// anything in it is touched.
func TestDataDirectories(t *testing.T) {
	t.Parallel()
	first := config(t, "m1")
	m := start(t, first)
	m.mustServe(t)
	boot, _ := os.ReadFile(filepath.Join(first.Data, bootFile))
	second := config(t, "m1")
	second.Data = first.Data
	if err := start(t, second).ended(); !errors.Is(err, etcdstore.ErrInUse) || !strings.Contains(err.Error(), first.Data) {
		t.Errorf("a second manager on the directory: %v", err)
	}
	if now, _ := os.ReadFile(filepath.Join(first.Data, bootFile)); len(boot) == 0 || !bytes.Equal(now, boot) {
		t.Errorf("the number of starts was %q and is %q", boot, now)
	}
	if err := m.stop(); err != nil {
		t.Error(err)
	}

	other := config(t, "m2")
	other.Data = first.Data
	if err := start(t, other).ended(); err == nil || !strings.Contains(err.Error(), "spiffe://hs.test/dc/fra/manager/m1") {
		t.Errorf("another manager on the directory: %v", err)
	}
	for what, file := range map[string]string{"is not that of a manager": "photo.jpg", "number of starts": bootFile} {
		c := config(t, "m1")
		put(t, filepath.Join(c.Data, file), "x")
		if file == bootFile {
			put(t, filepath.Join(c.Data, whoFile), c.self().String())
		}
		if err := start(t, c).ended(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("a directory with %s: %v", file, err)
		}
	}
	c := config(t, "m1")
	put(t, c.Data, "a file")
	if err := start(t, c).ended(); err == nil || !strings.Contains(err.Error(), c.Data) {
		t.Errorf("a file in place of the directory: %v", err)
	}
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPortsInUse(t *testing.T) {
	t.Parallel()
	for flag, choose := range map[string]func(*Addresses) *string{
		"--listen":       func(a *Addresses) *string { return &a.Listen },
		"--http":         func(a *Addresses) *string { return &a.HTTP },
		"--gossip":       func(a *Addresses) *string { return &a.Gossip },
		"--store-listen": func(a *Addresses) *string { return &a.Store },
	} {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c := config(t, "m1")
		*choose(&c.At) = taken.Addr().String()
		if err := start(t, c).ended(); err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s is taken: %v", flag, err)
		}
		taken.Close()
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Config){
		"--name":                     func(c *Config) { c.Name = "" },
		"--dc":                       func(c *Config) { c.DC = "" },
		"--data":                     func(c *Config) { c.Data = "" },
		"environment name":           func(c *Config) { c.Env = "No" },
		"even number":                func(c *Config) { c.Expect, c.Join = 2, []string{"a:1"} },
		"--expect 3 needs --join":    func(c *Config) { c.Expect = 3 },
		"begins alone":               func(c *Config) { c.Expect, c.Join = 1, []string{"a:1"} },
		"--peers does not name":      func(c *Config) { c.Store.Peers = map[string]string{"m2": "http://a:1"} },
		"--restore begins":           func(c *Config) { c.Store.Restore, c.Join = "f", []string{"a:1"} },
		"--store-owned":              func(c *Config) { c.Store.Owned = true },
		"--listen 0.0.0.0:1":         func(c *Config) { c.At.Listen = "0.0.0.0:1" },
		"--gossip 10.0.0.1:1":        func(c *Config) { c.At.Gossip = "10.0.0.1:1" },
		"--store-listen 10.0.0.1:1:": func(c *Config) { c.At.Store = "10.0.0.1:1" },
		"expected HOST:PORT":         func(c *Config) { c.At.HTTP = "x" },
	} {
		c := config(t, "m1")
		change(&c)
		if _, err := New(c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %q: %v", want, err)
		}
	}
	_, err := New(Config{}, slog.New(slog.DiscardHandler))
	if err == nil || strings.Count(err.Error(), "\n") < 2 {
		t.Errorf("not all faults are listed: %v", err)
	}
}

// The numbers of starts rise, also when the directory was wiped in between.
func TestNumbersOfStartsRise(t *testing.T) {
	t.Parallel()
	d := &data{dir: t.TempDir()}
	now := time.Now()
	last := hyperscale.Boot(0)
	for i := range 6 {
		if i == 3 {
			if err := os.Remove(d.path(bootFile)); err != nil {
				t.Fatal(err)
			}
		}
		boot, err := d.nextBoot(now.Add(time.Duration(i) * 10 * time.Millisecond))
		if err != nil || boot <= last {
			t.Errorf("start %d after %d: %v", boot, last, err)
		}
		last = boot
	}
}
