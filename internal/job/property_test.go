package job

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// drawPlan draws workflows of all kinds that wait for ones before them.
func drawPlan(t *rapid.T) *hyperscale.Plan {
	plan := &hyperscale.Plan{Seed: 1, Deadline: time.Duration(rapid.IntRange(1, 120).Draw(t, "deadline")) * time.Second}
	count := rapid.IntRange(1, 6).Draw(t, "workflows")
	for i := range count {
		w := hyperscale.Workflow{
			Name:     fmt.Sprintf("w%d", i),
			Graceful: time.Duration(rapid.IntRange(0, 10).Draw(t, "graceful")) * time.Second,
			Load:     drawLoad(t),
		}
		for k := range i {
			if rapid.IntRange(0, 2).Draw(t, "after") == 0 {
				w.After = append(w.After, hyperscale.Dependency{Workflow: plan.Workflows[k].Name, Always: rapid.Bool().Draw(t, "always")})
				if before := plan.Workflows[k]; len(before.Export) > 0 && rapid.Bool().Draw(t, "use") {
					w.Use = append(w.Use, hyperscale.Use{Local: "x", Workflow: before.Name, Name: "x"})
				}
			}
		}
		if w.Load.Kind == hyperscale.LoadOnce && rapid.Bool().Draw(t, "export") {
			w.Export = []string{"x"}
		}
		plan.Workflows = append(plan.Workflows, w)
	}
	return plan
}

func drawLoad(t *rapid.T) hyperscale.Load {
	over := time.Duration(rapid.IntRange(1, 30).Draw(t, "over")) * time.Second
	load := hyperscale.Load{Kind: hyperscale.LoadKind(rapid.IntRange(0, int(hyperscale.LoadSearch)).Draw(t, "kind"))}
	switch load.Kind {
	case hyperscale.LoadClosed:
		load.Stages = []hyperscale.Stage{{From: 1, To: 3, Over: over}, {From: 3, To: 3, Over: over}}
	case hyperscale.LoadOpen:
		load.Stages = []hyperscale.Stage{{From: int64(hyperscale.PerSecond), To: int64(hyperscale.PerSecond), Over: over}}
	case hyperscale.LoadIterations, hyperscale.LoadEach:
		load.Iterations, load.VUs = 5, 2
		if rapid.Bool().Draw(t, "capped") {
			load.For = over
		}
	case hyperscale.LoadSearch:
		load.Search = &hyperscale.Search{From: hyperscale.PerSecond, To: 20 * hyperscale.PerSecond, Hold: over}
	}
	return load
}

// watcher checks what a job wants against what it may want.
type watcher struct {
	t        *rapid.T
	plan     *hyperscale.Plan
	job      *Job
	now      hyperscale.JobTime
	wake     hyperscale.JobTime
	legs     map[string]int // that run, by workflow
	ended    map[string]hyperscale.Phase
	finished *Result
}

func (w *watcher) step(ev Event) {
	if _, ok := ev.(LegEnded); ok && w.finished != nil {
		return
	}
	for _, e := range w.job.Step(w.now, ev) {
		if w.finished != nil {
			w.t.Fatalf("%T after the end", e)
		}
		w.see(e)
	}
}

func (w *watcher) see(e Effect) {
	switch e := e.(type) {
	case StartLeg:
		w.started(e)
	case StopLeg:
		w.running(e.Workflow, e.Leg)
	case CutLeg:
		w.running(e.Workflow, e.Leg)
	case Wake:
		if e.At <= w.now {
			w.t.Fatalf("woken at %v for %v", w.now, e.At)
		}
		w.wake = e.At
	case Mark:
		w.marked(e)
	case Finish:
		w.finished = &e.Result
	}
}

func (w *watcher) running(workflow string, leg int) {
	if leg == 0 || w.legs[workflow] != leg {
		w.t.Fatalf("leg %d of %s does not run", leg, workflow)
	}
}

func (w *watcher) started(e StartLeg) {
	if w.legs[e.Workflow] != 0 {
		w.t.Fatalf("leg %d of %s starts while leg %d runs", e.Leg, e.Workflow, w.legs[e.Workflow])
	}
	w.legs[e.Workflow] = e.Leg
	flow := w.job.flow(e.Workflow).w
	for _, d := range flow.After {
		phase := w.ended[d.Workflow]
		if phase == "" || !d.Always && phase != hyperscale.Completed {
			w.t.Fatalf("%s starts though %s is %q", e.Workflow, d.Workflow, phase)
		}
	}
	if len(e.Use) != len(flow.Use) {
		w.t.Fatalf("%s starts with %v", e.Workflow, e.Use)
	}
}

func (w *watcher) marked(m Mark) {
	if m.At > w.now {
		w.t.Fatalf("mark %v at %v", m, w.now)
	}
	switch m.What {
	case Ended, Failed, Skipped, Cancelled:
		if m.Workflow == "" {
			return
		}
		w.legs[m.Workflow] = 0
		w.ended[m.Workflow] = w.job.flow(m.Workflow).phase
	}
}

// drawEvent draws something that may happen now.
func (w *watcher) drawEvent() Event {
	name := rapid.SampledFrom(w.plan.Workflows).Draw(w.t, "workflow").Name
	leg := w.legs[name]
	switch rapid.IntRange(0, 20).Draw(w.t, "event") {
	case 0:
		return Interrupt{}
	case 1:
		return ThresholdBroken{Threshold: "errors < 1% abort"}
	case 2:
		return StepAborted{Workflow: name, Step: "GET /"}
	case 3:
		return LegBroken{Workflow: name, Leg: leg, Reason: "out of luck"}
	case 4, 5, 6:
		return Tick{}
	case 7, 8, 9:
		return LegBegan{Workflow: name, Leg: leg, At: w.now}
	case 11:
		return LegAdjusted{Workflow: name, Leg: leg, Length: time.Duration(rapid.IntRange(-1, 60).Draw(w.t, "length")) * time.Second}
	case 10:
		return Cancel{Workflow: rapid.SampledFrom([]string{"", name}).Draw(w.t, "cancel")}
	}
	w.legs[name] = 0 // whatever the job makes of it
	ev := LegEnded{Workflow: name, Leg: leg, Failed: rapid.IntRange(0, 3).Draw(w.t, "failed") == 0}
	if rapid.Bool().Draw(w.t, "exports") {
		ev.Exports = []hyperscale.Pair{{Name: "x", Value: "1"}}
	}
	ev.Probe = Verdict{Held: rapid.Bool().Draw(w.t, "held"), Driven: rapid.IntRange(0, 9).Draw(w.t, "driven") > 0}
	return ev
}

// Whatever happens, dependents start after what they wait for, each leg is
// started once, and the job ends once. If then nothing happens any more, not even
// the end of a leg that was cut, it still ends.
func TestEveryJobEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := drawPlan(t)
		w := &watcher{t: t, plan: plan, job: New(plan), wake: never, legs: map[string]int{}, ended: map[string]hyperscale.Phase{}}
		w.step(Start{})
		for range rapid.IntRange(0, 30).Draw(t, "events") {
			if w.finished != nil {
				break
			}
			w.now += time.Duration(rapid.IntRange(0, 8).Draw(t, "later")) * time.Second
			for w.wake <= w.now && w.finished == nil {
				w.wake = never
				w.step(Tick{})
			}
			w.step(w.drawEvent())
		}
		for ticks := 0; w.finished == nil; ticks++ {
			if w.wake == never || ticks > 1000 {
				t.Fatalf("after %v the job is %s and waits: %+v", w.now, w.job.Phase(), w.job.Workflows())
			}
			w.now, w.wake = max(w.now, w.wake), never
			w.step(Tick{})
		}
		w.judge()
	})
}

// judge checks the result.
func (w *watcher) judge() {
	r := w.finished
	// A chain of cleanup may follow an interrupt; each has its grace and patience.
	longest := w.plan.Deadline + 1000*time.Second
	if r.Ended > longest || !r.Phase.Terminal() || r.Phase == hyperscale.Skipped {
		w.t.Fatalf("the job ended %s at %v", r.Phase, r.Ended)
	}
	failed := false
	for _, o := range r.Workflows {
		if !o.Phase.Terminal() {
			w.t.Fatalf("workflow %s is %s at the end", o.Workflow, o.Phase)
		}
		failed = failed || o.Phase == hyperscale.Failed
	}
	if failed && r.Phase != hyperscale.Failed || r.Phase == hyperscale.Completed && (r.Reason != "" || r.Interrupted || r.PastDeadline) {
		w.t.Fatalf("the job ended %+v", r)
	}
}

// A search finds the highest rate below the true one within its interval, and
// takes no more probes than are planned for.
func TestSearchFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := &hyperscale.Search{
			From:   hyperscale.Rate(rapid.Int64Range(1000, 1<<45).Draw(t, "from")),
			Within: rapid.SampledFrom([]float64{0, 0.01, 0.1, 0.5, 1}).Draw(t, "within"),
		}
		plan.To = hyperscale.Rate(rapid.Int64Range(int64(plan.From), 1<<50).Draw(t, "to"))
		limit := hyperscale.Rate(rapid.Int64Range(0, 1<<51).Draw(t, "limit"))
		if rapid.Bool().Draw(t, "low") {
			limit %= 2 * plan.From
		}
		s := newSearch(plan)
		for {
			rate, more := s.next()
			if !more {
				break
			}
			if rate < 1 || rate > plan.To || len(s.found.Probes) > mostProbes(plan) {
				t.Fatalf("probe %d of %d at %d", len(s.found.Probes), mostProbes(plan), rate)
			}
			s.record(ProbeResult{Rate: rate, Verdict: Verdict{Held: rate <= limit, Driven: true}})
		}
		if len(s.found.Probes) > mostProbes(plan) {
			t.Fatalf("%d probes, at most %d were planned", len(s.found.Probes), mostProbes(plan))
		}
		found := s.found.Rate
		low := found
		if low == 0 {
			low = plan.From
		}
		above := found + hyperscale.Rate(s.within*float64(low)) + 3
		if found > limit || s.found.LimitedBy == LimitedByCondition && limit >= above || s.found.LimitedBy == LimitedByTo && found != plan.To {
			t.Fatalf("found %d by %s, the limit is %d", found, s.found.LimitedBy, limit)
		}
	})
}
