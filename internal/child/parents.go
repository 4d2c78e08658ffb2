package child

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// apart is how far two statements to one parent are apart, however much changes.
const apart = 20 * time.Millisecond

// Parent is a parent that is linked. It goes with the link.
type Parent struct {
	Node hyperscale.NodeID
	Link uint64 // number of the link: of no other, before or after

	boot    hyperscale.Boot
	heard   uint64        // number of its last word; 0: none
	heardAt time.Duration // when it came
	stated  time.Duration // when it was last told all
	due     time.Duration // when it is told next; Never: with the next beat
}

// Parents are those that are linked, in the order in which they came. The zero value
// has none.
type Parents struct {
	list  []*Parent
	links uint64 // number of the last link
	seq   uint64 // of the last statement
}

// Len is how many are linked.
func (p *Parents) Len() int { return len(p.list) }

// Find is the parent of that name; nil: it is not linked.
func (p *Parents) Find(node hyperscale.NodeID) *Parent {
	for _, q := range p.list {
		if q.Node == node {
			return q
		}
	}
	return nil
}

// Link begins to talk to a parent: it is to be told at once what there is.
func (p *Parents) Link(now time.Duration, node hyperscale.NodeID, boot hyperscale.Boot) {
	p.Unlink(node)
	p.links++
	p.list = append(p.list, &Parent{Node: node, boot: boot, Link: p.links, stated: now - beat, due: now})
}

// Unlink forgets a parent.
func (p *Parents) Unlink(node hyperscale.NodeID) {
	p.list = slices.DeleteFunc(p.list, func(q *Parent) bool { return q.Node == node })
}

// Hear makes every parent hear, at the time given or soon after, what there is.
func (p *Parents) Hear(at time.Duration) {
	for _, q := range p.list {
		q.due = min(q.due, max(at, q.stated+apart))
	}
}

// Next is when a parent is to be told something; Never: with the next beat.
func (p *Parents) Next() time.Duration {
	at := Never
	for _, q := range p.list {
		at = min(at, q.due)
	}
	return at
}

// Heard notes a word, which came over the link to by. It is false for one that is
// older than what was heard.
func (p *Parents) Heard(now time.Duration, by hyperscale.NodeID, w link.Word) bool {
	q := p.Find(by)
	if q == nil || by != w.Node { // it passes on what another one says
		return true
	}
	if w.Boot != q.boot || w.Seq <= q.heard {
		return false
	}
	q.heard, q.heardAt = w.Seq, now
	return true
}

// Stated is a statement that is due, and whom it is for.
type Stated struct {
	To *Parent
	link.Statement
}

// State gives a statement for each parent that is to be told now. What they say is
// asked for once, if there is any; numbers, times and what was heard are filled in.
func (p *Parents) State(now time.Duration, say func() link.Statement) []Stated {
	var list []Stated
	var all link.Statement
	for _, q := range p.list {
		if q.due > now {
			continue
		}
		if list == nil {
			all = say()
		}
		p.seq++
		s := all
		s.Seq, s.At, s.Heard = p.seq, now, q.heard
		if q.heard > 0 {
			s.HeardAgo = now - q.heardAt
		}
		q.stated, q.due = now, Never
		list = append(list, Stated{q, s})
	}
	return list
}
