package node

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/place"
)

// survey is what is known of the datacenter as a whole, for the tier above: the
// placer's word, which it says each second.
type survey struct {
	last  *link.Capacity                      // the newest; nil: none was heard
	came  time.Duration                       // when it did
	mates map[hyperscale.NodeID]time.Duration // the nodes of this tier, and when each was last known to be there
}

// there notes which nodes of the tier are there.
func (s *survey) there(now time.Duration, all []link.Parent) {
	for _, p := range all {
		s.mates[p.Node] = now
	}
}

// heard takes in what the placer says.
func (s *survey) heard(now time.Duration, c link.Capacity) { s.last, s.came = &c, now }

// take makes the placer's word of what this node sees, and says it to the others.
func (s *survey) take(n *Node) {
	if !n.cfg.Above || n.placer.table == nil {
		return
	}
	sum, known := n.placer.table.Summary(n.now)
	if !known {
		return
	}
	c := link.Capacity{Cores: sum.Cores, Free: sum.Free, Queued: sum.Queued, Expected: sum.Expected}
	for _, k := range n.kids.list {
		if !k.stated || k.standing() == "left" {
			continue
		}
		c.Workers++
		if k.gone || k.pulse.Health() == place.Unhealthy {
			c.Unhealthy++
		}
	}
	for _, id := range sorted(s.mates) {
		is := slices.ContainsFunc(n.parents, func(p link.Parent) bool { return p.Node == id })
		if !is && n.now-s.mates[id] > n.cfg.Forget {
			delete(s.mates, id)
			continue
		}
		c.Managers++
		if !is || id != n.cfg.Self && !n.peers[id] {
			c.UnhealthyManagers++
		}
	}
	s.heard(n.now, c)
	for _, peer := range sorted(n.peers) {
		n.do(ToPeer{peer, c})
	}
}

// Capacity is what the datacenter's placer said last of it, with its age now; nil: none
// was heard. It is said only with Above.
func (n *Node) Capacity(now time.Duration) *link.Capacity {
	if n.survey.last == nil {
		return nil
	}
	c := *n.survey.last
	c.Age += max(now-n.survey.came, 0)
	return &c
}
