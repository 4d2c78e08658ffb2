package place

import (
	"cmp"
	"slices"

	"hyperscale"
	"hyperscale/internal/link"
)

// floor is the free cores of a datacenter, best first.
type floor struct {
	spots []spot // by health, then by room, most first, then by name
	total int    // of their rooms
}

// spot is a worker with free cores.
type spot struct {
	worker *worker
	room   int
}

func (f *floor) add(w *worker, room int) {
	if room > 0 {
		f.spots = append(f.spots, spot{w, room})
		f.total += room
	}
}

func (f *floor) sort() { slices.SortFunc(f.spots, compareSpots) }

// shut leaves out the workers that is names, and gives what room they had.
func (f *floor) shut(is func(*worker) bool) (room int) {
	f.spots = slices.DeleteFunc(f.spots, func(s spot) bool {
		if is(s.worker) {
			room += s.room
			return true
		}
		return false
	})
	f.total -= room
	return room
}

func compareSpots(a, b spot) int {
	if c := cmp.Compare(a.worker.health, b.worker.health); c != 0 {
		return c
	}
	if c := cmp.Compare(b.room, a.room); c != 0 {
		return c
	}
	return cmp.Compare(a.worker.Node, b.worker.Node)
}

// take takes n cores for a want, which are there: from the healthiest workers,
// among these from those that it prefers, and spread over as many of them as
// there are. It gives them by node.
func (f *floor) take(n int, w link.Want) []link.Cores {
	prefer := make(map[hyperscale.NodeID]bool, len(w.Prefer))
	for _, id := range w.Prefer {
		prefer[id] = true
	}
	exclude := make(map[link.Holder]bool, len(w.Exclude))
	for _, h := range w.Exclude {
		exclude[h] = true
	}
	allowed := func(s spot) bool { return !exclude[s.worker.Holder] }
	var cores []link.Cores
	var touched []int
	for from := 0; from < len(f.spots) && n > 0; {
		until := f.tier(from)
		for _, preferred := range []bool{true, false} {
			if n == 0 || preferred && len(prefer) == 0 {
				continue
			}
			tier := f.pick(from, until, n, func(s spot) bool { return prefer[s.worker.Node] == preferred && allowed(s) })
			for k, c := range f.fill(tier, n) {
				s := &f.spots[tier[k]]
				s.room -= c
				n, f.total = n-c, f.total-c
				cores = append(cores, link.Cores{Holder: s.worker.Holder, N: c})
			}
			touched = append(touched, tier...)
		}
		from = until
	}
	f.settle(touched)
	slices.SortFunc(cores, func(a, b link.Cores) int { return cmp.Compare(a.Node, b.Node) })
	return cores
}

// tier is the end of the run of spots of the same health.
func (f *floor) tier(from int) int {
	until := from + 1
	for until < len(f.spots) && f.spots[until].worker.health == f.spots[from].worker.health {
		until++
	}
	return until
}

// pick gives the first n spots of a stretch that are wanted.
func (f *floor) pick(from, until, n int, wanted func(spot) bool) []int {
	var tier []int
	for i := from; i < until && len(tier) < n; i++ {
		if wanted(f.spots[i]) {
			tier = append(tier, i)
		}
	}
	return tier
}

// fill divides n cores, or as many as there are, over spots with most room
// first: the same number from each that has it, and the rest from the first.
func (f *floor) fill(tier []int, n int) []int {
	level, rest := 0, n
	for live := len(tier); rest > 0 && live > 0; {
		// The spots with more than level are the first live ones.
		step := f.spots[tier[live-1]].room - level
		if step == 0 {
			live--
			continue
		}
		step = min(step, rest/live)
		if step == 0 {
			break
		}
		level, rest = level+step, rest-step*live
	}
	taken := make([]int, len(tier))
	for k, i := range tier {
		taken[k] = min(f.spots[i].room, level)
		if rest > 0 && f.spots[i].room > level {
			taken[k]++
			rest--
		}
	}
	return taken
}

// settle puts the spots whose room has changed where they belong.
func (f *floor) settle(touched []int) {
	slices.Sort(touched)
	moved := make([]spot, 0, len(touched))
	kept := f.spots[:0]
	for i, s := range f.spots {
		if len(touched) > 0 && touched[0] == i {
			touched = touched[1:]
			if s.room > 0 {
				moved = append(moved, s)
			}
			continue
		}
		kept = append(kept, s)
	}
	slices.SortFunc(moved, compareSpots)
	// Merged from the end, in the room that was made.
	f.spots = kept[:len(kept)+len(moved)]
	for i, k := len(f.spots)-1, len(kept)-1; len(moved) > 0; i-- {
		last := moved[len(moved)-1]
		if k >= 0 && compareSpots(kept[k], last) > 0 {
			f.spots[i] = kept[k]
			k--
			continue
		}
		f.spots[i] = last
		moved = moved[:len(moved)-1]
	}
}
