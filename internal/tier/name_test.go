package tier

import (
	"context"
	"testing"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
)

// Two workers of one name do not take turns: who is linked stays, and the other is
// told why it is not let in, until there is room.
func TestOneNameIsOneWorker(t *testing.T) {
	r := newRig(t, 1)
	attach := func(boot hyperscale.Boot) (first link.Down, leave func(), err error) {
		id := identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Worker, DC: "dc1", Node: "w1"}
		conn, err := rpc.Dial(r.stations[0].address, rpc.Dialing{Self: id, Boot: boot})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		leave = func() { stop(); _ = conn.Close() }
		t.Cleanup(leave)
		call, err := conn.Attach(ctx)
		if err == nil {
			first, err = call.Recv()
		}
		return first, leave, err
	}
	word, leave, err := attach(1)
	if _, ok := word.(link.Word); !ok || err != nil {
		t.Fatalf("the first hears %v, %v", word, err)
	}
	if _, _, err := attach(2); rpc.KindOf(err) != rpc.Conflict {
		t.Errorf("another of its name is not refused: %v", err)
	}
	if _, _, err := attach(1); err != nil { // the same comes back before its stream was given up
		t.Errorf("the same start: %v", err)
	}
	leave()
	r.wait(func() bool { _, end, err := attach(3); end(); return err == nil }, "the name is not free")
}
