package doors

import (
	"slices"
	"time"

	"hyperscale"
)

// forget is after how long an address is forgotten that nobody names and at which
// nobody was heard.
const forget = 120 * time.Second

// book knows at which addresses parents may be, and to which of them there is a
// link. It reads no clock.
type book struct {
	places map[string]*place
}

// place is what is known of one address. All of it goes together.
type place struct {
	named  time.Duration     // when it was last named: by the configuration, a lookup, a parent
	heard  time.Duration     // when a link to it last stood
	node   hyperscale.NodeID // who answered there last; "": nobody yet
	linked bool
}

// name takes in addresses at which parents are said to be, and gives those that
// were not known.
func (b *book) name(now time.Duration, addresses ...string) (fresh []string) {
	for _, a := range addresses {
		if a == "" {
			continue
		}
		p := b.places[a]
		if p == nil {
			p = &place{heard: now}
			b.places[a] = p
			fresh = append(fresh, a)
		}
		p.named = now
	}
	return fresh
}

// greet takes in who answered at an address, and reports whether that is the link
// to it: of one parent there is one link, the first.
func (b *book) greet(now time.Duration, address string, node hyperscale.NodeID) bool {
	p := b.places[address]
	if p == nil {
		return false // forgotten meanwhile
	}
	p.node, p.heard = node, now
	p.linked = b.link(node) == ""
	return p.linked
}

// link is the address over which a parent is linked; "": it is not.
func (b *book) link(node hyperscale.NodeID) string {
	for a, p := range b.places {
		if p.linked && p.node == node {
			return a
		}
	}
	return ""
}

// part ends the link over an address, and gives the other addresses at which the
// parent was met: it may be reached there.
func (b *book) part(now time.Duration, address string) (others []string) {
	gone := b.places[address]
	if gone == nil {
		return nil
	}
	gone.linked, gone.heard = false, now
	for a, p := range b.places {
		if a != address && p.node == gone.node {
			others = append(others, a)
		}
	}
	slices.Sort(others)
	return others
}

// links is how many parents are linked.
func (b *book) links() int {
	n := 0
	for _, p := range b.places {
		if p.linked {
			n++
		}
	}
	return n
}

// sweep forgets the addresses that are of no use any more, and gives them.
func (b *book) sweep(now time.Duration) (gone []string) {
	for a, p := range b.places {
		if !p.linked && now-max(p.named, p.heard) > forget {
			gone = append(gone, a)
			delete(b.places, a)
		}
	}
	slices.Sort(gone)
	return gone
}
