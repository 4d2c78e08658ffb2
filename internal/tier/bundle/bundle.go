package bundle

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/route"
	"hyperscale/internal/tier/node"
)

// Name is the name that a manager goes by at a gate: in another datacenter there may be
// one of the same.
func Name(datacenter string, manager hyperscale.NodeID) hyperscale.NodeID {
	return hyperscale.NodeID(datacenter + "/" + string(manager))
}

// Split is the datacenter of a manager, and its name there. It is false if the name is
// not one that [Name] made.
func Split(id hyperscale.NodeID) (datacenter string, manager hyperscale.NodeID, is bool) {
	datacenter, name, is := strings.Cut(string(id), "/")
	return datacenter, hyperscale.NodeID(name), is
}

// Bundle is what a gate knows of managers, by datacenter.
type Bundle struct {
	cfg      node.Config
	now      time.Duration
	ticked   time.Duration
	managers map[hyperscale.NodeID]*manager
	sites    map[hyperscale.NodeID]*site
	conns    uint64 // number of the last stream to a datacenter
	events   []node.Event
	effects  []node.Effect
}

// site is a datacenter.
type site struct {
	name     hyperscale.NodeID
	conn     uint64 // of the stream that the node knows; 0: none
	jobs     map[hyperscale.JobID]*job
	managers map[hyperscale.NodeID]*manager
	word     link.Word     // the last that the gate said itself
	stated   time.Duration // when the newest word of its placer that is known was said
	words    uint64        // of its placer, so far
}

// New is a bundle of nothing, at a gate of this configuration.
func New(cfg node.Config) *Bundle {
	cfg.Beat = cmp.Or(cfg.Beat, time.Second)
	cfg.Missed = cmp.Or(cfg.Missed, 3)
	cfg.Back = cmp.Or(cfg.Back, 600*time.Millisecond)
	cfg.Forget = cmp.Or(cfg.Forget, 120*time.Second)
	return &Bundle{cfg: cfg, managers: map[hyperscale.NodeID]*manager{}, sites: map[hyperscale.NodeID]*site{}}
}

// In takes in what came, of managers and of others, and gives what the node is to hear
// of it, and what is to be done at once. What is not of managers stays as it is.
func (b *Bundle) In(now time.Duration, ev node.Event) ([]node.Event, []node.Effect) {
	b.now, b.events, b.effects = now, nil, nil
	switch ev := ev.(type) {
	case node.Attached:
		b.attached(ev)
	case node.Detached:
		if m := b.managers[ev.Child]; m != nil && m.conn == ev.Conn {
			m.conn, m.left = 0, now
			b.stands(m, route.Silent)
		}
	case node.Said:
		b.said(ev)
	case node.Delivered:
		if m := b.managers[ev.Child]; m != nil {
			m.heard = now
			b.hear(node.Delivered{Child: m.site.name})
		}
	case node.Tick:
		b.tick()
		b.hear(ev)
	default:
		b.hear(ev)
	}
	return b.events, b.effects
}

// Out gives what is to be done in place of what the node wants done, as it is for the
// managers that it is for.
func (b *Bundle) Out(now time.Duration, e node.Effect) []node.Effect {
	b.now, b.effects = now, nil
	switch e := e.(type) {
	case node.ToChild:
		if s := b.sites[e.Child]; s != nil && s.conn == e.Conn {
			b.to(s, e.Down)
		}
	case node.HangUp:
		if s := b.sites[e.Child]; s != nil && s.conn == e.Conn {
			s.conn = 0 // what any of them says next begins anew
			for _, m := range s.linked() {
				b.do(node.HangUp{Child: m.id, Conn: m.conn, Reason: e.Reason})
			}
		}
	default:
		b.do(e)
	}
	return b.effects
}

func (b *Bundle) hear(ev node.Event)   { b.events = append(b.events, ev) }
func (b *Bundle) do(e node.Effect)     { b.effects = append(b.effects, e) }
func (b *Bundle) route(ev route.Event) { b.hear(node.Surveyed{Event: ev}) }
func (b *Bundle) tell(m *manager, d link.Down) {
	b.do(node.ToChild{Child: m.id, Conn: m.conn, Down: d})
}

// attached takes in that a manager's stream stands. It hears at once whom it reached:
// with the datacenter's stream, if that begins with it.
func (b *Bundle) attached(ev node.Attached) {
	m := b.managers[ev.Child]
	if m == nil {
		dc, _, _ := Split(ev.Child)
		m = &manager{id: ev.Child, site: b.site(hyperscale.NodeID(dc))}
		b.managers[m.id], m.site.managers[m.id] = m, m
	}
	m.conn, m.heard, m.fresh, m.hung = ev.Conn, b.now, true, false
	if !b.open(m.site) && m.site.word.Seq > 0 {
		b.word(m, m.site.word)
	}
}

// site is the record of a datacenter, made if there is none.
func (b *Bundle) site(name hyperscale.NodeID) *site {
	s := b.sites[name]
	if s == nil {
		s = &site{name: name, jobs: map[hyperscale.JobID]*job{}, managers: map[hyperscale.NodeID]*manager{}, stated: -1 << 62}
		b.sites[name] = s
	}
	return s
}

// open makes the node know that the datacenter is reached. It is false if it does.
func (b *Bundle) open(s *site) bool {
	if s.conn != 0 {
		return false
	}
	b.conns++
	s.conn = b.conns
	b.hear(node.Attached{Child: s.name, Conn: s.conn})
	return true
}

// said takes in what a manager says.
func (b *Bundle) said(ev node.Said) {
	m := b.managers[ev.Child]
	if m == nil || m.conn != ev.Conn {
		return
	}
	switch up := ev.Up.(type) {
	case link.Statement:
		if up.Node != m.id || up.Boot < m.last.Boot || up.Boot == m.last.Boot && up.Seq <= m.last.Seq {
			return
		}
		m.last, m.at, m.heard, m.fresh = up, b.now, b.now, false
		b.stands(m, route.Heard)
		b.measure(m)
		b.capacity(m)
		b.take(m)
		b.open(m.site)
		b.hear(node.Said{Child: m.site.name, Conn: m.site.conn, Up: m.site.statement(b.now, m)})
	case link.Fenced:
		up.Node = m.site.name
		b.hear(node.Said{Child: m.site.name, Conn: m.site.conn, Up: up})
	}
}

// tick looks who is not heard any more. After a standstill of this node itself all have
// their time again.
func (b *Bundle) tick() {
	stood := b.now - b.ticked
	b.ticked = b.now
	for _, id := range slices.Sorted(maps.Keys(b.managers)) {
		m := b.managers[id]
		if stood > time.Second {
			m.heard = b.now
		}
		switch {
		case m.conn == 0 && b.now-m.left > b.cfg.Forget:
			b.forget(m)
		case m.conn != 0 && !m.hung && b.now-m.heard >= m.patience(b.cfg):
			b.stands(m, route.Silent)
			m.hung = true
			b.do(node.HangUp{Child: m.id, Conn: m.conn, Reason: "it missed its beats"})
		}
	}
}

// forget drops all that is known of a manager, and of its datacenter if it was the last
// one and holds nothing.
func (b *Bundle) forget(m *manager) {
	delete(b.managers, m.id)
	delete(m.site.managers, m.id)
	b.route(route.Manager{Datacenter: string(m.site.name), Node: m.id, State: route.Gone})
	if s := m.site; len(s.managers) == 0 && len(s.jobs) == 0 {
		delete(b.sites, s.name)
		b.route(route.Removed{Datacenter: string(s.name)})
	}
}
