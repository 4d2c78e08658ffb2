package schedule

import "hyperscale"

// Iterations is a fixed amount of work by a fixed number of virtual users: a
// load of the kind iterations or each, or a workflow without load. Everything is
// due at once.
type Iterations struct {
	Slots  int64 // the iterations that are shared; of each, the virtual users
	Passes int64 // of each: how often every virtual user goes round; else 1
	VUs    int64 // no more than Slots
}

// NewIterations gives the work of a load of the kinds LoadOnce, LoadIterations
// and LoadEach.
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

// Share cuts a share down so that each that is left has a virtual user for its
// slots: of a division finer than there are virtual users some shares hold
// nothing (false), and the others together still hold all.
func (w Iterations) Share(s hyperscale.Share) (hyperscale.Share, bool) {
	if s.Of <= w.VUs {
		return s, true
	}
	s.Lo, s.Hi, s.Of = scale(s.Lo, w.VUs, s.Of), scale(s.Hi, w.VUs, s.Of), w.VUs
	return s, s.Lo < s.Hi
}

// Lanes is into how many lanes the work of a share (as Share gave it) is divided
// by a machine that has room for most of them: at most one for each of its
// virtual users, so that no slot is without one.
func (w Iterations) Lanes(share hyperscale.Share, most int) int {
	return int(min(int64(most), share.Count(w.VUs)))
}

// scale is ⌈x · part ÷ whole⌉, for x ≤ whole.
func scale(x, part, whole int64) int64 {
	n, rest := mul64(uint64(x), uint64(part)).div(uint64(whole))
	if rest != 0 {
		n++
	}
	return int64(n)
}
