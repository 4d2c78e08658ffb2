package node

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// Disown makes a child drop all that it holds of a job that is over or never was:
// whoever owned it speaks no more, so that no epoch is too high. A child that has the job
// itself hears how it ended; phase "": it never was.
func (n *Node) Disown(child hyperscale.NodeID, job hyperscale.JobID, phase hyperscale.Phase, reason string) []Effect {
	k := n.kids.by[child]
	if k == nil || k.conn == 0 || n.jobs[job] != nil {
		return nil
	}
	var drops []Effect
	for _, h := range k.holds[job] {
		order := link.Order{Do: link.Drop, Epoch: link.NoOwner, Owner: n.cfg.Self, Hold: h.Hold}
		if h.Workflow == "" {
			order.Phase, order.Reason = phase, reason
		}
		drops = append(drops, ToChild{Child: child, Conn: k.conn, Down: order})
	}
	return drops
}

// haltWithin is how long what was started may take to finish once a client showed
// that it wants an end, and no owner says how long the plan gives it.
const haltWithin = 5 * time.Second

// Halt shows the children that hold load of a job a client's proof that it wants it
// stopped: they obey though this node may own nothing. It tells how many there are,
// those that stopped it before too.
func (n *Node) Halt(proof link.Proof) (effects []Effect, children int) {
	n.effects = nil
	for _, k := range n.kids.all() {
		some := false
		for _, h := range k.holds[proof.Job] {
			if proof.Workflow != "" && h.Workflow != proof.Workflow || k.conn == 0 && k.by == "" {
				continue
			}
			live := h.State <= link.Running && h.State != link.Refused
			some = some || live || h.Cancelled.By != ""
			if !live {
				continue
			}
			n.tell(k, link.Order{Do: link.Stop, Owner: n.cfg.Self, Hold: h.Hold, Within: haltWithin, Proof: &proof})
		}
		if some {
			children++
		}
	}
	return n.effects, children
}

// Drain tells a child to take nothing new, finish what it holds and go. It is
// false if there is no such child.
func (n *Node) Drain(child hyperscale.NodeID) ([]Effect, bool) {
	k := n.kids.by[child]
	if k == nil || k.conn == 0 {
		return nil, false
	}
	w := n.nextWord(k)
	w.Drain = true
	return []Effect{ToChild{Child: child, Conn: k.conn, Down: w}}, true
}
