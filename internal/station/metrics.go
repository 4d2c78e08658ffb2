package station

import (
	"context"
	"strconv"
	"time"

	"hyperscale"
	"hyperscale/internal/ops"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/stats"
	"hyperscale/internal/store/etcdstore"
	"hyperscale/internal/tier"
	"hyperscale/internal/tier/node"
)

// lookTime is how long metrics wait for a node that has much to do.
const lookTime = time.Second

// Metrics tells what the node has and did; little while it does not serve.
func (s *Station) Metrics() []ops.Metric {
	all := sheet{role: s.cfg.Self.Role}
	all.gauge("build_info", "The version that runs.", 1, "version", s.cfg.Version)
	l := s.now()
	switch {
	case s.stepped() != nil:
		all.store(etcdstore.Health{State: etcdstore.Ended})
		return all.metrics
	case !l.hasBegun():
		all.store(etcdstore.Health{State: etcdstore.Starting})
		return all.metrics
	}
	ctx, stop := context.WithTimeout(context.Background(), lookTime)
	defer stop()
	cores, free := l.tier.Ops().Cores(ctx)
	all.gauge("cores", "Cores of those that are not gone.", float64(cores))
	all.gauge("cores_free", "Cores that no job has.", float64(free))
	if children, err := l.tier.Ops().Children(ctx); err == nil {
		all.children(l.kind.Children, children)
	}
	all.figures(l.tier.Ops().Figures())
	all.store(l.store.Health())
	all.pressure(l.pulse.last())
	for _, c := range l.server.Counts() {
		all.counter("calls_"+c.What, callHelp[c.What], c.N, "of", c.Of)
	}
	if l.cfg.Certificates != nil {
		all.gauge("certificate_expires_seconds", "When the certificate in use ends, in seconds since 1970.", float64(l.cfg.Certificates.Expires().Unix()))
	}
	return all.metrics
}

var callHelp = map[string]string{
	"calls": "Calls begun.", "failed": "Calls that failed.", "refused": "Calls and connections refused.", "panics": "Handlers that panicked.",
}

// sheet is a list of metrics that is being written.
type sheet struct {
	role    identity.Role // whose they are
	metrics []ops.Metric
}

func (s *sheet) add(counter bool, name, help string, value float64, labels []string) {
	m := ops.Metric{Name: "hyperscale_" + string(s.role) + "_" + name, Help: help, Counter: counter, Value: value}
	for i := 0; i+1 < len(labels); i += 2 {
		m.Labels = append(m.Labels, ops.Label{Name: labels[i], Value: labels[i+1]})
	}
	s.metrics = append(s.metrics, m)
}

// gauge adds what rises and falls; labels are names and values in turn.
func (s *sheet) gauge(name, help string, value float64, labels ...string) {
	s.add(false, name, help, value, labels)
}

// counter adds what only rises.
func (s *sheet) counter(name, help string, value uint64, labels ...string) {
	s.add(true, name+"_total", help, float64(value), labels)
}

// silentAfter is how long a child that was not given up may be unheard before it
// counts as silent.
const silentAfter = 3 * time.Second

func (s *sheet) children(role identity.Role, children []node.Child) {
	count := map[string]int{"heard": 0, "silent": 0, "gone": 0}
	for _, c := range children {
		switch {
		case !c.Heard:
			count["gone"]++
			continue
		case c.Age > silentAfter:
			count["silent"]++
		default:
			count["heard"]++
		}
	}
	for state, n := range count {
		s.gauge(string(role)+"s", "Those that are linked with this node, by whether they are still heard.", float64(n), "state", state)
	}
}

// receiptNames are the receipts of windows in metrics.
var receiptNames = [...]string{
	stats.Merged: "merged", stats.Duplicate: "duplicate", stats.Gap: "gap", stats.Stray: "stray", stats.Broken: "broken",
}

func (s *sheet) figures(f tier.Figures) {
	for _, phase := range []hyperscale.Phase{hyperscale.Waiting, hyperscale.Running} {
		if f.Owned[phase] == 0 {
			f.Owned[phase] = 0 // a series that is always there
		}
	}
	for phase, n := range f.Owned {
		s.gauge("jobs_owned", "Jobs that this node owns, by phase.", float64(n), "phase", string(phase))
	}
	s.counter("takeovers", "Jobs that this node got from another.", f.Takeovers)
	for receipt, n := range f.Windows {
		s.counter("windows", "Windows received, by what they were judged to be.", n, "receipt", receiptNames[receipt])
	}
	s.counter("saved_bytes", "Bytes of checkpoints and results made durable.", f.Saves.Bytes)
	s.gauge("save_interval_seconds", "How far apart the checkpoints of a job are: 1, or more to keep all of them within their budget.", f.Every.Seconds())
	s.gauge("save_lag_seconds", "How long the oldest save under way has been.", f.Lag.Seconds())
	s.histogram("save_seconds", "How long it took to make a checkpoint or result durable.", f.Saves)
}

// histogram adds saves in the form that Prometheus has for histograms.
func (s *sheet) histogram(name, help string, saves tier.Saves) {
	total := uint64(0)
	for i, n := range saves.Class {
		total += n
		bound := "+Inf"
		if i < len(tier.SaveBounds) {
			bound = strconv.FormatFloat(tier.SaveBounds[i].Seconds(), 'g', -1, 64)
		}
		s.add(true, name+"_bucket", help, float64(total), []string{"le", bound})
	}
	s.add(true, name+"_sum", help, saves.Took.Seconds(), nil)
	s.add(true, name+"_count", help, float64(total), nil)
}

func (s *sheet) store(h etcdstore.Health) {
	is := func(yes bool) float64 {
		if yes {
			return 1
		}
		return 0
	}
	s.gauge("store_state", "The state that the store's member is in.", 1, "state", string(h.State))
	s.gauge("store_leader", "Whether this node leads the store.", is(h.Leader))
	s.gauge("store_bytes", "Bytes of the store's data file.", float64(h.Size))
	s.gauge("store_bytes_in_use", "Bytes of it that hold something.", float64(h.InUse))
}

func (s *sheet) pressure(p pressure) {
	for of, value := range map[string]float64{"cpu": p.cpu, "memory": p.memory, "saves": p.saves, "budget": p.budget, "latency": p.latency} {
		s.gauge("pressure", "How near the node is to having too much to do; at 0.7, 0.85 and 0.95 it takes less.", value, "of", of)
	}
	s.gauge("overload_level", "How much is refused or held back: 0 nothing … 3 all but what is critical.", float64(p.level))
}
