package sim

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/store"
	"hyperscale/internal/tier/node"
	"hyperscale/internal/tier/seat"
)

// manager is a manager's process: the shell around node, seats and succession, as
// plain as it can be.
type manager struct {
	proc
	store   *reached
	node    *node.Node
	streams []*stream // to workers
	conns   map[hyperscale.NodeID]*stream
	peers   map[hyperscale.NodeID]*stream
	seats   map[hyperscale.JobID]*chair
	term    *term // nil: it has no session
	number  uint64
	asked   map[hyperscale.JobID]bool  // whether it is over is being read
	blind   time.Duration              // until then its watches bring nothing
	seen    map[*manager]time.Duration // when the failure detector last heard each other one
	budget  seat.Budget
	inbox   []func() // what the parts of the process have for each other, in order
}

// term is one session of a manager.
type term struct {
	m          *manager
	session    *own.Session
	succession *own.Succession
	owners     map[hyperscale.JobID]own.Owner
	place      own.Held
	placer     bool
	busy       map[hyperscale.JobID]bool // a takeover is under way
	cancel     []func()
	feed       feed
}

// feed is what a watch brings, late and in order.
type feed struct {
	last    time.Duration
	waiting []func()
}

func (w *world) newManager(id hyperscale.NodeID) *manager {
	m := &manager{proc: proc{w: w, id: id}}
	w.managers = append(w.managers, m)
	return m
}

// start starts the process.
func (m *manager) start() {
	m.boot++
	m.up, m.lost = true, false
	m.store = &reached{p: &m.proc}
	m.node = node.New(node.Config{Self: m.id, Boot: m.boot})
	m.streams, m.conns, m.peers = nil, map[hyperscale.NodeID]*stream{}, map[hyperscale.NodeID]*stream{}
	m.budget = seat.Budget{PerSecond: m.w.cfg.SaveBudget}
	m.inbox, m.seen = nil, map[*manager]time.Duration{}
	for _, other := range m.w.managers {
		m.seen[other] = m.w.now
	}
	m.seats, m.asked, m.term = map[hyperscale.JobID]*chair{}, map[hyperscale.JobID]bool{}, nil
	m.w.say("%s starts, boot %d", m.id, m.boot)
	m.open()
	m.after(m.w.between(0, 100*time.Millisecond), m.tick)
}

// kill ends the process at once.
func (m *manager) kill(machine bool) {
	if !m.up {
		return
	}
	m.w.say("%s is killed, machine %v", m.id, machine)
	m.lost = machine
	if m.term != nil {
		m.term.stop()
	}
	m.term, m.seats = nil, nil
	m.end()
	m.w.die(m.streams, &m.proc)
	for _, id := range slices.Sorted(maps.Keys(m.peers)) {
		m.w.die([]*stream{m.peers[id]}, &m.proc)
	}
}

func (t *term) stop() {
	for _, c := range t.cancel {
		c()
	}
}

// tick is ten times a second.
func (m *manager) tick() {
	m.after(100*time.Millisecond, m.tick)
	m.alive()
	m.step(node.Tick{})
	if m.term != nil {
		m.succeed(own.Tick{})
	}
	for _, id := range slices.Sorted(maps.Keys(m.seats)) {
		if c := m.seats[id]; c != nil && c.seat.Owner().Next() <= m.mono() {
			c.tick()
		}
	}
}

// alive gives everything up once the session can have passed to nobody knows whom.
func (m *manager) alive() {
	if m.term == nil || m.wallMono().Before(m.term.session.Until()) {
		return
	}
	m.close("it was not renewed in time")
}

// wallMono is the clock of sessions: no wall clock that can be set.
func (m *manager) wallMono() time.Time { return epoch.Add(m.mono()) }

// close ends the term: nothing is owned any more.
func (m *manager) close(why string) {
	m.w.say("%s gives up its session: %s", m.id, why)
	m.w.saw("session lost")
	m.term.stop()
	m.term = nil
	for _, id := range slices.Sorted(maps.Keys(m.seats)) {
		office{m}.stand(id)
	}
	m.step(node.Placer{Node: ""})
	m.open()
}

// open begins a session, sooner or later.
func (m *manager) open() {
	m.store.begin(func(ctx context.Context) {
		for {
			me := own.Node{ID: m.id, Boot: m.boot, Address: string(m.id), Version: "sim"}
			s, err := own.Begin(ctx, m.store, me, own.SessionConfig{}, m.wallMono())
			if err == nil {
				if m.enter(ctx, s) {
					return
				}
			}
			m.w.say("%s has no session: %v", m.id, err)
			if m.store.sleep(ctx, 500*time.Millisecond) != nil {
				return
			}
		}
	})
}

// enter learns what there is, and goes on from there.
func (m *manager) enter(ctx context.Context, s *own.Session) bool {
	nodes, at, err := own.Nodes(ctx, m.store)
	if err != nil {
		return false
	}
	owners, when, err := own.Owners(ctx, m.store)
	if err != nil {
		return false
	}
	t := &term{
		m:       m,
		session: s, succession: own.NewSuccession(m.id, own.SuccessionConfig{}),
		owners: map[hyperscale.JobID]own.Owner{}, busy: map[hyperscale.JobID]bool{},
	}
	m.term = t
	m.w.say("%s has session %d", m.id, s.Node().Session)
	for _, n := range nodes {
		m.succeed(own.NodeChange{Node: n})
	}
	for _, o := range owners {
		m.ownerChanged(o)
	}
	t.watch(own.NodesFrom, own.NodesUntil, at, func(ev store.Event) {
		if c, err := own.ReadNodeChange(ev); err == nil {
			m.succeed(c)
		}
	})
	t.watch(own.JobsFrom, own.JobsUntil, when, func(ev store.Event) {
		if c, ok, err := own.ReadOwnerChange(ev); err == nil && ok {
			m.ownerChanged(c)
		}
	})
	t.watch(own.HoldsFrom, own.HoldsUntil, 1, func(ev store.Event) {
		if name, o, err := own.ReadHoldChange(ev); err == nil && name == "place" {
			m.step(node.Placer{Node: o.Node})
		}
	})
	t.renew()
	t.standForPlacer()
	return true
}

// watch hears of changes of the store after a revision, late and in order.
func (t *term) watch(from, until string, after store.Revision, got func(store.Event)) {
	m := t.m
	cancel, err := m.w.store.Subscribe(from, until, after+1, func(_ store.Revision, events []store.Event) {
		for _, ev := range events {
			t.bring(func() { got(ev) })
		}
	})
	if err != nil {
		panic("sim: " + err.Error())
	}
	t.cancel = append(t.cancel, cancel)
}

// bring brings one change, after all that came before it.
func (t *term) bring(got func()) {
	m, w := t.m, t.m.w
	t.feed.last = max(t.feed.last, w.now+w.between(500*time.Microsecond, 8*time.Millisecond))
	t.feed.waiting = append(t.feed.waiting, got)
	m.at(t.feed.last, t.brought)
}

// brought hands over the next change; while none gets through all wait.
func (t *term) brought() {
	m, w := t.m, t.m.w
	switch {
	case m.term != t:
	case w.net.cutOff(storeID, m.id) || w.now < w.outage || w.now < m.blind:
		t.feed.last = max(t.feed.last, w.now+50*time.Millisecond)
		m.at(t.feed.last, t.brought)
	default:
		got := t.feed.waiting[0]
		t.feed.waiting = t.feed.waiting[1:]
		got()
	}
}

// renew keeps the session.
func (t *term) renew() {
	m := t.m
	m.after(time.Second, func() {
		if m.term != t {
			return
		}
		sent := m.wallMono()
		m.store.begin(func(ctx context.Context) {
			err := t.session.Renew(ctx, sent)
			if errors.Is(err, own.ErrNoSession) && m.term == t {
				m.close("it has ended")
			}
		})
		t.renew()
	})
}

// standForPlacer tries to be the placer, now and then.
func (t *term) standForPlacer() {
	m := t.m
	m.store.begin(func(ctx context.Context) {
		for m.term == t {
			held, ok, err := own.TryHold(ctx, t.session, "place", nil)
			if m.term != t {
				return
			}
			t.placer = err == nil && ok
			if t.placer {
				t.place = held
			}
			if m.store.sleep(ctx, time.Second) != nil {
				return
			}
		}
	})
}

// succeed lets the succession decide.
func (m *manager) succeed(ev own.SuccessionEvent) {
	t := m.term
	for _, e := range t.succession.Step(m.mono(), ev) {
		switch e := e.(type) {
		case own.Try:
			office{m}.takeOver(t, own.Take{Job: e.Job, Gone: e.Gone, How: own.ByEvidence, Why: e.Why, SessionEnded: e.SessionEnded}, nil)
		case own.Probe:
			m.probe(e.Node)
		}
	}
}

// probe tries to reach another manager.
func (m *manager) probe(id hyperscale.NodeID) {
	w := m.w
	other := w.manager(id)
	w.after(w.latency(m.id, id), func() {
		if w.net.cutOff(m.id, id) || w.net.cutOff(id, m.id) || other.lost {
			return // no answer is none
		}
		refused := !other.up
		m.after(w.latency(id, m.id), func() {
			if m.term != nil {
				m.succeed(own.Probed{Node: id, Refused: refused})
			}
		})
	})
}

func (w *world) manager(id hyperscale.NodeID) *manager {
	for _, m := range w.managers {
		if m.id == id {
			return m
		}
	}
	return nil
}

// ownerChanged hears who owns a job now.
func (m *manager) ownerChanged(c own.OwnerChange) {
	t := m.term
	before := t.owners[c.Job]
	if c.Owner.Fence != 0 && c.Owner.Fence <= before.Fence {
		return
	}
	t.owners[c.Job] = c.Owner
	if c.Owner.Fence == 0 {
		delete(t.owners, c.Job)
	}
	m.succeed(c)
	chair := m.seats[c.Job]
	mine := c.Owner.Node == m.id && c.Owner.Session == t.session.Node().Session
	switch {
	case chair != nil && c.Owner.Fence > chair.tenure.Owner().Fence:
		m.w.say("%s sees itself replaced as owner of %s", m.id, c.Job)
		office{m}.stand(c.Job)
	case mine && chair == nil && !t.busy[c.Job]:
		office{m}.adopt(t, c.Job)
	}
}

// adopt takes up a job that is this manager's by the store.
func (m office) adopt(t *term, job hyperscale.JobID) {
	t.busy[job] = true
	m.store.begin(func(ctx context.Context) {
		defer delete(t.busy, job)
		for m.term == t && m.seats[job] == nil {
			tenure, saved, err := own.Adopt(ctx, t.session, job)
			if m.term != t {
				return
			}
			if err == nil {
				m.sit(job, tenure, saved)
				return
			}
			if !errors.Is(err, store.ErrUnavailable) || m.store.sleep(ctx, 300*time.Millisecond) != nil {
				return
			}
		}
	})
}

// takeOver takes a job over, and says what came of it.
func (m office) takeOver(t *term, take own.Take, done func(hyperscale.Epoch, error)) {
	if m.seats[take.Job] != nil || t.busy[take.Job] {
		return
	}
	t.busy[take.Job] = true
	m.store.begin(func(ctx context.Context) {
		tenure, saved, err := m.takeItOver(ctx, t, take)
		delete(t.busy, take.Job)
		m.w.say("%s takes over %s (%s): %v", m.id, take.Job, take.Why, err)
		if m.term != t {
			return
		}
		if err == nil {
			m.w.saw("takeover")
			m.sit(take.Job, tenure, saved)
			if done != nil {
				done(tenure.Epoch(), nil)
			}
			return
		}
		if o := t.owners[take.Job]; o.Node == m.id && o.Session == t.session.Node().Session {
			m.adopt(t, take.Job) // it came to be after all
		}
		if done != nil {
			done(0, err)
		}
	})
}

// post does something once all that was posted before is done, each whole.
func (m *manager) post(do func()) {
	m.inbox = append(m.inbox, do)
	if len(m.inbox) > 1 {
		return
	}
	for len(m.inbox) > 0 {
		m.inbox[0]()
		m.inbox = m.inbox[1:]
	}
	m.inbox = nil
}

// step gives the node an event and does what follows.
func (m *manager) step(ev node.Event) { m.post(func() { m.stepNow(ev) }) }

func (m *manager) stepNow(ev node.Event) { m.effects(m.node.Step(m.mono(), ev)) }

// effects does what the node wants.
func (m *manager) effects(list []node.Effect) {
	for _, e := range list {
		switch e := e.(type) {
		case node.ToChild:
			m.toChild(e.Child, e.Conn, e.Down)
		case node.HangUp:
			m.hangUp(e)
		case node.ToPeer:
			if s := m.peers[e.Node]; s != nil {
				s.send(m.side(s), 0, e.Said)
			}
		case node.ToJob:
			if c := m.seats[e.Job]; c != nil {
				c.step(e.Event)
			}
		case node.Unclaimed:
			office{m}.unclaimed(e)
		case node.Relayed:
			m.delivered(e.Worker, e.Delivery)
		case node.Fenced:
			m.w.say("%s hears that %s has epoch %d", m.id, e.Job, e.Highest)
			office{m}.fenced(e.Job)
		case node.Offered:
			office{m}.offered(e)
		case node.Took:
			m.w.say("%s hears from %s that it took %s: epoch %d %s", m.id, e.From, e.Taken.Job, e.Taken.Epoch, e.Taken.Refused)
		}
	}
}

func (m *manager) side(s *stream) int {
	if s.ends[0].p == &m.proc {
		return 0
	}
	return 1
}

// toChild says something to a worker on its stream.
func (m *manager) toChild(id hyperscale.NodeID, conn uint64, down link.Down) {
	s := m.conns[id]
	if s == nil || s.number != conn {
		return
	}
	on := 0
	if _, receipt := down.(link.Receipt); receipt {
		on = 1
	}
	if o, order := down.(link.Order); order {
		m.w.say("%s orders %s: %s", m.id, id, orderText(o))
	}
	s.send(1, on, down)
}

func (m *manager) hangUp(e node.HangUp) {
	if s := m.conns[e.Child]; s != nil && s.number == e.Conn {
		m.w.say("%s hangs up on %s: %s", m.id, e.Child, e.Reason)
		s.close(1)
		m.drop(s, e.Child)
	}
}

func (m *manager) drop(s *stream, child hyperscale.NodeID) {
	m.streams = without(m.streams, s)
	if m.conns[child] == s {
		delete(m.conns, child)
	}
}

// welcome is the first message on a stream that stands.
type welcome struct{}

// accept takes a worker's connection.
func (m *manager) accept(k *worker, a *end) *stream {
	m.number++
	number := m.number
	id, boot := k.id, k.boot
	b := &end{p: &m.proc}
	s := m.w.connect(number, a, b)
	b.got = func(message any) {
		switch up := message.(type) {
		case link.Delivery:
			m.step(node.Delivered{Child: id})
			m.delivered(link.Holder{Node: id, Boot: boot}, up)
		case link.Up:
			m.step(node.Said{Child: id, Conn: number, Up: up})
		}
	}
	b.ended = func() {
		m.drop(s, id)
		m.step(node.Detached{Child: id, Conn: number})
	}
	if old := m.conns[id]; old != nil {
		old.close(1)
		m.drop(old, id)
	}
	m.streams = append(m.streams, s)
	m.conns[id] = s
	s.send(1, 0, welcome{})
	m.step(node.Attached{Child: id, Conn: number})
	return s
}
