package tier

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/member"
	"hyperscale/internal/own"
	"hyperscale/internal/place"
	"hyperscale/internal/rpc"
	"hyperscale/internal/store"
	"hyperscale/internal/tier/node"
	"hyperscale/internal/tier/seat"
)

// Config is what a tier's node is made for. Zero values are the defaults.
type Config struct {
	Self       hyperscale.NodeID
	Boot       hyperscale.Boot
	Role       string // manager
	Datacenter string
	Address    string // where peers and clients reach it, host:port
	Version    string // of the program
	Session    own.SessionConfig
	Node       node.Config // Self and Boot are filled in
	Succession own.SuccessionConfig
	MaxLate    time.Duration // later arrivals are missed, for somebody may have covered them; 0: 1 s
}

// Deps is what it needs of others.
type Deps struct {
	Log     *slog.Logger
	Store   store.Store
	Members member.Members // somebody else runs it, and tells [Tier.Heard]
	Dialing rpc.Dialing
	Leader  func() bool // whether this node leads the store now; nil: unknown
	Full    func() bool // whether the store has no room for another job; nil: it has
}

// Tier is one node. It answers the calls of package rpc from the moment at which
// it is made: before it runs, and after, with Unavailable.
type Tier struct {
	cfg   Config
	deps  Deps
	log   *slog.Logger
	began time.Time // when its clock was zero

	node  *mailbox[any] // node.Event, or a func(*node.Node) that looks at it
	heirs *mailbox[own.SuccessionEvent]
	room  atomic.Pointer[seat.Room]

	readers sync.WaitGroup // of streams
	unowned errands        // questions to the store about jobs that nobody owns

	mu sync.Mutex // of what follows
	known
	streams
	inside   *office // nil: it has no session
	draining bool
}

// known is what this node knows from the store.
type known struct {
	owners map[hyperscale.JobID]own.Owner
	peers  map[hyperscale.NodeID]own.Node
}

// streams are the ways out to others.
type streams struct {
	talks    map[hyperscale.NodeID]*outlet[link.Said]
	conns    map[hyperscale.NodeID]*rpc.Conn
	children map[hyperscale.NodeID]*outlet[link.Down]
	receipts map[hyperscale.NodeID]*outlet[link.Receipt]
	conn     uint64 // the last stream
}

// office is what exists only inside a session.
type office struct {
	session   *own.Session
	submitter *own.Submitter
	ctx       context.Context
	jobs      map[hyperscale.JobID]*desk // guarded by Tier.mu
	running   *errgroup.Group
}

// New makes a node that does nothing yet.
func New(cfg Config, deps Deps) *Tier {
	cfg.Role = cmp.Or(cfg.Role, "manager")
	cfg.MaxLate = cmp.Or(cfg.MaxLate, time.Second)
	cfg.Node.Self, cfg.Node.Boot = cfg.Self, cfg.Boot
	t := &Tier{
		cfg: cfg, deps: deps, log: deps.Log, began: time.Now(),
		node: newMailbox[any](), heirs: newMailbox[own.SuccessionEvent](),
		known: known{map[hyperscale.JobID]own.Owner{}, map[hyperscale.NodeID]own.Node{}},
		streams: streams{
			talks: map[hyperscale.NodeID]*outlet[link.Said]{}, conns: map[hyperscale.NodeID]*rpc.Conn{},
			children: map[hyperscale.NodeID]*outlet[link.Down]{}, receipts: map[hyperscale.NodeID]*outlet[link.Receipt]{},
		},
		unowned: errands{under: map[hyperscale.JobID]bool{}},
	}
	t.room.Store(&seat.Room{})
	return t
}

// now is the node's own clock, which only goes forward.
func (t *Tier) now() time.Duration { return time.Since(t.began) }

// Run serves until ctx ends. It keeps a session in the store, and begins a new one
// when it loses it: a node without a session owns nothing.
func (t *Tier) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.runNode(ctx) })
	g.Go(func() error { return t.runSessions(ctx) })
	err := g.Wait()
	t.closeConns()
	t.readers.Wait()
	t.unowned.wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// sessionRetry is how long a node waits before it asks for a session again.
const sessionRetry = 300 * time.Millisecond

// runSessions keeps the node inside a session.
func (t *Tier) runSessions(ctx context.Context) error {
	self := own.Node{ID: t.cfg.Self, Boot: t.cfg.Boot, Address: t.cfg.Address, Version: t.cfg.Version}
	for ctx.Err() == nil {
		err := own.RunSession(ctx, t.deps.Store, self, t.cfg.Session, t.inSession)
		if ctx.Err() != nil {
			return nil
		}
		t.log.Warn("the session in the store has ended; what this node owned goes to others", "reason", err)
		pause(ctx, sessionRetry)
	}
	return nil
}

// inSession is all that a node does that may own jobs.
func (t *Tier) inSession(ctx context.Context, s *own.Session) error {
	g, ctx := errgroup.WithContext(ctx)
	o := &office{
		session: s, submitter: own.NewSubmitter(s, t.deps.Full), ctx: ctx,
		jobs: map[hyperscale.JobID]*desk{}, running: g,
	}
	g.Go(func() error { return t.watchOwners(ctx) })
	g.Go(func() error { return t.watchNodes(ctx) })
	g.Go(func() error { return t.watchPlacer(ctx) })
	g.Go(func() error { return t.runSuccession(ctx, o) })
	g.Go(func() error { return t.runPlacer(ctx, s) })
	g.Go(func() error { return t.runSweeper(ctx, s) })
	g.Go(func() error { return t.runTalks(ctx) })
	t.mu.Lock()
	t.inside = o
	t.mu.Unlock()
	t.log.Info("serving", "node", t.cfg.Self, "address", t.cfg.Address)
	<-ctx.Done()
	t.mu.Lock()
	t.inside = nil
	t.mu.Unlock()
	err := g.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// Ready says why the node can't serve yet; nil: it can.
func (t *Tier) Ready() error {
	if t.office() == nil {
		return fmt.Errorf("node %s has no session in the store", t.cfg.Self)
	}
	return nil
}

// office is what the node has inside its session; nil: it is outside.
func (t *Tier) office() *office {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.inside
}

// watchOwners keeps what this node knows of who owns what.
func (t *Tier) watchOwners(ctx context.Context) error {
	return t.follow(ctx, func() error {
		all, at, err := own.Owners(ctx, t.deps.Store)
		if err != nil {
			return err
		}
		for _, c := range all {
			t.owned(c)
		}
		return own.WatchOwners(ctx, t.deps.Store, at, func(c own.OwnerChange) error { t.owned(c); return nil })
	})
}

// owned takes in who owns a job.
func (t *Tier) owned(c own.OwnerChange) {
	t.mu.Lock()
	if c.Owner == (own.Owner{}) {
		delete(t.owners, c.Job)
	} else {
		t.owners[c.Job] = c.Owner
	}
	var d *desk
	inside := t.inside
	if inside != nil {
		d = inside.jobs[c.Job]
	}
	t.mu.Unlock()
	switch {
	case d != nil && c.Owner.Epoch > d.epoch:
		d.fenced("another owns it under a higher epoch")
	case d == nil && inside != nil && c.Owner.Node == t.cfg.Self && c.Owner.Session == inside.session.Node().Session:
		t.adopt(inside, c.Job)
	}
	t.heirs.put(c)
}

// watchNodes keeps what this node knows of who is there.
func (t *Tier) watchNodes(ctx context.Context) error {
	return t.follow(ctx, func() error {
		all, at, err := own.Nodes(ctx, t.deps.Store)
		if err != nil {
			return err
		}
		for _, n := range all {
			t.there(own.NodeChange{Node: n})
		}
		return own.WatchNodes(ctx, t.deps.Store, at, func(c own.NodeChange) error { t.there(c); return nil })
	})
}

// there takes in that a node is there, or is not.
func (t *Tier) there(c own.NodeChange) {
	t.mu.Lock()
	if c.Gone {
		delete(t.peers, c.Node.ID)
	} else {
		t.peers[c.Node.ID] = c.Node
	}
	var all []link.Parent
	for _, n := range t.peers {
		all = append(all, link.Parent{Node: n.ID, Address: n.Address})
	}
	t.mu.Unlock()
	slices.SortFunc(all, func(a, b link.Parent) int { return cmp.Compare(a.Node, b.Node) })
	t.node.put(node.Parents{All: all})
	t.heirs.put(c)
}

// watchPlacer keeps what the node knows of who gives out the cores.
func (t *Tier) watchPlacer(ctx context.Context) error {
	return t.follow(ctx, func() error {
		return own.WatchHold(ctx, t.deps.Store, placeHold, func(o own.Owner) error {
			t.node.put(node.Placer{Node: o.Node})
			return nil
		})
	})
}

// follow runs a watch again whenever it breaks off, until ctx ends.
func (t *Tier) follow(ctx context.Context, watch func() error) error {
	for ctx.Err() == nil {
		err := watch()
		if ctx.Err() != nil {
			break
		}
		t.log.Debug("a watch of the store broke off", "reason", err)
		pause(ctx, 200*time.Millisecond)
	}
	return ctx.Err()
}

// placeHold is the name of what the placer holds.
const placeHold = "place"

// runPlacer makes this node the placer whenever nobody else is.
func (t *Tier) runPlacer(ctx context.Context, s *own.Session) error {
	for ctx.Err() == nil {
		err := own.Hold(ctx, s, placeHold, t.looksGone, func(ctx context.Context, _ own.Held) error {
			t.log.Info("this node gives out the cores")
			<-ctx.Done()
			return context.Cause(ctx)
		})
		if ctx.Err() == nil {
			t.log.Warn("this node gives out the cores no more", "reason", err)
		}
	}
	return ctx.Err()
}

// looksGone reports whether the holder of something looks dead by evidence.
func (t *Tier) looksGone(o own.Owner) bool {
	for _, m := range t.deps.Members.Alive() {
		if m.ID == o.Node {
			return false
		}
	}
	return o.Node != t.cfg.Self && len(t.deps.Members.Alive()) > 1
}

// sweepEvery is how often what is old is looked for.
const sweepEvery = time.Minute

// runSweeper deletes what is old, while this node holds that.
func (t *Tier) runSweeper(ctx context.Context, s *own.Session) error {
	for ctx.Err() == nil {
		_ = own.Hold(ctx, s, "sweep", t.looksGone, func(ctx context.Context, _ own.Held) error {
			tick := time.NewTicker(sweepEvery)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case now := <-tick.C:
					if _, err := own.Sweep(ctx, t.deps.Store, now, 0); err != nil {
						t.log.Warn("what is old could not be swept", "reason", err)
					}
				}
			}
		})
	}
	return ctx.Err()
}

// roomOf is what there is in the datacenter as the node sees it.
func roomOf(children []node.Child) seat.Room {
	var r seat.Room
	for _, c := range children {
		if c.Heard && !c.Draining && c.Health != place.Unhealthy.String() {
			r.Workers++
			r.Cores += c.Cores
		}
	}
	return r
}
