package local

import (
	"context"
	"fmt"
	"math"

	"hyperscale"
	"hyperscale/internal/engine"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/job"
	"hyperscale/internal/job/account"
	"hyperscale/internal/schedule"
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
		f := &flow{Workflow: &s.plan.Workflows[i], index: i}
		program, err := s.compile(i, nil)
		if err != nil {
			return nil, err
		}
		f.origins = program.Origins
		origins = append(origins, program.Origins...)
		s.flows[f.Name] = f
	}
	// A name that is not found fails the requests that need it, and is told there.
	_ = s.names.Preload(ctx, origins...)
	descriptors, ports := engine.Limits()
	if err := s.fit(int64(descriptors), int64(ports)); err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Config{Lanes: cfg.Lanes, Names: s.names, Trace: cfg.Trace})
	if err != nil {
		return nil, fmt.Errorf("prepare the engine: %w", err)
	}
	s.engine = e
	return s, nil
}

// ownDescriptors is how many descriptors are left to everything but connections.
const ownDescriptors = 32

// fit sees to it that the connections of the plan have descriptors and local
// ports: numbers that the user wrote are refused when they cannot be had, the
// default bounds of open loads are lowered. Unknown limits (0) bound nothing.
func (s *shell) fit(descriptors, ports int64) error {
	room := int64(math.MaxInt64)
	if descriptors > 0 {
		room = max(descriptors-ownDescriptors, 1)
	}
	var written int64
	var open []*flow
	for i := range s.plan.Workflows {
		f := s.flows[s.plan.Workflows[i].Name]
		f.maxInFlight = schedule.MaxInFlight(*f.Workflow)
		users := usersOf(f.Workflow)
		if users == 0 {
			open = append(open, f)
			continue
		}
		need := users * f.connections()
		written += need
		if need > room {
			return fmt.Errorf("workflow %s needs %d descriptors for its connections, %d are allowed; raise the limit (ulimit -n) or lower the load", f.Name, need, room)
		}
		if most := s.ports(f, ports); need > most {
			return fmt.Errorf("workflow %s needs %d local ports, the system has %d towards its target; widen net.ipv4.ip_local_port_range, give the target more addresses, or lower the load", f.Name, need, most)
		}
	}
	for _, f := range open {
		left := max(room-written, 1) / int64(len(open)) / f.connections()
		// The system finds a free port quickly as long as half of them are free.
		left = max(min(left, s.ports(f, ports)/2), 1)
		if f.maxInFlight > left {
			lowered := fmt.Sprintf("%s: max-in-flight is lowered from %d to %d: descriptors (ulimit -n) and local ports allow no more", f.Name, f.maxInFlight, left)
			s.account.Lowered(f.Name, lowered)
			if s.cfg.Warn != nil {
				s.cfg.Warn(lowered)
			}
			f.maxInFlight = left
		}
	}
	return nil
}

// connections is how many connections one VU may hold: to each of its origins as
// many as it has requests in flight at once.
func (f *flow) connections() int64 {
	return width(f.Steps) * int64(max(len(f.origins), 1))
}

// ports is how many connections the system has local ports for towards the
// addresses that f's requests go to.
func (s *shell) ports(f *flow, perAddress int64) int64 {
	var addresses int64
	for _, o := range f.origins {
		addresses += int64(s.names.Of(o).Addresses())
	}
	if perAddress == 0 || addresses == 0 {
		return math.MaxInt64 // unknown, or made up by the plan as it goes
	}
	return perAddress * addresses
}

// usersOf is how many VUs the plan asks for in so many words; 0: it leaves that
// to a default.
func usersOf(w *hyperscale.Workflow) int64 {
	switch w.Load.Kind {
	case hyperscale.LoadClosed:
		return schedule.NewUsers(w.Load).Peak()
	case hyperscale.LoadOpen, hyperscale.LoadSearch:
		return w.Load.MaxInFlight
	}
	return schedule.NewIterations(w.Load).VUs
}

// width is how many requests of one VU may be in flight at once.
func width(steps []hyperscale.Step) int64 {
	sum, most, line := int64(0), int64(1), true
	for i := range steps {
		st := &steps[i]
		n := int64(1)
		switch st.Kind {
		case hyperscale.StepGroup:
			n = width(st.Steps)
		case hyperscale.StepParallel:
			n = 0
			for j := range st.Steps {
				n += width(st.Steps[j : j+1])
			}
		case hyperscale.StepChoose:
			for _, c := range st.Choices {
				n = max(n, width(c.Steps))
			}
		}
		sum, most = sum+n, max(most, n)
		if i > 0 && !(len(st.Needs) == 1 && st.Needs[0] == i-1) {
			line = false
		}
	}
	if line {
		return most
	}
	return max(sum, 1)
}
