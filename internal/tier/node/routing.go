package node

import (
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/route"
)

// routing is what gives the jobs of a gate what they want: cores in datacenters, as its
// router chooses them. Each gate chooses for its own jobs, at once; there is no queue, for
// in a datacenter its placer makes them wait. A nil one is of a node that is no gate.
type routing struct {
	*route.Router
	changed []hyperscale.JobID // jobs whose wants are to be answered
}

// DatacenterBoot is the only start of a datacenter.
const DatacenterBoot hyperscale.Boot = 1

// refuseAfter is for how many beats a job waits that no datacenter can run, before it is
// refused: some may be about to be heard.
const refuseAfter = 10

// unknownFor is how long it waits while no datacenter is known at all.
const unknownFor = time.Hour

// step tells the router something, and people what it found.
func (r *routing) step(n *Node, ev route.Event) {
	if r == nil {
		return
	}
	for _, note := range r.Step(n.now, ev) {
		n.do(Noted{note})
	}
}

// expect notes that there should be a datacenter.
func (r *routing) expect(n *Node, child hyperscale.NodeID) {
	r.step(n, route.Expected{Datacenter: string(child)})
}

// note notes that what a job wants may have changed.
func (r *routing) note(job hyperscale.JobID) {
	if r != nil {
		r.changed = append(r.changed, job)
	}
}

// beat lets the router see time pass, and answers all again: who waits may not have to
// any more.
func (r *routing) beat(n *Node) {
	if r == nil {
		return
	}
	r.step(n, route.Tick{})
	r.changed = n.Jobs()
}

// room is what all datacenters have together that something can run in.
func (r *routing) room(now time.Duration) (workers, cores int) {
	for _, d := range r.Datacenters(now) {
		if d.Class() != route.Unhealthy {
			workers, cores = workers+d.Workers, cores+d.Cores
		}
	}
	return workers, cores
}

// lets reports whether a datacenter of which nothing is heard may be given up now. It is
// cut off then, if those who hear nothing of it are most of the gates.
func (r *routing) lets(n *Node, child hyperscale.NodeID) bool {
	if r == nil {
		return true
	}
	if ok, _ := r.Evacuate(n.now, string(child)); !ok {
		return false
	}
	if 2*(len(n.peers)+1) > len(n.parents) {
		r.step(n, route.Cut{Datacenter: string(child)})
	}
	return true
}

// healed notes that a datacenter that was given up is heard again.
func (r *routing) healed(n *Node, child hyperscale.NodeID) {
	r.step(n, route.Healed{Datacenter: string(child)})
}

// answer answers what the jobs here want.
func (r *routing) answer(n *Node) {
	if r == nil || len(r.changed) == 0 {
		return
	}
	slices.Sort(r.changed)
	for _, name := range slices.Compact(r.changed) {
		if j := n.jobs[name]; j != nil {
			for i, w := range j.wants {
				n.do(ToJob{name, r.choose(n, j, w, j.where[i])})
			}
		}
	}
	r.changed = nil
}

// choose is the answer to one want.
func (r *routing) choose(n *Node, j *job, want link.Want, wish route.Wish) owner.Event {
	wish.Held = n.now - j.here
	choice := r.Choose(n.now, wish)
	if choice.Refused != "" {
		patience := refuseAfter * n.cfg.Beat
		if len(choice.Table) == 0 {
			patience = unknownFor
		}
		if n.now-j.since[want.Number] < patience || wish.Cover {
			return owner.Queued{Want: want.Number, Waiting: link.Waiting{Why: choice.Refused}}
		}
		return owner.Denied{Want: want.Number, Reason: choice.Refused}
	}
	granted := owner.Granted{Want: want.Number, Cores: map[string][]link.Cores{}}
	divide := choice.Divide
	if wish.Replicate {
		divide = choice.Repeat
	}
	for i, parts := range divide(needs(want)) {
		var cores []link.Cores
		for _, p := range parts {
			cores = append(cores, link.Cores{Holder: link.Holder{Node: hyperscale.NodeID(p.Datacenter), Boot: DatacenterBoot}, N: p.Cores})
		}
		granted.Cores[want.Workflows[i].Workflow] = cores
	}
	granted.Said = append(granted.Said, hyperscale.Event{What: "routed", Detail: strings.Join(choice.Lines(), "\n")})
	for _, note := range choice.Notes {
		granted.Said = append(granted.Said, hyperscale.Event{What: note.What, Node: hyperscale.NodeID(note.Datacenter), Detail: note.Detail})
	}
	return granted
}

// needs is what each workflow of a want needs, and has use for.
func needs(want link.Want) []route.Need {
	var list []route.Need
	for _, w := range want.Workflows {
		list = append(list, route.Need{Least: w.Least, Most: w.Most})
	}
	return list
}
