package gate

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
)

// A gate has no datacenter.
func TestConfigurationsOfGates(t *testing.T) {
	c := Config{station.Config{Self: identity.ID{Cluster: "hs", Env: "test", Node: "g1"}, Data: "d"}}
	if _, err := New(c, Deps{Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Error(err)
	}
	c.Data, c.Self.Node = "", ""
	if _, err := New(c, Deps{}); err == nil || !strings.Contains(err.Error(), "a gate needs a name") || strings.Contains(err.Error(), "--dc") {
		t.Errorf("without name and directory: %v", err)
	}
}

// What gates share keeps them apart from all others. The lease of a session outlives
// two elections of the store and one renewal that is lost.
func TestKindOfGates(t *testing.T) {
	k := kind(identity.ID{Cluster: "hs", Env: "test", Role: identity.Gate, Node: "g1"})
	if k.Pool != "gates/hs.test" || k.Store != "hs.test" || k.Children != identity.Manager {
		t.Errorf("it is %+v", k)
	}
	p := k.Pace
	election := 10 * p.Heartbeat
	if election != 2500*time.Millisecond || p.Session.TTL-p.Session.Margin-p.Session.Every < 2*election {
		t.Errorf("its pace is %+v", p)
	}
}
