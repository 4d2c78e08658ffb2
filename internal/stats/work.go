package stats

// work is one workflow's part of a tally. Its course is added apart.
type work struct {
	warmup   Sums
	measured Sums     // all but the warm-up
	answers  []uint64 // per step: complete answers within the load's time less warm-up
	load     spans    // that time: the union over all shares
	moments
	course course
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
	w.moments.add(win)
	return nil
}

// addAnswers counts what rates are made from.
func (w *work) addAnswers(win *Window) {
	win.addActive(&w.load)
	for len(w.answers) < len(win.Steps) {
		w.answers = append(w.answers, 0)
	}
	for i := range win.Steps {
		w.answers[i] += win.Steps[i].Answers()
	}
}
