package node

import (
	"maps"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/place"
)

// placing is this node's part in giving out cores: what its jobs want goes to the
// placer, all of it each second and to a new one, and in between what changed; and
// while it is the placer itself it answers everybody.
type placing struct {
	node    hyperscale.NodeID  // the placer; "": nobody is
	table   *place.Placer      // nil: somebody else is
	all     bool               // all that the jobs here want is to be said again
	changed []hyperscale.JobID // or what these want, or did before they were over
}

// appoint notes who the placer is. A new one begins with the statements that it
// has: it counts a worker's cores from its first one.
func (p *placing) appoint(n *Node, node hyperscale.NodeID) {
	if p.node == node {
		return
	}
	p.node, p.table, p.all = node, nil, true
	if node == n.cfg.Self {
		p.table = place.New(n.cfg.Place)
		for _, k := range n.kids.list {
			if k.stated && !k.gone {
				p.step(n, place.State(k.last.Statement, k.pulse.Health()))
			}
		}
	}
}

// step gives the table an event, if it is here, and sends its answers.
func (p *placing) step(n *Node, ev place.Event) {
	if p.table == nil {
		return
	}
	effects := p.table.Step(n.now, ev)
	if len(effects) == 0 {
		return // as after most statements, of which there may be thousands in a second
	}
	answers := place.Answers(effects)
	for _, to := range sorted(answers) {
		if to == n.cfg.Self {
			n.granted(answers[to])
		} else {
			n.do(ToPeer{to, answers[to]})
		}
	}
}

// jobWants notes what a job wants now.
func (n *Node) jobWants(ev JobWants) {
	j := n.jobs[ev.Job]
	if j == nil {
		return
	}
	changed := !slices.EqualFunc(j.wants, ev.Wants, sameWant) || !slices.EqualFunc(j.runs, ev.Runs, sameRun)
	n.router.note(ev.Job)
	since := map[uint64]time.Duration{}
	for i := range ev.Wants {
		number := ev.Wants[i].Number
		at, known := j.since[number]
		if !known {
			at = n.now - ev.Wants[i].Queued
		}
		since[number] = at
	}
	j.wants, j.runs, j.where, j.since = ev.Wants, ev.Runs, ev.Wishes, since
	if changed {
		n.placer.note(ev.Job)
	}
}

// note notes that what a job wants changed. A placer that is yet to come hears all.
func (p *placing) note(job hyperscale.JobID) {
	if p.node != "" {
		p.changed = append(p.changed, job)
	}
}

// sameWant compares what can change of a want of one number.
func sameWant(a, b link.Want) bool {
	return a.Number == b.Number && slices.Equal(a.Workflows, b.Workflows)
}

// sameRun compares all but what passes by itself, which is told each second.
func sameRun(a, b link.Run) bool {
	a.Left = b.Left
	return a == b
}

// ask tells the placer what changed of what the jobs here want: while thousands of
// jobs come at once, not all that came before with each of them.
func (n *Node) ask() {
	for (n.placer.all || len(n.placer.changed) > 0) && n.placer.node != "" {
		said := n.jobs.wants(n.now, n.placer.speakOf())
		if n.placer.node != n.cfg.Self {
			n.do(ToPeer{n.placer.node, said})
			return
		}
		n.placer.step(n, place.Wanted{From: n.cfg.Self, Wants: said})
	}
}

// speakOf is of which jobs something is to be said, by name, which is then done;
// none: of all.
func (p *placing) speakOf() []hyperscale.JobID {
	only := p.changed
	if p.all {
		only = nil
	}
	p.all, p.changed = false, nil
	slices.Sort(only)
	return slices.Compact(only)
}

// wants is what the jobs here want and run: all of them, or some.
func (all jobs) wants(now time.Duration, only []hyperscale.JobID) link.Wants {
	said := link.Wants{Only: only}
	if len(only) == 0 {
		only = slices.Sorted(maps.Keys(all))
	}
	for _, name := range only {
		j := all[name]
		if j == nil {
			continue // over, and so it wants nothing
		}
		for _, w := range j.wants {
			w.Queued = now - j.since[w.Number]
			said.Wants = append(said.Wants, w)
		}
		said.Runs = append(said.Runs, j.runs...)
	}
	return said
}

// granted passes what the placer answers on to the jobs: one answer for each want,
// once all its workflows are answered.
func (n *Node) granted(said link.Grants) {
	type wanted struct {
		job    hyperscale.JobID
		number uint64
	}
	var order []wanted
	cores, waits := map[wanted]map[string][]link.Cores{}, map[wanted]bool{}
	for _, g := range said.Grants {
		j := n.jobs[g.Job]
		if j == nil || j.epoch != g.Epoch {
			continue
		}
		key := wanted{g.Job, g.Number}
		switch {
		case g.Refused != "":
			n.do(ToJob{g.Job, owner.Denied{Want: g.Number, Reason: g.Refused}})
		case g.Waiting != "":
			if !waits[key] { // one answer for all its workflows
				waits[key] = true
				n.do(ToJob{g.Job, owner.Queued{Want: g.Number, Waiting: link.Waiting{Why: g.Waiting, Position: g.Position, Expected: g.Expected}}})
			}
		case len(g.Cores) > 0:
			if cores[key] == nil {
				cores[key] = map[string][]link.Cores{}
				order = append(order, key)
			}
			cores[key][g.Workflow] = g.Cores
		}
	}
	for _, key := range order {
		n.do(ToJob{key.job, owner.Granted{Want: key.number, Cores: cores[key]}})
	}
}
