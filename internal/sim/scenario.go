package sim

import (
	"fmt"
	"time"

	"hyperscale"
)

// scenario is what the seed drew: who is there, what is submitted, what goes wrong.
type scenario struct {
	managers, workers, cores int
	jobs                     []submission
	faults                   []fault
	calm                     bool // nothing goes wrong
}

// submission is a job that a client wants.
type submission struct {
	at     time.Duration
	plan   *hyperscale.Plan
	twice  bool          // to another manager too
	cancel time.Duration // after the submission; 0: never
	wishes []wish
	single bool // no two may hold a slot at once
}

// mostFlows is how many workflows a plan has at most.
const mostFlows = 3

// horizon is when the last fault begins.
const horizon = 25 * time.Second

// fate draws what is to happen in a world.
type fate struct{ *world }

func (w fate) draw() scenario {
	s := scenario{managers: pick(w.world, []int{1, 3, 3, 3}), workers: 1 + w.rand.IntN(5), cores: 1 + w.rand.IntN(4)}
	s.cores = max(s.cores, (mostFlows+s.workers-1)/s.workers) // what begins together must find room
	for i := range 1 + w.rand.IntN(3) {
		sub := submission{at: 3*time.Second + w.between(0, 6*time.Second), plan: w.drawPlan(i), twice: w.chance(0.3)}
		if w.chance(0.15) {
			sub.cancel = w.between(0, 15*time.Second)
		}
		s.jobs = append(s.jobs, sub)
	}
	s.calm = w.chance(0.15)
	if !s.calm {
		for range 1 + w.rand.IntN(5) {
			s.faults = append(s.faults, w.drawFault(s))
		}
	}
	w.enrich(&s)
	return s
}

// drawPlan draws a plan of one to three workflows, which may follow each other.
func (w fate) drawPlan(n int) *hyperscale.Plan {
	p := &hyperscale.Plan{Name: fmt.Sprintf("plan%d", n), Target: "http://target", Seed: w.rand.Uint64(), Deadline: 3 * time.Minute}
	for i := range 1 + w.rand.IntN(mostFlows) {
		f := hyperscale.Workflow{Name: string(rune('a' + i)), Load: w.drawLoad(), Graceful: w.between(200*time.Millisecond, 3*time.Second).Truncate(time.Millisecond)}
		f.Steps = []hyperscale.Step{{
			Name: "GET /", Kind: hyperscale.StepRequest, OnError: hyperscale.OnErrorContinue,
			Request: &hyperscale.Request{},
		}}
		if f.Load.Kind == hyperscale.LoadOpen && w.chance(0.3) {
			f.Warmup = w.between(0, 2*time.Second).Truncate(time.Millisecond)
		}
		if i > 0 && w.chance(0.5) {
			f.After = []hyperscale.Dependency{{Workflow: p.Workflows[w.rand.IntN(i)].Name, Always: w.chance(0.5)}}
		}
		p.Workflows = append(p.Workflows, f)
	}
	return p
}

func (w fate) drawLoad() hyperscale.Load {
	length := w.between(2*time.Second, 15*time.Second).Truncate(time.Millisecond)
	switch w.rand.IntN(8) {
	case 0:
		return hyperscale.Load{}
	case 1, 2:
		most := int64(1 + w.rand.IntN(12))
		return hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{
			{From: w.rand.Int64N(most + 1), To: most, Over: length / 3}, {From: most, To: most, Over: length / 3}, {From: most, To: 0, Over: length / 3},
		}}
	case 3:
		return hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: 1 + w.rand.Int64N(600), VUs: 1 + w.rand.Int64N(12)}
	case 4:
		return hyperscale.Load{Kind: hyperscale.LoadEach, Iterations: 1 + w.rand.Int64N(60), VUs: 1 + w.rand.Int64N(12)}
	}
	rate := func() int64 { return int64(hyperscale.PerSecond) * w.rand.Int64N(60) / 2 }
	a, b, c := rate(), rate()+int64(hyperscale.PerSecond), rate()
	return hyperscale.Load{Kind: hyperscale.LoadOpen, Poisson: w.chance(0.4), Stages: []hyperscale.Stage{
		{From: a, To: b, Over: length / 2}, {From: b, To: c, Over: length - length/2},
	}}
}
