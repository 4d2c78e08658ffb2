package agent

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// Bounds of what is under way.
const (
	maxSent   = 32      // windows of a turn that were sent and not acknowledged
	maxFlying = 4 << 20 // bytes of such windows over one link, or one window if that is larger

	firstWait = 20 * time.Second // for an acknowledgement, until windows are sent again; then twice as long
	lastWait  = time.Minute      // … and at most so long
)

// keep makes a window wait for its acknowledgement.
func (h *hold) keep(w *stats.Window, ending *link.Ending) {
	h.out.add(pack(w, ending), lengthOf(h.job.level))
}

// setLevel obeys what the job's owner can take.
func (a *Agent) setLevel(j *job, level link.Level) {
	longer := lengthOf(level) > lengthOf(j.level)
	j.level = level
	if !longer {
		return
	}
	for _, h := range a.holds {
		if h.job == j {
			h.out.stretch(lengthOf(level))
		}
	}
}

// squeeze joins windows that were never sent while there are too many bytes,
// first those of the turn that has most. Nothing is ever thrown away.
func (a *Agent) squeeze() {
	total := 0
	for _, h := range a.holds {
		total += h.out.bytes
	}
	tried := map[*hold]bool{}
	for total > a.m.cfg.MaxKept {
		var most *hold
		for _, h := range a.holds {
			if !tried[h] && (most == nil || h.out.idle() > most.out.idle()) {
				most = h
			}
		}
		if most == nil {
			return
		}
		before := most.out.bytes
		tried[most] = !most.out.halve()
		total -= before - most.out.bytes
	}
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
	now := a.m.now
	o := &h.out
	a.m.acknowledged += uint64(o.acknowledge(r.Seq, now))
	if r.Delay > 0 {
		o.pace.holdOff = max(o.pace.holdOff, now+min(r.Delay, lastWait))
	}
	if r.Again && r.Seq == o.acked && (o.pace.asked != r.Seq+1 || now >= o.pace.askedAt+time.Second) {
		o.pace.asked, o.pace.askedAt = r.Seq+1, now
		o.rewind()
	}
}

// deliver sends what the job's owner may have of a hold.
func (a *Agent) deliver(h *hold) {
	now := a.m.now
	o := &h.out
	to := a.route(h.job)
	if to == nil || h.gone {
		o.to = way{}
		return
	}
	o.aim(way{to.link, h.job.epoch}, now)
	if now < o.pace.holdOff {
		return
	}
	ready := min(o.ready(h.job.level, h.state == link.Running), maxSent)
	for o.sent < ready {
		n := a.flying(to)
		if n > 0 && n+len(o.list[o.sent].bytes) > maxFlying {
			return
		}
		k := o.send(now)
		a.m.do(Tell{To: to.node, Up: link.Delivery{Hold: h.Hold, Start: h.start.number, Window: k.bytes, Ending: k.ending}})
	}
}

// flying is how many bytes were sent over a link and not acknowledged.
func (a *Agent) flying(p *parent) int {
	n := 0
	for _, h := range a.holds {
		if h.out.to.link == p.link {
			n += size(h.out.list[:h.out.sent])
		}
	}
	return n
}
