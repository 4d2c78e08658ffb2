package sim

import (
	"context"
	"time"

	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/tier/node"
	"hyperscale/internal/worker/agent"
)

// gossip is how managers find and watch each other.
type gossip struct{ *world }

// meet lets two managers talk whenever both can, and the failure detector of each
// look at the other.
func (w gossip) meet(a, b *manager) {
	w.after(w.between(100*time.Millisecond, 300*time.Millisecond), func() { w.meet(a, b) })
	w.reset(a, b)
	w.reset(b, a)
	through := !w.net.cutOff(a.id, b.id) && !w.net.cutOff(b.id, a.id)
	if a.up && b.up && !a.stopped() && !b.stopped() && through && a.peers[b.id] == nil && b.peers[a.id] == nil {
		w.introduce(a, b)
	}
	w.detect(a, b)
	w.detect(b, a)
}

// reset ends the stream to a start of another manager that is no more: the next one
// knows nothing of it.
func (w gossip) reset(a, b *manager) {
	s := a.peers[b.id]
	if s == nil || a.stopped() || !b.up || s.ends[1-a.side(s)].boot == b.boot || w.net.cutOff(b.id, a.id) {
		return
	}
	s.close(a.side(s))
	a.parted(b, s)
}

// introduce opens the stream between two managers.
func (w gossip) introduce(a, b *manager) {
	x, y := &end{p: &a.proc}, &end{p: &b.proc}
	s := w.connect(0, x, y)
	for i, m := range []*manager{a, b} {
		other := []*manager{b, a}[i]
		m.peers[other.id] = s
		e := s.ends[i]
		e.got = func(message any) { m.step(node.PeerSaid{Node: other.id, Said: message.(link.Said)}) }
		e.ended = func() {
			m.parted(other, s)
			if m.term != nil {
				m.succeed(own.StreamEnded{Node: other.id})
			}
		}
		m.at(w.now, func() {
			if m.peers[other.id] == s {
				m.step(node.PeerUp{Node: other.id})
			}
		})
	}
}

func (m *manager) parted(other *manager, s *stream) {
	if m.peers[other.id] == s {
		delete(m.peers, other.id)
		m.step(node.PeerDown{Node: other.id})
	}
}

// detect is the failure detector of one manager for another: it wants an answer
// within two seconds or so.
func (w gossip) detect(a, b *manager) {
	if a.stopped() {
		return
	}
	heard := !b.stopped() && !w.net.cutOff(a.id, b.id) && !w.net.cutOff(b.id, a.id)
	for _, c := range w.managers { // others are asked to look too
		heard = heard || c != a && c != b && !c.stopped() && !b.stopped() && !w.net.cutOff(a.id, c.id) && !w.net.cutOff(c.id, a.id) &&
			!w.net.cutOff(c.id, b.id) && !w.net.cutOff(b.id, c.id)
	}
	if heard {
		if a.gone(b) && a.term != nil {
			a.succeed(own.MemberBack{Node: b.id, Boot: b.boot})
		}
		a.seen[b] = w.now
		return
	}
	if a.gone(b) && a.term != nil {
		a.succeed(own.MemberGone{Node: b.id, Boot: b.boot})
	}
	if s := a.peers[b.id]; s != nil && w.now-a.seen[b] > 2*time.Second {
		s.close(a.side(s))
		a.parted(b, s)
	}
}

// gone reports whether another manager was not heard for too long.
func (m *manager) gone(other *manager) bool { return m.w.now-m.seen[other] > 1500*time.Millisecond }

func (m *manager) startIfDown() {
	if !m.up {
		m.start()
	}
}

func (k *worker) startIfDown() {
	if !k.up {
		k.start()
	}
}

func (k *worker) drain() { k.step(agent.Drain{}) }

// placerGoes makes the placer give its hold back.
func (w mishaps) placerGoes() {
	for _, m := range w.managers {
		t := m.term
		if m.stopped() || t == nil || !t.placer {
			continue
		}
		m.store.begin(func(ctx context.Context) {
			_ = own.Release(ctx, t.session, t.place)
		})
	}
}
