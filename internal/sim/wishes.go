package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier/node"
)

// wishes are what became of what clients wanted of a running job.
type wishes struct {
	adjusted  map[uint64]hyperscale.Adjustment // by number
	keys      map[string]uint64                // numbers by key
	cancelled map[string]bool                  // workflows, of which it was answered that they are being cancelled
}

func newWishes() wishes {
	return wishes{adjusted: map[uint64]hyperscale.Adjustment{}, keys: map[string]uint64{}, cancelled: map[string]bool{}}
}

// numbered notes an adjustment: one of a number is always the same.
func (x *wishes) numbered(w *world, a hyperscale.Adjustment) {
	if before, known := x.adjusted[a.Number]; known && before != a {
		w.fail("adjustment %d is %+v and was %+v", a.Number, a, before)
	}
	x.adjusted[a.Number] = a
}

// list are the adjustments known, by number. Of one that its owner saved, and died
// before it told anybody, only the job's events tell.
func (x *wishes) list(events []hyperscale.Event) (all []hyperscale.Adjustment, whole bool) {
	saved := 0
	for _, ev := range events {
		if ev.What == "adjusted" {
			saved++
		}
	}
	if saved > len(x.adjusted) {
		return nil, false
	}
	for n := uint64(1); n <= uint64(len(x.adjusted)); n++ {
		a, known := x.adjusted[n]
		if !known {
			return nil, false
		}
		all = append(all, a)
	}
	return all, true
}

// heed notes the adjustments in an order.
func (x *wishes) heed(w *world, tell node.Event) {
	t, is := tell.(node.JobTells)
	if !is || t.Order.Do != link.Adjust {
		return
	}
	a, err := spec.DecodeAdjustments(t.Order.Brief)
	if err != nil {
		w.fail("adjustments can't be read: %v", err)
	}
	for _, a := range a.List {
		x.numbered(w, a)
	}
}

// heedAbove notes the adjustments in an order of the gate.
func (x *wishes) heedAbove(w *world, t owner.Tell) {
	for _, a := range t.Adjust {
		x.numbered(w, a)
	}
}

// window demands that a window names an adjustment of its workflow that counted
// from its beginning on.
func (x *wishes) window(w *world, v *stats.Window) {
	a, known := x.adjusted[v.Adjustment]
	switch {
	case !known:
	case a.Workflow != v.ID.Workflow || v.From < a.At:
		w.fail("a window of %s from %v names adjustment %+v", v.ID.Workflow, v.From, a)
	default:
		w.saw("window under an adjustment")
	}
}

// wish asks for what the client wants, until it is answered.
func (c *client) wish(n int, x wish) {
	key, t := fmt.Sprintf("%s-%d", c.id, n), c.w.jobs[c.job]
	if x.adjust == nil {
		c.ask(pick(c.w, c.w.managers), 0, request{
			event: func(token uint64) owner.Event {
				return owner.Cancel{Token: token, Workflow: x.workflow, By: string(c.id)}
			},
			answered: func(e owner.Effect) {
				status := e.(owner.Answer).Status
				c.w.saw("cancel of a workflow " + string(status))
				t.wishes.cancelled[x.workflow] = t.wishes.cancelled[x.workflow] || status == owner.CancelPending
			},
		})
		return
	}
	c.ask(pick(c.w, c.w.managers), 0, request{
		event: func(token uint64) owner.Event {
			return owner.Adjust{Token: token, Key: key, By: string(c.id), Adjustment: *x.adjust}
		},
		answered: func(e owner.Effect) {
			told := e.(owner.Adjusted)
			if told.Refused != "" {
				c.w.saw("adjustment refused")
				if strings.Contains(told.Refused, "is not paused") { // it may have overtaken the pause
					c.after(3*time.Second, func() { c.wish(n, x) })
				}
				return
			}
			c.w.saw("adjusted: " + string(told.Adjustment.Do))
			t.wishes.numbered(c.w, told.Adjustment)
			if before, known := t.wishes.keys[key]; known && before != told.Adjustment.Number {
				c.w.fail("%s: one key made adjustments %d and %d", c.job, before, told.Adjustment.Number)
			}
			t.wishes.keys[key] = told.Adjustment.Number
		},
	})
}

// slots is how many slots the schedule of a workflow has, by the plan and by what was
// adjusted. Not known: only the work or the target tells, or somebody heard of an
// adjustment too late.
func (t *truth) slots(r *stats.Result, f *hyperscale.Workflow, began hyperscale.JobTime, events []hyperscale.Event) (uint64, bool) {
	source := hyperscale.NewSource(t.plan.Seed, f.Name)
	all, known := schedule.Slots(f.Load, source)
	if f.Load.Kind != hyperscale.LoadOpen {
		return uint64(all), known
	}
	late := slices.ContainsFunc(r.Verdict.Causes, func(c stats.Cause) bool { return strings.Contains(c.What, "was heard late") })
	list, whole := t.wishes.list(events)
	if late || !whole {
		return 0, false
	}
	return uint64(schedule.NewArrivals(f.Load, source, schedule.Changes(list, f.Name, began)...).Total()), true
}

// mostSlots is how many slots an open load had at most, before or after it was adjusted.
func (t *truth) mostSlots(f *hyperscale.Workflow, began hyperscale.JobTime) uint64 {
	most := int64(0)
	changes := schedule.Changes(slices.SortedFunc(maps.Values(t.wishes.adjusted), byNumber), f.Name, began)
	for i := range len(changes) + 1 {
		most = max(most, schedule.NewArrivals(f.Load, hyperscale.NewSource(t.plan.Seed, f.Name), changes[:i]...).Total())
	}
	return uint64(most)
}

func byNumber(a, b hyperscale.Adjustment) int { return cmp.Compare(a.Number, b.Number) }

// checkWishes holds what became of a workflow against what was wanted of it.
func (w judge) checkWishes(t *truth, r *stats.WorkflowResult, load *hyperscale.Load, events []hyperscale.Event) {
	if t.wishes.cancelled[r.Name] && r.Phase == hyperscale.Completed && load.Kind != hyperscale.LoadOnce && !wasOver(events, r.Name) && !w.above.wentOn(t.id, r.Name) {
		w.fail("%s/%s is %s after it was cancelled", t.id, r.Name, r.Phase)
	}
	if load.Kind != hyperscale.LoadSearch || r.Phase != hyperscale.Completed {
		return
	}
	w.saw("search completed")
	best, until := 0.0, hyperscale.JobTime(0)
	for _, p := range r.Search.Probes {
		if p.From < until {
			w.fail("%s/%s: a probe begins at %v, the one before ended at %v", t.id, r.Name, p.From, until)
		}
		until = p.To
		if p.Met {
			best = max(best, p.Rate)
		}
	}
	if r.Search.Rate != best {
		w.fail("%s/%s: found %v, the best probe that met its conditions was %v", t.id, r.Name, r.Search.Rate, best)
	}
}

// wasOver reports whether the load of a workflow was over when it was cancelled: what
// was started then went on to its end.
func wasOver(events []hyperscale.Event, workflow string) bool {
	first := func(what string) int {
		return slices.IndexFunc(events, func(ev hyperscale.Event) bool { return ev.What == what && ev.Workflow == workflow })
	}
	over := first(string(job.LoadOver))
	return over >= 0 && over < first("cancel")
}

// checkThresholds demands that a job which one ended says so.
func (w judge) checkThresholds(t *truth, r *stats.Result) {
	for _, th := range r.Thresholds {
		if th.Aborted && (th.Passed || r.Phase != hyperscale.Failed) {
			w.fail("%s is %s, and %q ended it (passed %v)", t.id, r.Phase, th.Threshold.Text, th.Passed)
		}
		if th.Aborted {
			w.saw("ended by a threshold")
		}
	}
}

// wishLater asks for all that the client wants.
func (c *client) wishLater() {
	for n, x := range c.sub.wishes {
		c.after(max(x.after, time.Millisecond), func() { c.wish(n, x) })
	}
}
