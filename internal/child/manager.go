package child

import (
	"maps"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// Times and bounds that are not configured.
const (
	patience  = 5 * time.Second  // for an answer about a job that is not owned here
	sayOver   = 30 * time.Second // how long it is stated that a job is over
	mostOvers = 10_000           // jobs that are stated to be over: the last ones
)

// Config is what a manager is made for.
type Config struct {
	Node       hyperscale.NodeID
	Boot       hyperscale.Boot // higher than at every start before
	Datacenter string
}

// Manager is what one start of a manager knows of gates and of what they lead.
type Manager struct {
	cfg     Config
	now     time.Duration
	clock   Clock
	parents Parents
	words   map[hyperscale.NodeID]spoken // the last of each gate that is linked
	jobs    map[hyperscale.JobID]*led    // those that are owned here
	strange map[hyperscale.JobID]*stranger
	over    overs
	fares   fares
	drain   bool
	news    bool // something changed that gates are to hear of
	effects []Effect
}

// spoken is a word, and when it came.
type spoken struct {
	link.Word
	at time.Duration
}

// led is a job that is owned here, and led by an owner above.
type led struct {
	Claim
	tenure hyperscale.Epoch
	held   []link.Held
	at     time.Duration // when it was held so
	route  Route         // as it was last told
}

// stranger is a job that an order came for, and that is not owned here.
type stranger struct {
	Claim
	begun bool          // it is to be begun here
	until time.Duration // then it is forgotten
}

// fares is how the node fares, and since when that is known.
type fares struct {
	Fares
	at time.Duration
}

// NewManager is a manager that is linked to nobody.
func NewManager(cfg Config) *Manager {
	return &Manager{
		cfg: cfg, clock: NewClock(), words: map[hyperscale.NodeID]spoken{}, jobs: map[hyperscale.JobID]*led{},
		strange: map[hyperscale.JobID]*stranger{}, over: overs{last: map[hyperscale.JobID]uint64{}},
	}
}

// Step decides what an event means at the time now, which is counted from anywhere and
// never falls from one step to the next.
func (m *Manager) Step(now time.Duration, ev Event) []Effect {
	m.now, m.effects, m.news = now, nil, false
	m.clock.Look(now) // what workers hear is the age of words, which a stall makes no younger
	m.take(ev)
	m.over.sweep(now)
	maps.DeleteFunc(m.strange, func(_ hyperscale.JobID, s *stranger) bool { return now >= s.until })
	m.state()
	m.arm()
	return m.effects
}

func (m *Manager) do(e Effect) { m.effects = append(m.effects, e) }

// take books what happened.
func (m *Manager) take(ev Event) {
	switch ev := ev.(type) {
	case Linked:
		m.parents.Link(m.now, ev.Parent, ev.Boot)
		m.linksChanged(ev.Parent)
	case Unlinked:
		m.parents.Unlink(ev.Parent)
		m.linksChanged(ev.Parent)
	case Told:
		switch down := ev.Down.(type) {
		case link.Word:
			m.word(ev.By, down)
		case link.Order:
			m.order(ev.By, down)
		case link.Receipt:
			m.receipt(ev.By, down)
		}
	case Holds:
		m.holds(ev)
	case Ended:
		m.ended(ev.Job)
	case Looked:
		m.looked(ev)
	case Deliver:
		m.deliver(ev.Delivery)
	case Fares:
		m.fares = fares{ev, m.now}
	case Drain:
		m.news = m.news || !m.drain
		m.drain = true
	}
}

// deliver sends a window the way that was last told for its job.
func (m *Manager) deliver(d link.Delivery) {
	j := m.jobs[d.Hold.Job]
	if j == nil {
		return
	}
	if p := j.Route(&m.parents); p != nil {
		m.do(Tell{To: p.Node, Up: d})
	}
}

// linksChanged looks for other ways to owners: who is linked anew has said nothing yet.
func (m *Manager) linksChanged(parent hyperscale.NodeID) {
	delete(m.words, parent)
	for _, name := range slices.Sorted(maps.Keys(m.jobs)) {
		m.reroute(name, m.jobs[name])
	}
}

// reroute tells the owner of a job here how the one above is reached, if that changed.
func (m *Manager) reroute(name hyperscale.JobID, j *led) {
	r := Route{Job: name}
	if p := j.Route(&m.parents); p != nil {
		r.Link, r.Epoch, r.Level = p.Link, j.Epoch, j.Level
	}
	if r != j.route {
		j.route = r
		m.do(r)
	}
}

// word takes a gate's beat.
func (m *Manager) word(by hyperscale.NodeID, w link.Word) {
	if !m.parents.Heard(m.now, by, w) {
		return
	}
	said := spoken{w, m.now}
	if by == w.Node && m.parents.Find(by) != nil {
		m.words[by] = said
	}
	for _, owned := range w.Owns {
		if j := m.jobs[owned.Job]; j != nil {
			m.owned(j, by, said, owned)
		}
	}
}

// owned takes in that a gate says that it owns a job.
func (m *Manager) owned(j *led, by hyperscale.NodeID, w spoken, owned link.Owned) {
	mine, news := j.Judge(owned.Epoch, w.Node)
	m.news = m.news || news
	if mine {
		before := j.Heard
		j.Word(w.at, by, w.Word, owned)
		j.Level = w.Level
		if j.Heard > before {
			m.do(Word{Job: owned.Job, Age: m.now - j.Heard})
		}
	}
	m.reroute(owned.Job, j)
}

// order obeys, if the sender owns the job.
func (m *Manager) order(by hyperscale.NodeID, o link.Order) {
	name := o.Hold.Job
	if o.Proof != nil {
		m.do(Ordered{By: by, Order: o})
		return
	}
	j := m.jobs[name]
	if j == nil {
		m.strangeOrder(by, o)
		return
	}
	mine, news := j.Judge(o.Epoch, o.Owner)
	m.news = m.news || news || mine && o.Do == link.Own
	if !mine {
		m.fence(by, o, j.Epoch)
		return
	}
	j.Via(by)
	m.reroute(name, j)
	m.do(Ordered{By: by, Order: o})
}

// fence refuses an order, because of the epoch that was heard.
func (m *Manager) fence(by hyperscale.NodeID, o link.Order, highest hyperscale.Epoch) {
	m.do(Tell{To: by, Up: link.Fenced{Node: m.cfg.Node, Job: o.Hold.Job, Epoch: o.Epoch, Highest: highest}})
}

// strangeOrder is one for a job that is not owned here: see the package's comment.
func (m *Manager) strangeOrder(by hyperscale.NodeID, o link.Order) {
	s := m.strange[o.Hold.Job]
	asked := s != nil
	if !asked {
		s = &stranger{Claim: Claim{Epoch: o.Epoch, Owner: o.Owner, Heard: m.now}, until: m.now + patience}
		m.strange[o.Hold.Job] = s
	}
	if mine, _ := s.Judge(o.Epoch, o.Owner); !mine {
		m.fence(by, o, s.Epoch)
		return
	}
	s.Via(by)
	switch {
	case o.Do == link.Prepare:
		s.begun, s.until = true, m.now+patience
		m.do(Ordered{By: by, Order: o})
	case !asked:
		m.do(Look{Job: o.Hold.Job})
	}
}

// looked takes in whether a job is over. Of one that is to be begun here meanwhile the
// read may have come too early.
func (m *Manager) looked(ev Looked) {
	s := m.strange[ev.Job]
	if s == nil || s.begun {
		return
	}
	delete(m.strange, ev.Job)
	if ev.Over {
		m.ended(ev.Job)
	}
}

// ended forgets a job, and makes gates hear that it is over.
func (m *Manager) ended(name hyperscale.JobID) {
	delete(m.jobs, name)
	delete(m.strange, name)
	m.over.add(name, m.now+sayOver)
	m.news = true
}

// receipt takes what the owner above answers. That nobody knows the job was read from
// its store: it counts whoever says it.
func (m *Manager) receipt(by hyperscale.NodeID, r link.Receipt) {
	j := m.jobs[r.Hold.Job]
	if j == nil {
		return
	}
	if r.Unknown {
		r.Epoch = j.Epoch
	} else {
		counts, news := j.Answered(by, r)
		m.news = m.news || news
		if !counts {
			return
		}
		if p := j.Route(&m.parents); p != nil && p.Node == by {
			j.Level = r.Level
		}
	}
	m.reroute(r.Hold.Job, j)
	m.do(Receipted{Job: r.Hold.Job, Receipt: r})
}

// arm asks for the next wake.
func (m *Manager) arm() {
	next := min(m.parents.Next(), m.over.next())
	for _, s := range m.strange {
		next = min(next, s.until)
	}
	if at, anew := m.clock.Arm(next); anew {
		m.do(Wake{At: at})
	}
}
