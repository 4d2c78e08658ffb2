package sim

import (
	"fmt"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/schedule"
)

// Rich is the first seed of worlds in which more is asked for: values that one
// workflow exports to another, searches, thresholds that end a job, loads that are
// adjusted while they run, and workflows that are cancelled alone. Worlds of seeds
// below it are as they always were.
const Rich = 1 << 20

// Single is the first seed of worlds, rich ones, in which of most jobs no two may ever
// hold a slot at once: the client asked for it, or a row may be used only once.
const Single = 5 << 20

// wish is what a client wants of its job while it runs.
type wish struct {
	after    time.Duration // since the job was accepted
	workflow string
	adjust   *hyperscale.Adjustment // nil: the workflow is to be cancelled
}

// enrich draws what more is asked for.
func (w fate) enrich(s *scenario) {
	if w.cfg.Seed < Rich {
		return
	}
	if w.cfg.Seed >= Single {
		for i := range s.faults { // long enough for leases to end
			if w.chance(0.5) {
				s.faults[i].length = w.between(8*time.Second, 30*time.Second)
			}
		}
	}
	for i := range s.jobs {
		sub := &s.jobs[i]
		for n := range sub.plan.Workflows {
			w.enrichFlow(sub.plan, n)
		}
		w.watchOver(sub.plan)
		sub.wishes = w.wishes(sub.plan)
		if w.cfg.Seed < Single {
			continue
		}
		sub.single = w.chance(0.6)
		if w.chance(0.4) {
			sub.plan.Data = append(sub.plan.Data, hyperscale.DataSet{Name: "users", Pick: hyperscale.PickUnique})
		}
	}
	if w.cfg.Seed >= Unheard {
		w.unheard(s)
	}
}

// enrichFlow may make a workflow a search, or one that uses what another exports.
func (w fate) enrichFlow(p *hyperscale.Plan, n int) {
	f := &p.Workflows[n]
	if f.Load.Kind == hyperscale.LoadOpen && w.chance(0.25) {
		f.Warmup = 0
		f.Load = hyperscale.Load{Kind: hyperscale.LoadSearch, Search: &hyperscale.Search{
			While: []hyperscale.Threshold{{Text: "errors < 6 %", Workflow: f.Name, Metric: hyperscale.MetricErrors, Op: "<", Value: 0.06}},
			From:  hyperscale.PerSecond * hyperscale.Rate(1+w.rand.IntN(5)), To: hyperscale.PerSecond * 40,
			Hold: w.between(time.Second, 3*time.Second).Truncate(time.Millisecond), Within: 0.3,
		}}
	}
	if n == 0 && w.chance(0.4) {
		f.Load, f.Warmup = hyperscale.Load{}, 0
	}
	from := w.rand.IntN(n + 1)
	if source := &p.Workflows[from]; from < n && source.Load.Kind == hyperscale.LoadOnce {
		source.Export = []string{"token"}
		f.Use = []hyperscale.Use{{Local: "mine", Workflow: source.Name, Name: "token"}}
		f.After = []hyperscale.Dependency{{Workflow: source.Name}}
	}
}

// watchOver draws a threshold.
func (w fate) watchOver(p *hyperscale.Plan) {
	if !w.chance(0.4) {
		return
	}
	th := hyperscale.Threshold{Metric: hyperscale.MetricErrors, Op: "<", Value: pick(w.world, []float64{0.02, 0.1, 0.4}), Abort: w.chance(0.6)}
	th.Text = fmt.Sprintf("errors < %v", th.Value)
	if w.chance(0.5) {
		th.Over = 2 * time.Second
	}
	if th.Abort && w.chance(0.5) {
		th.After = time.Second
	}
	p.Thresholds = append(p.Thresholds, th)
}

// wishes draws what is wanted of a job while it runs. A load that is paused is
// resumed some time later.
func (w fate) wishes(p *hyperscale.Plan) []wish {
	var list []wish
	for range w.rand.IntN(4) {
		f := pick(w.world, p.Workflows)
		x := wish{after: w.between(0, 12*time.Second), workflow: f.Name}
		if w.chance(0.2) {
			list = append(list, x)
			continue
		}
		a := hyperscale.Adjustment{Workflow: f.Name, Do: hyperscale.AdjustPause}
		switch {
		case f.Load.Kind == hyperscale.LoadOpen && w.chance(0.7):
			a.Do, a.Rate = hyperscale.AdjustRate, hyperscale.PerSecond*hyperscale.Rate(w.rand.IntN(40))
		case f.Load.Kind == hyperscale.LoadClosed && w.chance(0.7):
			a.Do, a.VUs = hyperscale.AdjustVUs, w.rand.Int64N(12)
		}
		if schedule.Adjustable(f.Load, a) != nil {
			continue
		}
		x.adjust = &a
		list = append(list, x)
		if a.Do == hyperscale.AdjustPause {
			on := hyperscale.Adjustment{Workflow: f.Name, Do: hyperscale.AdjustResume}
			list = append(list, wish{after: x.after + w.between(time.Second, 6*time.Second), workflow: f.Name, adjust: &on})
		}
	}
	return list
}

// changing is what an engine knows of the changes of its load.
type changing struct {
	made    []schedule.Change // in force
	pending []change
	heard   uint64 // number of the last
}

// change is one that is to be made, with those before it.
type change struct {
	at  hyperscale.JobTime
	all []schedule.Change
}

// heed is how long before its time an adjustment must be heard to be made in time.
const heed = 20 * time.Millisecond

// begin splits what is known at the start into what is in force and what is not yet.
func (c *changing) begin(all []schedule.Change, begin, since hyperscale.JobTime) {
	c.made, c.pending = nil, nil
	for i := range all {
		if upTo := all[: i+1 : i+1]; begin+all[i].At <= since {
			c.made = upTo
		} else {
			c.pending = append(c.pending, change{begin + all[i].At, upTo})
		}
		c.heard = all[i].Number
	}
}

// hear takes in all adjustments so far. One that comes late is made at the end of
// the window under way.
func (e *engine) hear(all []hyperscale.Adjustment) {
	e.brief.Adjustments = all
	if e.run == nil {
		return
	}
	c := &e.run.changing
	changes := schedule.Changes(all, e.hold.Workflow, e.run.begin)
	for i := range changes {
		if changes[i].Number <= c.heard {
			continue
		}
		c.heard = changes[i].Number
		at := e.run.begin + changes[i].At
		if soon := e.now() + heed; at < soon {
			e.k.w.saw("adjustment heard late")
			at = soon.Truncate(time.Second) + time.Second
		}
		c.pending = append(c.pending, change{at, changes[: i+1 : i+1]})
		e.at(e.when(at), e.turn)
	}
}

// change makes the changes whose time has come: the window under way ends there.
func (e *engine) change(now hyperscale.JobTime) {
	r := e.run
	for len(r.pending) > 0 && r.pending[0].at <= now {
		c := r.pending[0]
		r.pending = r.pending[1:]
		e.cutUpTo(c.at)
		r.made = c.all
		r.load.change(e, c)
	}
}

// number is that of the last adjustment in force.
func (c *changing) number() uint64 {
	if n := len(c.made); n > 0 {
		return c.made[n-1].Number
	}
	return 0
}

// tokenOf is what a workflow without load exports: another value at every run.
func tokenOf(e *engine) string {
	return fmt.Sprintf("%s/%s of %s %d engine %d", e.hold.Job, e.hold.Workflow, e.k.id, e.k.boot, e.id)
}

// used demands that an engine is given the value that another workflow exported,
// and all of a workflow the same one.
func (w witness) used(e *engine) {
	t := w.jobs[e.hold.Job]
	i := slices.IndexFunc(t.plan.Workflows, func(f hyperscale.Workflow) bool { return f.Name == e.hold.Workflow })
	f := &t.plan.Workflows[i]
	if len(f.Use) == 0 {
		return
	}
	use := e.brief.Use
	if len(use) != 1 || use[0].Name != f.Use[0].Local || !slices.Contains(t.tokens[f.Use[0].Workflow], use[0].Value) {
		w.fail("%s: %s is to use %+v, exported were %q", t.id, f.Name, use, t.tokens[f.Use[0].Workflow])
		return
	}
	if before := t.uses[f.Name]; before != "" && before != use[0].Value {
		w.fail("%s: some of %s use %q, others %q", t.id, f.Name, before, use[0].Value)
	}
	t.uses[f.Name] = use[0].Value
	w.saw("exported value used")
}
