package spec

import (
	"errors"
	"fmt"
	"time"

	"hyperscale"
)

// Bounds of what runs. They are no tighter than those of the reader of plans,
// which says with more words what is wrong.
const (
	longest   = 100 * 366 * 24 * time.Hour
	mostVUs   = int64(1) << 40
	mostSlots = float64(1 << 53)
	mostRate  = hyperscale.Rate(1) << 60
)

// Check reports whether a plan can be run at all: that numbers are in their
// ranges, that what is named is there and nothing needs itself. It is for plans
// that were not read from a file here, whose reader has checked far more.
func Check(p *hyperscale.Plan) error {
	if len(p.Workflows) == 0 {
		return errors.New("a plan without workflows")
	}
	if !within(p.Deadline, 0, longest) {
		return fmt.Errorf("deadline %v", p.Deadline)
	}
	sets := map[string]bool{}
	for i := range p.Data {
		if err := checkData(&p.Data[i], sets); err != nil {
			return err
		}
	}
	flows := map[string]*hyperscale.Workflow{}
	for i := range p.Workflows {
		w := &p.Workflows[i]
		if w.Name == "" || flows[w.Name] != nil {
			return fmt.Errorf("workflow %q: its name is empty or given twice", w.Name)
		}
		flows[w.Name] = w
		if err := checkWorkflow(w); err != nil {
			return fmt.Errorf("workflow %s: %w", w.Name, err)
		}
	}
	return checkOrder(p, flows)
}

func checkData(d *hyperscale.DataSet, seen map[string]bool) error {
	switch d.Pick {
	case hyperscale.PickShared, hyperscale.PickUnique, hyperscale.PickRandom, hyperscale.PickByVU:
	default:
		return fmt.Errorf("data set %s: pick %q", d.Name, d.Pick)
	}
	if seen[d.Name] || len(d.Columns) == 0 || d.Rows < 0 {
		return fmt.Errorf("data set %q: its name is given twice, or it has %d columns and %d rows", d.Name, len(d.Columns), d.Rows)
	}
	seen[d.Name] = true
	return nil
}

func checkWorkflow(w *hyperscale.Workflow) error {
	if !within(w.Warmup, 0, longest) || !within(w.Graceful, 0, longest) {
		return fmt.Errorf("warmup %v, graceful %v", w.Warmup, w.Graceful)
	}
	if err := CheckLoad(&w.Load); err != nil {
		return err
	}
	return checkSteps(w.Steps)
}

// checkOrder refuses workflows that wait for what is not there, or in a circle.
func checkOrder(p *hyperscale.Plan, flows map[string]*hyperscale.Workflow) error {
	const doing, done = 1, 2
	state := map[string]int{}
	var visit func(w *hyperscale.Workflow) error
	visit = func(w *hyperscale.Workflow) error {
		switch state[w.Name] {
		case doing:
			return fmt.Errorf("workflow %s waits for itself", w.Name)
		case done:
			return nil
		}
		state[w.Name] = doing
		for _, d := range w.After {
			before := flows[d.Workflow]
			if before == nil {
				return fmt.Errorf("workflow %s waits for %q, which is not there", w.Name, d.Workflow)
			}
			if err := visit(before); err != nil {
				return err
			}
		}
		state[w.Name] = done
		for _, u := range w.Use {
			if flows[u.Workflow] == nil || u.Workflow == w.Name {
				return fmt.Errorf("workflow %s uses a value of %q, which gives it none", w.Name, u.Workflow)
			}
		}
		return nil
	}
	for i := range p.Workflows {
		if err := visit(&p.Workflows[i]); err != nil {
			return err
		}
	}
	return nil
}

// CheckLoad reports whether a load can be driven.
func CheckLoad(l *hyperscale.Load) error {
	if !within(l.Pace, 0, longest) || !within(l.For, 0, longest) || l.MaxInFlight < 0 || l.Arrivals < 0 {
		return fmt.Errorf("load with pace %v, for %v, max-in-flight %d, arrivals %d", l.Pace, l.For, l.MaxInFlight, l.Arrivals)
	}
	switch l.Kind {
	case hyperscale.LoadOnce:
		return nil
	case hyperscale.LoadClosed:
		return checkStages(l.Stages, mostVUs, longest)
	case hyperscale.LoadOpen:
		length := longest
		if l.Poisson {
			length = 366 * 24 * time.Hour // its arrivals are counted second by second
		}
		return checkStages(l.Stages, int64(mostRate), length)
	case hyperscale.LoadIterations, hyperscale.LoadEach:
		slots := float64(l.Iterations)
		if l.Kind == hyperscale.LoadEach {
			slots *= float64(l.VUs)
		}
		if !within(l.VUs, 1, mostVUs) || l.Iterations < 1 || slots > mostSlots {
			return fmt.Errorf("load of %d iterations by %d virtual users", l.Iterations, l.VUs)
		}
		return nil
	case hyperscale.LoadSearch:
		s := l.Search
		if s == nil || !within(s.From, 1, mostRate) || !within(s.To, s.From, mostRate) || !within(s.Hold, 1, longest) ||
			!(s.Within >= 0 && s.Within < 1) || s.To.Float()*s.Hold.Seconds() > mostSlots {
			return errors.New("a search that finds nothing")
		}
		return nil
	}
	return fmt.Errorf("load of kind %d", l.Kind)
}

func checkStages(stages []hyperscale.Stage, most int64, length time.Duration) error {
	if len(stages) == 0 {
		return errors.New("a load without stages")
	}
	slots := 0.0
	for _, s := range stages {
		if !within(s.From, 0, most) || !within(s.To, 0, most) || !within(s.Over, 1, length) {
			return fmt.Errorf("stage %d … %d over %v", s.From, s.To, s.Over)
		}
		length -= s.Over
		slots += hyperscale.Rate(max(s.From, s.To)).Float() * s.Over.Seconds()
	}
	if slots > mostSlots {
		return errors.New("a load of too many slots")
	}
	return nil
}

func checkSteps(steps []hyperscale.Step) error {
	for i := range steps {
		s := &steps[i]
		if err := checkStep(s); err != nil {
			return fmt.Errorf("step %s: %w", s.Name, err)
		}
		if err := checkSteps(s.Steps); err != nil {
			return err
		}
		for _, c := range s.Choices {
			if !within(c.Weight, 1, 1<<31) {
				return fmt.Errorf("step %s: weight %d", s.Name, c.Weight)
			}
			if err := checkSteps(c.Steps); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkStep(s *hyperscale.Step) error {
	if s.Kind < hyperscale.StepRequest || s.Kind > hyperscale.StepChoose || s.Repeat < 0 {
		return fmt.Errorf("kind %d, repeat %d", s.Kind, s.Repeat)
	}
	if (s.Kind == hyperscale.StepRequest) != (s.Request != nil) || (s.Kind == hyperscale.StepChoose) != (len(s.Choices) > 0) {
		return errors.New("its content is not of its kind")
	}
	switch s.OnError {
	case hyperscale.OnErrorContinue, hyperscale.OnErrorStop, hyperscale.OnErrorStopVU, hyperscale.OnErrorAbort:
	default:
		return fmt.Errorf("on-error %q", s.OnError)
	}
	if !within(s.Pause.Min, 0, longest) || !within(s.Pause.Max, 0, longest) ||
		s.Pause.Kind == hyperscale.PauseUniform && s.Pause.Max < s.Pause.Min {
		return fmt.Errorf("pause of %v … %v", s.Pause.Min, s.Pause.Max)
	}
	if s.Request != nil {
		return checkTransport(&s.Request.Transport)
	}
	return nil
}

func checkTransport(t *hyperscale.Transport) error {
	switch t.Connections {
	case hyperscale.ConnPerVU, hyperscale.ConnShared, hyperscale.ConnPerIteration, hyperscale.ConnPerRequest:
	default:
		return fmt.Errorf("connections %q", t.Connections)
	}
	if t.HTTP != 1 && t.HTTP != 2 || !within(t.Timeout, 1, longest) || t.Redirects < 0 || t.MaxBody < 0 {
		return fmt.Errorf("HTTP/%d, timeout %v, %d redirects, max-body %d", t.HTTP, t.Timeout, t.Redirects, t.MaxBody)
	}
	return nil
}

// within reports whether lo ≤ v ≤ hi.
func within[T ~int64](v, lo, hi T) bool { return lo <= v && v <= hi }
