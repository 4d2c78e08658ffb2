package tier

import (
	"encoding/json"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/spec"
)

// briefing is what makes briefs for those who run a job.
func (t *Tier) briefing(plan *hyperscale.Plan, rows spec.Rows, content []byte, head own.Head, how options) (func(*owner.Prepare, int) ([]byte, error), error) {
	if t.bundle == nil {
		return (&briefs{plan: plan, rows: rows, flows: map[string]*spec.Flow{}, version: t.cfg.Version, late: t.cfg.MaxLate}).make, nil
	}
	a, err := newAssigning(content, head, how)
	if err != nil {
		return nil, err
	}
	return a.make, nil
}

// briefs makes what engines are given; the part that all shares of a workflow have
// in common is cut out of the plan once.
type briefs struct {
	plan    *hyperscale.Plan
	rows    spec.Rows
	flows   map[string]*spec.Flow
	version string
	late    time.Duration
}

func (b *briefs) make(p *owner.Prepare, cores int) ([]byte, error) {
	flow := b.flows[p.Workflow]
	if flow == nil {
		var err error
		if flow, err = spec.Cut(b.plan, p.Workflow, b.rows); err != nil {
			return nil, err
		}
		b.flows[p.Workflow] = flow
	}
	return flow.Brief(spec.Run{
		Share: p.Share, Lanes: cores, Load: p.Load, First: p.First, Warmup: p.Warmup, Graceful: p.Graceful, Use: p.Use,
		MaxLateness: b.late, Version: b.version, Place: p.From.Place, Pass: p.From.Pass, Adjustments: p.Adjustments,
	})
}

// assigning makes what datacenters are given of a job: each time all that they have to
// know of it, for each may be told first.
type assigning struct {
	content []byte // of the submission
	origin  []byte
}

// newAssigning is for a job that a gate leads.
func newAssigning(content []byte, head own.Head, how options) (*assigning, error) {
	led, err := json.Marshal(options{Led: true, Priority: how.Priority, Exclusive: how.Exclusive, OneHolder: how.OneHolder, Tags: how.Tags})
	if err != nil {
		return nil, err
	}
	origin, err := json.Marshal(own.Origin{
		Name: head.Name, Client: head.Client, Priority: head.Priority, Options: led, Submitted: head.Submitted,
	})
	if err != nil {
		return nil, err
	}
	return &assigning{content: content, origin: origin}, nil
}

// make is the counterpart of [prepareOf]. How many cores a part is for it says by how wide
// it is.
func (a *assigning) make(p *owner.Prepare, _ int) ([]byte, error) {
	part := spec.Assignment{Spec: a.content, Origin: a.origin, Part: spec.Part{
		Workflow: p.Workflow, Begun: p.Begun, Begin: p.Begin, Group: p.Group, Parts: p.Parts,
		Run: spec.Run{
			Share: p.Share, Load: p.Load, First: p.First, Warmup: p.Warmup, Graceful: p.Graceful, Use: p.Use,
			Place: p.From.Place, Pass: p.From.Pass, Adjustments: p.Adjustments,
		},
	}}
	return part.Encode(), nil
}

// assignable refuses a submission that does not fit into what datacenters are given.
func (t *Tier) assignable(content []byte) error {
	if most := spec.MaxBytes - spec.Room; t.bundle != nil && len(content) > most {
		return rpc.InvalidField("spec", "it has %d bytes, and a gate takes at most %d, for datacenters are given it with all that they need beside; "+
			"less data, or a job for each datacenter at a manager of it, will do", len(content), most)
	}
	return nil
}
