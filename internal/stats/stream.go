package stats

import "hyperscale"

// A Stream numbers the windows of one turn and keeps the turn's totals.
type Stream struct {
	workflow string
	share    hyperscale.Share
	seq      uint64
	totals   Ledger
	shape    *Sums // the steps and checks, counts empty; nil: no window told of them
}

// NewStream begins a turn of the workflow; its first window will be number 1.
func NewStream(workflow string, share hyperscale.Share) *Stream {
	return &Stream{workflow: workflow, share: share}
}

// Seq is the number of the turn's last window so far; 0: none.
func (s *Stream) Seq() uint64 { return s.seq }

// Share is the share, with its turn, whose windows the stream numbers.
func (s *Stream) Share() hyperscale.Share { return s.share }

// Cut makes the turn's next window; see [Cut].
func (s *Stream) Cut(iv Interval, lanes []*Record, watch Readings) *Window {
	w := Cut(WindowID{}, iv, lanes, watch)
	s.Take(w, false)
	return w
}

// Last makes the turn's last window, which carries the turn's totals.
func (s *Stream) Last(iv Interval, lanes []*Record, watch Readings) *Window {
	w := Cut(WindowID{}, iv, lanes, watch)
	s.Take(w, true)
	return w
}

// Take makes w, a joint or a window that an engine numbered by itself, the
// turn's next window, or its last: with the turn's name, number, flight and
// totals in place of its own.
func (s *Stream) Take(w *Window, last bool) {
	s.seq++
	w.ID = WindowID{Workflow: s.workflow, Share: s.share, First: s.seq, Seq: s.seq}
	s.totals.add(&w.Sums)
	if s.shape == nil && w.Steps != nil {
		s.shape = new(Sums)
		s.shape.shape(&w.Sums)
	}
	w.InFlight = Flight{Iterations: s.totals.Slots.InFlight()}
	for i := range s.totals.Steps {
		if !s.shape.Steps[i].Group {
			w.InFlight.Requests += s.totals.Steps[i].InFlight()
		}
	}
	w.Final, w.Totals = last, Ledger{}
	if last {
		w.Totals = s.totals.clone()
	}
}

// Died makes the turn's next window, or its last, of what an engine that died
// can't tell any more. Nothing is in flight after it.
func (s *Stream) Died(l Losses, adjustment uint64, last bool) *Window {
	w := l.window(&s.totals, s.shape)
	w.Adjustment = adjustment
	s.Take(w, last)
	return w
}
