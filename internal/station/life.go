package station

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"hyperscale"
	"hyperscale/internal/member/gossip"
	"hyperscale/internal/rpc"
	"hyperscale/internal/store"
	"hyperscale/internal/store/etcdstore"
	"hyperscale/internal/tier"
	"hyperscale/internal/tier/node"
)

// life is a node from one start to its end: everything in it is made anew when
// the node comes back after it stepped down.
type life struct {
	cfg    Config
	kind   Kind
	log    *slog.Logger
	data   *data
	boot   hyperscale.Boot
	wiped  bool // the others say that it had a store once, and its directory is empty
	listen net.Listener
	gossip *gossip.Gossip
	over   chan struct{} // closed once nothing more is heard
	begun  chan struct{} // closed once what follows is there

	store  storage
	tier   *tier.Tier
	server *rpc.Server

	pulse pulse
	past
}

// past is what happened in a life.
type past struct {
	served   atomic.Bool // it was ready once
	draining atomic.Bool // it takes nothing new
	away     sync.Once   // its farewell was said
}

// storage is where the tier keeps its state.
type storage interface {
	Store() store.Store
	Health() etcdstore.Health
	Run(ctx context.Context) error
}

// newLife opens what others reach this node by.
func (s *Station) newLife(d *data) (*life, error) {
	l := &life{cfg: s.cfg, kind: s.kind, log: s.log, data: d, begun: make(chan struct{}), over: make(chan struct{})}
	var err error
	if l.boot, err = d.nextBoot(time.Now()); err != nil {
		return nil, err
	}
	if l.listen, err = s.cfg.listen(s.cfg.At.Listen, "--listen"); err != nil {
		return nil, err
	}
	if l.gossip, err = l.newGossip(); err != nil {
		return nil, errors.Join(err, l.listen.Close())
	}
	return l, nil
}

// run is the life.
func (l *life) run(ctx context.Context) error {
	gossip := func(ctx context.Context) error {
		return l.cfg.portOf(l.gossip.Run(ctx), l.cfg.At.Gossip, "--gossip")
	}
	return within(ctx, gossip, func(ctx context.Context) error {
		defer close(l.over)
		err := l.runStore(ctx)
		if err != nil && ctx.Err() == nil {
			// Others need not find out by themselves.
			farewell, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer stop()
			l.farewell(farewell)
		}
		return err
	})
}

// portOf says of what ended for a port in use which flag chooses another.
func (c Config) portOf(err error, address, flag string) error {
	if err != nil && strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
		return c.listening(err, address, flag)
	}
	return err
}

// runStore runs the store's member, and the tier inside of it.
func (l *life) runStore(ctx context.Context) error {
	var err error
	if l.store, err = (opening{l}).store(ctx); err != nil {
		return errors.Join(err, l.listen.Close())
	}
	if err := l.newTier(); err != nil {
		return errors.Join(err, l.listen.Close())
	}
	store := func(ctx context.Context) error {
		err := l.store.Run(ctx)
		switch {
		case errors.Is(err, etcdstore.ErrRemoved):
			return fmt.Errorf("%w; with an empty data directory in place of %s, and --join, it can join them anew", err, l.cfg.Data)
		case errors.Is(err, etcdstore.ErrWiped):
			return fmt.Errorf("%w; --join names a %s that lets it in", err, l.cfg.Self.Role)
		}
		return l.cfg.portOf(err, l.cfg.At.Store, "--store-listen")
	}
	return within(ctx, store, func(ctx context.Context) error {
		if err := l.afterRestore(ctx); err != nil {
			return errors.Join(err, l.listen.Close())
		}
		return within(ctx, l.tier.Run, func(ctx context.Context) error {
			return within(ctx, l.feel, func(ctx context.Context) error {
				return within(ctx, l.beside, func(ctx context.Context) error {
					return within(ctx, l.control, func(ctx context.Context) error { return l.server.Run(ctx, l.listen) })
				})
			})
		})
	})
}

// beside runs what runs beside the tier, if anything does.
func (l *life) beside(ctx context.Context) error {
	if l.kind.Beside == nil {
		<-ctx.Done()
		return nil
	}
	return l.kind.Beside(ctx, Inside{
		Boot: l.boot, Tier: l.tier, Log: l.log, Vitals: l.pulse.vitals, Draining: l.draining.Load,
		Dialing: rpc.Dialing{Self: l.cfg.Self, Boot: l.boot, Certificates: l.cfg.Certificates},
	})
}

// used is how many bytes of the store are ours to count: of one that others use, too,
// none are.
func (l *life) used() int64 {
	if c := l.cfg.Store; c.External != "" && !c.Owned {
		return 0
	}
	return l.store.Health().InUse
}

// newTier makes the node of the tier and the server in front of it.
func (l *life) newTier() error {
	self := l.cfg.Self
	l.tier = tier.New(tier.Config{
		Self: self.Node, Boot: l.boot, Role: self.Role, Children: l.kind.Children, Datacenter: self.DC,
		Address: l.reached(l.listen.Addr().String()), Version: l.cfg.Version, Session: l.kind.Pace.Session,
		Node: node.Config{Above: l.kind.Beside != nil},
	}, tier.Deps{
		Log: l.log, Store: l.store.Store(), Members: l.gossip, Leader: func() hyperscale.NodeID { return hyperscale.NodeID(l.store.Health().LedBy) },
		Used: l.used, Drains: l.drains, Secrets: l.cfg.Secrets,
		Dialing: rpc.Dialing{Self: self, Certificates: l.cfg.Certificates},
	})
	var err error
	l.server, err = rpc.NewServer(rpc.ServerConfig{Self: self}, rpc.ServerDeps{
		Log: l.log, Certificates: l.cfg.Certificates,
		Jobs: l.tier.Jobs(), Cluster: l.tier.Cluster(), Links: l.tier.Links(), Peers: l.tier.Peers(),
		Store: host{l},
	})
	close(l.begun)
	return err
}

// hasBegun reports whether its store and tier are there.
func (l *life) hasBegun() bool {
	if l == nil {
		return false
	}
	select {
	case <-l.begun:
		return true
	default:
		return false
	}
}

// ready says why this node can be given nothing now; nil: it can.
func (l *life) ready() error {
	if !l.hasBegun() {
		return fmt.Errorf("the %ss have not all met yet, or this one waits to be let into the store", l.cfg.Self.Role)
	}
	if h := l.store.Health(); h.State != etcdstore.Ready && h.State != etcdstore.Learning {
		return fmt.Errorf("the store is not ready: %s", h.State)
	}
	return l.tier.Ready()
}

// healthy says why it should be started anew; nil: it is well.
func (l *life) healthy() error {
	if !l.hasBegun() {
		return nil
	}
	if h := l.store.Health(); h.State == etcdstore.Corrupt {
		return fmt.Errorf("the store's members hold different data: wipe this %s's data directory and start it anew", l.cfg.Self.Role)
	}
	return nil
}

// leave hands over what this node owns.
func (l *life) leave(ctx context.Context) {
	if l.hasBegun() {
		if err := l.tier.HandOver(ctx); err != nil {
			l.log.Warn("this node goes with jobs that it owns; whoever finds it gone takes them over", "reason", err)
		}
	}
	l.farewell(ctx)
}

// farewell tells the others that this node goes.
func (l *life) farewell(ctx context.Context) {
	l.away.Do(func() {
		if err := l.gossip.Leave(ctx); err != nil {
			l.log.Warn("the others were not told that this node goes", "reason", err)
		}
	})
}
