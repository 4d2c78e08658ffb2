package sim

import (
	"cmp"
	"context"
	"maps"
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/stats"
)

// judge holds what came of a world against what was true.
type judge struct{ *world }

func stack() string { return string(debug.Stack()) }

// saved is what is stored of a job, read by nobody in particular.
func (w *world) saved(job hyperscale.JobID) (own.Saved, error) {
	return own.Load(context.Background(), w.store, job)
}

func (w *world) phase(job hyperscale.JobID) hyperscale.Phase {
	saved, err := own.Look(context.Background(), w.store, job)
	if err != nil {
		return ""
	}
	return saved.Head.Phase
}

// ended reports whether every client has seen the end of its job.
func (w *world) ended() bool {
	for _, c := range w.clients {
		if !c.over {
			return false
		}
	}
	return true
}

// unfinished says what did not end, and what its owner waits for.
func (w judge) unfinished() {
	for _, m := range w.managers {
		for _, id := range slices.Sorted(maps.Keys(m.seats)) {
			o := m.seats[id].seat.Owner()
			w.say("%s owns %s at %v: wants %+v, runs %+v, held by %v, %+v", m.id, id, o.Elapsed(), o.Wants(), o.Runs(), o.Holders(), m.seats[id].saves)
			for _, h := range o.Held() {
				w.say("%s states %+v", m.id, h)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.above.jobs)) {
		if o := w.above.jobs[id].owner; o != nil {
			w.say("the gate owns %s at %v: wants %+v, runs %+v, held by %v", id, o.Elapsed(), o.Wants(), o.Runs(), o.Holders())
			for _, st := range o.Standing() {
				w.say("the gate: %+v", st)
			}
		}
	}
	for _, c := range w.clients {
		if !c.over {
			w.fail("%s: job %s is %s after %v, events %d", c.id, c.job, w.phase(c.job), longest, len(c.events))
		}
	}
}

// check holds everything against the truth.
func (w judge) check() {
	heads, err := own.Heads(context.Background(), w.store)
	if err != nil {
		w.fail("the store can't be read: %v", err)
		return
	}
	byClient := map[string]int{}
	for _, h := range heads {
		if byClient[h.Head.Client]++; byClient[h.Head.Client] > 1 {
			w.fail("client %s has %d jobs by one key", h.Head.Client, byClient[h.Head.Client])
		}
	}
	for _, c := range w.clients {
		w.checkJob(c)
	}
	w.checkKeys()
	w.checkRest()
}

// checkRest demands that nothing is left of jobs that are over.
func (w judge) checkRest() {
	for _, m := range w.managers {
		if len(m.seats) > 0 {
			w.fail("%s still owns %v", m.id, slices.Sorted(maps.Keys(m.seats)))
		}
		if jobs := m.node.Jobs(); len(jobs) > 0 {
			w.fail("%s still knows of jobs %v", m.id, jobs)
		}
		for _, c := range m.node.Children() {
			if c.Heard && (c.Jobs > 0 || c.Free != c.Cores) {
				w.fail("%s still holds parts of %d jobs, %d of %d cores free, as %s hears", c.Node, c.Jobs, c.Free, c.Cores, m.id)
			}
		}
	}
	for _, k := range w.workers {
		if len(k.engines) > 0 {
			w.fail("%s still has %d engines", k.id, len(k.engines))
		}
	}
}

// checkJob holds a job's result against what its target saw.
func (w judge) checkJob(c *client) {
	saved, err := w.saved(c.job)
	t := w.jobs[c.job]
	upper := w.above.jobs[c.job] // nil: it has no parent
	if err != nil || len(saved.Records) == 0 || len(saved.Records) != 1 && upper == nil {
		w.fail("%s: %d records: %v", c.job, len(saved.Records), err)
		return
	}
	result, err := stats.DecodeResult(t.plan, saved.Records[len(saved.Records)-1])
	if err != nil {
		w.fail("%s: %v", c.job, err)
		return
	}
	if saved.Owner.Node != "" {
		w.fail("%s is over and %s owns it", c.job, saved.Owner.Node)
	}
	decided := upper.check(w.world, t, result)
	ends := 0
	for _, ev := range c.events {
		if ev.What == owner.JobEnded {
			ends++
		}
	}
	if ends != 1 || c.events[len(c.events)-1].What != owner.JobEnded {
		w.fail("%s: %d last events", c.job, ends)
	}
	for _, text := range stats.Identities(result.Tally) {
		w.fail("%s: %s", c.job, text)
	}
	w.checkRequests(c, t, decided)
	w.checkSums(t, result)
	w.checkThresholds(t, decided)
	if !t.hurt && w.plan.calm && len(result.Losses) > 0 {
		w.fail("%s: losses where nothing went wrong: %+v", c.job, result.Losses)
	}
	if w.plan.calm && c.sub.cancel == 0 && saved.Head.Phase != t.expected(decided) && !w.maybeFails(t.plan) {
		w.fail("%s is %s where nothing went wrong: %s", c.job, saved.Head.Phase, saved.Head.Reason)
	}
}

// checkRequests holds what the result says of requests against what the target saw:
// what was started, less what is lost, to what was started and the bound beside it.
func (w judge) checkRequests(c *client, t *truth, result *stats.Result) {
	var saw, told, stray uint64
	for _, f := range t.plan.Workflows {
		flow := t.flows[f.Name]
		flow.close(min(t.end.at, w.above.stopped(t.id)))
		w.checkFlow(t, result, &f)
		if c.cutOff(&f) {
			w.saw("holder cut off by a broken stream")
			continue
		}
		saw += flow.count
		told += result.Tally.Workflow(f.Name).Requests.Started
		if s := result.Tally.Stray(f.Name); len(s.Steps) > 0 {
			stray += s.Steps[0].Requests.Started
		}
	}
	beside := result.Unreported()
	if beside == math.MaxUint64 {
		w.saw("bound that nobody can tell")
	}
	switch {
	case told+stray > saw:
		w.fail("%s: the result tells of %d requests, the target saw %d", c.job, told, saw)
	case saw > told && saw-told > beside:
		w.fail("%s: the target saw %d requests, the result tells of %d, and of %d at most beside", c.job, saw, told, beside)
	case !t.hurt && len(result.Losses) == 0 && saw > told+beside:
		w.fail("%s: nothing was lost, the target saw %d requests, the result tells of %d", c.job, saw, told)
	}
}

// expected is the end of a job that nobody cancelled as a whole, where nothing went
// wrong: if nothing but a cancel ended its workflows, it was.
func (t *truth) expected(r *stats.Result) hyperscale.Phase {
	completed := slices.ContainsFunc(r.Workflows, func(o stats.WorkflowResult) bool { return o.Phase == hyperscale.Completed })
	if len(t.wishes.cancelled) > 0 && !completed {
		return hyperscale.Cancelled
	}
	return hyperscale.Completed
}

// cutOff reports whether a holder of the workflow, which lived, was taken for gone:
// its stream broke, and it did not come back in time. Nobody can tell it from one
// that died.
func (c *client) cutOff(f *hyperscale.Workflow) bool {
	return slices.ContainsFunc(c.events, func(ev hyperscale.Event) bool {
		return ev.What == "worker lost" && ev.Workflow == f.Name && strings.Contains(ev.Detail, "is gone") && !c.w.killed(ev.Node)
	})
}

// killed reports whether a worker ever was.
func (p *people) killed(id hyperscale.NodeID) bool {
	return slices.ContainsFunc(p.workers, func(k *worker) bool { return k.id == id && k.killed })
}

// maybeFails reports whether a plan has an iteration that alone decides, and may fail,
// or a threshold that ends it.
func (w judge) maybeFails(p *hyperscale.Plan) bool {
	return slices.ContainsFunc(p.Workflows, func(f hyperscale.Workflow) bool { return f.Load.Kind == hyperscale.LoadOnce }) ||
		slices.ContainsFunc(p.Thresholds, func(th hyperscale.Threshold) bool { return th.Abort })
}

// checkFlow checks one workflow.
func (w judge) checkFlow(t *truth, r *stats.Result, f *hyperscale.Workflow) {
	flow := t.flows[f.Name]
	slots := r.Tally.Workflow(f.Name).Slots
	stray := r.Tally.Marks().Stray(f.Name).Slots
	lost := slots.Lost + stray.Lost
	if flow.count+lost < slots.Started+stray.Started {
		w.fail("%s/%s: %d started, of them %d lost, %d stray; the target saw %d", t.id, f.Name, slots.Started, lost, stray.Started, flow.count)
	}
	i := slices.IndexFunc(r.Workflows, func(o stats.WorkflowResult) bool { return o.Name == f.Name })
	if r.Workflows[i].Phase == hyperscale.Completed {
		events := w.eventsOf(t)
		all, known := t.slots(r, f, r.Workflows[i].Start, events)
		most := all
		switch {
		case f.Load.Kind != hyperscale.LoadOpen:
			most += flow.twice() // two holders went on for a while
		case slots.Lost+slots.Missed > 0: // perhaps begun before the load was made smaller, and skipped
			most = max(most, t.mostSlots(f, r.Workflows[i].Start))
		}
		if cancelled := func(ev hyperscale.Event) bool { return ev.What == "cancel" }; w.above.wentOn(t.id, f.Name) &&
			(len(t.wishes.cancelled) > 0 || slices.ContainsFunc(events, cancelled)) {
			known = false // the datacenter stopped it, and the gate heard so too late
		}
		if known && (slots.Due < all || slots.Due > most) && !retried(r, f) {
			w.fail("%s/%s: %d slots were due, %d by the schedule, %d begun twice", t.id, f.Name, slots.Due, all, flow.twice())
		}
	}
	if w.above.jobs[t.id] == nil { // else it is held against what its gate made of it
		w.checkWishes(t, &r.Workflows[i], &f.Load, w.eventsOf(t))
	}
	flow.check(w.world, t, f)
}

// eventsOf is the history of a job, as its client saw it.
func (w judge) eventsOf(t *truth) []hyperscale.Event {
	i := slices.IndexFunc(w.clients, func(c *client) bool { return c.job == t.id })
	return w.clients[i].events
}

// retried reports whether the workflow has no load and may have been begun more
// than once.
func retried(r *stats.Result, f *hyperscale.Workflow) bool {
	return f.Load.Kind == hyperscale.LoadOnce && slices.ContainsFunc(r.Losses, func(l stats.Loss) bool { return l.Workflow == f.Name })
}

// twice is how many starts were of iterations that were started before.
func (f *flowTruth) twice() uint64 {
	var n uint64
	for _, list := range f.starts {
		n += uint64(len(list) - 1)
	}
	return n
}

// check demands that no iteration is begun twice by one turn, nor by two for
// longer than a holder goes on alone.
func (f *flowTruth) check(w *world, t *truth, flow *hyperscale.Workflow) {
	if flow.Load.Kind == hyperscale.LoadOnce {
		return
	}
	first := map[hyperscale.Turn]time.Duration{}
	last := map[hyperscale.Turn]time.Duration{}
	its := slices.SortedFunc(maps.Keys(f.starts), func(a, b iteration) int {
		return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.pass, b.pass))
	})
	for _, it := range its {
		list := f.starts[it]
		for i, s := range list {
			for _, o := range list[:i] {
				if o.share == s.share {
					w.fail("%s: begun twice: slot %d pass %d", holdText(link.Hold{Job: t.id, Workflow: flow.Name, Share: s.share}), it.slot, it.pass)
					return
				}
				low, high := o, s
				if low.share.Turn > high.share.Turn {
					low, high = high, low
				}
				if at, known := first[high.share.Turn]; !known || high.at < at {
					first[high.share.Turn] = high.at
				}
				last[high.share.Turn] = max(last[high.share.Turn], low.at)
			}
		}
	}
	for turn, at := range first {
		if last[turn] > at+autonomy+10*time.Second {
			w.fail("%s/%s: two holders of turn %d's slots from %v to %v", t.id, flow.Name, turn, at, last[turn])
		}
	}
	if len(first) > 0 {
		w.saw("two holders for a while")
	}
	if len(first) > 0 && w.plan.calm {
		w.fail("%s/%s: iterations begun twice where nothing went wrong", t.id, flow.Name)
	}
}
