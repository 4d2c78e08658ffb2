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

// parents are the managers that are linked, in the order in which they came.
type parents struct {
	list  []*parent
	links uint64 // number of the last link
}

// find is the manager's link; nil: there is none.
func (p *parents) find(node hyperscale.NodeID) *parent {
	for _, q := range p.list {
		if q.node == node {
			return q
		}
	}
	return nil
}

// link begins to talk to a manager: it is told at once what is held.
func (p *parents) link(now time.Duration, ev Linked) {
	p.unlink(ev.Manager)
	p.links++
	p.list = append(p.list, &parent{node: ev.Manager, boot: ev.Boot, link: p.links, stated: now - beat, due: now})
}

func (p *parents) unlink(node hyperscale.NodeID) {
	p.list = slices.DeleteFunc(p.list, func(q *parent) bool { return q.node == node })
}

// hear makes every parent hear, at the time given or soon after, what is held.
func (p *parents) hear(at time.Duration) {
	for _, q := range p.list {
		q.due = min(q.due, max(at, q.stated+apart))
	}
}

// next is when a parent is to be told something; never: with the next beat.
func (p *parents) next() time.Duration {
	at := never
	for _, q := range p.list {
		at = min(at, q.due)
	}
	return at
}

// job is what is known of a job of which something is held.
type job struct {
	epoch hyperscale.Epoch  // the highest heard
	owner hyperscale.NodeID // of that epoch; "": not known yet
	via   hyperscale.NodeID // the parent over which it was last heard
	heard time.Duration     // when the last word of the job's top owner was said
	level link.Level        // what the owner can take
	// lease is, of a job that lets no two hold a slot, how long is gone on with since the
	// last statement that the owner is known to have heard, which is what heard tells
	// then; 0: the job lets them.
	lease time.Duration
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

// route is the parent over which the job's owner is reached: its own link, or
// that of the one who passes its words on; nil: none.
func (a *Agent) route(j *job) *parent {
	if p := a.parents.find(j.owner); p != nil {
		return p
	}
	return a.parents.find(j.via)
}

// word takes a manager's beat. Only a word that is younger than the last counts
// as one of the top owner.
func (a *Agent) word(by hyperscale.NodeID, w link.Word) {
	if p := a.parents.find(by); p != nil && by == w.Node {
		if w.Boot != p.boot || w.Seq <= p.heard {
			return
		}
		p.heard, p.heardAt = w.Seq, a.m.now
	}
	for _, owned := range w.Owns {
		j := a.jobs[owned.Job]
		if j == nil || !a.claimed(j, owned.Epoch, w.Node) {
			continue
		}
		j.via = by
		j.heard = max(j.heard, j.saidAt(a.m.now, w)-max(owned.Age, 0))
		a.setLevel(j, w.Level)
	}
}

// saidAt is when a word of the job's owner was said, at the latest; of a job with a
// lease, when the statement was made that it answers: the word itself may have been
// under way for long, while its owner hears nothing.
func (j *job) saidAt(now time.Duration, w link.Word) time.Duration {
	switch {
	case j.lease == 0:
		return now
	case w.HeardAt == 0:
		return j.heard
	}
	return min(w.HeardAt, now)
}

// claimed judges who says that it owns the job, and tells all once it is another.
func (a *Agent) claimed(j *job, epoch hyperscale.Epoch, owner hyperscale.NodeID) bool {
	before := *j
	mine := j.claim(epoch, owner)
	if before.epoch != j.epoch || before.owner != j.owner {
		a.m.news = true
	}
	return mine
}

// state tells the parents that wait for it what there is, as a whole.
func (a *Agent) state() {
	now := a.m.now
	if a.m.news {
		a.parents.hear(now)
	}
	var holds []link.Held
	var told []*parent
	for _, p := range a.parents.list {
		if p.due > now {
			continue
		}
		for _, h := range a.holds[len(holds):] {
			holds = append(holds, h.held())
		}
		told = append(told, p)
		a.seq++
		s := link.Statement{
			Node: a.m.cfg.Node, Boot: a.m.cfg.Boot, Seq: a.seq, Cores: a.m.cfg.Cores, Free: a.m.free(),
			Draining: a.drain.asked, Stall: a.timers.late, Holds: holds, Heard: p.heard, At: now, Vitals: a.vitals,
		}
		if p.heard > 0 {
			s.HeardAgo = now - p.heardAt
		}
		p.stated, p.due = now, never
		a.m.do(Tell{To: p.node, Up: s})
	}
	if len(told) > 0 {
		a.timers.late /= 2
	}
	a.grant(told)
}

// grant lets engines go as far as these were told; where their job's owner is not
// reached, as far as they ask. Of a job with a lease it is to be known that its owner
// wrote it down: its receipts say so.
func (a *Agent) grant(told []*parent) {
	for _, h := range a.holds {
		if h.job.lease > 0 {
			continue
		}
		if p := a.route(h.job); p == nil || slices.Contains(told, p) {
			grantTo(h, h.told.reserve)
		}
	}
}

// grantTo lets the engine of a hold go as far as the reserve.
func grantTo(h *hold, upTo link.Reserve) {
	if h.engine != nil && h.engine.started && upTo != h.told.granted {
		h.told.granted = upTo
		h.m.tell(h, Command{Do: Grant, Reserve: upTo})
	}
}
