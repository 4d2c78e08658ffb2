package tier

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/client"
	"hyperscale/internal/member"
	"hyperscale/internal/own"
	"hyperscale/internal/place"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
	"hyperscale/internal/store/memstore"
	"hyperscale/internal/testkit"
	"hyperscale/internal/tier/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The times of the rig: those of the design, shortened.
const (
	beat     = 100 * time.Millisecond
	patience = 15 * time.Second // after which a test gives up
	slots    = 1000             // of the load of every plan here
)

// sessions are short, so that one that is not renewed ends within a test.
var sessions = own.SessionConfig{TTL: 1200 * time.Millisecond, Every: 150 * time.Millisecond, Margin: 300 * time.Millisecond}

// rig is the nodes of a tier in one process, over one store in memory and real
// sockets on loopback.
type rig struct {
	t        *testing.T
	store    *memstore.Store
	log      *testkit.Log
	boots    int
	stations []*station

	mu    sync.Mutex
	names []hyperscale.NodeID // of all stations
}

// station is one node.
type station struct {
	*Tier
	rig     *rig
	id      hyperscale.NodeID
	cable   *cable
	address string
	stop    func() // ends it, and waits; its session ends with it
}

// newRig begins so many nodes, m1, m2 …, and waits until each may own jobs.
func newRig(t *testing.T, nodes int, change ...func(*Config, *Deps)) *rig {
	t.Helper()
	r := &rig{t: t, store: memstore.New(nil), log: new(testkit.Log)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(r.log)
		}
	})
	for i := range nodes {
		r.newStation(fmt.Sprintf("m%d", i+1), change...)
	}
	for _, s := range r.stations {
		r.wait(func() bool { return s.Ready() == nil && len(s.registry.nodes()) == nodes }, "%s is not ready", s.id)
	}
	if len(r.stations) > 0 && r.stations[0].cfg.Children == identity.Worker {
		r.wait(func() bool { return r.placer() }, "nobody gives out the cores")
	}
	return r
}

// placer reports whether somebody gives out the cores.
func (r *rig) placer() bool {
	found := false
	ctx, stop := context.WithTimeout(r.t.Context(), 20*time.Millisecond)
	defer stop()
	_ = own.WatchHold(ctx, r.store, "place", func(o own.Owner) error { // until ctx ends
		found = found || o.Node != ""
		return nil
	})
	return found
}

func (r *rig) newStation(id string, change ...func(*Config, *Deps)) *station {
	r.t.Helper()
	r.boots++
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	s := &station{rig: r, id: hyperscale.NodeID(id), cable: newCable(r.store), address: listener.Addr().String()}
	self := identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Manager, DC: "dc1", Node: s.id}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", id)
	cfg := Config{
		Self: s.id, Boot: hyperscale.Boot(r.boots), Datacenter: "dc1", Address: s.address, Version: "test", Session: sessions,
		Node: node.Config{Beat: beat, Back: 150 * time.Millisecond, Ask: 150 * time.Millisecond, Orphaned: 300 * time.Millisecond, Place: place.Config{Settle: 50 * time.Millisecond}},
	}
	deps := Deps{Log: log, Store: s.cable, Members: all{r}, Dialing: rpc.Dialing{Self: self}}
	for _, f := range change {
		f(&cfg, &deps)
	}
	s.Tier = New(cfg, deps)
	many := rpc.Rate{Calls: 1 << 20, Per: time.Second}
	server, err := rpc.NewServer(rpc.ServerConfig{Self: deps.Dialing.Self, Limits: rpc.Limits{Submit: many, Cancel: many, Query: many}}, rpc.ServerDeps{
		Log: log, Jobs: s.Jobs(), Cluster: s.Cluster(), Links: s.Links(), Peers: s.Peers(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Run(ctx, listener); err != nil {
			r.t.Error(err)
		}
	})
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			r.t.Error(err)
		}
	})
	s.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	r.t.Cleanup(s.stop)
	r.stations = append(r.stations, s)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, s.id)
	return s
}

// all is a failure detector that finds nobody dead.
type all struct{ *rig }

func (a all) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (a all) Alive() []member.Member {
	var list []member.Member
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range a.names {
		list = append(list, member.Member{ID: id})
	}
	return list
}

func (a all) Unheard() []string           { return nil }
func (a all) Update([]byte) error         { return nil }
func (a all) Leave(context.Context) error { return nil }
func (a all) Stall() int                  { return 0 }

// client is a client that knows the nodes given; none: all.
func (r *rig) client(of ...*station) *client.Client {
	r.t.Helper()
	if len(of) == 0 {
		of = r.stations
	}
	var addresses []string
	for _, s := range of {
		addresses = append(addresses, s.address)
	}
	self := identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Client, Tenant: "default", Name: "tester"}
	c, err := client.New(client.Config{Nodes: addresses, Dialing: rpc.Dialing{Self: self}, Patience: patience})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// until waits until something holds, which is looked at under the lock of what
// changes, whenever that changed.
func (r *rig) until(changes func() (<-chan struct{}, func()), holds func() bool, otherwise string, args ...any) {
	r.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		changed, unlock := changes()
		ok := holds()
		unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			r.t.Fatalf(otherwise, args...)
		}
	}
}

// wait looks again and again whether something holds.
func (r *rig) wait(holds func() bool, otherwise string, args ...any) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit.C:
			r.t.Fatalf(otherwise, args...)
		}
	}
}

// planOf is a plan with one iterations load for each name.
func planOf(names ...string) *hyperscale.Plan {
	p := &hyperscale.Plan{Name: "test", Target: "http://127.0.0.1:9", Seed: 7, Deadline: time.Hour}
	for _, name := range names {
		p.Workflows = append(p.Workflows, hyperscale.Workflow{
			Name: name, Graceful: time.Second,
			Load: hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: slots, VUs: 8},
			Steps: []hyperscale.Step{{
				Name: "get", OnError: hyperscale.OnErrorContinue,
				Request: &hyperscale.Request{
					Method: "GET", URL: "/",
					Transport: hyperscale.Transport{Timeout: time.Second, HTTP: 1, Connections: hyperscale.ConnPerVU, MaxBody: 1 << 20},
				},
			}},
		})
	}
	return p
}

// submissionOf is a plan on its way.
func submissionOf(t *testing.T, p *hyperscale.Plan, change ...func(*rpc.Submission)) rpc.Submission {
	t.Helper()
	content, err := spec.Encode(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := rpc.Submission{Name: p.Name, Spec: content}
	for _, f := range change {
		f(&s)
	}
	return s
}

// submit hands a plan in.
func (r *rig) submit(c *client.Client, p *hyperscale.Plan, change ...func(*rpc.Submission)) rpc.Accepted {
	r.t.Helper()
	a, err := c.Submit(r.t.Context(), submissionOf(r.t, p, change...))
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// ended waits until a job has ended, and gives its status and events.
func (r *rig) ended(c *client.Client, job hyperscale.JobID) (rpc.Status, []hyperscale.Event) {
	r.t.Helper()
	ctx, stop := context.WithTimeout(r.t.Context(), patience)
	defer stop()
	var events []hyperscale.Event
	err := c.Watch(ctx, job, 0, func(u rpc.Update) error {
		if h, ok := u.(rpc.Happened); ok {
			events = append(events, h.Event)
		}
		return nil
	})
	if err != nil {
		status, _ := c.Get(r.t.Context(), job)
		r.t.Fatalf("watching job %s: %v; it is %+v; it heard %s", job, err, status, story(events))
	}
	for i, ev := range events {
		if ev.Seq != uint64(i+1) {
			r.t.Errorf("event %d has the number %d", i+1, ev.Seq)
		}
	}
	status, err := c.Get(ctx, job)
	if err != nil {
		r.t.Fatal(err)
	}
	return status, events
}

// result is what a job came to.
func (r *rig) result(c *client.Client, p *hyperscale.Plan, job hyperscale.JobID) *stats.Result {
	r.t.Helper()
	b, err := c.Result(r.t.Context(), job)
	if err != nil {
		r.t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscanf(string(b[:16]), "%x", &n); err != nil {
		r.t.Fatal(err)
	}
	result, err := stats.DecodeResult(p, b[16+n:])
	if err != nil {
		r.t.Fatal(err)
	}
	return result
}

// story is events in short.
func story(events []hyperscale.Event) string {
	var b bytes.Buffer
	for _, ev := range events {
		fmt.Fprintf(&b, "\n%d %s %s %s %s", ev.Seq, ev.What, ev.Workflow, ev.Node, ev.Detail)
	}
	return b.String()
}

// has reports whether one of the events is of that kind.
func has(events []hyperscale.Event, what string) bool {
	for _, ev := range events {
		if ev.What == what {
			return true
		}
	}
	return false
}
