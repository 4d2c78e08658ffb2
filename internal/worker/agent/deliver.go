package agent

import (
	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/outbox"
	"hyperscale/internal/stats"
)

// keep makes a window wait for its acknowledgement.
func (h *hold) keep(w *stats.Window, ending *link.Ending) {
	h.out.Add(outbox.Pack(w, ending), outbox.LengthOf(h.job.level))
}

// setLevel obeys what the job's owner can take.
func (a *Agent) setLevel(j *job, level link.Level) {
	longer := outbox.LengthOf(level) > outbox.LengthOf(j.level)
	j.level = level
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
	if r.Epoch < j.epoch {
		return // of an owner that was: whoever is now answers anew
	}
	if r.Owner.Node != "" || r.Epoch > j.epoch {
		a.claimed(j, r.Epoch, r.Owner.Node)
	}
	if j.owner == "" {
		j.via = by
	}
	if r.Broken {
		h.gone = true
		return
	}
	if p := a.route(j); p != nil && p.node == by {
		a.setLevel(j, r.Level)
	}
	if j.lease > 0 && r.Reserve != (link.Reserve{}) {
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
	to := a.route(h.job)
	if to == nil || h.gone {
		o.Nowhere()
		return
	}
	o.Aim(outbox.Way{Link: to.link, Epoch: h.job.epoch}, now)
	for ready := o.Ready(h.job.level, h.state == link.Running); ; {
		k, some := o.Send(ready, boxes(a.holds).Room(to.link), now)
		if !some {
			return
		}
		a.m.do(Tell{To: to.node, Up: link.Delivery{Hold: h.Hold, Start: h.start.number, Window: k.Bytes, Ending: k.Ending}})
	}
}
