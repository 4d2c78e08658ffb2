package rpc

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"hyperscale"
	"hyperscale/internal/link"
	pb "hyperscale/internal/rpc/hyperscalev1"
)

// Submit hands a job in.
func (c *Conn) Submit(ctx context.Context, s Submission) (Accepted, error) {
	if err := checkSubmission(s, uint64(len(s.Spec))); err != nil {
		return Accepted{}, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := pb.NewJobsClient(c.conn).Submit(ctx)
	if err != nil {
		return Accepted{}, err
	}
	if err := sendSubmission(stream, s); err != nil && !errors.Is(err, io.EOF) {
		return Accepted{}, fromStatus(err)
	}
	answer, err := stream.CloseAndRecv() // after io.EOF it says why
	if err != nil {
		return Accepted{}, ended(err)
	}
	return readAccepted(answer), nil
}

func sendSubmission(stream grpc.ClientStreamingClient[pb.SubmitRequest, pb.SubmitResponse], s Submission) error {
	header := &pb.SubmitRequest{Part: &pb.SubmitRequest_Header{Header: wireHeader(s)}}
	if err := checkMessage(header); err != nil {
		return err
	}
	if err := stream.Send(header); err != nil {
		return err
	}
	for at := 0; at < len(s.Spec); at += MaxChunk {
		chunk := s.Spec[at:min(at+MaxChunk, len(s.Spec))]
		if err := stream.Send(&pb.SubmitRequest{Part: &pb.SubmitRequest_Chunk{Chunk: chunk}}); err != nil {
			return err
		}
	}
	return nil
}

// Get tells how a job fares.
func (c *Conn) Get(ctx context.Context, job hyperscale.JobID) (Status, error) {
	answer, err := pb.NewJobsClient(c.conn).Get(ctx, &pb.GetRequest{Job: string(job)})
	return readStatus(answer.GetStatus()), err
}

// List tells of the jobs that are remembered.
func (c *Conn) List(ctx context.Context, q Query) ([]Status, error) {
	answer, err := pb.NewJobsClient(c.conn).List(ctx, &pb.ListRequest{Active: q.Active, Limit: small(q.Limit)})
	return each(answer.GetJobs(), readStatus), err
}

// Watch calls got for every update of a job, until the job has ended and was
// told whole (nil), got fails, or the call does.
func (c *Conn) Watch(ctx context.Context, job hyperscale.JobID, after uint64, got func(Update) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := pb.NewJobsClient(c.conn).Watch(ctx, &pb.WatchRequest{Job: string(job), After: after})
	if err != nil {
		return err
	}
	return drain(&receiver[Update, *pb.WatchResponse]{kind: watchKind(), raw: stream}, got)
}

// drain hands all that comes to got.
func drain[T any, P proto.Message](in *receiver[T, P], got func(T) error) error {
	for {
		value, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := got(value); err != nil {
			return err
		}
	}
}

// Cancel ends a job or one of its workflows. The call carries the proof that we want
// it.
func (c *Conn) Cancel(ctx context.Context, what Cancellation) (CancelStatus, error) {
	proof, err := Prove(c.certs, c.self, what.Job, what.Workflow)
	if err != nil {
		return "", err
	}
	answer, err := pb.NewJobsClient(c.conn).Cancel(ctx, &pb.CancelRequest{
		Job: string(what.Job), Workflow: valid(what.Workflow), Reason: valid(what.Reason), Proof: wireProof(proof),
	})
	if err != nil {
		return "", err
	}
	return readCancelStatus(answer)
}

// Adjust changes the load of a running workflow. The same key is the same
// adjustment.
func (c *Conn) Adjust(ctx context.Context, job hyperscale.JobID, key string, a hyperscale.Adjustment) (hyperscale.Adjustment, error) {
	answer, err := pb.NewJobsClient(c.conn).Adjust(ctx, &pb.AdjustRequest{Job: string(job), Key: key, Adjustment: wireAdjustment(a)})
	if err != nil {
		return hyperscale.Adjustment{}, err
	}
	return readAdjustment(answer.GetAdjustment())
}

// Result gives what a finished job found.
func (c *Conn) Result(ctx context.Context, job hyperscale.JobID) ([]byte, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := pb.NewJobsClient(c.conn).Result(ctx, &pb.ResultRequest{Job: string(job)})
	if err != nil {
		return nil, err
	}
	var parts assembly
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) && parts.data == nil {
			return nil, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, Errorf(Unavailable, "the result broke off after %d of %d bytes", len(parts.data), parts.total)
		}
		if err != nil {
			return nil, fromStatus(err)
		}
		last := uint64(len(parts.data)+len(part.GetChunk())) >= part.GetSize()
		whole, err := parts.add(&pb.Piece{Data: part.GetChunk(), Last: last, Total: part.GetSize()})
		if whole != nil || err != nil {
			return whole, err
		}
	}
}

// Members tells of all nodes of the tier and their children.
func (c *Conn) Members(ctx context.Context) ([]Member, error) {
	answer, err := pb.NewClusterClient(c.conn).Members(ctx, &pb.MembersRequest{})
	return each(answer.GetMembers(), readMember), err
}

// Drain takes a node out.
func (c *Conn) Drain(ctx context.Context, node hyperscale.NodeID) error {
	_, err := pb.NewClusterClient(c.conn).Drain(ctx, &pb.DrainRequest{Node: string(node)})
	return err
}

// Call is a conversation that this side began. It ends when the context given to
// it ends; that must happen some time.
type Call[In, Out any] interface {
	Stream[In, Out]

	// CloseSend says that nothing more will be sent.
	CloseSend() error
}

// dialogue joins the two halves of a stream as the caller sees them.
type dialogue[In, Out any, PIn, POut proto.Message] struct {
	receiver[In, PIn]
	sender[Out, POut]
	raw grpc.ClientStream
}

func (d *dialogue[In, Out, PIn, POut]) CloseSend() error {
	d.one.Lock()
	defer d.one.Unlock()
	return d.raw.CloseSend()
}

func begin[In, Out any, PIn, POut proto.Message](raw grpc.ClientStream, in kind[In, PIn], out kind[Out, POut]) Call[In, Out] {
	return &dialogue[In, Out, PIn, POut]{
		receiver[In, PIn]{kind: in, raw: raw},
		sender[Out, POut]{kind: out, raw: raw},
		raw,
	}
}

// Attach begins the conversation of a child with its parent.
func (c *Conn) Attach(ctx context.Context) (Call[link.Down, link.Up], error) {
	raw, err := pb.NewLinkClient(c.conn).Attach(ctx)
	if err != nil {
		return nil, err
	}
	return begin(raw, downKind(), upKind()), nil
}

// Deliver begins the delivery of windows to a parent.
func (c *Conn) Deliver(ctx context.Context) (Call[link.Receipt, link.Delivery], error) {
	raw, err := pb.NewLinkClient(c.conn).Deliver(ctx)
	if err != nil {
		return nil, err
	}
	return begin(raw, receiptKind(), deliveryKind()), nil
}
