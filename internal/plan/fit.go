package plan

import (
	"math"
	"net/url"
	"strings"

	"hyperscale"
	"hyperscale/internal/schedule"
)

// Limits is what the machine allows a run. A zero is not known and bounds
// nothing.
type Limits struct {
	Descriptors int64 // of this process
	Ports       int64 // local ports towards one address
	Lanes       int64 // threads that send
	Memory      int64 // bytes
}

// ownDescriptors is how many descriptors are left to everything but connections.
const ownDescriptors = 64

// room is how many connections all workflows together have descriptors for.
func (l Limits) room() int64 {
	if l.Descriptors == 0 {
		return math.MaxInt64
	}
	return max(l.Descriptors-ownDescriptors, 1)
}

// ports is how many connections one workflow has local ports for, if each of its
// origins has one address.
func (l Limits) ports(n Need) int64 {
	if l.Ports == 0 {
		return math.MaxInt64
	}
	return product(l.Ports, n.origins)
}

// Need is what a workflow takes of the machine at most.
type Need struct {
	Workflow    string
	VUs         int64 // of an open load arrivals in progress
	Given       bool  // the plan says how many; otherwise it is a default, which is lowered to what there is room for
	Lowered     int64 // the default before it was lowered; 0: it was not
	PerVU       int64 // connections: to each origin as many as requests may be in flight at once
	Connections int64

	origins int64
}

// Needs is what each workflow takes, in the plan's order: numbers that the plan
// gives as they are, default bounds of open loads lowered to the room that the
// others leave, and to half of the ports, as long as which are free the system
// finds one quickly.
func Needs(p *hyperscale.Plan, limits Limits) []Need {
	all := make([]Need, len(p.Workflows))
	room, open := limits.room(), int64(0)
	for i := range all {
		all[i] = needOf(p, &p.Workflows[i])
		if all[i].Given {
			room = max(room-all[i].Connections, 1)
		} else {
			open++
		}
	}
	for i := range all {
		n := &all[i]
		fits := max(min(room/max(open, 1)/n.PerVU, limits.ports(*n)/2), 1)
		if !n.Given && n.VUs > fits {
			n.Lowered, n.VUs = n.VUs, fits
		}
		n.Connections = product(n.VUs, n.PerVU)
	}
	return all
}

// needOf is what a workflow takes without any limit.
func needOf(p *hyperscale.Plan, w *hyperscale.Workflow) Need {
	n := Need{Workflow: w.Name, Given: true, origins: int64(max(len(originsOf(p, w)), 1))}
	n.PerVU = width(w.Steps) * n.origins
	switch w.Load.Kind {
	case hyperscale.LoadOpen, hyperscale.LoadSearch:
		n.VUs, n.Given = schedule.MaxInFlight(*w), w.Load.MaxInFlight > 0
	case hyperscale.LoadClosed:
		n.VUs = schedule.NewUsers(w.Load).Peak()
	default:
		n.VUs = schedule.NewIterations(w.Load).VUs
	}
	n.Connections = product(n.VUs, n.PerVU)
	return n
}

// product is a × b, at most the largest number.
func product(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}

// width is how many requests of one VU may be in flight at once.
func width(steps []hyperscale.Step) int64 {
	sum, most, line := int64(0), int64(1), true
	for i := range steps {
		n := widthOf(&steps[i])
		sum, most = sum+n, max(most, n)
		if i > 0 && (len(steps[i].Needs) != 1 || steps[i].Needs[0] != i-1) {
			line = false
		}
	}
	if line {
		return most
	}
	return max(sum, 1)
}

// widthOf is width of one step.
func widthOf(s *hyperscale.Step) int64 {
	n := int64(1)
	switch s.Kind {
	case hyperscale.StepGroup:
		return width(s.Steps)
	case hyperscale.StepParallel:
		n = 0
		for i := range s.Steps {
			n += widthOf(&s.Steps[i])
		}
	case hyperscale.StepChoose:
		for _, c := range s.Choices {
			n = max(n, width(c.Steps))
		}
	}
	return n
}

// eachRequest calls do for every request of steps.
func eachRequest(steps []hyperscale.Step, do func(*hyperscale.Step)) {
	for i := range steps {
		s := &steps[i]
		if s.Kind == hyperscale.StepRequest {
			do(s)
		}
		eachRequest(s.Steps, do)
		for _, c := range s.Choices {
			eachRequest(c.Steps, do)
		}
	}
}

// originsOf is the scheme and host of every request of a workflow, as far as
// they are known before the start: a VU keeps a connection to each.
func originsOf(p *hyperscale.Plan, w *hyperscale.Workflow) map[string]bool {
	origins := map[string]bool{}
	eachRequest(w.Steps, func(s *hyperscale.Step) {
		target := s.Request.URL
		if !strings.Contains(target, "://") {
			target = p.Target
		}
		origin := target
		if u, err := url.Parse(target); err == nil && u.Host != "" {
			origin = strings.ToLower(u.Scheme + "://" + u.Host)
		}
		origins[origin] = true
	})
	return origins
}
