package spec

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/schedule"
	"hyperscale/internal/session"
	"hyperscale/internal/spec/pack"
)

// Brief is what one engine needs to run one share of one workflow.
type Brief struct {
	Plan *hyperscale.Plan // of its workflows only the one, of all else what that needs
	Rows Rows             // of the plan's data sets, those that the share can take
	Run
}

// Workflow is the one that is run.
func (b *Brief) Workflow() *hyperscale.Workflow { return &b.Plan.Workflows[0] }

// Run says what is run of a workflow. Times are job times.
type Run struct {
	Share       hyperscale.Share // From: arrivals due earlier are not this turn's, virtual users begin then
	Lanes       int              // cores
	Load        hyperscale.Load
	First       hyperscale.Slot // number of an open load's first slot: of a probe
	Warmup      time.Duration
	Graceful    time.Duration
	Use         []hyperscale.Pair // values that the workflow takes over from others
	MaxLateness time.Duration     // an arrival later than this is missed; 0: none is
	Version     string            // of hyperscale, for the User-Agent

	// Place and Pass are where the load goes on, when another had the share
	// before: see [hyperscale/internal/engine.Reserve].
	Place, Pass int64
	Adjustments []hyperscale.Adjustment // made so far, in order
}

// Flow is one workflow of a plan, cut out of it: the part of a brief that all
// shares have in common.
type Flow struct {
	plan   *hyperscale.Plan
	rows   Rows
	packed []byte
}

// Cut cuts a workflow out of a plan: its steps, and the variables and data sets
// that it uses. The error says why the workflow can't be compiled.
func Cut(plan *hyperscale.Plan, workflow string, rows Rows) (*Flow, error) {
	at := slices.IndexFunc(plan.Workflows, func(w hyperscale.Workflow) bool { return w.Name == workflow })
	if at < 0 {
		return nil, fmt.Errorf("brief: the plan has no workflow %q", workflow)
	}
	whole := *plan
	if whole.Target == DemoTarget {
		whole.Target = "http://127.0.0.1" // each node has its own
	}
	program, err := session.Compile(&whole, at, session.Inputs{Rows: rows})
	if err != nil {
		return nil, fmt.Errorf("brief: %w", err)
	}
	p := &hyperscale.Plan{Name: plan.Name, Target: plan.Target, Seed: plan.Seed, Deadline: plan.Deadline}
	p.Workflows = plan.Workflows[at : at+1 : at+1]
	p.Env = used(plan.Env, program, "env.")
	p.Vars = used(plan.Vars, program, "")
	for _, d := range plan.Data {
		if slices.Contains(program.ValueNames, d.Name) {
			p.Data = append(p.Data, d)
		}
	}
	w := p.Workflows[0]
	w.After = nil // they ended; their values are in Use
	p.Workflows = []hyperscale.Workflow{w}
	return &Flow{plan: p, rows: rows, packed: pack.Append(nil, p)}, nil
}

// used gives the pairs that a workflow's templates name.
func used(pairs []hyperscale.Pair, program *session.Program, prefix string) []hyperscale.Pair {
	var some []hyperscale.Pair
	for _, p := range pairs {
		if slices.Contains(program.ValueNames, prefix+p.Name) {
			some = append(some, p)
		}
	}
	return some
}

// Brief gives the bytes of a brief. The error is that of reading the rows, or
// that it is too large.
func (f *Flow) Brief(run Run) ([]byte, error) {
	b := appendPart(append(make([]byte, 0, len(f.packed)+512), briefFormat), f.packed)
	b = appendPart(b, pack.Append(nil, run))
	for i := range f.plan.Data {
		d := &f.plan.Data[i]
		var err error
		if b, err = appendTable(b, d, f.rows[d.Name], taken(d, run)); err != nil {
			return nil, fmt.Errorf("brief of %s: %w", f.plan.Workflows[0].Name, err)
		}
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("brief of %s: it has %s, at most %s are taken", f.plan.Workflows[0].Name, size(int64(len(b))), size(MaxBytes))
	}
	return b, nil
}

// taken chooses the rows of a data set that the slots of a share can take;
// nil: any. Adjustments that are still to come do not change it: they move no
// slot to another share. Of a closed load whose virtual users become more than
// the plan has at its peak the additional ones find no row of their own.
func taken(d *hyperscale.DataSet, run Run) iter.Seq[int64] {
	share, load := run.Share, run.Load
	if share.Width() == share.Of {
		return nil
	}
	round := int64(0) // slots of a pass, of loads with passes
	switch load.Kind {
	case hyperscale.LoadClosed:
		round = schedule.NewUsers(load).Peak()
	case hyperscale.LoadOpen:
	default:
		work := schedule.NewIterations(load)
		var some bool
		if share, some = work.Share(share); !some {
			return upTo(0)
		}
		if load.Kind == hyperscale.LoadEach {
			round = work.VUs
		}
	}
	switch {
	case d.Pick == hyperscale.PickUnique && round > 0:
		return passes(share, round, d.Rows)
	case d.Pick == hyperscale.PickUnique,
		d.Pick == hyperscale.PickShared && round == 0 && d.Rows%share.Of == 0,
		d.Pick == hyperscale.PickByVU && load.Kind == hyperscale.LoadClosed && round <= d.Rows:
		return passes(share, d.Rows, d.Rows)
	}
	return nil
}

// passes gives the row numbers below rows that the slots of a share take in
// passes of so many slots.
func passes(share hyperscale.Share, round, rows int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		held := share.Count(round)
		if held == 0 {
			return
		}
		for first := int64(0); first < rows; first += round {
			for k := range held {
				if n := first + int64(share.At(k)); n >= rows || !yield(n) {
					return
				}
			}
		}
	}
}

// DecodeBrief reads a brief, all of b. It is checked as far as running it needs.
func DecodeBrief(b []byte) (*Brief, error) {
	brief, err := decodeBrief(b)
	if err != nil {
		return nil, fmt.Errorf("read brief: %w", err)
	}
	return brief, nil
}

func decodeBrief(b []byte) (*Brief, error) {
	c, err := begin(b, briefFormat)
	if err != nil {
		return nil, err
	}
	brief := &Brief{Plan: new(hyperscale.Plan)}
	plan, run := c.Bytes(), c.Bytes()
	if c.Err() != nil {
		return nil, c.Err()
	}
	if err := pack.Decode(plan, brief.Plan, maxMemory); err != nil {
		return nil, err
	}
	if err := pack.Decode(run, &brief.Run, maxMemory); err != nil {
		return nil, err
	}
	if err := brief.check(); err != nil {
		return nil, err
	}
	brief.Rows = c.tables(brief.Plan)
	return brief, c.End()
}

// More cores than any machine has, and any placement.
const (
	mostLanes = 1 << 12
	mostCores = 1 << 31
)

// check refuses what can't be run.
func (b *Brief) check() error {
	// The values of other workflows came along; those workflows did not.
	alone := *b.Plan
	alone.Workflows = slices.Clone(b.Plan.Workflows)
	for i := range alone.Workflows {
		alone.Workflows[i].Use = nil
	}
	if err := Check(&alone); err != nil {
		return err
	}
	switch {
	case len(b.Plan.Workflows) != 1:
		return fmt.Errorf("a brief of %d workflows", len(b.Plan.Workflows))
	case b.Lanes < 1 || b.Lanes > mostLanes:
		return fmt.Errorf("%d lanes", b.Lanes)
	}
	return b.checkRun()
}

// checkRun refuses what can't be run of any workflow.
func (r *Run) checkRun() error {
	switch {
	case !r.Share.Valid(), r.Share.Of > mostCores, !within(r.Share.From, 0, longest):
		return fmt.Errorf("share [%d,%d)/%d from %v", r.Share.Lo, r.Share.Hi, r.Share.Of, r.Share.From)
	case r.First < 0, r.Place < 0, r.Pass < 0:
		return fmt.Errorf("first slot %d, place %d, pass %d", r.First, r.Place, r.Pass)
	case !within(r.Warmup, 0, longest), !within(r.Graceful, 0, longest), !within(r.MaxLateness, 0, longest):
		return fmt.Errorf("warmup %v, graceful %v, max-lateness %v", r.Warmup, r.Graceful, r.MaxLateness)
	case r.Load.Kind == hyperscale.LoadSearch:
		return fmt.Errorf("a search is run probe by probe")
	}
	if err := checkAdjustments(r.Adjustments); err != nil {
		return err
	}
	return CheckLoad(&r.Load)
}
