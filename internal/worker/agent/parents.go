package agent

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// parent is a manager that is linked. It goes with the link.
type parent struct {
	node    hyperscale.NodeID
	boot    hyperscale.Boot
	link    uint64        // number of the link: of no other, before or after
	heard   uint64        // number of its last word; 0: none
	heardAt time.Duration // when it came
	stated  time.Duration // when it was last told all
	due     time.Duration // when it is told next; never: with the next beat
}

// job is what is known of a job of which something is held.
type job struct {
	epoch hyperscale.Epoch  // the highest heard
	owner hyperscale.NodeID // of that epoch; "": not known yet
	via   hyperscale.NodeID // the parent over which it was last heard
	heard time.Duration     // when the last word of the job's top owner was said
	level link.Level        // what the owner can take
	holds int
}

// claim judges who says that it owns the job. The highest epoch wins; one epoch
// has one owner.
func (j *job) claim(epoch hyperscale.Epoch, owner hyperscale.NodeID) bool {
	switch {
	case epoch < j.epoch:
		return false
	case epoch > j.epoch:
		j.epoch, j.owner, j.via, j.level = epoch, owner, "", link.Normal
	case j.owner == "":
		j.owner = owner
	}
	return j.owner == owner
}

// parent is the manager's link; nil: there is none.
func (a *Agent) parent(node hyperscale.NodeID) *parent {
	for _, p := range a.parents {
		if p.node == node {
			return p
		}
	}
	return nil
}

// route is the parent over which the job's owner is reached: its own link, or
// that of the one who passes its words on; nil: none.
func (a *Agent) route(j *job) *parent {
	if p := a.parent(j.owner); p != nil {
		return p
	}
	return a.parent(j.via)
}

// linked begins to talk to a manager: it is told at once what is held.
func (a *Agent) linked(ev Linked) {
	a.unlinked(ev.Manager)
	a.numbers.link++
	a.parents = append(a.parents, &parent{
		node: ev.Manager, boot: ev.Boot, link: a.numbers.link, stated: a.timers.now - beat, due: a.timers.now,
	})
}

func (a *Agent) unlinked(node hyperscale.NodeID) {
	a.parents = slices.DeleteFunc(a.parents, func(p *parent) bool { return p.node == node })
}

// changed makes every parent hear soon what is held now.
func (a *Agent) changed() {
	for _, p := range a.parents {
		p.due = min(p.due, max(a.timers.now, p.stated+apart))
	}
}

// told takes in what a manager says, or passes on.
func (a *Agent) told(ev Told) {
	switch down := ev.Down.(type) {
	case link.Word:
		a.word(ev.By, down)
	case link.Order:
		a.order(ev, down)
	case link.Receipt:
		a.receipt(ev.By, down)
	}
}

// word takes a manager's beat. Only a word that is younger than the last counts
// as one of the top owner.
func (a *Agent) word(by hyperscale.NodeID, w link.Word) {
	if p := a.parent(by); p != nil && by == w.Node {
		if w.Boot != p.boot || w.Seq <= p.heard {
			return
		}
		p.heard, p.heardAt = w.Seq, a.timers.now
	}
	for _, owned := range w.Owns {
		j := a.jobs[owned.Job]
		if j == nil || !a.claimed(j, owned.Epoch, w.Node) {
			continue
		}
		j.via = by
		j.heard = max(j.heard, a.timers.now-max(owned.Age, 0))
		a.setLevel(owned.Job, w.Level)
	}
}

// claimed judges who says that it owns the job, and tells all once it is another.
func (a *Agent) claimed(j *job, epoch hyperscale.Epoch, owner hyperscale.NodeID) bool {
	before := *j
	mine := j.claim(epoch, owner)
	if before.epoch != j.epoch || before.owner != j.owner {
		a.changed()
	}
	return mine
}

// state tells the parents that wait for it what there is, as a whole.
func (a *Agent) state() {
	now := a.timers.now
	var holds []link.Held
	told := false
	for _, p := range a.parents {
		if p.due > now {
			continue
		}
		if !told {
			holds, told = a.held(), true
		}
		a.numbers.statement++
		s := link.Statement{
			Node: a.cfg.Node, Boot: a.cfg.Boot, Seq: a.numbers.statement, Cores: a.cfg.Cores, Free: a.free(),
			Draining: a.drain.asked, Stall: a.timers.late, Holds: holds, Heard: p.heard, Vitals: a.vitals,
		}
		if p.heard > 0 {
			s.HeardAgo = now - p.heardAt
		}
		p.stated, p.due = now, never
		a.do(Tell{To: p.node, Up: s})
	}
	if told || len(a.parents) == 0 {
		a.grant()
	}
	if told {
		a.timers.late /= 2
	}
}

// grant lets engines go as far as was stated.
func (a *Agent) grant() {
	for _, h := range a.holds {
		if h.engine != nil && h.engine.started && h.reserve != h.granted {
			h.granted = h.reserve
			a.do(ToEngine{Engine: h.engine.id, Command: Command{Do: Grant, Reserve: h.reserve}})
		}
	}
}

// held is what is held, in words for parents.
func (a *Agent) held() []link.Held {
	all := make([]link.Held, 0, len(a.holds))
	for _, h := range a.holds {
		j := a.jobs[h.Job]
		held := link.Held{
			Hold: h.Hold, State: h.state, Reason: h.reason, Start: h.start.number,
			Cut: h.turn.stream.Seq(), Acked: h.out.acked, Reserve: h.reserve, Adjustment: h.adjusted(),
			Aborted: h.aborted, Epoch: j.epoch, Silence: a.timers.now - j.heard,
		}
		if h.start.number > 0 {
			held.JobTime = max(h.jobTime(a.timers.now), 0)
		}
		all = append(all, held)
	}
	return all
}
