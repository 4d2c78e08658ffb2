package sim

import (
	"time"

	"hyperscale"
)

// Unheard is the first seed of worlds, of the kind of [Single], in which the load of a
// job is changed while one who holds a part of it may not hear of it.
const Unheard = 6 << 20

// unheard makes of what was drawn one job of one open load that is made smaller, and
// faults that keep some from hearing so.
func (w fate) unheard(s *scenario) {
	sub := &s.jobs[0]
	f := &sub.plan.Workflows[0]
	rate := int64(hyperscale.PerSecond) * (8 + w.rand.Int64N(24))
	f.After, f.Use, f.Export, f.Warmup = nil, nil, nil, 0
	f.Load = hyperscale.Load{Kind: hyperscale.LoadOpen, Poisson: w.chance(0.3), Stages: []hyperscale.Stage{{From: rate, To: rate, Over: 25 * time.Second}}}
	sub.plan.Workflows, sub.plan.Thresholds = sub.plan.Workflows[:1], nil
	sub.single, sub.cancel, sub.wishes = w.chance(0.7), 0, nil
	s.jobs, s.calm = s.jobs[:1], false
	s.workers = max(s.workers, 2)
	at := w.between(time.Second, 6*time.Second)
	for range 1 + w.rand.IntN(3) {
		slower := hyperscale.Adjustment{Workflow: f.Name, Do: hyperscale.AdjustRate, Rate: hyperscale.PerSecond * hyperscale.Rate(w.rand.IntN(10))}
		sub.wishes = append(sub.wishes, wish{after: at, workflow: f.Name, adjust: &slower})
		s.faults = append(s.faults, fault{
			at: sub.at + at + w.between(-2*time.Second, 2*time.Second), length: w.between(time.Second, 20*time.Second),
			kind: pick(w.world, []kind{isolateWorker, isolateWorker, pauseWorker, pauseMachine, killWorker, killEngine, killManager, isolateOwner}),
			a:    w.rand.IntN(64), b: w.rand.IntN(64),
		})
		at += w.between(time.Second, 8*time.Second)
	}
}
