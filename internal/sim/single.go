package sim

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// lone reports whether no two may hold a slot of the job at once.
func (t *truth) lone() bool {
	return t.single || slices.ContainsFunc(t.plan.Data, func(d hyperscale.DataSet) bool { return d.Pick == hyperscale.PickUnique })
}

// heldOnce demands of a job that lets no two hold a slot that nobody begins what
// another turn began, for its row was used then, and that nobody begins anything while
// another who held those slots goes on.
func (t *truth) heldOnce(e *engine, before []start) {
	if !t.lone() || e.brief.Load.Kind == hyperscale.LoadOnce && len(before) == 0 {
		return
	}
	w := e.k.w
	if e.brief.Load.Kind != hyperscale.LoadOnce {
		for _, s := range before {
			w.fail("%s: %s begins what %s began under turn %d", holdText(e.hold), e.k.id, s.worker.Node, s.share.Turn)
		}
	}
	for _, k := range w.workers {
		for _, o := range k.sorted() {
			if o != e && goesOn(o) && overlaps(o.hold, e.hold) {
				w.fail("%s: %s begins something while %s goes on under turn %d", holdText(e.hold), e.k.id, k.id, o.hold.Share.Turn)
			}
		}
	}
}

// goesOn reports whether an engine has something under way. One that stands still does
// nothing, and what its lease let it begin is cut as soon as it can be.
func goesOn(e *engine) bool {
	return !e.dead && !e.stops.now(e.k.w) && e.run != nil && len(e.run.flying) > 0 && !leaseOver(e)
}

// overlaps reports whether two turns have slots in common.
func overlaps(a, b link.Hold) bool {
	x, y := a.Share, b.Share
	return a.Job == b.Job && a.Workflow == b.Workflow && x.Turn != y.Turn && x.Lo*y.Of < y.Hi*x.Of && y.Lo*x.Of < x.Hi*y.Of
}

// leaseOver reports whether nothing may begin any more.
func leaseOver(e *engine) bool {
	r := e.run
	return r.until != 0 && e.now() >= r.until
}

// endAlone ends the load when its lease is over, unless it was renewed until then.
func endAlone(e *engine) {
	r := e.run
	if r.until == 0 || r.alone {
		return
	}
	if !leaseOver(e) {
		until := r.until
		e.at(e.when(until), func() {
			if r.until == until {
				e.after(50*time.Millisecond, func() { endAlone(e) })
			}
		})
		return
	}
	if r.stopped == never {
		e.k.w.saw("lease over")
		r.alone = true
	}
	e.stop(0)
}
