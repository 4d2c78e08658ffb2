package agent

import (
	"slices"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/link"
)

// job is what is known of a job of which something is held.
type job struct {
	child.Claim
	holds int
}

// word takes a manager's beat.
func (a *Agent) word(by hyperscale.NodeID, w link.Word) {
	if !a.parents.Heard(a.m.now, by, w) {
		return
	}
	for _, owned := range w.Owns {
		j := a.jobs[owned.Job]
		if j == nil || !a.claimed(j, owned.Epoch, w.Node) {
			continue
		}
		j.Word(a.m.now, by, w, owned)
		a.setLevel(j, w.Level)
	}
}

// claimed judges who says that it owns the job, and tells all once it is another.
func (a *Agent) claimed(j *job, epoch hyperscale.Epoch, owner hyperscale.NodeID) bool {
	mine, news := j.Judge(epoch, owner)
	a.m.news = a.m.news || news
	return mine
}

// state tells the parents that wait for it what there is, as a whole.
func (a *Agent) state() {
	now := a.m.now
	if a.m.news {
		a.parents.Hear(now)
	}
	stated := a.parents.State(now, func() link.Statement {
		s := link.Statement{
			Node: a.m.cfg.Node, Boot: a.m.cfg.Boot, Cores: a.m.cfg.Cores, Free: a.m.free(),
			Draining: a.drain.asked, Stall: a.clock.Stall(), Vitals: a.vitals,
		}
		for _, h := range a.holds {
			s.Holds = append(s.Holds, h.held())
		}
		return s
	})
	for _, s := range stated {
		a.m.do(Tell{To: s.To.Node, Up: s.Statement})
	}
	if len(stated) > 0 {
		a.clock.Told()
	}
	a.grant(stated)
}

// grant lets engines go as far as these were told; where their job's owner is not
// reached, as far as they ask. Of a job with a lease it is to be known that its owner
// wrote it down: its receipts say so.
func (a *Agent) grant(stated []child.Stated) {
	for _, h := range a.holds {
		if h.job.Lease > 0 {
			continue
		}
		p := h.job.Route(&a.parents)
		if p == nil || slices.ContainsFunc(stated, func(s child.Stated) bool { return s.To == p }) {
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
