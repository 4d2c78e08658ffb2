package node

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/place"
)

// placing is this node's part in giving out cores: what its jobs want goes to the
// placer, each second and whenever it changes; and while it is the placer itself
// it answers everybody.
type placing struct {
	node    hyperscale.NodeID // the placer; "": nobody is
	table   *place.Placer     // nil: somebody else is
	changed bool              // what the jobs here want is to be said again
}

// appoint notes who the placer is. A new one begins with the statements that it
// has: it counts a worker's cores from its first one.
func (p *placing) appoint(n *Node, node hyperscale.NodeID) {
	if p.node == node {
		return
	}
	p.node, p.table, p.changed = node, nil, true
	if node == n.cfg.Self {
		p.table = place.New(n.cfg.Place)
		for _, k := range n.kids.list {
			if k.stated && !k.gone {
				p.step(n, place.State(k.last, k.pulse.Health()))
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
	since := map[uint64]time.Duration{}
	for i := range ev.Wants {
		number := ev.Wants[i].Number
		at, known := j.since[number]
		if !known {
			at = n.now - ev.Wants[i].Queued
			n.placer.changed = true
		}
		since[number] = at
	}
	if len(since) != len(j.since) || !slices.Equal(j.runs, ev.Runs) {
		n.placer.changed = true
	}
	j.wants, j.runs, j.since = ev.Wants, ev.Runs, since
}

// ask tells the placer all that the jobs here want, if that changed.
func (n *Node) ask() {
	for n.placer.changed && n.placer.node != "" {
		n.placer.changed = false
		all := n.jobs.wants(n.now)
		if n.placer.node != n.cfg.Self {
			n.do(ToPeer{n.placer.node, all})
			return
		}
		n.placer.step(n, place.Wanted{From: n.cfg.Self, Wants: all})
	}
}

// wants is all that the jobs here want and run.
func (all jobs) wants(now time.Duration) link.Wants {
	var said link.Wants
	var names []hyperscale.JobID
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		j := all[name]
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
