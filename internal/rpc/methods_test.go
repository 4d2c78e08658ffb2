package rpc

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"hyperscale"
	"hyperscale/internal/link"
	pb "hyperscale/internal/rpc/hyperscalev1"
	"hyperscale/internal/rpc/identity"
)

// services are those of the protocol.
func services() []protoreflect.ServiceDescriptor {
	var all []protoreflect.ServiceDescriptor
	for _, file := range []protoreflect.FileDescriptor{pb.File_hyperscale_v1_jobs_proto, pb.File_hyperscale_v1_cluster_proto, pb.File_hyperscale_v1_link_proto, pb.File_hyperscale_v1_peers_proto} {
		for i := range file.Services().Len() {
			all = append(all, file.Services().Get(i))
		}
	}
	return all
}

// eachMethod walks all calls of the protocol.
func eachMethod(visit func(name string, m protoreflect.MethodDescriptor)) {
	for _, service := range services() {
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			visit(string(service.Name())+"/"+string(m.Name()), m)
		}
	}
}

func TestEveryCallIsInTheTable(t *testing.T) {
	found := 0
	eachMethod(func(name string, m protoreflect.MethodDescriptor) {
		if _, known := methods[name]; !known {
			t.Errorf("%s is not in the table of calls", name)
		}
		found++
		if got := shortName(fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name())); got != name {
			t.Errorf("%s is looked up as %s", name, got)
		}
	})
	if found != len(methods) {
		t.Errorf("the table has %d calls, the protocol %d", len(methods), found)
	}
}

// The matrix of 5 callers, 2 nodes and all calls, written out once more.
func TestWhoMayCallWhat(t *testing.T) {
	may := func(service string, from, at identity.Role) bool {
		switch service {
		case "Jobs", "Cluster":
			return from != identity.Worker
		case "Link":
			return from == identity.Worker && at == identity.Manager || from == identity.Manager && at == identity.Gate
		}
		return from == at // Peers
	}
	for _, at := range []identity.Role{identity.Manager, identity.Gate} {
		for _, from := range []identity.Role{identity.Client, identity.Worker, identity.Manager, identity.Gate} {
			for name := range methods {
				service, _, _ := strings.Cut(name, "/")
				err := mayUse(name, as(from), as(at))
				if may(service, from, at) != (err == nil) {
					t.Errorf("%s calls %s of %s: %v", from, name, at, err)
				}
				if err != nil && KindOf(err) != Unauthorized {
					t.Errorf("%s calls %s of %s: %v is of kind %s", from, name, at, err, KindOf(err))
				}
			}
		}
	}
	for _, role := range []identity.Role{identity.Worker, identity.Manager} {
		far := as(role)
		far.DC = "nyc"
		for name := range methods {
			if err := mayUse(name, far, as(identity.Manager)); KindOf(err) != Unauthorized {
				t.Errorf("a %s of another datacenter calls %s: %v", role, name, err)
			}
		}
	}
	stranger := as(identity.Client)
	stranger.Env = "prod"
	if err := mayUse("Jobs/Get", stranger, manager); KindOf(err) != WrongCluster || !strings.Contains(err.Error(), "prod") {
		t.Errorf("a client of another environment: %v", err)
	}
	if err := mayUse("Jobs/Other", as(identity.Client), manager); KindOf(err) != Unsupported {
		t.Errorf("an unknown call: %v", err)
	}
}

// bomb panics whatever it is asked.
type bomb struct{}

func (bomb) Submit(context.Context, Caller, Submission) (Accepted, error)  { panic("boom") }
func (bomb) Get(context.Context, Caller, hyperscale.JobID) (Status, error) { panic("boom") }
func (bomb) List(context.Context, Caller, Query) ([]Status, error)         { panic("boom") }
func (bomb) Watch(context.Context, Caller, hyperscale.JobID, uint64, func(Update) error) error {
	panic("boom")
}
func (bomb) Cancel(context.Context, Caller, Cancellation) (CancelStatus, error) { panic("boom") }
func (bomb) Adjust(context.Context, Caller, hyperscale.JobID, string, hyperscale.Adjustment) (hyperscale.Adjustment, error) {
	panic("boom")
}
func (bomb) Result(context.Context, Caller, hyperscale.JobID) ([]byte, error) { panic("boom") }
func (bomb) Members(context.Context, Caller) ([]Member, error)                { panic("boom") }
func (bomb) Drain(context.Context, Caller, hyperscale.NodeID) error           { panic("boom") }
func (bomb) Attach(context.Context, Caller, AttachStream) error               { panic("boom") }
func (bomb) Deliver(context.Context, Caller, DeliverStream) error             { panic("boom") }
func (bomb) Talk(context.Context, Caller, TalkStream) error                   { panic("boom") }
func (bomb) Forward(context.Context, Caller, hyperscale.JobID, func(Update) error) error {
	panic("boom")
}
func (bomb) Invite(context.Context, Caller, Invitation) ([]hyperscale.Pair, error) {
	panic("boom")
}
func (bomb) Offer(context.Context, Caller, link.Offer) (link.Taken, error) { panic("boom") }
func (bomb) Post(context.Context, Caller, link.Post) (string, error)       { panic("boom") }

// requests are what makes each call reach its handler; the others need nothing.
var requests = map[string]proto.Message{
	"Jobs/Get":      &pb.GetRequest{Job: "7"},
	"Jobs/Watch":    &pb.WatchRequest{Job: "7"},
	"Jobs/Cancel":   &pb.CancelRequest{Job: "7"},
	"Jobs/Adjust":   &pb.AdjustRequest{Job: "7", Key: "k", Adjustment: &pb.Adjustment{Kind: pb.AdjustKind_ADJUST_KIND_PAUSE}},
	"Jobs/Result":   &pb.ResultRequest{Job: "7"},
	"Cluster/Drain": &pb.DrainRequest{Node: "w1"},
	"Peers/Forward": &pb.ForwardRequest{Job: "7"},
	"Peers/Offer":   &pb.OfferRequest{Offer: &pb.Offer{Job: "7"}},
	"Peers/Post":    &pb.PostRequest{Job: "7"},
	"Peers/Invite":  &pb.InviteRequest{Name: "manager2", Url: "http://127.0.0.1:1"},
}

// caller gives a role that may make the call.
func callerFor(name string) identity.Role {
	return methods[name].callers[identity.Manager][0]
}

// invoke makes any call, with the messages given, and gives its error.
func invoke(ctx context.Context, c *Conn, m protoreflect.MethodDescriptor, messages ...proto.Message) error {
	full := fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name())
	desc := &grpc.StreamDesc{ClientStreams: m.IsStreamingClient(), ServerStreams: m.IsStreamingServer()}
	answer, err := protoregistry.GlobalTypes.FindMessageByName(m.Output().FullName())
	if err != nil {
		return err
	}
	if !desc.ClientStreams && !desc.ServerStreams {
		return c.conn.Invoke(ctx, full, messages[0], answer.New().Interface())
	}
	stream, err := c.conn.NewStream(ctx, desc, full)
	if err != nil {
		return err
	}
	for _, message := range messages {
		if stream.SendMsg(message) != nil {
			break // RecvMsg says why
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		if err := stream.RecvMsg(answer.New().Interface()); err != nil {
			return ended(err)
		}
	}
}

// A panic in any handler is contained, counted and logged with the call's name;
// the node lives.
func TestPanicsAreContained(t *testing.T) {
	r := serve(t, &node{}, Limits{}, func(_ *ServerConfig, d *ServerDeps) {
		d.Jobs, d.Cluster, d.Links, d.Peers, d.Store = bomb{}, bomb{}, bomb{}, bomb{}, bomb{}
	})
	conns := map[identity.Role]*Conn{}
	for _, role := range []identity.Role{identity.Client, identity.Worker, identity.Manager} {
		conns[role] = r.call(t, role)
	}
	eachMethod(func(name string, m protoreflect.MethodDescriptor) {
		var messages []proto.Message
		request, needed := requests[name]
		switch {
		case name == "Jobs/Submit":
			messages = []proto.Message{
				&pb.SubmitRequest{Part: &pb.SubmitRequest_Header{Header: &pb.SubmitHeader{Key: "k", Size: 1}}},
				&pb.SubmitRequest{Part: &pb.SubmitRequest_Chunk{Chunk: []byte("p")}},
			}
		case needed:
			messages = []proto.Message{request}
		case !m.IsStreamingClient():
			kind, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
			if err != nil {
				t.Fatal(err)
			}
			messages = []proto.Message{kind.New().Interface()}
		}
		err := invoke(soon(t), conns[callerFor(name)], m, messages...)
		if KindOf(err) != Internal || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the caller heard %v", name, err)
		}
		if r.count("panics", name) != 1 {
			t.Errorf("%s: %d panics were counted", name, r.count("panics", name))
		}
		if !strings.Contains(r.log.String(), "call="+name) {
			t.Errorf("%s: the log does not name it", name)
		}
	})
	if !strings.Contains(r.log.String(), "methods_test.go") {
		t.Error("the log has no stack")
	}
}

// Whatever a handler is missing for is refused in words.
func TestMissingHandlers(t *testing.T) {
	r := serve(t, &node{}, Limits{}, func(_ *ServerConfig, d *ServerDeps) {
		d.Jobs, d.Cluster, d.Links, d.Peers, d.Store = nil, nil, nil, nil, nil
	})
	eachMethod(func(name string, m protoreflect.MethodDescriptor) {
		request, needed := requests[name]
		if !needed {
			kind, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
			if err != nil {
				t.Fatal(err)
			}
			request = kind.New().Interface()
		}
		err := invoke(soon(t), r.call(t, callerFor(name)), m, request)
		if KindOf(err) != Unsupported {
			t.Errorf("%s: %v", name, err)
		}
	})
}
