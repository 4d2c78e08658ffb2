package reporter

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/stats"
)

// Lines are the reporters of a run that this process watches. They end with Finish or
// Discard.
type Lines struct {
	all      []*Line
	outcomes []Outcome
	seq      uint64 // of the last window
	running  sync.WaitGroup
	stop     context.CancelFunc
}

// Begin runs lines.
func Begin(ctx context.Context, lines []*Line) *Lines {
	l := &Lines{all: lines, outcomes: make([]Outcome, len(lines))}
	ctx, l.stop = context.WithCancel(ctx)
	for i, line := range lines {
		l.running.Go(func() { l.outcomes[i] = line.Run(ctx) })
	}
	return l
}

// Window gives all of them a window. It does not wait, and is called by one.
func (l *Lines) Window(w *stats.Window) {
	l.seq++
	for _, line := range l.all {
		line.Window(l.seq, w)
	}
}

// Finish gives all of them the result and waits until each has delivered it or is
// given up. The error names those that were, and those that were not given all.
func (l *Lines) Finish(s *report.Summary) error {
	for _, line := range l.all {
		line.End(Ending{Phase: hyperscale.Phase(s.Phase), Summary: s}, l.seq)
	}
	l.running.Wait()
	l.stop()
	var failed []error
	for i, o := range l.outcomes {
		if o.Phase != Delivered || o.Missing > 0 {
			failed = append(failed, fmt.Errorf("reporter %s: %s", l.all[i].Name(), o.Text()))
		}
	}
	return errors.Join(failed...)
}

// GiveUp lets Finish wait no longer.
func (l *Lines) GiveUp(reason string) {
	for _, line := range l.all {
		line.GiveUp(reason)
	}
}

// Discard ends all of them without a result.
func (l *Lines) Discard() {
	l.stop()
	l.running.Wait()
}
