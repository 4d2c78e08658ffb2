package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "hyperscale/internal/rpc/hyperscalev1"
)

// conversation joins the two halves of a stream into what handlers see.
type conversation[In, Out any, PIn, POut proto.Message] struct {
	receiver[In, PIn]
	sender[Out, POut]
}

// converse makes a conversation on a call that came in.
func converse[In, Out any, PIn, POut proto.Message](s *Server, raw grpc.ServerStream, in kind[In, PIn], out kind[Out, POut]) *conversation[In, Out, PIn, POut] {
	return &conversation[In, Out, PIn, POut]{
		receiver: receiver[In, PIn]{kind: in, raw: raw, whole: assembly{room: s.room}},
		sender:   sender[Out, POut]{kind: out, raw: raw},
	}
}

func (s linkServer) Attach(raw grpc.BidiStreamingServer[pb.AttachRequest, pb.AttachResponse]) error {
	if s.server.deps.Links == nil {
		return missing("links")
	}
	c := converse(s.server, raw, upKind(), downKind())
	defer c.whole.drop()
	return s.server.deps.Links.Attach(raw.Context(), callerOf(raw.Context()), c)
}

func (s linkServer) Deliver(raw grpc.BidiStreamingServer[pb.DeliverRequest, pb.DeliverResponse]) error {
	if s.server.deps.Links == nil {
		return missing("links")
	}
	c := converse(s.server, raw, deliveryKind(), receiptKind())
	defer c.whole.drop()
	return s.server.deps.Links.Deliver(raw.Context(), callerOf(raw.Context()), c)
}

func (s peersServer) Talk(raw grpc.BidiStreamingServer[pb.TalkRequest, pb.TalkResponse]) error {
	if s.server.deps.Peers == nil {
		return missing("peers")
	}
	c := converse(s.server, raw, talkRequestKind(), talkResponseKind())
	defer c.whole.drop()
	return s.server.deps.Peers.Talk(raw.Context(), callerOf(raw.Context()), c)
}

func (s peersServer) Forward(r *pb.ForwardRequest, raw grpc.ServerStreamingServer[pb.ForwardResponse]) error {
	if s.server.deps.Peers == nil {
		return missing("peers")
	}
	job, err := jobOf(r.GetJob())
	if err != nil {
		return err
	}
	out := &sender[Update, *pb.ForwardResponse]{kind: forwardKind(), raw: raw}
	return s.server.deps.Peers.Forward(raw.Context(), callerOf(raw.Context()), job, out.Send)
}

func (s peersServer) Offer(ctx context.Context, r *pb.OfferRequest) (*pb.OfferResponse, error) {
	if s.server.deps.Peers == nil {
		return nil, missing("peers")
	}
	if _, err := jobOf(r.GetOffer().GetJob()); err != nil {
		return nil, err
	}
	taken, err := s.server.deps.Peers.Offer(ctx, callerOf(ctx), readOffer(r.GetOffer()))
	return &pb.OfferResponse{Taken: wireTaken(taken)}, err
}

func (s peersServer) Post(ctx context.Context, r *pb.PostRequest) (*pb.PostResponse, error) {
	if s.server.deps.Peers == nil {
		return nil, missing("peers")
	}
	if _, err := jobOf(r.GetJob()); err != nil {
		return nil, err
	}
	failed, err := s.server.deps.Peers.Post(ctx, callerOf(ctx), readPost(r))
	return &pb.PostResponse{Failed: valid(failed)}, err
}

func (s peersServer) Invite(ctx context.Context, r *pb.InviteRequest) (*pb.InviteResponse, error) {
	if s.server.deps.Store == nil {
		return nil, missing("store to be let into")
	}
	who, in := callerOf(ctx), readInvitation(r)
	if in.Name != who.Node {
		return nil, Errorf(Unauthorized, "%s asks to let %s in; each asks for itself", who.Who(), in.Name)
	}
	members, err := s.server.deps.Store.Invite(ctx, who, in)
	return &pb.InviteResponse{Members: each(members, wirePair)}, err
}
