package node

import (
	"math"

	"hyperscale"
	"hyperscale/internal/link"
)

// Disown makes a child drop all that it holds of a job that is over or never was:
// whoever owned it speaks no more, so that no epoch is too high.
func (n *Node) Disown(child hyperscale.NodeID, job hyperscale.JobID) []Effect {
	k := n.kids.by[child]
	if k == nil || k.conn == 0 || n.jobs[job] != nil {
		return nil
	}
	var drops []Effect
	for _, h := range k.holds[job] {
		order := link.Order{Do: link.Drop, Epoch: math.MaxInt64, Owner: n.cfg.Self, Hold: h.Hold}
		drops = append(drops, ToChild{Child: child, Conn: k.conn, Down: order})
	}
	return drops
}

// Drain tells a child to take nothing new, finish what it holds and go. It is
// false if there is no such child.
func (n *Node) Drain(child hyperscale.NodeID) ([]Effect, bool) {
	k := n.kids.by[child]
	if k == nil || k.conn == 0 {
		return nil, false
	}
	k.word++
	k.wordAt = n.now
	return []Effect{ToChild{Child: child, Conn: k.conn, Down: link.Word{
		Node: n.cfg.Self, Boot: n.cfg.Boot, Seq: k.word, Level: n.pressure(), Owns: n.jobs.owns(child), Drain: true,
	}}}, true
}
