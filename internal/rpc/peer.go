package rpc

import (
	"context"

	"hyperscale"
	"hyperscale/internal/link"
	pb "hyperscale/internal/rpc/hyperscalev1"
)

// Peer is a node as the others of its tier call it.
type Peer struct{ conn *Conn }

// Peer is the node that the connection leads to, for one of its own tier.
func (c *Conn) Peer() Peer { return Peer{c} }

// Talk begins the conversation with another node of the tier.
func (p Peer) Talk(ctx context.Context) (Call[link.Said, link.Said], error) {
	raw, err := pb.NewPeersClient(p.conn.conn).Talk(ctx)
	if err != nil {
		return nil, err
	}
	return begin(raw, talkResponseKind(), talkRequestKind()), nil
}

// Forward calls got for every live update of a job that the node owns.
func (p Peer) Forward(ctx context.Context, job hyperscale.JobID, got func(Update) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := pb.NewPeersClient(p.conn.conn).Forward(ctx, &pb.ForwardRequest{Job: string(job)})
	if err != nil {
		return err
	}
	return drain(&receiver[Update, *pb.ForwardResponse]{kind: forwardKind(), raw: stream}, got)
}

// Offer asks the node to take a job over.
func (p Peer) Offer(ctx context.Context, o link.Offer) (link.Taken, error) {
	answer, err := pb.NewPeersClient(p.conn.conn).Offer(ctx, &pb.OfferRequest{Offer: wireOffer(o)})
	return readTaken(answer.GetTaken()), err
}

// Post asks the node to send a request to a web hook, and gives why the hook did not
// take it; "": it did.
func (p Peer) Post(ctx context.Context, what link.Post) (string, error) {
	answer, err := pb.NewPeersClient(p.conn.conn).Post(ctx, wirePost(what))
	return answer.GetFailed(), err
}

// Invite asks the node to let another of its tier, the caller itself, into the store.
func (p Peer) Invite(ctx context.Context, in Invitation) ([]hyperscale.Pair, error) {
	answer, err := pb.NewPeersClient(p.conn.conn).Invite(ctx, wireInvitation(in))
	return each(answer.GetMembers(), readPair), err
}
