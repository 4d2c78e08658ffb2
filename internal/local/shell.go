package local

import (
	"time"

	"hyperscale"
	"hyperscale/internal/engine"
	"hyperscale/internal/job"
	"hyperscale/internal/job/account"
	"hyperscale/internal/prepare"
	"hyperscale/internal/session"
)

// flow is one workflow of the plan and how its legs are run.
type flow struct {
	*prepare.Flow
	index int
}

// leg is one leg that the engine runs.
type leg struct {
	*flow
	number int // the job's
	load   hyperscale.Load
	start  hyperscale.JobTime
}

// step gives the job an event and performs what it wants, and then what follows
// from that.
func (s *shell) step(ev job.Event) {
	now := s.engine.Now()
	var next []job.Event
	for _, e := range s.job.Step(now, ev) {
		switch e := e.(type) {
		case job.StartLeg:
			next = append(next, s.startLeg(now, e))
		case job.StopLeg:
			s.toLeg(e.Workflow, e.Leg, func(id int) error { return s.engine.Stop(id, e.Within) })
		case job.CutLeg:
			s.toLeg(e.Workflow, e.Leg, s.engine.Cut)
		case job.Wake:
			s.alarm.Reset(e.At - s.engine.Now())
		case job.Mark:
			s.account.Mark(e)
		case job.Finish:
			s.result = &e.Result
		}
	}
	for _, ev := range next {
		s.step(ev)
	}
}

// lead is how long before its start a leg is handed to the lanes: all of them
// begin at one time, and the first slots are not late.
const lead = time.Millisecond

// startLeg compiles the workflow with the values it uses, starts it and says what
// came of that.
func (s *shell) startLeg(now hyperscale.JobTime, e job.StartLeg) job.Event {
	f := s.flows[e.Workflow]
	program, err := s.compile(f.index, e.Use)
	if err != nil {
		return job.LegBroken{Workflow: e.Workflow, Leg: e.Leg, Reason: err.Error()}
	}
	l := &leg{flow: f, number: e.Leg, load: e.Load, start: now + lead}
	id := len(s.legs) + 1
	s.legs[id] = l
	share := s.cfg.Share
	share.Turn = hyperscale.Turn(e.Leg)
	err = s.engine.Start(engine.Leg{
		ID: id, Workflow: f.Workflow, Program: program, Layout: prepare.Layout(e.Workflow, program),
		Load: e.Load, Source: hyperscale.NewSource(s.plan.Seed, e.Workflow), Share: share,
		At: l.start, First: e.First, Warmup: e.Warmup, Graceful: e.Graceful, MaxInFlight: f.MaxInFlight,
	})
	if err != nil {
		return job.LegBroken{Workflow: e.Workflow, Leg: e.Leg, Reason: err.Error()}
	}
	return job.LegBegan{Workflow: e.Workflow, Leg: e.Leg, At: now}
}

// compile makes a workflow's program with the values that it uses.
func (s *shell) compile(workflow int, use []hyperscale.Pair) (*session.Program, error) {
	return prepare.Compile(s.plan, workflow, s.cfg.Version, s.cfg.Rows, use)
}

// toLeg does f with the engine's number of a leg. A leg that has ended meanwhile
// needs nothing.
func (s *shell) toLeg(workflow string, number int, f func(id int) error) {
	for id, l := range s.legs {
		if l.Name == workflow && l.number == number {
			_ = f(id)
		}
	}
}

// reported takes in what the engine tells.
func (s *shell) reported(r engine.Report) {
	l := s.legs[r.Leg]
	switch r.Kind {
	case engine.WindowCut:
		s.account.Merge(r.Window)
		if s.cfg.Windows != nil {
			s.cfg.Windows(r.Window)
		}
	case engine.StopAsked:
		s.account.Aborted(l.Name, r.Step)
		s.step(job.StepAborted{Workflow: l.Name, Step: r.Step})
	case engine.LegEnded:
		s.legEnded(l, r)
	}
}

// legEnded tells the job.
func (s *shell) legEnded(l *leg, r engine.Report) {
	end := account.Leg{
		Workflow: l.Name, Number: l.number, Load: l.load, Share: s.cfg.Share, Begin: l.start, End: r.At, Stopped: r.Stopped,
		Failed: r.Failed, Interrupted: r.Interrupted, Reason: r.Reason, NoRows: r.NoRows, Waived: r.Waived,
	}
	for name, v := range r.Exports {
		end.Exports = append(end.Exports, hyperscale.Pair{Name: name, Value: v.Text})
	}
	s.step(s.account.Ended(end))
}
