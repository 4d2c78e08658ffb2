package agent

import (
	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// turn numbers the windows of a hold, whichever engines they come from.
type turn struct {
	stream     *stats.Stream
	reach      hyperscale.JobTime // end of the last window; 0: there was none
	due        uint64             // slots that the windows told of
	adjustment uint64             // under which the last ran
	last       *stats.Window      // the engine's last, until the engine says how the load ended
}

func newTurn(h link.Hold) turn { return turn{stream: stats.NewStream(h.Workflow, h.Share)} }

// take makes w the turn's next window, or its last.
func (t *turn) take(w *stats.Window, last bool) {
	t.stream.Take(w, last)
	t.took(w)
}

func (t *turn) took(w *stats.Window) {
	t.reach = max(t.reach, w.To)
	t.due += w.Due
	t.adjustment = max(t.adjustment, w.Adjustment)
}

// lost makes the windows of an outage up to back, and the last of them the
// turn's last if that is said. What was in flight is in the first.
func (t *turn) lost(l Lapse, begin, back hyperscale.JobTime, last bool) []*stats.Window {
	losses := l.Losses
	if len(losses) == 0 {
		from := max(t.reach, begin)
		losses = []stats.Losses{{Interval: stats.Interval{From: from, To: max(from, back)}}}
	}
	var windows []*stats.Window
	for i, loss := range losses {
		w := t.stream.Died(loss, t.adjustment, last && i == len(losses)-1)
		t.took(w)
		windows = append(windows, w)
	}
	return windows
}
