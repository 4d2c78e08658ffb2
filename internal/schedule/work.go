package schedule

import "hyperscale"

// Iterations is a fixed amount of work by a fixed number of virtual users: an
// iterations load, each, or a workflow without load. Everything is due at once.
type Iterations struct {
	Slots  int64 // iterations that are shared; of each, the virtual users
	Passes int64 // of each: how often every virtual user goes; else 1
	VUs    int64
}

// NewIterations gives the work of a load of the kinds LoadOnce, LoadIterations
// and LoadEach. Of more virtual users than shared iterations the rest is left out.
func NewIterations(load hyperscale.Load) Iterations {
	switch load.Kind {
	case hyperscale.LoadIterations:
		return Iterations{Slots: load.Iterations, Passes: 1, VUs: min(load.VUs, load.Iterations)}
	case hyperscale.LoadEach:
		return Iterations{Slots: load.VUs, Passes: load.Iterations, VUs: load.VUs}
	}
	return Iterations{Slots: 1, Passes: 1, VUs: 1}
}

// Total is the number of iterations that are due.
func (w Iterations) Total() int64 { return w.Slots * w.Passes }

// Lanes is into how many lanes the share's work is divided on a machine that has
// room for most: no more than it has virtual users there, so that no slot is
// without one; at least 1.
func (w Iterations) Lanes(share hyperscale.Share, most int) int {
	return max(1, min(most, int(min(share.Count(w.VUs), 1<<30))))
}

// Row is the number by which an iteration takes its data rows, unique among the
// iterations of the workflow: the slot, or for virtual users that go round,
// pass·V + slot, V being the most there are at once.
func Row(load hyperscale.Load, slot hyperscale.Slot, pass int64) int64 {
	switch load.Kind {
	case hyperscale.LoadClosed:
		return pass*NewUsers(load).Peak() + int64(slot)
	case hyperscale.LoadEach:
		return pass*load.VUs + int64(slot)
	}
	return int64(slot)
}
