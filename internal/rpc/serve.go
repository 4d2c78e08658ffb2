package rpc

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	"hyperscale"
	pb "hyperscale/internal/rpc/hyperscalev1"
)

// The servers turn messages into values and back; they decide nothing.
type (
	jobsServer struct {
		pb.UnimplementedJobsServer
		server *Server
	}
	clusterServer struct {
		pb.UnimplementedClusterServer
		server *Server
	}
	linkServer struct {
		pb.UnimplementedLinkServer
		server *Server
	}
	peersServer struct {
		pb.UnimplementedPeersServer
		server *Server
	}
)

// missing is of calls that the node has no handler for.
func missing(what string) error { return Errorf(Unsupported, "this node has no %s", what) }

// jobOf reads the name of a job, which is never empty.
func jobOf(job string) (hyperscale.JobID, error) {
	switch {
	case job == "":
		return "", InvalidField("job", "its name is empty")
	case len(job) > MaxKey:
		return "", InvalidField("job", "no job has a name of %d bytes; %d are the most", len(job), MaxKey)
	}
	return hyperscale.JobID(job), nil
}

func (s jobsServer) Submit(stream grpc.ClientStreamingServer[pb.SubmitRequest, pb.SubmitResponse]) error {
	jobs := s.server.deps.Jobs
	if jobs == nil {
		return missing("jobs")
	}
	submission, err := s.gather(stream)
	if err != nil {
		return err
	}
	accepted, err := jobs.Submit(stream.Context(), callerOf(stream.Context()), submission)
	if err != nil {
		return err
	}
	return stream.SendAndClose(wireAccepted(accepted))
}

// gather receives a submission: its header, then its bytes.
func (s jobsServer) gather(stream grpc.ClientStreamingServer[pb.SubmitRequest, pb.SubmitResponse]) (Submission, error) {
	request, err := stream.Recv()
	if err != nil {
		return Submission{}, fromStatus(err)
	}
	if request.GetHeader() == nil {
		return Submission{}, InvalidField("header", "a submission begins with it")
	}
	submission, size, err := readHeader(request.GetHeader())
	if err != nil {
		return Submission{}, err
	}
	spec := assembly{room: s.server.room}
	defer spec.drop()
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return Submission{}, InvalidField("spec", "%d bytes came, %d were to come", len(spec.data), size)
		}
		if err != nil {
			return Submission{}, fromStatus(err)
		}
		chunk := request.GetChunk()
		last := uint64(len(spec.data)+len(chunk)) >= size
		whole, err := spec.add(&pb.Piece{Data: chunk, Last: last, Total: size})
		if err != nil {
			return Submission{}, err
		}
		if whole != nil {
			submission.Spec = whole
			return submission, nil
		}
	}
}

func (s jobsServer) Get(ctx context.Context, r *pb.GetRequest) (*pb.GetResponse, error) {
	if s.server.deps.Jobs == nil {
		return nil, missing("jobs")
	}
	job, err := jobOf(r.GetJob())
	if err != nil {
		return nil, err
	}
	status, err := s.server.deps.Jobs.Get(ctx, callerOf(ctx), job)
	return &pb.GetResponse{Status: wireStatus(status)}, err
}

func (s jobsServer) List(ctx context.Context, r *pb.ListRequest) (*pb.ListResponse, error) {
	if s.server.deps.Jobs == nil {
		return nil, missing("jobs")
	}
	list, err := s.server.deps.Jobs.List(ctx, callerOf(ctx), Query{Active: r.GetActive(), Limit: count(r.GetLimit())})
	return &pb.ListResponse{Jobs: each(list, wireStatus)}, err
}

func (s jobsServer) Watch(r *pb.WatchRequest, stream grpc.ServerStreamingServer[pb.WatchResponse]) error {
	if s.server.deps.Jobs == nil {
		return missing("jobs")
	}
	job, err := jobOf(r.GetJob())
	if err != nil {
		return err
	}
	out := &sender[Update, *pb.WatchResponse]{kind: watchKind(), raw: stream}
	return s.server.deps.Jobs.Watch(stream.Context(), callerOf(stream.Context()), job, r.GetAfter(), out.Send)
}

func (s jobsServer) Cancel(ctx context.Context, r *pb.CancelRequest) (*pb.CancelResponse, error) {
	if s.server.deps.Jobs == nil {
		return nil, missing("jobs")
	}
	job, err := jobOf(r.GetJob())
	if err != nil {
		return nil, err
	}
	status, err := s.server.deps.Jobs.Cancel(ctx, callerOf(ctx), Cancellation{
		Job: job, Workflow: r.GetWorkflow(), Reason: r.GetReason(), Proof: readProof(r.GetProof()),
	})
	return wireCancelStatus(status), err
}

func (s jobsServer) Adjust(ctx context.Context, r *pb.AdjustRequest) (*pb.AdjustResponse, error) {
	if s.server.deps.Jobs == nil {
		return nil, missing("jobs")
	}
	job, err := jobOf(r.GetJob())
	if err != nil {
		return nil, err
	}
	if r.GetKey() == "" || len(r.GetKey()) > MaxKey {
		return nil, InvalidField("key", "%d bytes; 1 to %d are wanted, so that it may be made again safely", len(r.GetKey()), MaxKey)
	}
	adjustment, err := readAdjustment(r.GetAdjustment())
	if err != nil {
		return nil, err
	}
	done, err := s.server.deps.Jobs.Adjust(ctx, callerOf(ctx), job, r.GetKey(), adjustment)
	return &pb.AdjustResponse{Adjustment: wireAdjustment(done)}, err
}

func (s jobsServer) Result(r *pb.ResultRequest, stream grpc.ServerStreamingServer[pb.ResultResponse]) error {
	if s.server.deps.Jobs == nil {
		return missing("jobs")
	}
	job, err := jobOf(r.GetJob())
	if err != nil {
		return err
	}
	result, err := s.server.deps.Jobs.Result(stream.Context(), callerOf(stream.Context()), job)
	if err != nil {
		return err
	}
	if len(result) > MaxWhole {
		return tooLarge("the result", "result", int64(len(result)), MaxWhole, "ask for it in a smaller form")
	}
	for at := 0; at < len(result); at += MaxChunk {
		chunk := result[at:min(at+MaxChunk, len(result))]
		if err := stream.Send(&pb.ResultResponse{Chunk: chunk, Size: uint64(len(result))}); err != nil {
			return fromStatus(err)
		}
	}
	return nil
}

func (s clusterServer) Members(ctx context.Context, _ *pb.MembersRequest) (*pb.MembersResponse, error) {
	if s.server.deps.Cluster == nil {
		return nil, missing("members")
	}
	members, err := s.server.deps.Cluster.Members(ctx, callerOf(ctx))
	return &pb.MembersResponse{Members: each(members, wireMember)}, err
}

func (s clusterServer) Drain(ctx context.Context, r *pb.DrainRequest) (*pb.DrainResponse, error) {
	if s.server.deps.Cluster == nil {
		return nil, missing("members")
	}
	if r.GetNode() == "" {
		return nil, InvalidField("node", "name the node to drain")
	}
	return &pb.DrainResponse{}, s.server.deps.Cluster.Drain(ctx, callerOf(ctx), hyperscale.NodeID(r.GetNode()))
}
