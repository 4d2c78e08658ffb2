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
//	           heard          heard, higher boot   gone           left      two minutes
//	unknown    alive          –                    –              –         –
//	alive      alive          alive                dead           left      alive
//	dead       alive          alive                dead           dead      forgotten
//	left       left           alive                left           left      forgotten
//
// Whatever is heard of a lower boot is old, and ignored.
type Roster struct {
	known map[hyperscale.NodeID]*record
	fresh []hyperscale.NodeID // that may have something to tell
}

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
	k := r.known[m.ID]
	switch {
	case k == nil:
		if r.known == nil {
			r.known = make(map[hyperscale.NodeID]*record)
		}
		k = &record{}
		r.known[m.ID] = k
	case m.Boot < k.now.Boot || m.Boot == k.now.Boot && k.now.state == left:
		return
	}
	k.now, k.reaped = view{m, alive}, false
	r.freshen(k)
}

// Gone notes that a start of a member is dead, or that it said that it leaves.
func (r *Roster) Gone(now time.Duration, id hyperscale.NodeID, boot hyperscale.Boot, leaves bool) {
	k := r.known[id]
	if k == nil || k.now.Boot != boot || k.now.state != alive {
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
		r.fresh = append(r.fresh, k.now.ID)
	}
}

// Take gives what was not told yet, in the order in which members first had
// something to tell.
func (r *Roster) Take() []Event {
	var events []Event
	for _, id := range r.fresh {
		k := r.known[id]
		k.fresh = false
		events = append(events, k.news()...)
		k.told = k.now
		if k.reaped {
			delete(r.known, id)
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
	if told == alive && k.now.Boot != k.told.Boot {
		add(Dead, k.told.Member)
		told = dead
	}
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

// Alive is the members that are alive, by name.
func (r *Roster) Alive() []Member {
	var all []Member
	for _, k := range r.known {
		if k.now.state == alive {
			all = append(all, k.now.Member)
		}
	}
	slices.SortFunc(all, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Has reports whether that start of a member is alive, as far as is known.
func (r *Roster) Has(id hyperscale.NodeID, boot hyperscale.Boot) bool {
	k := r.known[id]
	return k != nil && k.now.state == alive && k.now.Boot == boot
}

// Len is the number of members remembered, those that are gone among them.
func (r *Roster) Len() int { return len(r.known) }
