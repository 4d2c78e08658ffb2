package member

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"hyperscale"
)

// Reap is how long a member that is gone is remembered.
const Reap = 2 * time.Minute

// Roster keeps the books of a detector: what it heard of each member, and what
// of this was not told yet. It is pure. The zero value is empty and ready.
//
//	           heard    gone    left    two minutes
//	unknown    alive    –       –       –
//	alive      alive    dead    left    alive
//	dead       alive    dead    dead    forgotten
//	left       left     left    left    forgotten
//
// Each start of a node stands by itself. That another of its name is heard says
// nothing against one: it may be somebody who was started under a name that is taken.
type Roster struct {
	known map[start]*record
	fresh []start // that may have something to tell
}

// start is one of a node.
type start struct {
	id   hyperscale.NodeID
	boot hyperscale.Boot
}

func (m Member) start() start { return start{m.ID, m.Boot} }

// state is how a member is.
type state int

const (
	unknown state = iota
	alive
	dead
	left
)

// record is all that is known of a member.
type record struct {
	now, told view
	since     time.Duration // it is gone; while alive: unused
	reaped    bool
	fresh     bool // it is among those that may have something to tell
}

// view is a member with its state.
type view struct {
	Member
	state state
}

// Heard notes that a member is alive, and what it tells of itself.
func (r *Roster) Heard(m Member) {
	k := r.known[m.start()]
	switch {
	case k == nil:
		if r.known == nil {
			r.known = make(map[start]*record)
		}
		k = &record{}
		r.known[m.start()] = k
	case k.now.state == left:
		return
	}
	k.now, k.reaped = view{m, alive}, false
	r.freshen(k)
}

// Gone notes that a start of a member is dead, or that it said that it leaves.
func (r *Roster) Gone(now time.Duration, id hyperscale.NodeID, boot hyperscale.Boot, leaves bool) {
	k := r.known[start{id, boot}]
	if k == nil || k.now.state != alive {
		return
	}
	k.now.state, k.since = dead, now
	if leaves {
		k.now.state = left
	}
	r.freshen(k)
}

// Reap forgets who has been gone for long enough, once it was told.
func (r *Roster) Reap(now time.Duration) {
	for _, k := range r.known {
		if k.now.state != alive && now-k.since >= Reap && !k.reaped {
			k.reaped = true
			r.freshen(k)
		}
	}
}

func (r *Roster) freshen(k *record) {
	if !k.fresh {
		k.fresh = true
		r.fresh = append(r.fresh, k.now.start())
	}
}

// Take gives what was not told yet, in the order in which members first had
// something to tell.
func (r *Roster) Take() []Event {
	var events []Event
	for _, of := range r.fresh {
		k := r.known[of]
		k.fresh = false
		events = append(events, k.news()...)
		k.told = k.now
		if k.reaped {
			delete(r.known, of)
		}
	}
	r.fresh = r.fresh[:0]
	return events
}

// news is what has to be told of a member so that what was told is what is.
func (k *record) news() []Event {
	var events []Event
	add := func(kind Kind, m Member) { events = append(events, Event{kind, m}) }
	told := k.told.state
	switch {
	case k.now.state == alive && told != alive:
		add(Joined, k.now.Member)
	case k.now.state == alive && (k.now.Addr != k.told.Addr || !bytes.Equal(k.now.Meta, k.told.Meta)):
		add(Updated, k.now.Member)
	case k.now.state == dead && told == alive:
		add(Dead, k.now.Member)
	case k.now.state == left && told == alive:
		add(Left, k.now.Member)
	}
	if k.reaped && k.told.state != unknown {
		add(Reaped, k.now.Member)
	}
	return events
}

// Alive is the members that are alive, by name and start.
func (r *Roster) Alive() []Member {
	var all []Member
	for _, k := range r.known {
		if k.now.state == alive {
			all = append(all, k.now.Member)
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Boot, b.Boot)) })
	return all
}

// Has reports whether that start of a member is alive, as far as is known.
func (r *Roster) Has(id hyperscale.NodeID, boot hyperscale.Boot) bool {
	k := r.known[start{id, boot}]
	return k != nil && k.now.state == alive
}

// Len is the number of starts remembered, those that are gone among them.
func (r *Roster) Len() int { return len(r.known) }
