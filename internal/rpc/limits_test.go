package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"hyperscale"
	"hyperscale/internal/link"
	pb "hyperscale/internal/rpc/hyperscalev1"
	"hyperscale/internal/rpc/identity"
)

// sized makes a message of just so many bytes on the wire.
func sized(t *testing.T, size int) *pb.JobStatus {
	t.Helper()
	m := &pb.JobStatus{Reason: strings.Repeat("x", size-8)}
	m.Reason += strings.Repeat("x", size-proto.Size(m))
	if proto.Size(m) != size {
		t.Fatalf("%d bytes were made, %d wanted", proto.Size(m), size)
	}
	return m
}

func TestLimitsAtTheirEdges(t *testing.T) {
	key := func(n int) error {
		return checkSubmission(Submission{Key: strings.Repeat("k", n)}, 1)
	}
	name := func(n int) error {
		return checkSubmission(Submission{Key: "k", Name: strings.Repeat("n", n)}, 1)
	}
	tags := func(n int) error {
		return checkSubmission(Submission{Key: "k", Options: Options{Tags: make([]hyperscale.Pair, n)}}, 1)
	}
	tag := func(n int) error {
		return checkSubmission(Submission{Key: "k", Options: Options{Tags: []hyperscale.Pair{{Name: "n", Value: strings.Repeat("v", n-1)}}}}, 1)
	}
	piece := func(n int) error {
		var a assembly
		_, err := a.add(&pb.Piece{Data: make([]byte, n), Last: true, Total: uint64(n)})
		return err
	}
	announced := func(n int) error {
		var a assembly
		_, err := a.add(&pb.Piece{Data: []byte{1}, Total: uint64(n)})
		return err
	}
	tables := []struct {
		what  string
		limit int
		check func(int) error
		want  Kind
	}{
		{"a message", MaxMessage, func(n int) error { return checkMessage(sized(t, n)) }, TooLarge},
		{"a message in pieces", MaxWhole + overhead, func(n int) error { return checkWhole(&pb.Order{}, n) }, TooLarge},
		{"an announced whole", MaxWhole + overhead, announced, TooLarge},
		{"a plan", MaxWhole, func(n int) error { return checkSubmission(Submission{Key: "k"}, uint64(n)) }, TooLarge},
		{"a piece", MaxChunk, piece, Invalid},
		{"a key", MaxKey, key, Invalid},
		{"a name", MaxName, name, Invalid},
		{"tags", MaxTags, tags, Invalid},
		{"a tag", MaxName, tag, Invalid},
	}
	for _, tt := range tables {
		for _, size := range []int{tt.limit - 1, tt.limit} {
			if err := tt.check(size); err != nil {
				t.Errorf("%s of %d: %v", tt.what, size, err)
			}
		}
		if err := tt.check(tt.limit + 1); KindOf(err) != tt.want {
			t.Errorf("%s of %d, one above the limit: %v", tt.what, tt.limit+1, err)
		}
	}
}

// What a manager of a large datacenter states each second is one message, however many
// jobs it leads and ended of late; more travels in pieces, up to the whole's limit.
func TestALargeStatementFits(t *testing.T) {
	s := link.Statement{Node: "m1", Boot: 1, Seq: 1, Datacenter: "fra", Capacity: &link.Capacity{Cores: 1 << 20}}
	for i := range 10_000 {
		name := hyperscale.JobID(fmt.Sprintf("job-%026d", i))
		s.Over = append(s.Over, name)
		s.Holds = append(s.Holds, link.Held{
			Hold: link.Hold{Job: name, Workflow: "browse the catalogue", Share: hyperscale.Share{Hi: 1, Of: 1, Turn: 4}}, State: link.Running,
			Start: 3, JobTime: time.Hour, Cut: 3600, Acked: 3600, Epoch: 7, Tenure: 9, Silence: time.Second,
		})
	}
	m, err := wireUp(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkMessage(m); err != nil {
		t.Error(err)
	}
	for len(s.Over) < 500_000 {
		s.Over = append(s.Over, s.Over...)
	}
	if m, err = wireUp(s); err != nil {
		t.Fatal(err)
	}
	err = checkWhole(m, proto.Size(m))
	if KindOf(err) != TooLarge || !strings.Contains(err.Error(), "statement.over") {
		t.Errorf("half a million jobs that are over: %v", err)
	}
}

func TestTooLargeSaysWhatToDo(t *testing.T) {
	m := &pb.AttachResponse{Said: &pb.AttachResponse_Order{Order: &pb.Order{Owner: "m1", Brief: make([]byte, MaxMessage)}}}
	err := detailsOf(checkMessage(m))
	if err.Size <= MaxMessage || err.Limit != MaxMessage || err.Field != "order.brief" {
		t.Errorf("the fields are %+v", err)
	}
	for _, want := range []string{"4194304", "order.brief", "send less"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	list := &pb.ListResponse{Jobs: []*pb.JobStatus{{Reason: "a"}, {Reason: "b"}}}
	if got := largest(list); got != "jobs" {
		t.Errorf("most room of a list takes %q", got)
	}
}

// Between our limit and gRPC's, one step above, our words are heard.
func TestMessagesOnTheWireAtTheLimit(t *testing.T) {
	n := &node{}
	client, ctx := serve(t, n, Limits{}).call(t, identity.Client), soon(t)
	for _, over := range []int{-1, 0, 1} {
		m := &pb.GetResponse{Status: sized(t, MaxMessage-5+over)} // five bytes of tag and length
		if proto.Size(m) != MaxMessage+over {
			t.Fatalf("%d bytes", proto.Size(m))
		}
		n.get = func(hyperscale.JobID) (Status, error) { return readStatus(m.Status), nil }
		_, err := client.Get(ctx, "7")
		if want := map[bool]Kind{true: TooLarge}[over > 0]; KindOf(err) != want {
			t.Errorf("%d bytes over the limit: %v", over, err)
		}
	}
	_, err := client.Cancel(ctx, Cancellation{Job: "7", Reason: strings.Repeat("x", MaxMessage)})
	if KindOf(err) != TooLarge || !strings.Contains(err.Error(), "reason") {
		t.Errorf("too much said by the client: %v", err)
	}
}

// A caller that does not hold itself to the limits is refused by the node.
func TestTheNodeChecksWhatItReceives(t *testing.T) {
	r := serve(t, &node{}, Limits{})
	c, ctx := r.call(t, identity.Client), soon(t)
	raw := pb.NewJobsClient(c.conn)
	stream, err := raw.Submit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pb.SubmitRequest{Part: &pb.SubmitRequest_Header{Header: &pb.SubmitHeader{Key: "k", Size: MaxWhole + 1}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CloseAndRecv(); KindOf(fromStatus(err)) != TooLarge {
		t.Errorf("a plan that is announced too large: %v", err)
	}

	stream, err = raw.Submit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	header := &pb.SubmitRequest{Part: &pb.SubmitRequest_Header{Header: &pb.SubmitHeader{Key: "k", Size: 3}}}
	chunk := &pb.SubmitRequest{Part: &pb.SubmitRequest_Chunk{Chunk: []byte("four")}}
	if err := stream.Send(header); err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(chunk); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CloseAndRecv(); KindOf(fromStatus(err)) != Invalid {
		t.Errorf("more than was announced: %v", err)
	}
}

// A handler that ends in the middle of a large message leaves nothing behind.
func TestRoomOfBrokenOffMessagesIsGivenBack(t *testing.T) {
	n := &node{attach: func(_ context.Context, _ Caller, s AttachStream) error {
		_, err := s.Recv() // the small message between the pieces
		return err
	}}
	r := serve(t, n, Limits{})
	before := r.room.left.Load()
	stream, err := pb.NewLinkClient(r.call(t, identity.Worker).conn).Attach(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	piece := &pb.AttachRequest{Said: &pb.AttachRequest_Piece{Piece: &pb.Piece{Data: make([]byte, 1000), Total: 2000}}}
	beat := &pb.AttachRequest{Said: &pb.AttachRequest_Statement{Statement: &pb.Statement{Node: "w1"}}}
	for _, m := range []*pb.AttachRequest{piece, beat} {
		if err := stream.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	r.stop()
	if left := r.room.left.Load(); left != before {
		t.Errorf("%d bytes of room are gone", before-left)
	}
}

// All large messages that are under way to a node share one room.
func TestAssembliesShareTheirRoom(t *testing.T) {
	r := serve(t, &node{}, Limits{Assembling: 2 << 20})
	worker, ctx := r.call(t, identity.Worker), soon(t)
	deliver, err := worker.Deliver(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sendErr := deliver.Send(link.Delivery{Window: make([]byte, 8<<20)})
	if _, err := deliver.Recv(); KindOf(err) != Overloaded {
		t.Errorf("8 MiB into 2: %v, %v", err, sendErr)
	}
	deliver, err = worker.Deliver(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := deliver.Send(link.Delivery{Window: make([]byte, 3<<19)}); err != nil {
		t.Fatal(err)
	}
	if receipt, err := deliver.Recv(); err != nil || receipt.Seq != 3<<19 {
		t.Errorf("the room was not given back: %v, %v", receipt, err)
	}
}

// What is not configured is limited all the same.
func TestDefaultLimits(t *testing.T) {
	l := Limits{}.withDefaults()
	if l.Connections != 10_000 || l.PerIdentity != 64 || l.Handshakes != 64 {
		t.Errorf("connections: %+v", l)
	}
	for rate, calls := range map[Rate]int{l.Submit: 50, l.Cancel: 20, l.Query: 100} {
		if rate.Calls != calls || rate.Per != 10*time.Second {
			t.Errorf("a rate is %+v, want %d in 10 s", rate, calls)
		}
	}
	if d := newDoorman(l, new(counts)); cap(d.handshakes) != 64 {
		t.Errorf("%d handshakes go on at once", cap(d.handshakes))
	}
	if MaxMessage != 4<<20 || MaxWhole != 16<<20 || wireLimit <= MaxMessage {
		t.Error("sizes")
	}
}
