package bundle

import (
	"maps"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/tier/node"
)

// Boot is the only start of a datacenter.
const Boot hyperscale.Boot = 1

// Bundle is what a gate knows of managers, by datacenter.
type Bundle struct {
	managers map[hyperscale.NodeID]*manager
	sites    map[hyperscale.NodeID]*site
	conns    uint64 // number of the last stream to a datacenter
}

// manager is one that is linked here.
type manager struct {
	id   hyperscale.NodeID
	site *site
	conn uint64
	boot hyperscale.Boot
	seq  uint64 // of its last statement
	last link.Statement
	at   time.Duration // when that came; 0: none did
}

// site is a datacenter.
type site struct {
	name     hyperscale.NodeID
	conn     uint64 // of the stream that the node knows; 0: none
	seq      uint64 // of the last statement
	jobs     map[hyperscale.JobID]*job
	managers map[hyperscale.NodeID]*manager
}

// job is what a datacenter holds of one.
type job struct {
	held   []link.Held
	by     hyperscale.NodeID // who stated it; "": nobody yet
	tenure hyperscale.Epoch
	at     time.Duration
	tries  int // orders given since nobody was known to have it
}

// New is a bundle of nothing.
func New() *Bundle {
	return &Bundle{managers: map[hyperscale.NodeID]*manager{}, sites: map[hyperscale.NodeID]*site{}}
}

// Attached takes in that a manager's stream stands, and gives what the node is to hear.
func (b *Bundle) Attached(id, datacenter hyperscale.NodeID, conn uint64) []node.Event {
	s := b.sites[datacenter]
	if s == nil {
		s = &site{name: datacenter, jobs: map[hyperscale.JobID]*job{}, managers: map[hyperscale.NodeID]*manager{}}
		b.sites[datacenter] = s
	}
	m := &manager{id: id, site: s, conn: conn}
	b.managers[id], s.managers[id] = m, m
	return b.open(s)
}

// open makes the node know that the datacenter is reached, unless it does.
func (b *Bundle) open(s *site) []node.Event {
	if s.conn != 0 {
		return nil
	}
	b.conns++
	s.conn = b.conns
	return []node.Event{node.Attached{Child: s.name, Conn: s.conn}}
}

// Detached takes in that it does no more. The node hears nothing: who is not heard is
// silent.
func (b *Bundle) Detached(id hyperscale.NodeID, conn uint64) {
	m := b.managers[id]
	if m == nil || m.conn != conn {
		return
	}
	delete(b.managers, id)
	delete(m.site.managers, id)
}

// Datacenter is that of a manager; "": it is not linked.
func (b *Bundle) Datacenter(id hyperscale.NodeID) hyperscale.NodeID {
	if m := b.managers[id]; m != nil {
		return m.site.name
	}
	return ""
}

// Said takes in what a manager says, and gives what the node is to hear of it.
func (b *Bundle) Said(now time.Duration, id hyperscale.NodeID, conn uint64, up link.Up) []node.Event {
	m := b.managers[id]
	if m == nil || m.conn != conn {
		return nil
	}
	switch up := up.(type) {
	case link.Statement:
		if up.Boot < m.boot || up.Boot == m.boot && up.Seq <= m.seq {
			return nil
		}
		m.boot, m.seq, m.last, m.at = up.Boot, up.Seq, up, now
		m.site.take(now, m)
		return append(b.open(m.site), node.Said{Child: m.site.name, Conn: m.site.conn, Up: m.site.statement(now, m)})
	case link.Fenced:
		up.Node = m.site.name
		return []node.Event{node.Said{Child: m.site.name, Conn: m.site.conn, Up: up}}
	}
	return nil
}

// take takes in what a manager states of jobs.
func (s *site) take(now time.Duration, m *manager) {
	held := map[hyperscale.JobID][]link.Held{}
	for _, h := range m.last.Holds {
		held[h.Job] = append(held[h.Job], h)
	}
	for name, list := range held {
		tenure := list[0].Tenure
		if before := s.jobs[name]; before == nil || tenure >= before.tenure {
			s.jobs[name] = &job{held: list, by: m.id, tenure: tenure, at: now}
		}
	}
	for _, name := range m.last.Over {
		delete(s.jobs, name)
	}
}

// statement is all that the datacenter states, as one of its managers has just spoken.
func (s *site) statement(now time.Duration, m *manager) link.Statement {
	s.seq++
	st := m.last
	st.Node, st.Boot, st.Seq, st.At, st.Over = s.name, Boot, s.seq, 0, nil
	st.Draining = !slices.ContainsFunc(s.sorted(), func(o *manager) bool { return !o.last.Draining })
	if c := st.Capacity; c != nil {
		st.Cores, st.Free = c.Cores, c.Free
	}
	st.Holds = nil
	for _, name := range slices.Sorted(maps.Keys(s.jobs)) {
		st.Holds = append(st.Holds, s.jobs[name].now(now)...)
	}
	return st
}

// now is what a job's owner stated, as it is by now if all goes on.
func (j *job) now(now time.Duration) []link.Held {
	age := now - j.at
	if age == 0 {
		return j.held
	}
	held := slices.Clone(j.held)
	for i := range held {
		if held[i].State == link.Running {
			held[i].JobTime += age
		}
		held[i].Silence += age
	}
	return held
}

// To says who is to hear what the node says to a datacenter. A word goes to each of its
// managers, and tells back to each what that said; an order, and a receipt, to who owns
// the job there.
func (b *Bundle) To(datacenter hyperscale.NodeID, conn uint64, down link.Down) []Telling {
	s := b.sites[datacenter]
	if s == nil || s.conn != conn {
		return nil
	}
	switch down := down.(type) {
	case link.Order:
		return s.toOwner(down.Hold.Job, down)
	case link.Receipt:
		return s.toOwner(down.Hold.Job, down)
	case link.Word:
		var all []Telling
		for _, m := range s.sorted() {
			word := down
			word.HeardAt = m.last.At
			all = append(all, Telling{m.id, m.conn, word})
		}
		return all
	}
	return nil
}

// Telling is something to be said to a manager on its stream.
type Telling struct {
	Manager hyperscale.NodeID
	Conn    uint64
	Down    link.Down
}

// sorted are the managers that are linked, by name.
func (s *site) sorted() []*manager {
	var list []*manager
	for _, id := range slices.Sorted(maps.Keys(s.managers)) {
		list = append(list, s.managers[id])
	}
	return list
}

// toOwner is for who owns a job there, or as long as nobody is known to, one after the
// other who might: nobody if no manager is linked.
func (s *site) toOwner(name hyperscale.JobID, down link.Down) []Telling {
	if len(s.managers) == 0 {
		return nil
	}
	j := s.jobs[name]
	if j == nil {
		j = &job{}
		s.jobs[name] = j
	}
	m := s.managers[j.by]
	if m == nil {
		ranked := own.Rank(name, slices.Sorted(maps.Keys(s.managers)))
		m = s.managers[ranked[j.tries/triesEach%len(ranked)]]
		j.tries++
	}
	return []Telling{{m.id, m.conn, down}}
}

// triesEach is how many orders a manager gets of a job that nobody is known to own,
// before another does: those of one moment belong together.
const triesEach = 8

// HungUp takes in that the node hung up on a datacenter, and gives the streams of its
// managers, which are to end. What any says next begins anew.
func (b *Bundle) HungUp(datacenter hyperscale.NodeID, conn uint64) []Line {
	s := b.sites[datacenter]
	if s == nil || s.conn != conn {
		return nil
	}
	s.conn = 0
	var lines []Line
	for _, m := range s.sorted() {
		lines = append(lines, Line{m.id, m.conn})
	}
	return lines
}

// Line is a manager's stream.
type Line struct {
	Manager hyperscale.NodeID
	Conn    uint64
}

// Capacity is what a datacenter can take, as it was last stated by any of its managers:
// the youngest word of its placer. It is nil if nobody told.
func (b *Bundle) Capacity(now time.Duration, datacenter hyperscale.NodeID) *link.Capacity {
	var best *link.Capacity
	s := b.sites[datacenter]
	if s == nil {
		return nil
	}
	for _, m := range s.sorted() {
		if m.last.Capacity == nil {
			continue
		}
		c := *m.last.Capacity
		c.Age += now - m.at
		if best == nil || c.Age < best.Age {
			best = &c
		}
	}
	return best
}
