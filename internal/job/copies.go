package job

import (
	"cmp"
	"fmt"
	"slices"

	"hyperscale"
)

// Copies is the life of a job of which each of several datacenters runs all of the load:
// one [Job] for each of them, by the same plan and the same clock. A workflow begins in a
// datacenter once what it waits for has ended there. What ends the job ends all copies.
//
// Copies are numbered from 1, and with them the legs of a workflow: of n copies number c
// has the legs c, c+n, c+2n …
type Copies struct {
	list   []copied
	armed  hyperscale.JobTime // the last Wake
	marked map[What]bool      // marks of the job, told once for all
	over   *Result
}

// copied is one copy.
type copied struct {
	job   *Job
	place string             // whoever has it; "": nobody yet
	wake  hyperscale.JobTime // when it wants a Tick; never: it does not
	over  *Result
}

// NewCopies is a job of so many copies that has not started. The plan is as for [New], and
// [Copyable].
func NewCopies(plan *hyperscale.Plan, n int) *Copies {
	c := &Copies{armed: never, marked: map[What]bool{}}
	for range n {
		c.list = append(c.list, copied{job: NewParted(plan), wake: never})
	}
	return c
}

// Copyable says why a plan can't be run by several datacenters each; "": it can.
func Copyable(plan *hyperscale.Plan) string {
	for _, d := range plan.Data {
		if d.Pick == hyperscale.PickUnique {
			return "each row of the data set " + d.Name + " may be used once in the whole job, and each datacenter would use it"
		}
	}
	for _, w := range plan.Workflows {
		if w.Load.Kind == hyperscale.LoadSearch {
			return "the workflow " + w.Name + " searches for a rate, and each datacenter would find another"
		}
	}
	return ""
}

// Place is who has a copy; "": nobody yet.
func (c *Copies) Place(number int) string { return c.list[number-1].place }

// Step decides what an event at the job time now means.
func (c *Copies) Step(now hyperscale.JobTime, ev Event) []Effect {
	if c.over != nil {
		return nil
	}
	var effects []Effect
	one := func(leg int, of func(own int) Event) {
		if i, own := c.split(leg); leg > 0 {
			effects = c.step(now, i, of(own))
		}
	}
	switch ev := ev.(type) {
	case Placed:
		c.list[ev.Copy-1].place = ev.Place
	case LegBegan:
		one(ev.Leg, func(leg int) Event { ev.Leg = leg; return ev })
	case LegAdjusted:
		one(ev.Leg, func(leg int) Event { ev.Leg = leg; return ev })
	case LegEnded:
		one(ev.Leg, func(leg int) Event { ev.Leg = leg; return ev })
	case LegBroken:
		one(ev.Leg, func(leg int) Event { ev.Leg = leg; return ev })
	case PartFailed:
		effects = c.partFailed(now, ev)
	default:
		effects = c.all(now, ev)
	}
	return c.sum(effects)
}

// all gives an event to every copy.
func (c *Copies) all(now hyperscale.JobTime, ev Event) []Effect {
	if _, tick := ev.(Tick); tick {
		c.armed = never
		for i := range c.list {
			c.list[i].wake = never // who wants another says so
		}
	}
	var effects []Effect
	for i := range c.list {
		effects = append(effects, c.step(now, i, ev)...)
	}
	if step, ok := ev.(StepAborted); ok {
		for i := range c.list {
			if c.list[i].job.state == running { // where that workflow does not run
				effects = append(effects, c.step(now, i, abortedElsewhere{step.Workflow + ": step " + step.Step + " failed (on-error: abort)"})...)
			}
		}
	}
	return effects
}

// partFailed gives it to the copy whose part that is, and to the others if all is to end.
func (c *Copies) partFailed(now hyperscale.JobTime, ev PartFailed) []Effect {
	var effects []Effect
	i, own := c.split(ev.Leg)
	for k := range c.list {
		if ev.Leg = own; k != i {
			ev.Leg = 0 // no leg of theirs
		}
		if k == i || ev.AtOnce {
			effects = append(effects, c.step(now, k, ev)...)
		}
	}
	return effects
}

// split is the place in the list of the copy that a leg is of, and its number there.
func (c *Copies) split(leg int) (i, own int) { return (leg - 1) % len(c.list), (leg-1)/len(c.list) + 1 }

// step gives one copy an event, and gives what is to be done.
func (c *Copies) step(now hyperscale.JobTime, i int, ev Event) []Effect {
	one := &c.list[i]
	leg := func(own int) int { return (own-1)*len(c.list) + i + 1 }
	var effects []Effect
	for _, e := range one.job.Step(now, ev) {
		switch e := e.(type) {
		case StartLeg:
			e.Leg, e.Copy = leg(e.Leg), i+1
			effects = append(effects, e)
		case StopLeg:
			e.Leg = leg(e.Leg)
			effects = append(effects, e)
		case CutLeg:
			e.Leg = leg(e.Leg)
			effects = append(effects, e)
		case Wake:
			one.wake = e.At
		case Mark:
			if e.Workflow == "" && c.marked[e.What] {
				continue
			}
			if e.Workflow == "" {
				c.marked[e.What] = true
			} else {
				e.Place = one.place
			}
			effects = append(effects, e)
		case Finish:
			one.over, one.wake = &e.Result, never
		}
	}
	return effects
}

// sum adds what is to be done for all copies together.
func (c *Copies) sum(effects []Effect) []Effect {
	next, over := never, true
	for _, one := range c.list {
		next, over = min(next, one.wake), over && one.over != nil
	}
	switch {
	case over:
		r := c.result()
		c.over = &r
		return append(effects, Finish{Result: r})
	case next != c.armed && next != never:
		c.armed = next
		return append(effects, Wake{At: next})
	}
	return effects
}

// result is what all copies came to: the worst of them says how the job ended.
func (c *Copies) result() Result {
	r := Result{Workflows: c.Workflows()}
	var phases []hyperscale.Phase
	var reasons []string
	for _, one := range c.list {
		phases, reasons = append(phases, one.over.Phase), append(reasons, one.over.Reason)
		r.Ended = max(r.Ended, one.over.Ended)
		r.Interrupted = r.Interrupted || one.over.Interrupted
		r.PastDeadline = r.PastDeadline || one.over.PastDeadline
		r.BrokenOff = r.BrokenOff || one.over.BrokenOff
		r.Breached = r.Breached || one.over.Breached
	}
	r.Phase = together(phases)
	r.Reason = c.reason(r.Phase, phases, reasons)
	return r
}

// reason says why all copies together are in a phase: what the first that is says, and
// where that was if it is not what all say.
func (c *Copies) reason(all hyperscale.Phase, phases []hyperscale.Phase, reasons []string) string {
	i := slices.Index(phases, all)
	if len(slices.Compact(slices.Clone(reasons))) == 1 {
		return reasons[i]
	}
	return cmp.Or(c.list[i].place, fmt.Sprintf("copy %d, for which there is no datacenter", i+1)) + ": " + reasons[i]
}

// rank orders phases: of several that ended, or go on, the highest is that of all.
func rank(p hyperscale.Phase) int {
	order := []hyperscale.Phase{
		hyperscale.Completed, hyperscale.Skipped, hyperscale.TimedOut, hyperscale.Cancelled, hyperscale.Failed,
		hyperscale.Waiting, hyperscale.Finishing, hyperscale.Running,
	}
	return slices.Index(order, p) + 1
}

// Phase is where the job is in its life.
func (c *Copies) Phase() hyperscale.Phase {
	if c.over != nil {
		return c.over.Phase
	}
	var list []hyperscale.Phase
	for _, one := range c.list {
		list = append(list, one.job.Phase())
	}
	return together(list)
}

// together is the phase of all: of what has ended in some copies, and waits in others, it
// is Running.
func together(list []hyperscale.Phase) hyperscale.Phase {
	phase, ended := list[0], false
	for _, p := range list {
		ended = ended || p.Terminal()
		if rank(p) > rank(phase) {
			phase = p
		}
	}
	if ended && phase == hyperscale.Waiting {
		return hyperscale.Running
	}
	return phase
}

// Workflows is where the workflows stand, all copies together, in the plan's order.
func (c *Copies) Workflows() []Outcome {
	var each [][]Outcome
	for _, one := range c.list {
		each = append(each, one.job.Workflows())
	}
	all := slices.Clone(each[0])
	for w := range all {
		all[w] = c.outcome(w, each)
	}
	return all
}

// outcome is where one workflow stands.
func (c *Copies) outcome(w int, each [][]Outcome) Outcome {
	all := Outcome{Workflow: each[0][w].Workflow, Copies: len(c.list)}
	var phases []hyperscale.Phase
	var reasons []string
	begun := false
	for i := range c.list {
		o := each[i][w]
		phases, reasons = append(phases, o.Phase), append(reasons, o.Reason)
		if o.Phase == hyperscale.Running || o.Phase == hyperscale.Finishing {
			all.Active++
		}
		if o.Phase != hyperscale.Waiting && o.Phase != hyperscale.Skipped && (!begun || o.Started < all.Started) {
			all.Started, begun = o.Started, true
		}
		all.Ended = max(all.Ended, o.Ended)
	}
	all.Phase = together(phases)
	if !all.Phase.Terminal() {
		all.Ended = 0
		return all
	}
	all.Reason = c.reason(all.Phase, phases, reasons)
	return all
}

// Waits reports whether the end of a leg is waited for.
func (c *Copies) Waits(workflow string, leg int) bool {
	i, own := c.split(leg)
	return c.list[i].job.Waits(workflow, own)
}
