// Package gate is a node above the datacenters: a [station.Station] whose children
// are the managers of all of them. Gates may be far from each other.
package gate

import (
	"log/slog"
	"time"

	"hyperscale/internal/member/gossip"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
)

// Config is what a gate is made of. The role in Self is filled in.
type Config struct{ station.Config }

// Deps is what a gate needs of others.
type Deps struct {
	Log *slog.Logger
}

// Gate is one gate. It does nothing until Run.
type Gate struct{ *station.Station }

// New makes a gate. Its error lists all that is wrong with the configuration.
func New(cfg Config, deps Deps) (*Gate, error) {
	cfg.Self.Role = identity.Gate
	s, err := station.New(cfg.Config, kind(cfg.Self), deps.Log)
	if err != nil {
		return nil, err
	}
	return &Gate{s}, nil
}

// kind is what gates are.
func kind(self identity.ID) station.Kind {
	return station.Kind{
		Children: identity.Manager,
		Pool:     gossip.Gates(self.Cluster, self.Env),
		Store:    self.Domain(),
		Pace:     far(),
	}
}

// far is the pace of nodes with round trips of up to half a second between them. The
// lease outlives an election, which takes 2.5 s there.
func far() station.Pace {
	return station.Pace{
		Gossip:    gossip.WAN(),
		Heartbeat: 250 * time.Millisecond,
		Session:   own.SessionConfig{TTL: 12 * time.Second, Every: 2 * time.Second, Margin: 2 * time.Second},
	}
}
