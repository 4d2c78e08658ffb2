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

// job is what a datacenter holds of one.
type job struct {
	held   []link.Held
	by     hyperscale.NodeID // who stated it; "": nobody yet
	tenure hyperscale.Epoch
	at     time.Duration
	tries  int // orders given since nobody was known to have it
}

// take takes in what a manager states of jobs.
func (b *Bundle) take(m *manager) {
	s := m.site
	held := map[hyperscale.JobID][]link.Held{}
	for _, h := range m.last.Holds {
		held[h.Job] = append(held[h.Job], h)
	}
	for _, name := range slices.Sorted(maps.Keys(held)) {
		tenure, before := held[name][0].Tenure, s.jobs[name]
		if before != nil && tenure < before.tenure {
			continue
		}
		if before != nil && before.by != "" && tenure > before.tenure {
			b.hear(node.Moved{Job: name, From: before.by, To: m.id, Epoch: tenure})
		}
		s.jobs[name] = &job{held: held[name], by: m.id, tenure: tenure, at: b.now}
	}
	for _, name := range m.last.Over {
		delete(s.jobs, name)
	}
}

// statement is all that the datacenter states, as one of its managers has just spoken. It
// has no number, for managers have numbers of their own: of each, none that is older
// comes this far.
func (s *site) statement(now time.Duration, m *manager) link.Statement {
	st := m.last
	st.Node, st.Boot, st.Seq, st.At, st.Over = s.name, node.DatacenterBoot, 0, 0, nil
	st.Draining = !slices.ContainsFunc(s.linked(), func(o *manager) bool { return !o.last.Draining })
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

// to says to a datacenter what is for it. A word goes to each of its managers, and tells
// back to each what that said; an order, and a receipt, to who owns the job there.
func (b *Bundle) to(s *site, down link.Down) {
	switch down := down.(type) {
	case link.Order:
		b.toOwner(s, down.Hold.Job, down)
	case link.Receipt:
		b.toOwner(s, down.Hold.Job, down)
	case link.Word:
		if down.Node == b.cfg.Self {
			s.word = down
		}
		for _, m := range s.linked() {
			b.word(m, down)
		}
	}
}

// word says a word to a manager. What another gate heard of it is not known here.
func (b *Bundle) word(m *manager, w link.Word) {
	w.HeardAt = 0
	if w.Node == b.cfg.Self {
		m.told, m.since = w.Seq, b.now
		if !m.fresh {
			w.HeardAt = m.last.At
		}
	}
	b.tell(m, w)
}

// toOwner is for who owns a job there, or as long as nobody is known to, one after the
// other who might: nobody if no manager is linked.
func (b *Bundle) toOwner(s *site, name hyperscale.JobID, down link.Down) {
	may := s.may()
	if len(may) == 0 {
		return
	}
	j := s.jobs[name]
	if j == nil {
		j = &job{}
		s.jobs[name] = j
	}
	m := s.managers[j.by]
	if m == nil || m.conn == 0 {
		ranked := own.Rank(name, may)
		m = s.managers[ranked[j.tries/triesEach%len(ranked)]]
		j.tries++
	}
	b.tell(m, down)
}

// may are those who may own a job, or come to: who drains only if all do.
func (s *site) may() []hyperscale.NodeID {
	var all, take []hyperscale.NodeID
	for _, m := range s.linked() {
		if all = append(all, m.id); !m.last.Draining {
			take = append(take, m.id)
		}
	}
	if len(take) > 0 {
		return take
	}
	return all
}

// triesEach is how many orders a manager gets of a job that nobody is known to own,
// before another does: those of one moment belong together.
const triesEach = 8
