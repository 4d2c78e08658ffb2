// Package manager is a scheduler node of a datacenter: a [station.Station] whose
// children are the workers of its datacenter.
package manager

import (
	"errors"
	"fmt"
	"log/slog"
	"net"

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
	s, err := station.New(cfg.Config, kind(cfg.Self), deps.Log)
	if err := errors.Join(err, cfg.checkGates()); err != nil {
		return nil, err
	}
	return &Manager{s}, nil
}

// kind is what the managers of a datacenter are: near each other.
func kind(self identity.ID) station.Kind {
	return station.Kind{
		Children: identity.Worker,
		Pool:     gossip.Datacenter(self.Cluster, self.Env, self.DC),
		Store:    self.Domain() + "." + self.DC,
	}
}

// checkGates says which gates can't be called.
func (c Config) checkGates() error {
	var errs []error
	for _, gate := range c.Gates {
		host, port, err := net.SplitHostPort(gate)
		switch {
		case err != nil || host == "" || port == "":
			errs = append(errs, fmt.Errorf("--gates %s; expected HOST:PORT", gate))
		case c.Certificates == nil && !station.Loopback(host):
			errs = append(errs, fmt.Errorf("--gates %s: without certificates (--cert, --key-file and --ca) only gates on loopback are called", gate))
		}
	}
	return errors.Join(errs...)
}
