package local

import (
	"context"
	"fmt"

	"hyperscale/internal/engine"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/job"
	"hyperscale/internal/job/account"
	"hyperscale/internal/prepare"
	"hyperscale/internal/session"
)

// newShell checks what can be checked before the first request and makes all
// that the run needs.
func newShell(ctx context.Context, cfg Config) (*shell, error) {
	p := *cfg.Plan
	if p.Deadline == 0 {
		p.Deadline = job.DefaultDeadline(&p)
	}
	s := &shell{
		cfg: cfg, plan: &p,
		job:     job.New(&p),
		account: account.New(&p),
		flows:   map[string]*flow{},
		legs:    map[int]*leg{},
		names:   dial.NewNames(),
	}
	var origins []*session.Origin
	for i := range s.plan.Workflows {
		f := &flow{Flow: &prepare.Flow{Workflow: &s.plan.Workflows[i], Share: cfg.Share}, index: i}
		program, err := s.compile(i, nil)
		if err != nil {
			return nil, err
		}
		f.Origins = program.Origins
		origins = append(origins, program.Origins...)
		s.flows[f.Name] = f
	}
	// A name that is not found fails the requests that need it, and is told there.
	_ = s.names.Preload(ctx, origins...)
	if err := s.fit(); err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Config{Lanes: cfg.Lanes, Names: s.names, Trace: cfg.Trace})
	if err != nil {
		return nil, fmt.Errorf("prepare the engine: %w", err)
	}
	s.engine = e
	return s, nil
}

// fit holds the workflows against what this machine allows, and says what it
// can't give.
func (s *shell) fit() error {
	var flows []*prepare.Flow
	for i := range s.plan.Workflows {
		flows = append(flows, s.flows[s.plan.Workflows[i].Name].Flow)
	}
	descriptors, ports := engine.Limits()
	if err := prepare.Fit(flows, s.names, prepare.Limits{Descriptors: int64(descriptors), Ports: int64(ports)}); err != nil {
		return err
	}
	for _, f := range flows {
		if f.Lowered == "" {
			continue
		}
		s.account.Lowered(account.Lowering{Workflow: f.Name, How: f.Lowered})
		if s.cfg.Warn != nil {
			s.cfg.Warn(f.Lowered)
		}
	}
	return nil
}
