package stats

// Losses are what nobody will ever tell of a holder, or engine, that is gone,
// beyond what was in flight when it last told.
type Losses struct {
	Interval        // what the loss is booked to: from its last window to where another goes on
	Lost     uint64 // slots due in it that it probably started
	Missed   uint64 // slots due in it that nobody started
}

// window is the loss as a window without a name, after windows that came to sum
// and whose steps have the given shape (nil: none is known). Slots that were due
// and not yet started may have been started by then: they are lost, as are all
// iterations and requests in flight.
func (l Losses) window(sum *Ledger, shape *Sums) *Window {
	w := &Window{Interval: l.Interval}
	w.To = max(w.From, w.To)
	waiting := below(sum.Due, sum.Slots.Started+sum.Missed)
	w.Due = l.Lost + l.Missed
	w.Missed = l.Missed
	w.Slots.Started = l.Lost + waiting
	w.Slots.Lost = l.Lost + waiting + sum.Slots.InFlight()
	if shape == nil {
		return w
	}
	w.Sums.shape(shape)
	for i := range sum.Steps {
		w.Steps[i].Requests.Lost = sum.Steps[i].InFlight()
	}
	return w
}
