// Package manager is a scheduler node of a datacenter: a member of the
// datacenter's store and gossip, and a node of its tier, which owns jobs and
// places them on workers.
package manager

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"hyperscale"
	"hyperscale/internal/member/gossip"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/store"
	"hyperscale/internal/store/etcdstore"
	"hyperscale/internal/tier"
)

// Config is what a manager is made of. Addresses are host:port.
type Config struct {
	Name             hyperscale.NodeID
	Cluster, Env, DC string
	Version          string

	Listen      string // gRPC; "": 127.0.0.1:7400
	Gossip      string // UDP and TCP; "": 127.0.0.1:7402
	StoreListen string // peers of the store; "": 127.0.0.1:7403
	Advertise   string // host at which others reach all of these; "": as listened at

	Data   string            // directory of this node alone
	Peers  map[string]string // first start: names of all managers and the store address of each; nil: by Expect
	Expect int               // first start: how many managers there are to be; 0: one
	Join   []string          // gossip addresses of other managers
	Store  string            // "": embedded; else etcd://HOST:PORT,…

	Certificates *identity.Source // nil: loopback only
	StoreTLS     etcdstore.TLS
	ClientTLS    *tls.Config // towards an external store; nil: none
	Keyring      string      // file of gossip keys; "": not encrypted
}

// Manager is one manager.
type Manager struct {
	cfg    Config
	log    *slog.Logger
	boot   hyperscale.Boot
	listen net.Listener
	gossip *gossip.Gossip
	tier   *tier.Tier
	heard  chan struct{} // closed once the tier is there to hear
	server *rpc.Server
	store  storage
}

// storage is where the tier keeps its state.
type storage interface {
	Store() store.Store
	Leader() bool
	Run(ctx context.Context) error
}

// New makes a manager that does not run; its configuration was checked.
func New(cfg Config, log *slog.Logger) (*Manager, error) {
	cfg.Listen = cmp.Or(cfg.Listen, "127.0.0.1:7400")
	cfg.Gossip = cmp.Or(cfg.Gossip, "127.0.0.1:7402")
	cfg.StoreListen = cmp.Or(cfg.StoreListen, "127.0.0.1:7403")
	cfg.Expect = max(cfg.Expect, 1)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Manager{cfg: cfg, log: log.With("node", cfg.Name), heard: make(chan struct{})}, nil
}

// check lists all that is wrong.
func (c Config) check() error {
	var errs []error
	if c.Name == "" {
		errs = append(errs, errors.New("a manager needs a name, its own in the cluster (--name)"))
	}
	if c.DC == "" {
		errs = append(errs, errors.New("a manager needs the name of its datacenter (--dc)"))
	}
	if c.Data == "" {
		errs = append(errs, errors.New("a manager needs a data directory of its own (--data)"))
	}
	if c.Peers != nil && c.Peers[string(c.Name)] == "" {
		errs = append(errs, fmt.Errorf("--peers does not name this manager, %s", c.Name))
	}
	if c.Expect > 1 && len(c.Join) == 0 && c.Peers == nil {
		errs = append(errs, fmt.Errorf("--expect %d needs --join with the gossip address of at least one other manager", c.Expect))
	}
	if c.Expect%2 == 0 {
		errs = append(errs, fmt.Errorf("--expect %d: an even number of managers survives no more deaths than one less; use 1, 3 or 5", c.Expect))
	}
	return errors.Join(errs...)
}

// Run serves until ctx ends or a part fails. When it returns, everything that it
// started has returned.
func (m *Manager) Run(ctx context.Context) error {
	if err := os.MkdirAll(m.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("the data directory: %w", err)
	}
	var err error
	if m.boot, err = nextBoot(filepath.Join(m.cfg.Data, "boot")); err != nil {
		return err
	}
	if m.listen, err = net.Listen("tcp", m.cfg.Listen); err != nil {
		return fmt.Errorf("listening for calls: %w", err)
	}
	if m.gossip, err = m.newGossip(ctx); err != nil {
		return errors.Join(err, m.listen.Close())
	}
	return within(ctx, m.gossip.Run, m.runStore)
}

// runStore runs the store's member, and the tier inside of it.
func (m *Manager) runStore(ctx context.Context) error {
	st, err := m.openStore(ctx)
	if err != nil {
		return errors.Join(err, m.listen.Close())
	}
	m.store = st
	if err := m.newTier(); err != nil {
		return errors.Join(err, m.listen.Close())
	}
	return within(ctx, st.Run, func(ctx context.Context) error {
		return within(ctx, m.tier.Run, func(ctx context.Context) error { return m.server.Run(ctx, m.listen) })
	})
}

// newTier makes the node of the tier and the server in front of it.
func (m *Manager) newTier() error {
	id := identity.ID{Cluster: m.cfg.Cluster, Env: m.cfg.Env, Role: identity.Manager, DC: m.cfg.DC, Node: m.cfg.Name}
	m.tier = tier.New(tier.Config{
		Self: m.cfg.Name, Boot: m.boot, Datacenter: m.cfg.DC, Address: m.address(m.listen.Addr().String()), Version: m.cfg.Version,
		Session: own.SessionConfig{},
	}, tier.Deps{
		Log: m.log, Store: m.store.Store(), Members: m.gossip, Leader: m.store.Leader,
		Dialing: rpc.Dialing{Self: id, Certificates: m.cfg.Certificates},
	})
	close(m.heard)
	var err error
	m.server, err = rpc.NewServer(rpc.ServerConfig{Self: id}, rpc.ServerDeps{
		Log: m.log, Certificates: m.cfg.Certificates, Jobs: m.tier.Jobs(), Cluster: m.tier.Cluster(), Links: m.tier.Links(), Peers: m.tier.Peers(),
	})
	return err
}

// address is a local address as others reach it.
func (m *Manager) address(local string) string {
	host, port, err := net.SplitHostPort(local)
	if err != nil {
		return local
	}
	return net.JoinHostPort(cmp.Or(m.cfg.Advertise, host), port)
}

// Ready says why the manager can't serve yet; nil: it can.
func (m *Manager) Ready() error {
	select {
	case <-m.heard:
		return m.tier.Ready()
	default:
		return errors.New("the store's members do not know each other yet")
	}
}

// Leave hands over what this manager owns, before it is stopped.
func (m *Manager) Leave(ctx context.Context) {
	select {
	case <-m.heard:
		m.tier.HandOver(ctx)
	default:
	}
	if err := m.gossip.Leave(ctx); err != nil {
		m.log.Warn("the others were not told that this manager goes", "reason", err)
	}
}

// within runs inner for as long as outer runs, and ends outer when inner has
// returned. The first error is given.
func within(ctx context.Context, outer, inner func(context.Context) error) error {
	outerCtx, endOuter := context.WithCancel(context.WithoutCancel(ctx))
	innerCtx, endInner := context.WithCancelCause(ctx)
	defer endInner(nil)
	done := make(chan error, 1)
	go func() {
		err := outer(outerCtx)
		endInner(err)
		done <- err
	}()
	err := inner(innerCtx)
	endOuter()
	if outerErr := <-done; outerErr != nil && !errors.Is(outerErr, context.Canceled) {
		return outerErr
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
