// Package member is the failure detector of a tier: who is there, who is gone,
// by gossip. It decides nothing and authorises nothing; what it says is a hint
// that it is worth looking.
//
// Two detectors keep the promises of [Members], and membertest holds both to
// them: gossip (SWIM with Lifeguard, over the network) and twin, which lives in
// one process and on a time that its caller keeps.
package member

import (
	"context"
	"fmt"

	"hyperscale"
)

// What a member may say of itself.
const (
	MaxID   = 128 // bytes of a node's name
	MaxMeta = 512 // bytes of what it tells of itself
)

// Member is one start of a node.
type Member struct {
	ID   hyperscale.NodeID
	Boot hyperscale.Boot
	Addr string // host:port that it gossips at
	Meta []byte // what it tells of itself; never changed once given
}

// Kind says what happened to a member.
type Kind int

// The kinds of events, each of one start of a node: of its other starts it says
// nothing. After Dead the same start may join again, after Left it does not. Reaped
// comes two minutes after either: what is known of it may go.
const (
	Joined Kind = iota
	Updated
	Dead
	Left
	Reaped
)

// String gives the kind as it is shown.
func (k Kind) String() string {
	return [...]string{"joined", "updated", "dead", "left", "reaped"}[k]
}

// Event is something that happened to a member, as it was known then.
type Event struct {
	Kind Kind
	Member
}

// Heard takes events in: one at a time and in order, oneself first. It may block
// without harm to the detector: what happens meanwhile to one member is told as
// what it comes to (a death and a return as nothing).
type Heard func(Event)

// Members watches the members of a tier. Peers that are configured are
// unconfirmed until they are first heard from: they are no members and never
// suspected before.
type Members interface {
	// Run watches until ctx ends, and returns when all it started is gone.
	// Without a [Members.Leave] before, the others find this member dead.
	Run(ctx context.Context) error

	// Alive is the members that are not known to be gone, oneself among them, by
	// name and start. It never blocks.
	Alive() []Member

	// Unheard is the configured peers that were never heard from, as configured.
	Unheard() []string

	// Update changes what this member tells of itself.
	Update(meta []byte) error

	// Leave tells the others that this member goes. Call it before the end of
	// Run; it waits until it was said, or ctx ends.
	Leave(ctx context.Context) error

	// Stall is how unwell the detector itself is, from 0 (well) to 7: it waits
	// for longer before it finds others dead, and so should its owner.
	Stall() int
}

// CheckID says why a name can't be a member's; nil: it can.
func CheckID(id hyperscale.NodeID) error {
	switch {
	case id == "":
		return fmt.Errorf("a member needs a name")
	case len(id) > MaxID:
		return fmt.Errorf("the name of a member has %d bytes, and at most %d are taken; use a shorter one", len(id), MaxID)
	}
	return nil
}

// CheckMeta says why a member can't tell that of itself; nil: it can.
func CheckMeta(meta []byte) error {
	if len(meta) > MaxMeta {
		return fmt.Errorf("what a member tells of itself has %d bytes, and at most %d are taken; shorten its addresses or labels", len(meta), MaxMeta)
	}
	return nil
}
