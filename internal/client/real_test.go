package client

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
)

// jobs is what two real nodes serve: one owns the job, the other says so.
type jobs struct {
	rpc.Jobs
	address string
	owner   *atomic.Value // string
}

func (j *jobs) Get(_ context.Context, _ rpc.Caller, job hyperscale.JobID) (rpc.Status, error) {
	if owner := j.owner.Load().(string); owner != j.address {
		return rpc.Status{}, &rpc.Error{Kind: rpc.NotOwner, Text: "it is another's", Address: owner}
	}
	return rpc.Status{Job: job, Address: j.address}, nil
}

// Watch sends ten events; the owner stays at the fourth until it leaves.
func (j *jobs) Watch(ctx context.Context, _ rpc.Caller, _ hyperscale.JobID, after uint64, send func(rpc.Update) error) error {
	for seq := after + 1; seq <= 10; seq++ {
		if seq == 5 && j.owner.Load().(string) == j.address {
			<-ctx.Done()
			return ctx.Err()
		}
		if err := send(rpc.Happened{Event: hyperscale.Event{Seq: seq}}); err != nil {
			return err
		}
	}
	return nil
}

// start runs a node and gives what ends it.
func start(t *testing.T, j *jobs) (stop func()) {
	t.Helper()
	j.address, stop = serve(t, j, nil)
	return stop
}

// serve runs a node that answers so, and gives where it is and what ends it.
func serve(t *testing.T, jobs rpc.Jobs, cluster rpc.Cluster) (address string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	self := identity.ID{Cluster: "hs", Env: "dev", Role: identity.Manager, DC: "fra", Node: "m"}
	server, err := rpc.NewServer(rpc.ServerConfig{Self: self}, rpc.ServerDeps{Log: slog.New(slog.DiscardHandler), Jobs: jobs, Cluster: cluster})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, listener) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

// Over real connections: the owner is found through another node, and a watch
// goes on at the other when the owner leaves in its middle.
func TestOverRealConnections(t *testing.T) {
	owner := new(atomic.Value)
	a, b := &jobs{owner: owner}, &jobs{owner: owner}
	stopA, _ := start(t, a), start(t, b)
	owner.Store(a.address)
	client, err := New(Config{Nodes: []string{b.address}, Dialing: rpc.Dialing{
		Self: identity.ID{Cluster: "hs", Env: "dev", Role: identity.Client, Tenant: "local", Name: "eve"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	if status, err := client.Get(ctx, "7"); err != nil || status.Address != a.address {
		t.Fatalf("%+v, %v", status, err)
	}
	if client.ownerOf("7", time.Now()) != a.address {
		t.Error("the owner is not remembered")
	}
	var last uint64
	err = client.Watch(ctx, "7", 0, func(u rpc.Update) error {
		if last++; u.(rpc.Happened).Seq != last {
			t.Errorf("event %d came as number %d", u.(rpc.Happened).Seq, last)
		}
		if last == 4 {
			go stopA()
		}
		return nil
	})
	if err != nil || last != 10 {
		t.Errorf("%d events came, %v", last, err)
	}
}
