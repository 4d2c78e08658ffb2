package tier

import (
	"log/slog"
	"testing"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
)

// B-11, B-12: a peer that fails is left alone, the others are not, and one that was
// gone in between is called again.
func TestForwardsPassABreaker(t *testing.T) {
	self := identity.ID{Cluster: "hyperscale", Env: "test", Role: identity.Manager, DC: "dc1", Node: "m1"}
	l := newLines(rpc.Dialing{Self: self}, slog.New(slog.DiscardHandler))
	defer l.close()
	calls := map[string]int{}
	call := func(peer string, err error) {
		_ = l.forward(link.Parent{Node: hyperscale.NodeID(peer), Address: "127.0.0.1:1"}, func(*rpc.Conn) error { calls[peer]++; return err })
	}
	for range 5 {
		call("m2", rpc.Errorf(rpc.Unavailable, "nobody answers"))
		call("m3", rpc.Errorf(rpc.NotOwner, "m2 owns it"))
	}
	if calls["m2"] != 3 || calls["m3"] != 5 {
		t.Errorf("calls %v; one that fails is called thrice, one that refuses is there", calls)
	}
	l.forget("m2")
	call("m2", nil)
	if calls["m2"] != 4 {
		t.Errorf("what came back is called %d times", calls["m2"])
	}
}
