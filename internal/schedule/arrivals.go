package schedule

import "hyperscale"

// Arrivals is an open load: when each of its slots is due. It never changes and
// may be used by many at once.
type Arrivals struct {
	course course
	total  int64
	end    hyperscale.JobTime
	first  int64  // number of the first slot
	drawn  *drawn // Poisson arrivals; nil: evenly spaced by the rate
}

// NewArrivals computes the schedule of an open load, under changes. Source is the workflow's;
// only Poisson arrivals draw from it. The rates and durations of the stages are
// not negative, and together they make fewer than 2⁶² slots. A load that counts
// its arrivals (Load.Arrivals) ends at the time at which one more would be due.
func NewArrivals(load hyperscale.Load, source hyperscale.Source, changes ...Change) *Arrivals {
	all, hanging := pieces(load.Stages, changes)
	a := &Arrivals{course: newCourse(all)}
	if load.Poisson {
		a.drawn = newDrawn(load.Stages, changes, &a.course, source)
		a.total = a.drawn.total
	} else {
		a.total = a.course.slots(a.course.length)
	}
	a.end = hyperscale.JobTime(a.course.length)
	if load.Arrivals > 0 && load.Arrivals < a.total {
		a.end, _ = a.Due(hyperscale.Slot(load.Arrivals))
		a.total = load.Arrivals
	} else if hanging {
		a.end = Far
	}
	return a
}

// Numbered is the same arrivals with slot numbers that begin at first instead of
// 0: a later probe of a search, whose draws and rows are to be others than those
// of the probes before.
func (a *Arrivals) Numbered(first hyperscale.Slot) *Arrivals {
	b := *a
	b.first = int64(first)
	return &b
}

// Total is the number of slots due in [0, End).
func (a *Arrivals) Total() int64 { return a.total }

// End is when the load starts nothing more: the length of its stages, or less if
// it counts its arrivals.
func (a *Arrivals) End() hyperscale.JobTime { return a.end }

// Due is when slot i should begin: the first nanosecond at which the integral of
// the rate has reached i; with Poisson arrivals the i-th time drawn. It is false
// for slots that the load does not have.
func (a *Arrivals) Due(i hyperscale.Slot) (hyperscale.JobTime, bool) {
	n := int64(i) - a.first
	if n < 0 || n >= a.total {
		return 0, false
	}
	if a.drawn != nil {
		return hyperscale.JobTime(a.drawn.due(n)), true
	}
	return hyperscale.JobTime(a.course.due(n)), true
}

// Before is the number of slots due before t.
func (a *Arrivals) Before(t hyperscale.JobTime) int64 {
	if a.drawn == nil {
		return min(a.course.slots(int64(t)), a.total)
	}
	return min(a.drawn.before(int64(t)), a.total)
}

// Lapsed says what became of an open load's slots that no window told of. They are
// counted in order from the load's beginning: windows told of the first met, so many
// were due when their holder ended, and so many when another goes on, or should.
// Those due before the end were probably started, and are lost; the rest was missed.
// A window may tell of a slot due a moment after its end, which is not told twice.
func Lapsed(met, died, back int64) (lost, missed uint64) {
	died = max(died, met)
	return uint64(died - met), uint64(max(back-died, 0))
}
