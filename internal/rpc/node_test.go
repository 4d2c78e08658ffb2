package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a manager that answers what it was told, or does what a test puts in.
type node struct {
	submit func(Caller, Submission) (Accepted, error)
	watch  func(ctx context.Context, after uint64, send func(Update) error) error
	attach func(context.Context, Caller, AttachStream) error
	cancel func(Cancellation) (CancelStatus, error)
	get    func(hyperscale.JobID) (Status, error)
	result []byte
}

func (n *node) Submit(_ context.Context, who Caller, s Submission) (Accepted, error) {
	if n.submit != nil {
		return n.submit(who, s)
	}
	return Accepted{Job: "7", Owner: "m1", Address: "here", Epoch: 1}, nil
}

func (n *node) Get(_ context.Context, _ Caller, job hyperscale.JobID) (Status, error) {
	if n.get != nil {
		return n.get(job)
	}
	return Status{Job: job, Phase: hyperscale.Running}, nil
}

func (n *node) List(_ context.Context, _ Caller, q Query) ([]Status, error) {
	return []Status{{Job: "7", Name: fmt.Sprint(q.Active, q.Limit)}}, nil
}

func (n *node) Watch(ctx context.Context, _ Caller, _ hyperscale.JobID, after uint64, send func(Update) error) error {
	if n.watch != nil {
		return n.watch(ctx, after, send)
	}
	return errors.Join(send(Snapshot{Status: Status{Job: "7"}}), send(Happened{hyperscale.Event{Seq: after + 1}}))
}

func (n *node) Cancel(_ context.Context, _ Caller, c Cancellation) (CancelStatus, error) {
	if n.cancel != nil {
		return n.cancel(c)
	}
	return PendingCancelled, nil
}

func (n *node) Adjust(_ context.Context, _ Caller, _ hyperscale.JobID, _ string, a hyperscale.Adjustment) (hyperscale.Adjustment, error) {
	a.Number, a.At = 3, 5*time.Second
	return a, nil
}

func (n *node) Result(context.Context, Caller, hyperscale.JobID) ([]byte, error) {
	return n.result, nil
}

func (n *node) Members(context.Context, Caller) ([]Member, error) {
	return []Member{{Node: "m1", Role: "manager", State: "alive", StoreLeader: true}}, nil
}

func (n *node) Drain(_ context.Context, _ Caller, node hyperscale.NodeID) error {
	return Errorf(NotFound, "there is no node %s", node)
}

// Attach repeats each statement's number in a word.
func (n *node) Attach(ctx context.Context, who Caller, s AttachStream) error {
	if n.attach != nil {
		return n.attach(ctx, who, s)
	}
	for {
		up, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		beat, _ := up.(link.Statement)
		if err := s.Send(link.Word{Node: "m1", Seq: beat.Seq}); err != nil {
			return err
		}
	}
}

// Deliver acknowledges windows by their length.
func (n *node) Deliver(_ context.Context, _ Caller, s DeliverStream) error {
	for {
		d, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Send(link.Receipt{Hold: d.Hold, Seq: uint64(len(d.Window))}); err != nil {
			return err
		}
	}
}

// Talk says again whatever it hears.
func (n *node) Talk(_ context.Context, _ Caller, s TalkStream) error {
	for {
		said, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Send(said); err != nil {
			return err
		}
	}
}

func (n *node) Forward(_ context.Context, _ Caller, job hyperscale.JobID, send func(Update) error) error {
	return send(Live{[]byte(job)})
}

// Invite lets everybody in.
func (n *node) Invite(_ context.Context, _ Caller, in Invitation) ([]hyperscale.Pair, error) {
	return []hyperscale.Pair{{Name: "m1", Value: "http://m1:1"}, {Name: string(in.Name), Value: in.URL}}, nil
}

func (n *node) Offer(_ context.Context, _ Caller, o link.Offer) (link.Taken, error) {
	return link.Taken{Job: o.Job, Epoch: o.Epoch + 1}, nil
}

// Post says what it was to send.
func (n *node) Post(_ context.Context, _ Caller, p link.Post) (string, error) {
	return fmt.Sprintf("%s %s %s %s", p.Job, p.To, p.ID, p.Body), nil
}

// running is a server under test.
type running struct {
	*Server
	address string
	log     *testkit.Log
	stop    func() // ends it and waits
}

var manager = identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Manager, DC: "fra", Node: "m1"}

// as gives an identity of the test's cluster in a role.
func as(role identity.Role) identity.ID {
	id := manager
	switch id.Role = role; role {
	case identity.Client:
		return identity.ID{Cluster: id.Cluster, Env: id.Env, Role: role, Tenant: "local", Name: "eve"}
	case identity.Gate:
		id.DC = ""
	}
	id.Node = hyperscale.NodeID(role) + "2"
	return id
}

func serve(t *testing.T, n *node, limits Limits, change ...func(*ServerConfig, *ServerDeps)) *running {
	t.Helper()
	r := &running{log: new(testkit.Log)}
	config := ServerConfig{Self: manager, Limits: limits}
	deps := ServerDeps{Log: slog.New(slog.NewTextHandler(r.log, nil)), Jobs: n, Cluster: n, Links: n, Peers: n, Store: n}
	for _, c := range change {
		c(&config, &deps)
	}
	server, err := NewServer(config, deps)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Server, r.address = server, listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, listener) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

// call makes a connection in a role.
func (r *running) call(t *testing.T, role identity.Role) *Conn {
	t.Helper()
	return dial(t, r.address, Dialing{Self: as(role)})
}

func dial(t *testing.T, address string, d Dialing) *Conn {
	t.Helper()
	c, err := Dial(address, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// soon is a context that ends with the test, at the latest after 20 s.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (r *running) count(what, of string) uint64 {
	for _, c := range r.Counts() {
		if c.What == what && c.Of == of {
			return c.N
		}
	}
	return 0
}
