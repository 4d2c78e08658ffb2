package bundle

import (
	"maps"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/route"
	"hyperscale/internal/tier/node"
)

// manager is one that is, or was, linked here.
type manager struct {
	id    hyperscale.NodeID
	site  *site
	conn  uint64         // of its stream; 0: it has none
	fresh bool           // it stated nothing since that stands
	hung  bool           // that is to end: it missed its beats
	last  link.Statement // its last
	at    time.Duration  // when that came; 0: none did
	heard time.Duration  // when it last said something, or attached
	left  time.Duration  // when its last stream ended
	told  uint64         // number of the last word that it was told …
	since time.Duration  // … and when
	state route.State
	known bool // to the router, in that state
}

// patience is how long it may say nothing.
func (m *manager) patience(cfg node.Config) time.Duration {
	return time.Duration(float64(cfg.Missed) * (1 + m.last.Stall) * float64(cfg.Beat))
}

// stands tells the router how a manager stands, if that is news.
func (b *Bundle) stands(m *manager, state route.State) {
	if m.known && m.state == state {
		return
	}
	m.known, m.state = true, state
	b.route(route.Manager{Datacenter: string(m.site.name), Node: m.id, State: state})
}

// measure tells the router how long a word to a manager and its answer took.
func (b *Bundle) measure(m *manager) {
	if m.last.Heard == m.told && m.told != 0 {
		b.route(route.Sampled{Datacenter: string(m.site.name), Node: m.id, RTT: max(b.now-m.since-m.last.HeardAgo, 0)})
	}
}

// capacity tells the router what the placer of a datacenter says, if a manager knows a
// newer word of it than the others.
func (b *Bundle) capacity(m *manager) {
	c, s := m.last.Capacity, m.site
	if c == nil || b.now-c.Age <= s.stated {
		return
	}
	s.stated = b.now - c.Age
	s.words++
	b.route(route.Stated{Datacenter: string(s.name), Seq: s.words, Age: c.Age, Capacity: route.Capacity{
		Cores: c.Cores, Free: c.Free, Workers: c.Workers - c.Unhealthy, Unhealthy: c.Unhealthy,
		Queued: time.Duration(c.Queued) * time.Second, Expected: c.Expected,
	}})
}

// linked are the managers of a datacenter that are, by name.
func (s *site) linked() []*manager {
	var list []*manager
	for _, id := range slices.Sorted(maps.Keys(s.managers)) {
		if m := s.managers[id]; m.conn != 0 {
			list = append(list, m)
		}
	}
	return list
}

// Managers are all that spoke, by name, for people.
func (b *Bundle) Managers(now time.Duration) []node.Child {
	var list []node.Child
	for _, id := range slices.Sorted(maps.Keys(b.managers)) {
		m := b.managers[id]
		if m.at == 0 {
			continue
		}
		jobs := map[hyperscale.JobID]bool{}
		for _, h := range m.last.Holds {
			jobs[h.Job] = true
		}
		state := m.standing(now, b.cfg)
		list = append(list, node.Child{
			Holder: link.Holder{Node: id, Boot: m.last.Boot}, Draining: m.last.Draining, State: state,
			Heard: state != "dead" && state != "left", Age: now - m.heard, Health: "healthy", Jobs: len(jobs), Vitals: m.last.Vitals,
		})
	}
	return list
}

// standing is how a manager stands, in the words that are used of children.
func (m *manager) standing(now time.Duration, cfg node.Config) string {
	gone := m.conn == 0 && now-m.left >= cfg.Back
	switch {
	case gone && m.last.Draining && len(m.last.Holds) == 0:
		return "left"
	case gone:
		return "dead"
	case m.conn == 0, m.hung:
		return "suspect"
	case m.last.Draining:
		return "draining"
	}
	return "alive"
}
