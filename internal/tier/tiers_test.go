package tier

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/client"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier/above"
)

// tiers are gates, and below them datacenters with a worker each.
type tiers struct {
	*rig    // of the gates
	below   map[string]*rig
	workers map[string]*labourer
}

// wide is how many slots the load has that is run here.
const wide = 6000

// newTiers begins gates, and datacenters of so many managers. Each has one core, so that
// a load of two needs two of them.
func newTiers(t *testing.T, gateCount, managers int, names ...string) *tiers {
	t.Helper()
	w := &tiers{below: map[string]*rig{}, workers: map[string]*labourer{}}
	w.rig = newRig(t, gateCount, gates, func(c *Config, _ *Deps) { c.Node.Beat, c.Node.Ask = time.Second, time.Second })
	for _, name := range names {
		r := newRig(t, managers, func(c *Config, d *Deps) {
			c.Datacenter, c.Node.Above, d.Dialing.Self.DC = name, true, name
		})
		for _, s := range r.stations {
			s.looksUp(w.stations)
		}
		w.below[name] = r
		w.workers[name] = r.newChild(name+"-w1", 1, func(c *labourer) { c.slots, c.windows, c.pace = wide, 20, beat })
	}
	for _, g := range w.stations {
		w.wait(func() bool { return g.room.Load().Cores == len(names) }, "%s does not hear of all cores", g.id)
	}
	return w
}

// looksUp makes a station a child of gates, until it is stopped.
func (s *station) looksUp(up []*station) {
	var addresses []string
	for _, g := range up {
		addresses = append(addresses, g.address)
	}
	dialing := s.deps.Dialing
	dialing.Boot = s.cfg.Boot
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		above.Run(ctx, above.Config{
			Child: child.Config{Node: s.id, Boot: s.cfg.Boot, Datacenter: s.cfg.Datacenter}, Gates: addresses, Dialing: dialing, Log: s.deps.Log,
			Here: above.Here{
				News: s.Led().News(), Do: s.Led().Do, Over: s.Ops().Over, Capacity: s.Ops().Capacity,
				Vitals: func() link.Vitals { return link.Vitals{} }, Draining: s.draining.Load,
			},
		})
	})
	below := s.stop
	s.stop = sync.OnceFunc(func() { end(); below(); running.Wait() })
	s.rig.t.Cleanup(s.stop)
}

// load is a plan that needs two cores.
func load() *hyperscale.Plan {
	p := planOf("browse")
	p.Workflows[0].Load.Iterations, p.Workflows[0].Load.VUs = wide, 4000
	return p
}

// begun submits the load, and waits until it runs in all datacenters.
func (w *tiers) begun(c *client.Client) rpc.Accepted {
	w.t.Helper()
	a := w.submit(c, load())
	for _, worker := range w.workers {
		worker.holds(link.Running, 1)
	}
	return a
}

// mustBeWhole waits until a job has ended, and checks that all was counted once.
func (w *tiers) mustBeWhole(c *client.Client, job hyperscale.JobID) []hyperscale.Event {
	w.t.Helper()
	status, events := w.ended(c, job)
	if status.Phase != hyperscale.Completed {
		w.t.Errorf("it is %s: %s; it heard %s", status.Phase, status.Reason, story(events))
	}
	counts := w.result(c, load(), job).Tally.Workflow("browse").Slots
	if counts.Due != wide || counts.Started != wide || counts.Completed != wide || counts.Lost != 0 {
		w.t.Errorf("of %d slots came %+v; it heard %s", wide, counts, story(events))
	}
	for name, below := range w.below { // it is over there, too, and as the gate says
		status, _ := below.ended(below.client(), job)
		if status.Phase != hyperscale.Completed {
			w.t.Errorf("in %s it is %s: %s", name, status.Phase, status.Reason)
		}
	}
	return events
}

// ownerOf is the station that owns a job.
func (r *rig) ownerOf(job hyperscale.JobID) *station {
	r.t.Helper()
	var owner *station
	r.wait(func() bool {
		for _, s := range r.stations {
			if s.registry.desk(job) != nil {
				owner = s
			}
		}
		return owner != nil
	}, "nobody owns job %s", job)
	return owner
}

// One job is given to a gate, and runs in two datacenters.
func TestAJobOverDatacenters(t *testing.T) {
	w := newTiers(t, 1, 1, "fra", "nyc")
	a := w.begun(w.client())
	events := w.mustBeWhole(w.client(), a.Job)
	if !has(events, "routed") {
		t.Errorf("it is not told where it runs: %s", story(events))
	}
	for name, worker := range w.workers {
		if n := worker.ran; n < wide/3 {
			t.Errorf("%s ran %d slots of %d", name, n, wide)
		}
	}
}

// Both of two datacenters run the whole load, though the gate that owns the job is killed:
// twice what the plan says, and in each once.
func TestEachDatacenterRunsAllOfIt(t *testing.T) {
	w := newTiers(t, 2, 1, "fra", "nyc")
	p := load()
	p.Workflows[0].Load.VUs = 100 // which need one core
	first := w.stations[0]
	a := w.submit(w.client(first), p, func(s *rpc.Submission) {
		s.Across = hyperscale.Across{Count: 2, Spread: hyperscale.SpreadReplicate}
	})
	for _, worker := range w.workers {
		worker.holds(link.Running, 1)
	}
	first.stop()
	c := w.client(w.stations[1])
	status, events := w.ended(c, a.Job)
	if status.Phase != hyperscale.Completed {
		t.Fatalf("it is %s: %s; it heard %s", status.Phase, status.Reason, story(events))
	}
	result := w.result(c, p, a.Job)
	if n := result.Tally.Workflow("browse").Slots; n.Due != 2*wide || n.Completed != 2*wide || len(result.Datacenters) != 2 {
		t.Errorf("of %d slots came %+v in %d datacenters; it heard %s", 2*wide, n, len(result.Datacenters), story(events))
	}
	for i, name := range []string{"fra", "nyc"} {
		d := result.Datacenters[i]
		if n := d.Tally.Job().Slots; d.Name != name || n.Due != wide || n.Completed != wide || d.Verdict.State != stats.Valid {
			t.Errorf("in %s came %+v, %+v", d.Name, n, d.Verdict)
		}
	}
}

// What can't be run by each of several datacenters is refused by a gate, in words.
func TestWhatCantBeReplicatedIsRefused(t *testing.T) {
	gate, plain := Config{Role: identity.Gate}, load()
	unique := load()
	unique.Data = []hyperscale.DataSet{{Name: "users", Pick: hyperscale.PickUnique}}
	for _, c := range []struct {
		a    hyperscale.Across
		plan *hyperscale.Plan
		want string
	}{
		{hyperscale.Across{Count: 2, Spread: hyperscale.SpreadReplicate}, plain, ""},
		{hyperscale.Across{Datacenters: []string{"a"}, Spread: hyperscale.SpreadReplicate}, plain, ""},
		{hyperscale.Across{Spread: hyperscale.SpreadReplicate}, plain, "--count"},
		{hyperscale.Across{Count: 2, Spread: hyperscale.SpreadReplicate, AllowPartial: true}, plain, "with fewer it would be another load"},
		{hyperscale.Across{Count: 2, Spread: hyperscale.SpreadReplicate}, unique, "data set users"},
		{hyperscale.Across{Count: 2}, unique, ""},
	} {
		err := gate.spreads(c.a, c.plan)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c.a, err)
		}
	}
}

// The gate that owns a job is killed: another goes on with it, and nothing is lost or
// counted twice.
func TestAGateIsTakenOver(t *testing.T) {
	w := newTiers(t, 2, 1, "fra", "nyc")
	first := w.stations[0]
	a := w.begun(w.client(first))
	first.stop()
	events := w.mustBeWhole(w.client(w.stations[1]), a.Job)
	if !has(events, own.OwnerChanged) || has(events, "datacenter lost") {
		t.Errorf("it heard %s", story(events))
	}
}

// The manager that owns a job in one datacenter is killed: another of it goes on, and the
// gate loses nothing.
func TestAManagerUnderAGateIsTakenOver(t *testing.T) {
	w := newTiers(t, 1, 2, "fra", "nyc")
	a := w.begun(w.client())
	w.below["fra"].ownerOf(a.Job).stop()
	w.below["fra"].stations = w.below["fra"].running()
	if events := w.mustBeWhole(w.client(), a.Job); has(events, "datacenter lost") {
		t.Errorf("it heard %s", story(events))
	}
}

// running are the stations that have a session.
func (r *rig) running() []*station {
	var list []*station
	for _, s := range r.stations {
		if s.inside.Load() != nil {
			list = append(list, s)
		}
	}
	return list
}

// A client cancels at the gate: all datacenters stop, and the job is cancelled in each.
func TestCancelOverDatacenters(t *testing.T) {
	w := newTiers(t, 1, 1, "fra", "nyc")
	for _, worker := range w.workers {
		worker.do(func() { worker.windows = 0 })
	}
	c := w.client()
	a := w.begun(c)
	if status, err := c.Cancel(t.Context(), rpc.Cancellation{Job: a.Job}); err != nil || status != rpc.PendingCancelled {
		t.Fatalf("%s, %v", status, err)
	}
	all := map[string]*rig{"the gate": w.rig}
	for name, below := range w.below {
		all[name] = below
	}
	for name, r := range all {
		if status, events := r.ended(r.client(), a.Job); status.Phase != hyperscale.Cancelled {
			t.Errorf("at %s it is %s: %s; it heard %s", name, status.Phase, status.Reason, story(events))
		}
	}
}

// While no gate reaches its store any of them stops the load of whoever asks for it, in all
// datacenters; the job is cancelled once the store is back, by what they tell.
func TestCancelOverDatacentersWithoutAStore(t *testing.T) {
	w := newTiers(t, 2, 1, "fra", "nyc")
	for _, worker := range w.workers {
		worker.do(func() { worker.windows = 0 })
	}
	c := w.client()
	a := w.begun(c)
	for _, g := range w.stations {
		g.cable.sever()
	}
	who := rpc.Caller{ID: identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Client, Tenant: "others", Name: "tester"}}
	cancel := func() {
		t.Helper()
		if _, err := w.stations[1].Jobs().Cancel(t.Context(), who, rpc.Cancellation{Job: a.Job}); rpc.KindOf(err) != rpc.Unavailable || !strings.Contains(err.Error(), "stopped all the same, on datacenters: 2") {
			t.Errorf("cancelling without a store gives %v", err)
		}
	}
	cancel()
	who.Tenant = "default"
	for _, worker := range w.workers {
		worker.holds(link.Running, 1) // for others have no say
	}
	cancel()
	for _, below := range w.below {
		below.wait(func() bool {
			for _, s := range below.stations {
				if d := s.registry.desk(a.Job); d != nil {
					stopped := false
					_ = d.ask(t.Context(), func() { stopped = d.seat.Owner().Held()[0].State != link.Running })
					return stopped
				}
			}
			return true
		}, "the load goes on")
	}
	for _, g := range w.stations {
		g.cable.mend()
	}
	if status, events := w.ended(c, a.Job); status.Phase != hyperscale.Cancelled {
		t.Errorf("it is %s: %s; it heard %s", status.Phase, status.Reason, story(events))
	}
}

// What is too large to be given on to datacenters is refused by a gate.
func TestAGateRefusesWhatIsTooLarge(t *testing.T) {
	r := newRig(t, 1, gates)
	if err := r.stations[0].assignable(make([]byte, 16<<20-256<<10)); err != nil {
		t.Error(err)
	}
	if err := r.stations[0].assignable(make([]byte, 16<<20-256<<10+1)); err == nil || !strings.Contains(err.Error(), "16515073") {
		t.Errorf("one byte more: %v", err)
	}
	if err := newRig(t, 1).stations[0].assignable(make([]byte, 16<<20)); err != nil {
		t.Errorf("by a manager: %v", err)
	}
}
