package rpc

import (
	"hyperscale/internal/link"
	pb "hyperscale/internal/rpc/hyperscalev1"
)

// The sorts of values that travel on streams. Requests and responses of a
// conversation are types of their own on the wire, so that either may grow.

func upKind() kind[link.Up, *pb.AttachRequest] {
	return kind[link.Up, *pb.AttachRequest]{
		wire: wireUp, read: readUp,
		fresh: func() *pb.AttachRequest { return new(pb.AttachRequest) },
		piece: (*pb.AttachRequest).GetPiece,
		cut: func(p *pb.Piece) *pb.AttachRequest {
			return &pb.AttachRequest{Said: &pb.AttachRequest_Piece{Piece: p}}
		},
	}
}

func downKind() kind[link.Down, *pb.AttachResponse] {
	return kind[link.Down, *pb.AttachResponse]{
		wire: wireDown, read: readDown,
		fresh: func() *pb.AttachResponse { return new(pb.AttachResponse) },
		piece: (*pb.AttachResponse).GetPiece,
		cut: func(p *pb.Piece) *pb.AttachResponse {
			return &pb.AttachResponse{Said: &pb.AttachResponse_Piece{Piece: p}}
		},
	}
}

func deliveryKind() kind[link.Delivery, *pb.DeliverRequest] {
	return kind[link.Delivery, *pb.DeliverRequest]{
		wire: func(d link.Delivery) (*pb.DeliverRequest, error) {
			return &pb.DeliverRequest{Said: &pb.DeliverRequest_Delivery{Delivery: wireDelivery(d)}}, nil
		},
		read: func(r *pb.DeliverRequest) (link.Delivery, error) {
			if r.GetDelivery() == nil {
				return link.Delivery{}, unknownSaying("a child")
			}
			return readDelivery(r.GetDelivery())
		},
		fresh: func() *pb.DeliverRequest { return new(pb.DeliverRequest) },
		piece: (*pb.DeliverRequest).GetPiece,
		cut: func(p *pb.Piece) *pb.DeliverRequest {
			return &pb.DeliverRequest{Said: &pb.DeliverRequest_Piece{Piece: p}}
		},
	}
}

// receiptKind never needs pieces: a receipt is small.
func receiptKind() kind[link.Receipt, *pb.DeliverResponse] {
	return kind[link.Receipt, *pb.DeliverResponse]{
		wire: func(r link.Receipt) (*pb.DeliverResponse, error) {
			return &pb.DeliverResponse{Receipt: wireReceipt(r)}, nil
		},
		read: func(r *pb.DeliverResponse) (link.Receipt, error) {
			if r.GetReceipt() == nil {
				return link.Receipt{}, unknownSaying("a parent")
			}
			return readReceipt(r.GetReceipt())
		},
		fresh: func() *pb.DeliverResponse { return new(pb.DeliverResponse) },
		piece: func(*pb.DeliverResponse) *pb.Piece { return nil },
	}
}

func talkRequestKind() kind[link.Said, *pb.TalkRequest] {
	return kind[link.Said, *pb.TalkRequest]{
		wire: func(s link.Said) (*pb.TalkRequest, error) {
			saying, err := wireSaid(s)
			return &pb.TalkRequest{Saying: saying}, err
		},
		read:  func(r *pb.TalkRequest) (link.Said, error) { return readSaid(r.GetSaying()) },
		fresh: func() *pb.TalkRequest { return new(pb.TalkRequest) },
		piece: func(r *pb.TalkRequest) *pb.Piece { return r.GetSaying().GetPiece() },
		cut:   func(p *pb.Piece) *pb.TalkRequest { return &pb.TalkRequest{Saying: sayingOf(p)} },
	}
}

func talkResponseKind() kind[link.Said, *pb.TalkResponse] {
	return kind[link.Said, *pb.TalkResponse]{
		wire: func(s link.Said) (*pb.TalkResponse, error) {
			saying, err := wireSaid(s)
			return &pb.TalkResponse{Saying: saying}, err
		},
		read:  func(r *pb.TalkResponse) (link.Said, error) { return readSaid(r.GetSaying()) },
		fresh: func() *pb.TalkResponse { return new(pb.TalkResponse) },
		piece: func(r *pb.TalkResponse) *pb.Piece { return r.GetSaying().GetPiece() },
		cut:   func(p *pb.Piece) *pb.TalkResponse { return &pb.TalkResponse{Saying: sayingOf(p)} },
	}
}

func sayingOf(p *pb.Piece) *pb.Saying { return &pb.Saying{Said: &pb.Saying_Piece{Piece: p}} }

func watchKind() kind[Update, *pb.WatchResponse] {
	return kind[Update, *pb.WatchResponse]{
		wire: func(u Update) (*pb.WatchResponse, error) {
			update, err := wireUpdate(u)
			return &pb.WatchResponse{Part: &pb.WatchResponse_Update{Update: update}}, err
		},
		read:  func(r *pb.WatchResponse) (Update, error) { return readUpdate(r.GetUpdate()) },
		fresh: func() *pb.WatchResponse { return new(pb.WatchResponse) },
		piece: (*pb.WatchResponse).GetPiece,
		cut: func(p *pb.Piece) *pb.WatchResponse {
			return &pb.WatchResponse{Part: &pb.WatchResponse_Piece{Piece: p}}
		},
	}
}

func forwardKind() kind[Update, *pb.ForwardResponse] {
	return kind[Update, *pb.ForwardResponse]{
		wire: func(u Update) (*pb.ForwardResponse, error) {
			update, err := wireUpdate(u)
			return &pb.ForwardResponse{Part: &pb.ForwardResponse_Update{Update: update}}, err
		},
		read:  func(r *pb.ForwardResponse) (Update, error) { return readUpdate(r.GetUpdate()) },
		fresh: func() *pb.ForwardResponse { return new(pb.ForwardResponse) },
		piece: (*pb.ForwardResponse).GetPiece,
		cut: func(p *pb.Piece) *pb.ForwardResponse {
			return &pb.ForwardResponse{Part: &pb.ForwardResponse_Piece{Piece: p}}
		},
	}
}
