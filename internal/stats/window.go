package stats

import "hyperscale"

// WindowID names a window: what one holder of a share did, by number.
type WindowID struct {
	Workflow string
	Share    hyperscale.Share // with its turn
	First    uint64           // of merged windows: the lowest number within; else equal to Seq
	Seq      uint64           // from 1, rising by one within the turn
}

// Stretch says which part of a workflow's schedule a window lies in. Windows
// are cut at the boundaries, so that each lies in one only.
type Stretch uint8

// The stretches. Warmup is left out of durations, rates and thresholds; Grace,
// the time after the load's end or a stop, out of rates. A load without a
// schedule (iterations, once) is InLoad until its last iteration ends.
const (
	InLoad Stretch = iota
	InWarmup
	InGrace
)

// Interval is the stretch of job time [From, To) that a window covers.
type Interval struct {
	From, To hyperscale.JobTime
	Stretch  Stretch
}

// Window is what one share did of its workflow in one interval: deltas, never
// running totals. Once handed on it never changes.
type Window struct {
	ID WindowID
	Interval
	Adjustment uint64 // number of the last adjustment it ran under; 0: none
	InFlight   Flight // of the whole turn at the window's end; set by a [Stream]
	Final      bool   // the turn's last
	Totals     Ledger // with Final: what the whole turn came to, this window included
	Sums
	Watch Readings

	joint *joint // nil: of one holder
}

// Empty reports whether the window counts nothing: it only says that its turn is
// over. There is nothing in it to be tallied.
func (w *Window) Empty() bool {
	return w.joint == nil && len(w.Steps) == 0 && w.Slots == (Slots{}) && w.Watch == (Readings{})
}

// Flight is what was started and has not ended.
type Flight struct {
	Iterations, Requests uint64 // groups left out
}

// Cut makes a window: the exact sum of the records of one share's lanes, all of
// the same layout. The records are read only and may be reset afterwards.
func Cut(id WindowID, iv Interval, lanes []*Record, watch Readings) *Window {
	w := &Window{ID: id, Interval: iv, Watch: watch}
	if w.ID.First == 0 {
		w.ID.First = w.ID.Seq
	}
	for _, r := range lanes {
		w.Sums.addRecord(r)
	}
	return w
}

// MergeAdjacent joins next to w: the windows of one turn that follow each other
// by number and lie in the same stretch, under the same adjustment. It reports
// false and changes nothing if they do not. Counts stay exact; only resolution
// in time is lost.
func (w *Window) MergeAdjacent(next *Window) bool {
	same := w.ID.Workflow == next.ID.Workflow && w.ID.Share == next.ID.Share &&
		next.ID.First == w.ID.Seq+1 && w.Stretch == next.Stretch && w.Adjustment == next.Adjustment
	joins := w.joint != nil || next.joint != nil
	var j *joint
	if joins {
		j = w.joined()
	}
	if !same || w.Final || w.Sums.Merge(&next.Sums) != nil {
		return false
	}
	w.ID.Seq = next.ID.Seq
	w.To = max(w.To, next.To)
	w.From = min(w.From, next.From)
	w.Final, w.Totals, w.InFlight = next.Final, next.Totals, next.InFlight
	if joins {
		j.add(next)
		w.joint, w.Watch = j, Readings{}
	} else {
		w.Watch.Merge(next.Watch)
	}
	return true
}
