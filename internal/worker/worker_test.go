package worker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/process"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
	"hyperscale/internal/testkit"
)

// What the test binary is to be: an engine, or a worker of its own.
const (
	asEngine = "TEST_ENGINE"
	asWorker = "TEST_WORKER" // address of its manager
)

func TestMain(m *testing.M) {
	if os.Getenv(asEngine) != "" {
		signal.Ignore(os.Interrupt, syscall.SIGTERM)
		if err := process.Main(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if join := os.Getenv(asWorker); join != "" {
		w, err := New(Config{Self: self(identity.Worker, "w1"), Join: []string{join}, Cores: 2}, deps(os.Stderr))
		if err == nil {
			err = w.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func deps(log interface{ Write([]byte) (int, error) }) Deps {
	return Deps{
		Log:    slog.New(slog.NewTextHandler(log, nil)),
		Engine: process.Config{Args: []string{}, Env: append(os.Environ(), asEngine+"=yes", "GORACE=atexit_sleep_ms=0")},
	}
}

// running is a worker under test.
type running struct {
	*Worker
	log  *testkit.Log
	stop context.CancelFunc
	done chan error
}

// work begins a worker.
func work(t *testing.T, cfg Config, change ...func(*Deps)) *running {
	t.Helper()
	r := &running{log: new(testkit.Log), done: make(chan error, 1)}
	cfg.Self = self(identity.Worker, "w1")
	if cfg.Cores == 0 {
		cfg.Cores = 2
	}
	d := deps(r.log)
	for _, c := range change {
		c(&d)
	}
	w, err := New(cfg, d)
	if err != nil {
		t.Fatal(err)
	}
	r.Worker = w
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.done <- w.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Log(r.log)
		}
	})
	return r
}

// target counts what it is asked, and keeps when that was.
type target struct {
	*httptest.Server
	hits  atomic.Int64
	times chan time.Time // of hits, with room for many
	paths sync.Map       // how often each was asked for, as *atomic.Int64
	slow  time.Duration  // how long it takes to answer
}

func newTarget(t *testing.T) *target {
	tg := &target{times: make(chan time.Time, 1<<16)}
	tg.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tg.hits.Add(1)
		n, _ := tg.paths.LoadOrStore(r.URL.Path, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		<-time.After(tg.slow)
		select {
		case tg.times <- time.Now():
		default: // it is not looked at so closely
		}
	}))
	t.Cleanup(tg.Close)
	return tg
}

// await waits for a hit after a time, and gives when it came.
func (tg *target) await(t *testing.T, after time.Time) time.Time {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case at := <-tg.times:
			if at.After(after) {
				return at
			}
		case <-limit:
			t.Fatal("the target is asked nothing")
		}
	}
}

// asked waits until the target was asked n times more, or is not any more.
func (tg *target) asked(n int) {
	for range n {
		select {
		case <-tg.times:
		case <-time.After(3 * time.Second):
			return
		}
	}
}

var theHold = link.Hold{Job: "7", Workflow: "w", Share: hyperscale.Whole}

// briefOf makes a brief of a workflow that makes one request, for /SLOT or, of
// loads with passes, /VU-PASS.
func briefOf(t *testing.T, url string, run spec.Run) []byte {
	t.Helper()
	path := "/{{ iteration }}"
	if k := run.Load.Kind; k == hyperscale.LoadClosed || k == hyperscale.LoadEach {
		path = "/{{ vu }}-{{ iteration }}"
	}
	if url == spec.DemoTarget {
		path = "/json"
	}
	p := &hyperscale.Plan{
		Name: "test", Target: url, Seed: 7, Deadline: time.Minute,
		Workflows: []hyperscale.Workflow{{
			Name: "w", Load: run.Load, Graceful: 5 * time.Second,
			Steps: []hyperscale.Step{{
				Name: "get", OnError: hyperscale.OnErrorContinue,
				Request: &hyperscale.Request{
					Method: "GET", URL: path,
					Transport: hyperscale.Transport{Timeout: 5 * time.Second, HTTP: 1, Connections: hyperscale.ConnPerVU, MaxBody: 1 << 20},
				},
			}},
		}},
	}
	flow, err := spec.Cut(p, "w", nil)
	if err != nil {
		t.Fatal(err)
	}
	run.Share, run.Lanes, run.Graceful, run.Version = hyperscale.Whole, 1, 5*time.Second, "test"
	b, err := flow.Brief(run)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rate is an open load of so many arrivals a second.
func rate(n int64, over time.Duration) hyperscale.Load {
	level := n * int64(hyperscale.PerSecond)
	return hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{{From: level, To: level, Over: over}}}
}

// prepare has a share prepared, and start begins it soon.
func (m *manager) prepare(brief []byte) {
	m.t.Helper()
	m.order(link.Order{Do: link.Prepare, Hold: theHold, Cores: 1, Brief: brief})
}

func (m *manager) start(brief []byte) {
	m.t.Helper()
	m.prepare(brief)
	m.state(link.Prepared)
	m.order(link.Order{Do: link.Start, Hold: theHold, Number: 1, In: 100 * time.Millisecond})
}

// over waits until the last window was merged and the worker holds nothing more.
func (m *manager) over() *stats.Selection {
	m.t.Helper()
	m.until("over", func() bool { return m.ending != nil && len(m.last.Holds) == 0 && m.last.Free == m.last.Cores })
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, broken := range stats.Identities(m.tally) {
		m.t.Error(broken)
	}
	return m.tally.Job()
}

// A share runs from the order to its last acknowledgement: the target saw what the
// windows say.
func TestRuns(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	m := newManager(t, "m1", "")
	w := work(t, Config{Join: []string{m.address}})
	m.start(briefOf(t, tg.URL, spec.Run{Load: rate(200, 1500*time.Millisecond)}))
	sel := m.over()
	if sel.Due != 300 || sel.Slots.Started != 300 || tg.hits.Load() != 300 {
		t.Errorf("due %d, started %d, hits %d", sel.Due, sel.Slots.Started, tg.hits.Load())
	}
	if err := w.Ready(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"linked", "ordered to prepare", "job=7", "workflow=w", "epoch=1"} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

// What one start of a manager did not acknowledge goes to the next: nothing is
// lost, nothing counted twice, and the load does not care.
func TestManagerRestarts(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	m := newManager(t, "m1", "")
	work(t, Config{Join: []string{m.address}})
	m.start(briefOf(t, tg.URL, spec.Run{Load: rate(100, 3500*time.Millisecond)}))
	m.until("a window", func() bool { return len(m.marks) > 0 })
	m.change(func() { m.deaf = true })
	dealt := m.dealt
	m.until("a window that is not acknowledged", func() bool { return m.dealt > dealt })
	next := m.restart()
	sel := next.over()
	if sel.Due != 350 || sel.Slots.Started != 350 || tg.hits.Load() != 350 {
		t.Errorf("due %d, started %d, hits %d", sel.Due, sel.Slots.Started, tg.hits.Load())
	}
}

// A worker that drains takes nothing new, finishes what it has, and returns once
// that is acknowledged.
func TestDrains(t *testing.T) {
	for name, drain := range map[string]func(*manager, *running){
		"asked here":         func(_ *manager, w *running) { w.Drain() },
		"asked by a manager": func(m *manager, _ *running) { m.say(link.Word{Node: m.id.Node, Boot: m.boot, Seq: 1e6, Drain: true}) },
	} {
		t.Run(name, func(t *testing.T) { drains(t, drain) })
	}
}

func drains(t *testing.T, drain func(*manager, *running)) {
	t.Parallel()
	tg := newTarget(t)
	m := newManager(t, "m1", "")
	w := work(t, Config{Join: []string{m.address}})
	m.start(briefOf(t, tg.URL, spec.Run{Load: rate(100, 1500*time.Millisecond)}))
	m.state(link.Running)
	drain(m, w)
	m.until("draining", func() bool { return m.last.Draining })
	if err := w.Ready(); err == nil || !strings.Contains(err.Error(), "draining") {
		t.Error(err)
	}
	other := theHold
	other.Job = "8"
	m.order(link.Order{Do: link.Prepare, Hold: other, Cores: 1, Brief: briefOf(t, tg.URL, spec.Run{Load: rate(1, time.Second)})})
	m.until("refused", func() bool {
		n := len(m.last.Holds)
		return n > 0 && m.last.Holds[n-1].State == link.Refused
	})
	m.order(link.Order{Do: link.Drop, Hold: other})
	sel := m.over()
	if sel.Slots.Started != 150 || tg.hits.Load() != 150 {
		t.Errorf("started %d, hits %d", sel.Slots.Started, tg.hits.Load())
	}
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	m.until("gone", func() bool { return m.stream == nil })
	w.done <- nil
}

// A worker that is to stop now takes its engines with it.
func TestStopsNow(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	m := newManager(t, "m1", "")
	w := work(t, Config{Join: []string{m.address}})
	m.start(briefOf(t, tg.URL, spec.Run{Load: rate(100, time.Hour)}))
	tg.await(t, time.Now())
	w.stop()
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	before := tg.hits.Load()
	m.until("gone", func() bool { return m.stream == nil })
	if after := tg.hits.Load(); after != before {
		t.Errorf("%d more requests", after-before)
	}
	if err := w.Healthy(); err == nil {
		t.Error("a worker that is gone is well")
	}
}

// What can't be run here is refused with the reason: too many cores, a target that
// is not allowed, a brief that can't be read.
func TestRefuses(t *testing.T) {
	t.Parallel()
	m := newManager(t, "m1", "")
	work(t, Config{Join: []string{m.address}, Targets: []string{"192.0.2.0/24"}})
	load := spec.Run{Load: rate(1, time.Second)}
	for _, c := range []struct {
		order link.Order
		want  string
	}{
		{link.Order{Cores: 3, Brief: briefOf(t, "http://192.0.2.1", load)}, "3 cores asked, 2 free"},
		{link.Order{Cores: 2, Brief: briefOf(t, "http://127.0.0.1:1", load)}, "127.0.0.1 is no target that this node allows"},
		{link.Order{Cores: 2, Brief: briefOf(t, "http://169.254.169.254", load)}, "169.254.169.254 is no target"},
		{link.Order{Cores: 2, Brief: []byte("x")}, "read brief"},
	} {
		c.order.Do, c.order.Hold = link.Prepare, theHold
		m.order(c.order)
		m.state(link.Refused)
		if got := m.last.Holds[0].Reason; !strings.Contains(got, c.want) || m.last.Free != 2 {
			t.Errorf("%q, %d free; want %q", got, m.last.Free, c.want)
		}
		m.order(link.Order{Do: link.Drop, Hold: theHold})
		m.until("dropped", func() bool { return len(m.last.Holds) == 0 })
	}
}

// A plan whose target is the demo runs against the worker's own, also where other
// targets are not allowed.
func TestDemo(t *testing.T) {
	t.Parallel()
	m := newManager(t, "m1", "")
	work(t, Config{Join: []string{m.address}, Targets: []string{"192.0.2.0/24"}})
	m.start(briefOf(t, spec.DemoTarget, spec.Run{Load: rate(50, time.Second)}))
	sel := m.over()
	if sel.Slots.Completed != 50 {
		t.Errorf("%+v", sel.Slots)
	}
}

// One manager at many addresses has one link; another that it tells of gets one,
// and when the first is gone at one address it is found at the other.
func TestFindsManagers(t *testing.T) {
	t.Parallel()
	second := newManager(t, "m2", "")
	first := newManager(t, "m1", "127.0.0.1:0", func(m *manager) {
		m.parents = []link.Parent{{Node: "m1"}, {Node: "m2", Address: second.address}}
	})
	_, port, _ := net.SplitHostPort(first.address)
	cfg := Config{Join: []string{"managers:" + port, first.address}, Self: self(identity.Worker, "w1")}
	d := deps(new(testkit.Log))
	d.Lookup = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::ffff:127.0.0.1"), netip.MustParseAddr("::1")}, nil
	}
	w, err := New(cfg, d)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	second.until("linked", func() bool { return second.stated > 0 })
	first.until("linked", func() bool { return first.stated > 1 })
	if first.links != 1 {
		t.Errorf("%d links", first.links)
	}
	again := first.restart()
	again.until("linked again", func() bool { return again.stated > 0 })
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A manager that falls silent is dialled anew.
func TestSilentManager(t *testing.T) {
	t.Parallel()
	m := newManager(t, "m1", "")
	w := work(t, Config{Join: []string{m.address}})
	m.until("linked", func() bool { return m.stated > 0 })
	m.change(func() { m.mute = true })
	before := time.Now()
	m.until("dialled anew", func() bool { return m.links > 1 })
	if took := time.Since(before); took < 2*time.Second || took > 8*time.Second {
		t.Errorf("after %v", took)
	}
	m.change(func() { m.mute = false })
	m.until("linked again", func() bool { return m.stated > 0 && m.last.Seq > 3 })
	if log := w.log.String(); !strings.Contains(log, "nothing was heard for 3") {
		t.Error("the log does not say why")
	}
}

// Metrics tell what there is.
func TestMetrics(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	m := newManager(t, "m1", "")
	w := work(t, Config{Join: []string{m.address}})
	m.start(briefOf(t, tg.URL, spec.Run{Load: rate(100, time.Hour)}))
	m.until("a window", func() bool { return len(m.marks) > 0 && m.last.Holds[0].Acked > 0 })
	got := map[string]float64{}
	for _, metric := range w.Metrics() {
		name := metric.Name
		for _, l := range metric.Labels {
			name += " " + l.Value
		}
		got[strings.TrimPrefix(name, "hyperscale_worker_")] = metric.Value
	}
	for name, want := range map[string]float64{
		"cores": 2, "cores_free": 1, "links": 1, "holds running": 1, "holds refused": 0, "engines_started_total": 1, "engines_died_total": 0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	if got["memory_ratio"] <= 0 || got["cpu_ratio"] < 0 || got["windows_sent_total"] < 1 || got["windows_acknowledged_total"] < 1 {
		t.Errorf("%v", got)
	}
}

// issuer gives certificates of one authority, which trust each other.
func issuer(t *testing.T) func(identity.ID) *identity.Source {
	t.Helper()
	authority, err := identity.NewAuthority("hyperscale", "test", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	own, err := authority.Pair()
	if err != nil {
		t.Fatal(err)
	}
	trusted := filepath.Join(t.TempDir(), "ca.crt")
	if err := identity.WriteTrusted(trusted, own.Cert); err != nil {
		t.Fatal(err)
	}
	return func(id identity.ID) *identity.Source {
		pair, err := authority.Issue(id, time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		files := identity.Files{Cert: filepath.Join(dir, "crt"), Key: filepath.Join(dir, "key"), Authorities: trusted}
		if err := pair.Write(files.Cert, files.Key); err != nil {
			t.Fatal(err)
		}
		s, err := identity.Load(files, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// With certificates worker and manager know each other by them.
func TestCertificates(t *testing.T) {
	t.Parallel()
	source := issuer(t)
	m := newManager(t, "m1", "", func(m *manager) { m.certificates = source(self(identity.Manager, "m1")) })
	w := work(t, Config{Join: []string{m.address}}, func(d *Deps) { d.Certificates = source(self(identity.Worker, "w9")) })
	m.until("linked", func() bool { return m.stated > 0 && m.last.Node == "w9" })
	if err := w.Ready(); err != nil {
		t.Error(err)
	}
	// Without one it is told that it is not let in.
	other := work(t, Config{Join: []string{m.address}})
	other.logs(t, "no link to the manager")
	// One of another datacenter is refused, and says why.
	far := self(identity.Worker, "w8")
	far.DC = "ams"
	stranger := work(t, Config{Join: []string{m.address}}, func(d *Deps) { d.Certificates = source(far) })
	stranger.logs(t, "worker w8 of ams may not call manager m1 of fra")
}

// A client's cancel stops load whoever shows it, for its signature and if the job may
// be the client's.
func TestCancelIsProved(t *testing.T) {
	t.Parallel()
	source, tg := issuer(t), newTarget(t)
	client := func(tenant, name string) identity.ID {
		return identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Client, Tenant: tenant, Name: name}
	}
	m := newManager(t, "m1", "", func(m *manager) { m.certificates = source(self(identity.Manager, "m1")) })
	w := work(t, Config{Join: []string{m.address}}, func(d *Deps) { d.Certificates = source(self(identity.Worker, "w1")) })
	m.order(link.Order{
		Do: link.Prepare, Hold: theHold, Cores: 1, Client: "shop/ann", Brief: briefOf(t, tg.URL, spec.Run{Load: rate(100, time.Minute)}),
	})
	m.state(link.Prepared)
	m.order(link.Order{Do: link.Start, Hold: theHold, Number: 1, In: 100 * time.Millisecond})
	m.state(link.Running)

	show := func(certificates *identity.Source, by identity.ID, job hyperscale.JobID) {
		t.Helper()
		p, err := rpc.Prove(certificates, by, job, "")
		if err != nil {
			t.Fatal(err)
		}
		m.say(link.Order{Do: link.Stop, Owner: "m2", Hold: theHold, Within: time.Second, Proof: p})
	}
	bob := client("shop", "bob")
	show(nil, bob, "7")
	w.logs(t, "a cancel of job 7")
	show(source(client("bank", "eve")), bob, "7")
	w.logs(t, "client/shop/bob is signed by spiffe://hyperscale.test/client/bank/eve")
	show(source(client("bank", "eve")), client("bank", "eve"), "7")
	w.logs(t, "client eve of bank is of another tenant")
	show(source(bob), bob, "8")
	w.logs(t, "it is of job 8")
	m.state(link.Running)

	show(source(bob), bob, "7")
	m.over()
	if m.ending.Cancelled != (link.Cancelled{By: "shop/bob", Whole: true}) {
		t.Errorf("the load ended %+v", m.ending)
	}
	if f, _ := w.look(t.Context()); f.proofsRefused != 4 {
		t.Errorf("%d cancels were refused", f.proofsRefused)
	}
}

// A manager of another environment is no manager of ours.
func TestWrongEnvironment(t *testing.T) {
	t.Parallel()
	m := newManager(t, "m1", "", func(m *manager) { m.id.Env = "prod" })
	w := work(t, Config{Join: []string{m.address}})
	w.logs(t, "environment prod")
	if m.stated > 0 {
		t.Error("it was told something")
	}
}

// logs waits until something is in the log.
func (r *running) logs(t *testing.T, want string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	each := time.NewTicker(10 * time.Millisecond)
	defer each.Stop()
	for !strings.Contains(r.log.String(), want) {
		select {
		case <-each.C:
		case <-limit:
			t.Fatalf("the log never says %q", want)
		}
	}
}
