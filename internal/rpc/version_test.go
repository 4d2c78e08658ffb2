package rpc

import (
	"context"
	"net"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	pb "hyperscale/internal/rpc/hyperscalev1"
	"hyperscale/internal/rpc/identity"
)

func TestNegotiation(t *testing.T) {
	ours := []string{"relay", "zip"}
	tables := []struct {
		protocol, features string
		want               []string
		says               string // "": accepted
	}{
		{"1.0", "relay zip", []string{"relay", "zip"}, ""},
		{"1.7", "later zip zip", []string{"zip"}, ""},
		{"1", "", nil, ""},
		{"2.0", "relay", nil, "bring this one"},
		{"0.9", "relay", nil, "bring the other"},
		{"", "", nil, "does not say"},
		{"x", "", nil, "no version"},
		{"-1.0", "", nil, "no version"},
	}
	for _, tt := range tables {
		got, err := negotiate(ours, tt.protocol, tt.features)
		if tt.says == "" && err == nil && reflect.DeepEqual(got, tt.want) {
			continue
		}
		if tt.says == "" || KindOf(err) != WrongVersion || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("protocol %q, features %q: %v, %v", tt.protocol, tt.features, got, err)
		}
	}
}

// Who calls the wrong cluster hears so on each side, and it is logged with the
// address and counted; without certificates too.
func TestWrongCluster(t *testing.T) {
	r := serve(t, &node{}, Limits{})
	for _, change := range []func(*identity.ID){
		func(id *identity.ID) { id.Cluster = "other" },
		func(id *identity.ID) { id.Env = "prod" },
	} {
		self := as(identity.Client)
		change(&self)
		_, err := dial(t, r.address, Dialing{Self: self}).Get(soon(t), "7")
		if KindOf(err) != WrongCluster || !strings.Contains(err.Error(), self.Cluster) || !strings.Contains(err.Error(), self.Env) {
			t.Errorf("%s: %v", self, err)
		}
	}
	if got := r.count("refused", "Jobs/Get WRONG_CLUSTER"); got != 2 {
		t.Errorf("%d refusals were counted", got)
	}
	if log := r.log.String(); !strings.Contains(log, "from=127.0.0.1:") || !strings.Contains(log, "other.test") {
		t.Errorf("the log does not say who called:\n%s", log)
	}
	c := r.call(t, identity.Client)
	if _, ok := c.Reached(); ok {
		t.Error("somebody was reached before a call")
	}
	if _, err := c.Get(soon(t), "7"); err != nil {
		t.Error(err)
	}
	if node, ok := c.Reached(); !ok || node.ID != manager || !reflect.DeepEqual(node.Features, Features()) {
		t.Errorf("reached was %+v", node)
	}
	newer := headersOf(manager)
	newer.Set(protocolHeader, "2.0")
	if err := c.checkNode(newer); KindOf(err) != WrongVersion {
		t.Errorf("a node of another major version: %v", err)
	}
	c.self.Env = "prod" // as if the node let everybody in
	if err := c.checkNode(headersOf(manager)); KindOf(err) != WrongCluster {
		t.Errorf("the client believes any node: %v", err)
	}
	if err := c.checkNode(metadata.MD{}); KindOf(err) != WrongCluster {
		t.Errorf("the client believes a node that says nothing: %v", err)
	}
}

func TestWhoSaysNothingIsRefused(t *testing.T) {
	r := serve(t, &node{}, Limits{})
	c := r.call(t, identity.Client)
	tables := []struct {
		headers metadata.MD
		want    Kind
	}{
		{metadata.MD{}, Unauthenticated},
		{metadata.Pairs(identityHeader, "eve"), Unauthenticated},
		{metadata.Pairs(identityHeader, as(identity.Client).String()), WrongVersion},
		{metadata.Pairs(identityHeader, as(identity.Client).String(), protocolHeader, "2.0"), WrongVersion},
		{metadata.Pairs(identityHeader, as(identity.Worker).String(), protocolHeader, Protocol), Unauthorized},
	}
	for _, tt := range tables {
		i := interceptor{server: r.Server, running: t.Context()}
		ctx := callContext(t, tt.headers)
		_, _, err := i.admit(ctx, "Jobs/Get")
		if KindOf(err) != tt.want {
			t.Errorf("%v: %v, want %s", tt.headers, err, tt.want)
		}
	}
	if _, err := pb.NewJobsClient(c.conn).Get(soon(t), &pb.GetRequest{}); KindOf(err) != Invalid {
		t.Errorf("a call for no job: %v", err)
	}
}

// callContext is that of a call which came with the headers given, over a
// connection without certificates.
func callContext(t *testing.T, headers metadata.MD) context.Context {
	d := newDoorman(Limits{}.withDefaults(), new(counts))
	ours, theirs := net.Pipe()
	theirs.Close()
	v := d.enter(ours)
	t.Cleanup(func() { v.Close() })
	ctx := peer.NewContext(t.Context(), &peer.Peer{Addr: ours.RemoteAddr(), AuthInfo: badge{visitor: v}})
	return metadata.NewIncomingContext(ctx, headers)
}
