package agent

import (
	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/outbox"
	"hyperscale/internal/stats"
)

// keep makes a window wait for its acknowledgement.
func (h *hold) keep(w *stats.Window, ending *link.Ending) {
	h.out.Add(outbox.Pack(w, ending), outbox.LengthOf(h.job.Level))
}

// setLevel obeys what the job's owner can take.
func (a *Agent) setLevel(j *job, level link.Level) {
	longer := outbox.LengthOf(level) > outbox.LengthOf(j.Level)
	j.Level = level
	if !longer {
		return
	}
	for _, h := range a.holds {
		if h.job == j {
			h.out.Stretch(outbox.LengthOf(level))
		}
	}
}

// boxes are where the windows of some holds wait.
func boxes(holds []*hold) outbox.Boxes {
	list := make(outbox.Boxes, len(holds))
	for i, h := range holds {
		list[i] = &h.out
	}
	return list
}

// receipt takes what a parent acknowledges, if it has the job or nobody has.
func (a *Agent) receipt(by hyperscale.NodeID, r link.Receipt) {
	h := a.hold(r.Hold)
	if h == nil {
		return
	}
	j := h.job
	if r.Unknown {
		h.gone = true
		return
	}
	counts, news := j.Answered(by, r)
	a.m.news = a.m.news || news
	if !counts {
		return
	}
	if r.Broken {
		h.gone = true
		return
	}
	if p := j.Route(&a.parents); p != nil && p.Node == by {
		a.setLevel(j, r.Level)
	}
	if j.Lease > 0 && r.Reserve != (link.Reserve{}) {
		grantTo(h, r.Reserve)
	}
	now := a.m.now
	o := &h.out
	a.m.acknowledged += uint64(o.Acknowledge(r.Seq, now))
	if r.Delay > 0 {
		o.HoldOff(r.Delay, now)
	}
	if r.Again {
		o.Again(r.Seq, now)
	}
}

// deliver sends what the job's owner may have of a hold.
func (a *Agent) deliver(h *hold) {
	now := a.m.now
	o := &h.out
	to := h.job.Route(&a.parents)
	if to == nil || h.gone {
		o.Nowhere()
		return
	}
	o.Aim(outbox.Way{Link: to.Link, Epoch: h.job.Epoch}, now)
	for ready := o.Ready(h.job.Level, h.state == link.Running); ; {
		k, some := o.Send(ready, boxes(a.holds).Room(to.Link), now)
		if !some {
			return
		}
		a.m.do(Tell{To: to.Node, Up: link.Delivery{Hold: h.Hold, Start: h.start.number, Window: k.Bytes, Ending: k.Ending}})
	}
}
