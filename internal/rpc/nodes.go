package rpc

import (
	"context"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc/identity"
)

// Caller is who makes a call.
type Caller struct {
	identity.ID
	Proved   bool     // by a certificate; else it is only what the caller says
	Address  string   // where the connection comes from
	Features []string // those of the protocol that both sides have, sorted

	Boot hyperscale.Boot // which start of it calls; 0: it does not say
}

// Stream is a conversation that goes both ways on one call. Send may be called
// by many goroutines: what one of them sends arrives in order, and small
// messages may overtake a large one of another. Recv belongs to one goroutine.
// Recv returns io.EOF when the other side has said all it had to say. What was
// received belongs to the receiver; what is sent must not change before Send
// returns.
type Stream[In, Out any] interface {
	Recv() (In, error)
	Send(Out) error
}

// The conversations, as the side that is called sees them.
type (
	AttachStream  = Stream[link.Up, link.Down]
	DeliverStream = Stream[link.Delivery, link.Receipt]
	TalkStream    = Stream[link.Said, link.Said]
)

// Links is what a parent does for its children. A stream ends when its method
// returns; its context ends when the child is gone.
type Links interface {
	// Attach exchanges beats and gives orders.
	Attach(context.Context, Caller, AttachStream) error

	// Deliver takes windows and acknowledges them.
	Deliver(context.Context, Caller, DeliverStream) error
}

// Invitation is what a node says of itself that wants to be let into the store.
type Invitation struct {
	Name hyperscale.NodeID
	URL  string // where the other members of the store will reach it
}

// Store is what a node that keeps the store does for those that want to.
type Store interface {
	// Invite lets a node in whose data directory is empty, and gives the names
	// and URLs of all members. To invite twice is fine.
	Invite(context.Context, Caller, Invitation) ([]hyperscale.Pair, error)
}

// Peers is what the nodes of a tier do for each other.
type Peers interface {
	// Talk is the standing conversation; a [link.Hello] comes first.
	Talk(context.Context, Caller, TalkStream) error

	// Forward sends the live updates of a job that this node owns.
	Forward(ctx context.Context, who Caller, job hyperscale.JobID, send func(Update) error) error

	// Offer takes the job over, or says why not.
	Offer(context.Context, Caller, link.Offer) (link.Taken, error)

	// Post sends a request to a web hook, once. An answer says why the hook did not take
	// it; "": it did.
	Post(context.Context, Caller, link.Post) (string, error)
}
