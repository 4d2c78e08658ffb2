package place

import (
	"hyperscale"
	"hyperscale/internal/schedule"
)

// What one core drives, about, of a plan without surprises.
const (
	slotsPerCore = 10_000 // starts a second
	usersPerCore = 2_000  // virtual users
)

// spreadOver is the number of workers that even a small load is spread over, so
// that the loss of one never takes all of it.
const spreadOver = 4

// Estimate is how many cores a workflow asks for whose plan names no number, in
// a datacenter of so many workers with so many cores together. Least is what its
// peak needs, as far as the datacenter could ever give it; most is that, or one
// core on each of up to four workers. No share of so many is without a slot, a
// virtual user or room for an arrival in progress.
func Estimate(w hyperscale.Workflow, workers, cores int) (least, most int) {
	need, bound := demand(w)
	most = int(min(max(need, int64(min(workers, spreadOver)), 1), max(bound, 1)))
	least = int(min(max(need, 1), int64(most), int64(max(cores, 1))))
	return least, max(least, most)
}

// Bound is how many cores a workflow has use for at most: so many that no share is
// without a slot, a virtual user or room for an arrival in progress.
func Bound(w hyperscale.Workflow) int {
	_, bound := demand(w)
	return int(min(max(bound, 1), 1<<31-1))
}

// Level is how many cores the level needs that an adjustment sets; 0: it sets none.
func Level(a hyperscale.Adjustment) int {
	need := int64(0)
	switch a.Do {
	case hyperscale.AdjustRate:
		need = parts(int64(a.Rate), slotsPerCore*int64(hyperscale.PerSecond))
	case hyperscale.AdjustVUs:
		need = parts(a.VUs, usersPerCore)
	}
	return int(min(need, 1<<31-1))
}

// Need is how many cores a workflow's peak needs, whatever there is.
func Need(w hyperscale.Workflow) int {
	least, _ := Estimate(w, 0, 1<<31-1)
	return least
}

// Reckoned says what a core is reckoned with.
const Reckoned = "a core is reckoned with 10,000 starts a second or 2,000 virtual users"

// demand is the number of cores that a load's peak needs and the number of
// shares beyond which some would be empty.
func demand(w hyperscale.Workflow) (need, bound int64) {
	peak := parts(int64(schedule.Peak(w.Load)), slotsPerCore*int64(hyperscale.PerSecond))
	switch w.Load.Kind {
	case hyperscale.LoadClosed:
		bound = schedule.NewUsers(w.Load).Peak()
		return parts(bound, usersPerCore), bound
	case hyperscale.LoadIterations, hyperscale.LoadEach:
		bound = schedule.NewIterations(w.Load).VUs
		return parts(bound, usersPerCore), bound
	case hyperscale.LoadOpen:
		return peak, min(evenly(w.Load), schedule.MaxInFlight(w))
	case hyperscale.LoadSearch:
		return peak, schedule.MaxInFlight(w)
	}
	return 1, 1
}

// evenly is the number of arrivals of an open load, or of one that is spaced
// evenly where they are drawn: enough of an answer here and quickly given.
func evenly(load hyperscale.Load) int64 {
	load.Poisson = false
	return schedule.NewArrivals(load, 0).Total()
}

// parts is how many parts of that size hold n.
func parts(n, size int64) int64 { return n/size + min(n%size, 1) }
