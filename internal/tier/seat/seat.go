// Package seat is where the owner of a job sits at a node: it turns what the owner
// decides into what the node and the placer understand. It is pure; the goroutine
// of a job, or a simulator, gives it events and carries out what comes back.
package seat

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/place"
	"hyperscale/internal/route"
	"hyperscale/internal/spec"
	"hyperscale/internal/tier/node"
)

// Config is what a seat is made of.
type Config struct {
	Job       hyperscale.JobID
	Epoch     hyperscale.Epoch
	Plan      *hyperscale.Plan
	Priority  link.Priority
	Exclusive bool
	Client    string // whose job it is
	Cores     int    // for each workflow; 0: as many as its load asks for
	// Across is how the job runs over datacenters, at a gate; nil: its children are workers.
	Across *hyperscale.Across
	// Brief makes what an engine is given. It is a pure function.
	Brief func(p *owner.Prepare, cores int) ([]byte, error)
}

// Seat is one job's.
type Seat struct {
	cfg    Config
	owner  *owner.Owner
	length map[string]time.Duration // for how long the plan holds the cores of a workflow; 0: it does not say
	wants  []link.Want
	runs   []link.Run
}

// New is a seat with its owner in it.
func New(cfg Config, o *owner.Owner) *Seat {
	s := &Seat{cfg: cfg, owner: o, length: map[string]time.Duration{}}
	for _, span := range job.Timeline(cfg.Plan) {
		if !span.Open {
			s.length[span.Workflow] = span.End - span.Start
		}
	}
	return s
}

// Owner is who sits here.
func (s *Seat) Owner() *owner.Owner { return s.owner }

// Room is what there is in the datacenter.
type Room struct{ Workers, Cores int }

// Step gives the owner an event. What comes back is for the node, and to be done:
// in this order, first the one and then the other.
func (s *Seat) Step(now time.Duration, ev owner.Event) (tell []node.Event, do []owner.Effect) {
	var broken []owner.Event
	for _, e := range s.owner.Step(now, ev) {
		t, ok := e.(owner.Tell)
		if !ok {
			do = append(do, e)
			continue
		}
		if t.Prepare != nil {
			brief, err := s.cfg.Brief(t.Prepare, t.Order.Cores)
			if err != nil {
				broken = append(broken, owner.Unbriefed{Hold: t.Order.Hold, Reason: err.Error()})
				continue
			}
			t.Order.Brief, t.Order.Client = brief, s.cfg.Client
		}
		if t.Adjust != nil {
			t.Order.Brief = spec.Adjustments{List: t.Adjust}.Encode()
		}
		tell = append(tell, node.JobTells{Job: s.cfg.Job, To: t.To, Order: t.Order})
	}
	for _, ev := range broken {
		more, moreDo := s.Step(now, ev)
		tell, do = append(tell, more...), append(do, moreDo...)
	}
	return tell, do
}

// Want is what the job wants of the cores and runs, if that changed since it was asked
// for; else nil. It is to be asked for after events: not after each of many that come
// together, for it names all holders, of which there may be thousands.
func (s *Seat) Want(room Room) *node.JobWants {
	var wants []link.Want
	var wishes []route.Wish
	for _, w := range s.owner.Wants() {
		want := s.wantOf(w, room)
		wants = append(wants, want)
		if s.cfg.Across != nil {
			wishes = append(wishes, s.wishOf(w, want))
		}
	}
	var runs []link.Run
	for _, r := range s.owner.Runs() {
		runs = append(runs, link.Run{Job: s.cfg.Job, Workflow: r.Workflow, Exclusive: s.cfg.Exclusive, Left: r.Left.Truncate(time.Second)})
	}
	if s.owner.Begun() {
		runs = append(runs, link.Run{Job: s.cfg.Job, Exclusive: s.cfg.Exclusive})
	}
	if slices.EqualFunc(wants, s.wants, sameWant) && slices.Equal(runs, s.runs) {
		return nil
	}
	s.wants, s.runs = wants, runs
	return &node.JobWants{Job: s.cfg.Job, Wants: wants, Runs: runs, Wishes: wishes}
}

// wishOf is where a want may be granted, for all of its workflows together.
func (s *Seat) wishOf(w owner.Want, want link.Want) route.Wish {
	wish := route.WishOf(*s.cfg.Across, s.cfg.Plan, s.owner.Begun())
	load := false
	for i, cores := range want.Workflows {
		wish.Least, wish.Most = wish.Least+cores.Least, wish.Most+cores.Most
		wish.Cover = wish.Cover || w.Workflows[i].Cores > 0
		load = load || s.workflow(cores.Workflow).Load.Kind != hyperscale.LoadOnce
	}
	switch {
	case s.cfg.Across.Copies() > 0:
		s.copies(w, &wish)
	case !load && len(wish.Datacenters)+wish.Count > 1:
		wish.Count = 1 // in however many the loads that follow are to run
	}
	for _, h := range want.Exclude {
		wish.Excluded = append(wish.Excluded, string(h.Node))
	}
	for _, node := range want.Prefer {
		wish.Current = append(wish.Current, string(node))
	}
	return wish
}

// copies lets a wish be for the datacenters that have the copies, once they do; before
// that as many of them are chosen as there are copies.
func (s *Seat) copies(w owner.Want, wish *route.Wish) {
	var at []string
	for _, c := range w.Workflows {
		if name := string(c.At); name != "" && !slices.Contains(at, name) {
			at = append(at, name)
		}
	}
	if len(at) > 0 && !slices.ContainsFunc(w.Workflows, func(c owner.WantCores) bool { return c.At == "" }) {
		wish.Datacenters, wish.Count = at, 0
		return
	}
	wish.AllowPartial, wish.Count, wish.Current = false, s.cfg.Across.Copies(), at
}

func sameWant(a, b link.Want) bool {
	return a.Number == b.Number && slices.Equal(a.Workflows, b.Workflows) && slices.Equal(a.Exclude, b.Exclude)
}

// wantOf says how many cores a want is for.
func (s *Seat) wantOf(w owner.Want, room Room) link.Want {
	want := link.Want{
		Job: s.cfg.Job, Epoch: s.cfg.Epoch, Number: w.Number, Priority: s.cfg.Priority, Exclusive: s.cfg.Exclusive,
		Exclude: w.Exclude, Prefer: w.Prefer, OrNever: w.OrNever,
	}
	for _, c := range w.Workflows {
		if slices.ContainsFunc(want.Workflows, func(w link.WorkflowCores) bool { return w.Workflow == c.Workflow }) {
			continue // for another copy: each datacenter has so many
		}
		want.Length = max(want.Length, s.length[c.Workflow])
		cores := link.WorkflowCores{Workflow: c.Workflow, Least: c.Least, Most: c.Cores}
		switch {
		case c.Cores > 0:
		case c.Part.Of > 1:
			cores.Least, cores.Most = partOf(*s.workflow(c.Workflow), c.Part)
		case s.cfg.Cores > 0:
			cores.Least = min(s.cfg.Cores, place.Bound(*s.workflow(c.Workflow)))
			cores.Most = cores.Least
		default:
			cores.Least, cores.Most = place.Estimate(*s.workflow(c.Workflow), room.Workers, room.Cores)
		}
		want.Workflows = append(want.Workflows, cores)
	}
	return want
}

// partOf is how many cores a part of a workflow's load asks for: as many as the part is
// wide, and at least its part of what all of the load needs.
func partOf(w hyperscale.Workflow, part hyperscale.Share) (least, most int) {
	most = int(min(part.Width(), 1<<31-1))
	need := (int64(place.Need(w))*part.Width() + part.Of - 1) / part.Of
	return int(min(max(need, 1), int64(most))), most
}

func (s *Seat) workflow(name string) *hyperscale.Workflow {
	for i := range s.cfg.Plan.Workflows {
		if s.cfg.Plan.Workflows[i].Name == name {
			return &s.cfg.Plan.Workflows[i]
		}
	}
	panic("seat: no workflow " + name)
}
