package owner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
)

// Of a job whose children are datacenters one may be cut off for a while, and goes on
// meanwhile. What becomes of its slots is the client's to say. Whatever that is, what it
// did is waited for, though not by workflows that come next: the job is not over before
// it told, or was not heard for too long.

// unheardFor is how long after it was heard last a datacenter is waited for.
const unheardFor = 300 * time.Second

// keptFor reports whether slots of a leg that a datacenter loses are kept for it: nobody
// else has them. What has no load others do in its place, for more waits for it. Those of
// a copy are always kept.
func (o *book) keptFor(l *leg) bool {
	if l.Leg.Copy > 0 {
		return true
	}
	degrades := o.cfg.Across.OnLoss == "" || o.cfg.Across.OnLoss == hyperscale.LossDegrade
	return o.cfg.Datacenters && degrades && l.Leg.Load.Kind != hyperscale.LoadOnce
}

// lost gives up what a child holds that is not heard any more. With a datacenter that
// runs a part of it the job ends, if it is to.
func (o *course) lost(ev Lost) {
	if o.cfg.Across.OnLoss == hyperscale.LossAbort && o.over == nil {
		for _, l := range o.state.Legs {
			if l.begun() && slices.ContainsFunc(l.of(ev.Node), func(s *share) bool { return s.Holder == ev.Holder && !s.over() }) {
				o.partFailed(l, fmt.Sprintf("datacenter %s was lost, and with one the job was to end", ev.Node), true)
				break
			}
		}
	}
	o.losing.lost(ev)
}

// partOver looks whether a part failed in its datacenter. That of a workflow without load
// fails it by the plan.
func (o *course) partOver(l *leg, node hyperscale.NodeID, e *link.Ending) {
	fast := o.cfg.Across.FailFast
	if o.cfg.Datacenters && e != nil && e.Failed && (fast || l.Leg.Load.Kind != hyperscale.LoadOnce) {
		o.tell(hyperscale.Event{What: "datacenter failed", Workflow: l.workflow(), Node: node, Detail: e.Reason})
		o.partFailed(l, strings.TrimSuffix(fmt.Sprintf("datacenter %s failed: %s", node, e.Reason), ": "), fast)
	}
}

func (o *course) partFailed(l *leg, reason string, now bool) {
	o.job(job.PartFailed{Workflow: l.workflow(), Leg: l.Leg.Leg, Reason: reason, AtOnce: now})
}

// rejoin lets a datacenter that is heard again go on with the slots that were kept for it,
// of which it runs none any more.
func (o *placing) rejoin(h link.Holder) {
	if !o.clock.runs || o.dark.until != 0 {
		return
	}
	for _, l := range o.state.Legs {
		if !o.keptFor(l) || l.Stop != nil || l.Stage != running || o.at() >= l.over() {
			continue
		}
		for _, x := range l.Holes {
			s := l.find().shares[x.Share]
			if x.Holder != h || !x.Again || s == nil || !s.bare() || !o.halts(x) {
				continue
			}
			x.Barred = false
			o.coverOne(l, s, []link.Cores{{Holder: h, N: s.Cores}}, o.fence())
			o.change()
		}
	}
}

// untold reports whether a datacenter may yet hold what it does not state: to a new owner
// perhaps only those of its managers spoke who do not own the job there.
func (o *book) untold() bool { return o.cfg.Datacenters && o.now-o.began < aloneAfter }

// without says which datacenters the job goes on without, or for which it waits yet when
// all others are done; "": none.
func (o *book) without() string {
	var names []string
	waits := !slices.ContainsFunc(o.state.Legs, func(l *leg) bool { return l.Stage != ended })
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			if (waits || o.keptFor(l)) && !x.alive && !x.Closed && !x.Told && !x.Idle && !slices.Contains(names, string(x.Holder.Node)) {
				names = append(names, string(x.Holder.Node))
			}
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return ""
	case waits:
		return "it waits to hear what was done in " + strings.Join(names, ", ")
	}
	return "DEGRADED: it goes on without " + strings.Join(names, ", ")
}

// onlyKept reports whether of a leg that only its work ends, all that go on are datacenters
// that are lost, and others are done, or nobody waits for these any more.
func (o *holes) onlyKept(l *leg) bool {
	if !o.keptFor(l) || l.over() != never {
		return false
	}
	others, waits := false, false
	for _, s := range l.Shares {
		x := l.find().holes[s.Share]
		others = others || s.Ended
		waits = waits || x != nil && o.owes(l, x) && o.at() < o.tired(x)
		if !s.over() && !s.bare() {
			return false
		}
	}
	return others || !waits
}

// halts reports whether the holder of a lost turn is known to run it no more.
func (o *placing) halts(x *hole) bool {
	return x.Told || x.Dead != never && (!o.cfg.OneHolder || o.at() >= o.stops(x))
}

// owes reports whether a datacenter has yet to tell what it did of a turn that it lost.
func (o *holes) owes(l *leg, x *hole) bool {
	return o.cfg.Datacenters && !x.Closed && !x.Idle && !x.Told && x.Dead == never && !o.marks().Standing(l.workflow(), x.Share).Final
}

// tired is when a datacenter is waited for no more, if it is not heard until then.
func (o *holes) tired(x *hole) hyperscale.JobTime { return o.heardAt(x.Holder) + unheardFor }

// tires is when that is of the next.
func (o *placing) tires() hyperscale.JobTime {
	next := never
	if !o.cfg.Datacenters {
		return next
	}
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			if t := o.tired(x); o.owes(l, x) && t > o.at() {
				next = min(next, t)
			}
		}
	}
	return next
}

// owe tells the job who has yet to tell what it did, and who never did.
func (o *course) owe() {
	if !o.cfg.Datacenters {
		return
	}
	owed := job.Owed{Excused: o.cfg.Across.AllowPartial}
	var unheard []string
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			switch {
			case !o.owes(l, x):
			case o.at() < o.tired(x):
				owed.Parts++
			case x.Fence == never:
				unheard = append(unheard, fmt.Sprintf("datacenter %s was not heard for %s", x.Holder.Node, hyperscale.FormatDuration(unheardFor)))
			}
		}
	}
	slices.Sort(unheard)
	owed.Unheard = strings.Join(slices.Compact(unheard), "; ")
	if before := o.story.owed; owed.Parts == before.Parts && owed.Unheard == before.Unheard {
		return
	}
	o.job(owed)
}
