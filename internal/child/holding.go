package child

import (
	"maps"
	"slices"

	"hyperscale"
	"hyperscale/internal/link"
)

// holds takes in what the owner of a job here has of it.
func (m *Manager) holds(ev Holds) {
	j := m.jobs[ev.Job]
	if ev.Held == nil {
		if j != nil {
			delete(m.jobs, ev.Job)
			m.news = true
		}
		return
	}
	saved := hyperscale.Epoch(0)
	for _, h := range ev.Held {
		saved = max(saved, h.Epoch)
	}
	begins := j == nil
	if begins {
		j = m.begins(ev, saved)
	}
	if saved > j.Epoch {
		j.Judge(saved, "") // whoever that was
	}
	j.Lease = max(ev.Autonomy, 0)
	m.news = m.news || j.tenure != ev.Tenure || !slices.EqualFunc(j.held, ev.Held, j.same)
	j.tenure, j.held, j.at = ev.Tenure, ev.Held, m.now
	if begins {
		m.hearsay(ev.Job, j)
	}
	m.reroute(ev.Job, j)
}

// begins makes the record of a job that is owned here from now on.
func (m *Manager) begins(ev Holds, saved hyperscale.Epoch) *led {
	j := &led{route: Route{Job: ev.Job}}
	if s := m.strange[ev.Job]; s != nil && s.Epoch >= saved {
		j.Claim = s.Claim
		m.do(Word{Job: ev.Job, Age: m.now - j.Heard})
	} else {
		silence := Never
		for _, h := range ev.Held {
			silence = min(silence, max(h.Silence, 0))
		}
		if len(ev.Held) == 0 {
			silence = 0
		}
		j.Heard = m.now - silence
	}
	delete(m.strange, ev.Job)
	m.over.remove(ev.Job)
	m.jobs[ev.Job] = j
	return j
}

// hearsay takes in what gates said last of a job that nobody here knew then: who took
// it over here need not wait for their next words.
func (m *Manager) hearsay(name hyperscale.JobID, j *led) {
	for _, by := range slices.Sorted(maps.Keys(m.words)) {
		w := m.words[by]
		for _, owned := range w.Owns {
			if owned.Job == name {
				m.owned(j, by, w, owned)
			}
		}
	}
}

// same reports whether nothing changed of a hold that gates are to hear of before the
// next beat. What was begun is waited for where no two may hold a slot.
func (j *led) same(a, b link.Held) bool {
	settle := func(h link.Held) link.Held {
		h.JobTime, h.Cut, h.Acked, h.Epoch, h.Silence, h.Tenure = 0, 0, 0, 0, 0, 0
		if j.Lease == 0 {
			h.Reserve = link.Reserve{}
		}
		return h
	}
	return settle(a) == settle(b)
}

// state tells the gates that wait for it what there is, as a whole.
func (m *Manager) state() {
	if m.clock.Beat(m.now, m.parents.Len() > 0) || m.news {
		m.parents.Hear(m.now)
	}
	stated := m.parents.State(m.now, m.statement)
	for _, s := range stated {
		m.do(Tell{To: s.To.Node, Up: s.Statement})
	}
	if len(stated) > 0 {
		m.clock.Told()
	}
}

// statement is all that there is.
func (m *Manager) statement() link.Statement {
	s := link.Statement{
		Node: m.cfg.Node, Boot: m.cfg.Boot, Datacenter: m.cfg.Datacenter, Cores: m.fares.Cores, Free: m.fares.Free,
		Draining: m.drain, Stall: m.clock.Stall(), Vitals: m.fares.Vitals, Over: m.over.list(),
	}
	if m.fares.Capacity != nil {
		c := *m.fares.Capacity
		c.Age += m.now - m.fares.at
		s.Capacity = &c
	}
	for _, name := range slices.Sorted(maps.Keys(m.jobs)) {
		j := m.jobs[name]
		for _, h := range j.held {
			h.Tenure, h.Epoch, h.Silence = j.tenure, j.Epoch, m.now-j.Heard
			if h.Start > 0 {
				h.JobTime = max(h.JobTime+m.now-j.at, 0)
			}
			s.Holds = append(s.Holds, h)
		}
	}
	return s
}
