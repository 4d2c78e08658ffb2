package station_test

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
	"hyperscale/internal/gate"
	"hyperscale/internal/link"
	"hyperscale/internal/manager"
	"hyperscale/internal/ops"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
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

// forBoth runs a test for both kinds of nodes.
func forBoth(t *testing.T, test func(t *testing.T, of identity.Role)) {
	t.Parallel()
	for _, of := range []identity.Role{identity.Manager, identity.Gate} {
		t.Run(string(of), func(t *testing.T) {
			t.Parallel()
			test(t, of)
		})
	}
}

// node makes a node as its own package does.
func node(cfg station.Config, log *slog.Logger) (*station.Station, error) {
	if cfg.Self.Role == identity.Gate {
		g, err := gate.New(gate.Config{Config: cfg}, gate.Deps{Log: log})
		if err != nil {
			return nil, err
		}
		return g.Station, nil
	}
	m, err := manager.New(manager.Config{Config: cfg}, manager.Deps{Log: log})
	if err != nil {
		return nil, err
	}
	return m.Station, nil
}

// self is a node in a role.
func self(of identity.Role, name string) identity.ID {
	id := identity.ID{Cluster: "hs", Env: "test", Role: of, Node: hyperscale.NodeID(name)}
	if of == identity.Manager {
		id.DC = "fra"
	}
	return id
}

// child is somebody who attaches to a node in a role.
func child(of identity.Role, dc string) identity.ID {
	is := map[identity.Role]identity.Role{identity.Manager: identity.Worker, identity.Gate: identity.Manager}[of]
	return identity.ID{Cluster: "hs", Env: "test", Role: is, DC: dc, Node: "w1"}
}

// config is a node alone on free ports, with a directory of its own.
func config(t *testing.T, of identity.Role, name string) station.Config {
	t.Helper()
	return station.Config{
		Self: self(of, name), Version: "1.2.3", Data: filepath.Join(t.TempDir(), name),
		At: station.Addresses{Listen: ports.One(t), HTTP: ports.One(t), Gossip: ports.One(t), Store: ports.One(t)},
	}
}

// running is a node under test.
type running struct {
	*station.Station
	cfg  station.Config
	log  *testkit.Log
	end  context.CancelFunc
	done chan error
}

// start runs a node until the test ends, or until it is stopped.
func start(t *testing.T, cfg station.Config) *running {
	t.Helper()
	r := &running{cfg: cfg, log: &testkit.Log{}, done: make(chan error, 1)}
	var err error
	if r.Station, err = node(cfg, slog.New(slog.NewTextHandler(r.log, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context()) // all nodes of a test end together
	r.end = end
	go func() { r.done <- r.Run(ctx) }()
	t.Cleanup(func() {
		end()
		select {
		case err, on := <-r.done:
			if on && err != nil {
				t.Errorf("%s ended with: %v", cfg.Self.Node, err)
			}
		case <-time.After(patience):
			t.Errorf("%s does not end", cfg.Self.Node)
		}
		if t.Failed() || os.Getenv("SHOW") != "" {
			t.Logf("log of %s:\n%s", cfg.Self.Node, r.log)
		}
	})
	return r
}

// stop ends a node and gives why it ended.
func (r *running) stop() error {
	r.end()
	return r.ended()
}

// ended waits for a node to end and gives why it did.
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
	until(t, string(r.cfg.Self.Node)+" does not serve", func() error {
		select {
		case err := <-r.done:
			close(r.done)
			t.Fatalf("it ended with: %v\n%s", err, r.log)
		default:
		}
		return r.Ready()
	})
}

// ask calls a node as a client without certificates.
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

// attach is a child that beats once and stays until the test ends.
func attach(t *testing.T, address string, d rpc.Dialing, cores int) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	t.Cleanup(end)
	call, err := dial(t, address, d).Attach(ctx)
	if err != nil {
		t.Fatalf("a child attaches: %v", err)
	}
	said := link.Statement{
		Node: "w1", Boot: 1, Cores: cores, Free: cores, Capacity: &link.Capacity{Cores: cores, Free: cores, Workers: 1, Managers: 1},
	}
	go func() {
		beat := time.NewTicker(300 * time.Millisecond)
		defer beat.Stop()
		for ctx.Err() == nil {
			said.Seq++
			_ = call.Send(said) // a link that broke is missed by what the test looks for
			select {
			case <-beat.C:
			case <-ctx.Done():
			}
		}
	}()
}

func soon(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(t.Context(), patience)
	t.Cleanup(stop)
	return ctx
}

// get asks a node by HTTP.
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

func TestWhatThoseSeeWhoRunANode(t *testing.T) { forBoth(t, testWhatThoseSeeWhoRunANode) }

func testWhatThoseSeeWhoRunANode(t *testing.T, of identity.Role) {
	cfg := config(t, of, "m1")
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
	attach(t, cfg.At.Listen, rpc.Dialing{Self: child(of, "fra")}, 3)
	until(t, "metrics", func() error {
		code, body := get(t, cfg.At.HTTP, "/metrics")
		body = strings.ReplaceAll(body, "hyperscale_"+string(of)+"_", "hyperscale_manager_")
		body = strings.ReplaceAll(body, string(child(of, "").Role)+"s{", "workers{")
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
func TestDataDirectories(t *testing.T) { forBoth(t, testDataDirectories) }

func testDataDirectories(t *testing.T, of identity.Role) {
	first := config(t, of, "m1")
	m := start(t, first)
	m.mustServe(t)
	boot, _ := os.ReadFile(filepath.Join(first.Data, station.BootFile))
	second := config(t, of, "m1")
	second.Data = first.Data
	if err := start(t, second).ended(); !errors.Is(err, etcdstore.ErrInUse) || !strings.Contains(err.Error(), first.Data) {
		t.Errorf("a second one on the directory: %v", err)
	}
	if now, _ := os.ReadFile(filepath.Join(first.Data, station.BootFile)); len(boot) == 0 || !bytes.Equal(now, boot) {
		t.Errorf("the number of starts was %q and is %q", boot, now)
	}
	if err := m.stop(); err != nil {
		t.Error(err)
	}

	other := config(t, of, "m2")
	other.Data = first.Data
	if err := start(t, other).ended(); err == nil || !strings.Contains(err.Error(), "it is that of "+first.Self.String()) {
		t.Errorf("another one on the directory: %v", err)
	}
	isAnotherTiers(t, first, other)
	for what, file := range map[string]string{"is not that of a " + string(of): "photo.jpg", "number of starts": station.BootFile} {
		c := config(t, of, "m1")
		put(t, filepath.Join(c.Data, file), "x")
		if file == station.BootFile {
			put(t, filepath.Join(c.Data, station.WhoFile), c.Self.String())
		}
		if err := start(t, c).ended(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("a directory with %s: %v", file, err)
		}
	}
	c := config(t, of, "m1")
	put(t, c.Data, "a file")
	if err := start(t, c).ended(); err == nil || !strings.Contains(err.Error(), c.Data) {
		t.Errorf("a file in place of the directory: %v", err)
	}
}

// isAnotherTiers shows that what is a node's is not touched by one of the same name in
// another tier.
func isAnotherTiers(t *testing.T, first, other station.Config) {
	t.Helper()
	wrong := identity.Gate
	if first.Self.Role == wrong {
		wrong = identity.Manager
	}
	other.Self = self(wrong, string(first.Self.Node))
	if err := start(t, other).ended(); err == nil || !strings.Contains(err.Error(), "it is that of "+first.Self.String()) {
		t.Errorf("a %s on the directory: %v", wrong, err)
	}
	want := "is the data directory of " + first.Self.Who()
	if _, err := station.Snapshot(soon(t), wrong, first.Data, filepath.Join(t.TempDir(), "x")); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a snapshot of it as of a %s: %v", wrong, err)
	}
	if err := station.Remove(soon(t), wrong, first.Data, "m2"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("an order to it as to a %s: %v", wrong, err)
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

func TestPortsInUse(t *testing.T) { forBoth(t, testPortsInUse) }

func testPortsInUse(t *testing.T, of identity.Role) {
	for flag, choose := range map[string]func(*station.Addresses) *string{
		"--listen":       func(a *station.Addresses) *string { return &a.Listen },
		"--http":         func(a *station.Addresses) *string { return &a.HTTP },
		"--gossip":       func(a *station.Addresses) *string { return &a.Gossip },
		"--store-listen": func(a *station.Addresses) *string { return &a.Store },
	} {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c := config(t, of, "m1")
		*choose(&c.At) = taken.Addr().String()
		if err := start(t, c).ended(); err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s is taken: %v", flag, err)
		}
		taken.Close()
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) { forBoth(t, testConfigurationsThatAreRefused) }

func testConfigurationsThatAreRefused(t *testing.T, of identity.Role) {
	for want, change := range map[string]func(*station.Config){
		"--name":                     func(c *station.Config) { c.Self.Node = "" },
		"--data":                     func(c *station.Config) { c.Data = "" },
		"environment name":           func(c *station.Config) { c.Self.Env = "No" },
		"even number":                func(c *station.Config) { c.Expect, c.Join = 2, []string{"a:1"} },
		"--expect 3 needs --join":    func(c *station.Config) { c.Expect = 3 },
		"begins alone":               func(c *station.Config) { c.Expect, c.Join = 1, []string{"a:1"} },
		"--peers does not name":      func(c *station.Config) { c.Store.Peers = map[string]string{"m2": "http://a:1"} },
		"--restore begins":           func(c *station.Config) { c.Store.Restore, c.Join = "f", []string{"a:1"} },
		"--store-owned":              func(c *station.Config) { c.Store.Owned = true },
		"--listen 0.0.0.0:1":         func(c *station.Config) { c.At.Listen = "0.0.0.0:1" },
		"--gossip 10.0.0.1:1":        func(c *station.Config) { c.At.Gossip = "10.0.0.1:1" },
		"--store-listen 10.0.0.1:1:": func(c *station.Config) { c.At.Store = "10.0.0.1:1" },
		"expected HOST:PORT":         func(c *station.Config) { c.At.HTTP = "x" },
	} {
		c := config(t, of, "m1")
		change(&c)
		if _, err := node(c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %q: %v", want, err)
		}
	}
	_, err := node(station.Config{Self: identity.ID{Role: of}, Expect: 2}, slog.New(slog.DiscardHandler))
	if err == nil || strings.Count(err.Error(), "\n") < 2 || !strings.Contains(err.Error(), "a "+string(of)+" needs a name") {
		t.Errorf("not all faults of a %s are listed: %v", of, err)
	}
}
