package stats

import "hyperscale"

// work is one workflow's part of a tally.
type work struct {
	warmup   Sums
	measured Sums     // all but the warm-up
	answers  []uint64 // per step: complete answers within the load's time less warm-up
	load     spans    // that time: the union over all shares
	active   spans    // all time that windows told of
	short    spans    // when slots were missed for the generator's own reasons
	refused  spans    // when slots were refused by max-in-flight
	late     spans    // when lateness was beyond what is always allowed
	course   course
}

// add merges a window; on error nothing is changed.
func (w *work) add(win *Window) error {
	if err := w.measured.fits(&win.Sums); err != nil {
		return err
	}
	into := &w.measured
	if win.Stretch == InWarmup {
		into = &w.warmup
	}
	if err := into.Merge(&win.Sums); err != nil {
		return err
	}
	if w.measured.Steps == nil {
		w.measured.shape(&win.Sums)
	}
	if win.Stretch == InLoad {
		w.addAnswers(win)
	}
	w.note(win)
	w.course.add(win)
	return nil
}

// addAnswers counts what rates are made from.
func (w *work) addAnswers(win *Window) {
	w.load.add(win.From, win.To)
	for len(w.answers) < len(win.Steps) {
		w.answers = append(w.answers, 0)
	}
	for i := range win.Steps {
		w.answers[i] += win.Steps[i].Answers()
	}
}

// note remembers when something was wrong.
func (w *work) note(win *Window) {
	w.active.add(win.From, win.To)
	if win.Missed > win.Refused {
		w.short.add(win.From, win.To)
	}
	if win.Refused > 0 {
		w.refused.add(win.From, win.To)
	}
	if win.Stretch != InWarmup && win.Lateness.Quantile(99) > defaultLimits.Lateness {
		w.late.add(win.From, win.To)
	}
}

// node is what a tally knows of one node.
type node struct {
	readings  Readings
	saturated spans
	stepped   Span // when the greatest clock step was seen
}

// maxNodes bounds how many nodes are told apart; the rest is summed under one.
const maxNodes = 1 << 14

// watch takes in the readings that a window carries.
func (t *Tally) watch(w *Window) {
	if w.Watch == (Readings{}) {
		return
	}
	name := w.Watch.Node
	if t.nodes[name] == nil && len(t.nodes) >= maxNodes {
		name = "others"
	}
	n := t.nodes[name]
	if n == nil {
		n = new(node)
		t.nodes[name] = n
	}
	if w.Watch.ClockStep > n.readings.ClockStep {
		n.stepped = Span{w.From, w.To}
	}
	n.saturated.add(w.From, w.From+min(w.Watch.Saturated, w.To-w.From))
	n.readings.Merge(w.Watch)
}

// Active is all job time that the workflow's windows told of, first to last.
func (t *Tally) Active(workflow string) (from, to hyperscale.JobTime) {
	if w := t.works[workflow]; w != nil {
		b := w.active.bounds()
		return b.From, b.To
	}
	return 0, 0
}
