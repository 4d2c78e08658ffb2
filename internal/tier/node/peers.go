package node

import (
	"maps"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/place"
)

// jobsOf are the jobs here that a child holds, or held, a part of.
func (all jobs) of(kid hyperscale.NodeID) []hyperscale.JobID {
	var list []hyperscale.JobID
	for name, j := range all {
		if j.has(kid) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// peering is what the other managers say, and what passes through one that hears a
// child to one that does not.
type peering struct{ *Node }

// said takes in what another manager says.
func (n peering) said(ev PeerSaid) {
	switch said := ev.Said.(type) {
	case link.Wants:
		n.placer.step(n.Node, place.Wanted{From: ev.Node, Wants: said})
	case link.Grants:
		if ev.Node == n.placer.node {
			n.granted(said)
		}
	case link.Capacity:
		if ev.Node == n.placer.node {
			n.survey.heard(n.now, said)
		}
	case link.Hear:
		n.do(ToPeer{ev.Node, n.hears(ev.Node, said)})
	case link.Heard:
		n.heardBy(ev.Node, said)
	case link.Offer:
		n.do(Offered{From: ev.Node, Offer: said})
	case link.Taken:
		n.do(Took{From: ev.Node, Taken: said})
	case link.Relay:
		n.relayed(ev.Node, said)
	}
}

// hears says to another manager whether this node hears a child itself. If so, what
// the child says is passed on for a while.
func (n peering) hears(peer hyperscale.NodeID, h link.Hear) link.Heard {
	k := n.kids.by[h.Node]
	if k == nil || k.Boot != h.Boot || k.conn == 0 {
		return link.Heard{Holder: h.Holder}
	}
	age := n.now - k.heard
	if k.deaf == nil {
		k.deaf = map[hyperscale.NodeID]time.Duration{}
	}
	k.deaf[peer] = n.now
	return link.Heard{Holder: h.Holder, Heard: age < n.cfg.Beat*2, Age: age}
}

// heardBy takes in that another manager hears a child that we do not: what is to
// be said to it goes that way, and it is asked again with the next beats missed.
func (n peering) heardBy(peer hyperscale.NodeID, h link.Heard) {
	k := n.kids.by[h.Node]
	if !h.Heard || k == nil || k.Boot != h.Boot || k.gone || k.asked == 0 {
		return
	}
	k.by, k.asked, k.heard = peer, 0, n.now-h.Age
}

// relayed passes on what goes between another manager and a child that does not
// hear it, or takes in what a child said that way.
func (n peering) relayed(peer hyperscale.NodeID, r link.Relay) {
	k := n.kids.by[r.Worker.Node]
	switch up := r.Up.(type) {
	case link.Statement:
		if k != nil && k.by == peer {
			n.stated(k, up)
		}
		return
	case link.Delivery:
		n.do(Relayed{Worker: r.Worker, By: peer, Delivery: up})
		return
	}
	if r.Down != nil && k != nil && k.Boot == r.Worker.Boot && k.conn != 0 {
		n.do(ToChild{Child: k.Node, Conn: k.conn, Down: r.Down})
	}
}

// relayDown wraps what is said to a child through another manager.
func relayDown(to link.Holder, down link.Down) link.Relay { return link.Relay{Worker: to, Down: down} }

// passOn gives a child's statement to the managers that do not hear it themselves
// and asked whether we do.
func (n peering) passOn(k *kid, s link.Statement) {
	for _, peer := range sorted(k.deaf) {
		if n.now-k.deaf[peer] > 10*n.cfg.Beat || !n.peers[peer] {
			delete(k.deaf, peer)
			continue
		}
		n.do(ToPeer{peer, link.Relay{Worker: k.Holder, Up: s}})
	}
}

// sorted are the nodes in a map, in order, so that what goes out to them does so
// in the same order each time.
func sorted[V any](m map[hyperscale.NodeID]V) []hyperscale.NodeID { return slices.Sorted(maps.Keys(m)) }
