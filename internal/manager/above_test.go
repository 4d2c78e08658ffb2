package manager

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale/internal/gate"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
	"hyperscale/internal/testkit"
	"hyperscale/internal/testkit/ports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// alone is a node that begins alone, on free ports.
func alone(t *testing.T, self identity.ID) station.Config {
	self.Cluster, self.Env = "hs", "test"
	return station.Config{
		Self: self, Data: filepath.Join(t.TempDir(), string(self.Node)),
		At: station.Addresses{Listen: ports.One(t), HTTP: "off", Gossip: ports.One(t), Store: ports.One(t)},
	}
}

// run runs a node until it is stopped, or the test ends.
func run(t *testing.T, n interface{ Run(context.Context) error }) (stop func()) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = func() {
		end()
		if err, on := <-done; on && err != nil {
			t.Error(err)
		}
		close(done)
	}
	t.Cleanup(func() {
		if ctx.Err() == nil {
			stop()
		}
	})
	return stop
}

// mustSay waits until a gate says that the manager m1 of fra is in a state.
func mustSay(t *testing.T, gate, state string) {
	t.Helper()
	conn, err := rpc.Dial(gate, rpc.Dialing{Self: identity.ID{Cluster: "hs", Env: "test", Role: identity.Client, Tenant: "default", Name: "eve"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := conn.Members(ctx)
		got := fmt.Sprint(err)
		for _, m := range list {
			if m.Role == "manager" {
				got = fmt.Sprint(m.Node, " of ", m.Datacenter, " is ", m.State)
			}
		}
		if got == "m1 of fra is "+state {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the gate says: %s, want %s", got, state)
		}
	}
}

// A manager calls the gates that it knows, again when one is started anew, tells them
// when it takes nothing new, and says goodbye.
func TestAManagerIsAChildOfGates(t *testing.T) {
	log := &testkit.Log{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log)
		}
	})
	say := slog.New(slog.NewTextHandler(log, nil))
	above := gate.Config{Config: alone(t, identity.ID{Node: "g1"})}
	newGate := func() *gate.Gate {
		g, err := gate.New(above, gate.Deps{Log: say})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	cfg := Config{Config: alone(t, identity.ID{DC: "fra", Node: "m1"}), Gates: []string{above.At.Listen, ports.One(t)}}
	m, err := New(cfg, Deps{Log: say})
	if err != nil {
		t.Fatal(err)
	}
	stopManager := run(t, m)
	stopGate := run(t, newGate())
	mustSay(t, above.At.Listen, "alive")
	stopGate()
	run(t, newGate())
	mustSay(t, above.At.Listen, "alive")
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	m.Leave(ctx)
	mustSay(t, above.At.Listen, "draining")
	stopManager()
	mustSay(t, above.At.Listen, "left")
}
