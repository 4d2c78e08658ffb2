package prepare

import (
	"fmt"
	"math"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/schedule"
)

// Limits is what the system allows this process. An unknown one (0) bounds
// nothing.
type Limits struct {
	Descriptors int64
	Ports       int64 // local ports towards one address
}

// ownDescriptors is how many descriptors are left to everything but connections.
const ownDescriptors = 32

// Fit sees to it that the connections of flows which run side by side have
// descriptors and local ports: numbers that the user wrote are refused when they
// cannot be had, the default bounds of open loads are lowered.
func Fit(flows []*Flow, names *dial.Names, limits Limits) error {
	f := fit{names: names, room: math.MaxInt64, ports: limits.Ports}
	if limits.Descriptors > 0 {
		f.room = max(limits.Descriptors-ownDescriptors, 1)
	}
	var open []*Flow
	for _, flow := range flows {
		flow.MaxInFlight = schedule.MaxInFlight(*flow.Workflow)
		users := flow.users()
		if users == 0 {
			open = append(open, flow)
			continue
		}
		if err := f.demand(flow, users*flow.connections()); err != nil {
			return err
		}
	}
	for _, flow := range open {
		left := max(f.room-f.written, 1) / int64(len(open)) / flow.connections()
		// The system finds a free port quickly as long as half of them are free.
		flow.lower(max(min(left, f.portsOf(flow)/2), 1))
	}
	return nil
}

// fit is what flows are held against.
type fit struct {
	names   *dial.Names
	room    int64 // for connections
	ports   int64 // towards one address; 0: unknown
	written int64 // connections of flows whose numbers the user wrote
}

// demand refuses connections that cannot be had.
func (f *fit) demand(flow *Flow, need int64) error {
	f.written += need
	if need > f.room {
		return fmt.Errorf("workflow %s needs %d descriptors for its connections, %d are allowed; raise the limit (ulimit -n) or lower the load", flow.Name, need, f.room)
	}
	if most := f.portsOf(flow); need > most {
		return fmt.Errorf("workflow %s needs %d local ports, the system has %d towards its target; widen net.ipv4.ip_local_port_range, give the target more addresses, or lower the load", flow.Name, need, most)
	}
	return nil
}

// portsOf is how many connections the system has local ports for towards the
// addresses that a flow's requests go to.
func (f *fit) portsOf(flow *Flow) int64 {
	var addresses int64
	for _, o := range flow.Origins {
		addresses += int64(f.names.Of(o).Addresses())
	}
	if f.ports == 0 || addresses == 0 {
		return math.MaxInt64 // unknown, or made up by the plan as it goes
	}
	return f.ports * addresses
}

// lower bounds the arrivals in progress here, if more of them would be allowed.
func (f *Flow) lower(here int64) {
	share := f.share()
	if share.Count(f.MaxInFlight) <= here {
		return
	}
	whole := here * share.Of / share.Width()
	for share.Count(whole) > here {
		whole--
	}
	f.Lowered = fmt.Sprintf("%s: max-in-flight is lowered from %d to %d: descriptors (ulimit -n) and local ports allow no more", f.Name, f.MaxInFlight, whole)
	f.MaxInFlight = whole
}

func (f *Flow) share() hyperscale.Share {
	if f.Share == (hyperscale.Share{}) {
		return hyperscale.Whole
	}
	return f.Share
}

// connections is how many connections one VU may hold: to each of its origins as
// many as it has requests in flight at once.
func (f *Flow) connections() int64 {
	return width(f.Steps) * int64(max(len(f.Origins), 1))
}

// users is how many VUs the plan asks for here in so many words; 0: it leaves
// that to a default.
func (f *Flow) users() int64 {
	share := f.share()
	switch f.Load.Kind {
	case hyperscale.LoadClosed:
		return share.Count(schedule.NewUsers(f.Load).Peak())
	case hyperscale.LoadOpen, hyperscale.LoadSearch:
		if f.Load.MaxInFlight == 0 {
			return 0
		}
		return max(share.Count(f.Load.MaxInFlight), 1)
	}
	work := schedule.NewIterations(f.Load)
	share, _ = work.Share(share)
	return max(share.Count(work.VUs), 1)
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
