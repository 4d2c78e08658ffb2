package tier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
)

// gates makes the nodes of a rig gates.
func gates(c *Config, d *Deps) {
	c.Role, c.Children, c.Datacenter = identity.Gate, identity.Manager, ""
	d.Dialing.Self = identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Gate, Node: c.Self}
}

// attached is a manager that beats once at a gate and stays until the test ends.
func (r *rig) attached(to *station, dc string, name hyperscale.NodeID) {
	r.t.Helper()
	conn, err := rpc.Dial(to.address, rpc.Dialing{Self: identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Manager, DC: dc, Node: name}})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	r.t.Cleanup(func() {
		end()
		_ = conn.Close() // it is not needed any more
	})
	call, err := conn.Attach(ctx)
	if err == nil {
		err = call.Send(link.Statement{Node: name, Boot: 1, Seq: 1})
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// A gate lists gates, and the managers of all datacenters that are linked with it, also
// those that have one name.
func TestMembersOfAGate(t *testing.T) {
	r := newRig(t, 2, gates)
	r.attached(r.stations[0], "fra", "m1")
	r.attached(r.stations[0], "nyc", "m1")
	want := []string{"gate  m1 alive", "gate  m2 alive", "manager fra m1 alive", "manager nyc m1 alive"}
	var got []string
	r.wait(func() bool {
		list, err := r.client(r.stations[0]).Members(t.Context())
		got = nil
		for _, m := range list {
			got = append(got, fmt.Sprintf("%s %s %s %s", m.Role, m.Datacenter, m.Node, m.State))
			if m.Role == "manager" && m.Address != "" {
				t.Errorf("the address of %s is told, as if clients could ask it instead of a gate", m.Node)
			}
		}
		return err == nil && slices.Equal(got, want)
	}, "members are %v", &got)
}

// Who is no child of a gate is refused with a word that is true of a gate.
func TestWrongChildOfAGate(t *testing.T) {
	r := newRig(t, 1, gates)
	for _, id := range []identity.ID{
		{Cluster: "hyperscale", Env: "test", Role: identity.Client, Tenant: "default", Name: "w1"},
		{Cluster: "hyperscale", Env: "test", Role: identity.Worker, DC: "fra", Node: "w1"},
		{Cluster: "hyperscale", Env: "test", Role: identity.Gate, Node: "g2"},
	} {
		conn, err := rpc.Dial(r.stations[0].address, rpc.Dialing{Self: id})
		if err != nil {
			t.Fatal(err)
		}
		call, err := conn.Attach(t.Context())
		if err == nil {
			_, err = call.Recv()
		}
		if err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "gate") {
			t.Errorf("%s attaches: %v", id, err)
		}
		_ = conn.Close()
		err = door{r.stations[0].Tier}.mayAttach(rpc.Caller{ID: id})
		if err == nil || !strings.Contains(err.Error(), "this gate is for the managers of datacenters") {
			t.Errorf("%s attaches: %v", id, err)
		}
	}
}

// Nobody among gates gives out cores; somebody sweeps what is old.
func TestGatesHaveNoPlacer(t *testing.T) {
	r := newRig(t, 2, gates)
	r.wait(func() bool {
		held := false
		_ = own.WatchHold(contextOf(t), r.store, "sweep", func(o own.Owner) error { // until there is one
			held = held || o.Node != ""
			return errDone
		})
		return held
	}, "nobody sweeps")
	if r.placer() {
		t.Error("somebody gives out cores")
	}
}

func contextOf(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(t.Context(), beat)
	t.Cleanup(stop)
	return ctx
}
