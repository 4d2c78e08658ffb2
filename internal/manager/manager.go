// Package manager is a scheduler node of a datacenter: a [station.Station] whose
// children are the workers of its datacenter.
package manager

import (
	"errors"
	"fmt"
	"log/slog"

	"hyperscale/internal/doors"
	"hyperscale/internal/member/gossip"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
)

// Config is what a manager is made of. The role in Self is filled in.
type Config struct {
	station.Config

	Gates []string // host:port of gates above the datacenter; nil: there are none
}

// Deps is what a manager needs of others.
type Deps struct {
	Log *slog.Logger
}

// Manager is one manager. It does nothing until Run.
type Manager struct{ *station.Station }

// New makes a manager. Its error lists all that is wrong with the configuration.
func New(cfg Config, deps Deps) (*Manager, error) {
	cfg.Self.Role = identity.Manager
	s, err := station.New(cfg.Config, cfg.kind(), deps.Log)
	if err := errors.Join(err, cfg.checkGates()); err != nil {
		return nil, err
	}
	return &Manager{s}, nil
}

// kind is what the managers of a datacenter are: near each other, and children of gates
// if there are any.
func (c Config) kind() station.Kind {
	k := station.Kind{
		Children: identity.Worker,
		Pool:     gossip.Datacenter(c.Self.Cluster, c.Self.Env, c.Self.DC),
		Store:    c.Self.Domain() + "." + c.Self.DC,
	}
	if len(c.Gates) > 0 {
		k.Beside = c.lookUp
	}
	return k
}

// checkGates says which gates can't be called.
func (c Config) checkGates() error {
	var errs []error
	for _, gate := range c.Gates {
		if err := doors.Check("gate", gate, c.Certificates != nil); err != nil {
			errs = append(errs, fmt.Errorf("--gates: %w", err))
		}
	}
	return errors.Join(errs...)
}
