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

// Count is how many slots a share holds.
func (w Iterations) Count(s hyperscale.Share) int64 {
	s, some := w.Share(s)
	if !some {
		return 0
	}
	return s.Count(w.Slots)
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

// Resume is the place in another share, of another division, at which it goes on
// when the holder of a share stopped before a place of its own: no slot below
// that is left out or begun twice. Places are those of shares as Share cuts them
// down.
func (w Iterations) Resume(share hyperscale.Share, place int64, other hyperscale.Share) int64 {
	share, _ = w.Share(share)
	other, some := w.Share(other)
	if !some {
		return 0
	}
	return other.Count(int64(share.At(place)))
}

// Ahead is how far a holder of a share may go before it has said how far: so
// many places of a load of iterations, and passes of the other loads of virtual
// users. It is a small part of the work, and enough for the time that saying it
// takes unless the target answers within a few milliseconds. Of an open load it
// is nothing.
func Ahead(load hyperscale.Load, share hyperscale.Share) (places, passes int64) {
	const least, most, part = 4, 64, 16 // for each virtual user
	switch load.Kind {
	case hyperscale.LoadClosed:
		return 0, most
	case hyperscale.LoadEach:
		return 0, min(max(load.Iterations/part, least), most)
	case hyperscale.LoadIterations:
		w := NewIterations(load)
		share, some := w.Share(share)
		if !some {
			return 0, 0
		}
		users := share.Count(w.VUs)
		return min(max(share.Count(w.Slots)/part, least*users), most*users), 0
	}
	return 0, 0
}
