package tier

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/mailbox"
	"hyperscale/internal/member"
	"hyperscale/internal/own"
	"hyperscale/internal/reporter"
	"hyperscale/internal/reporter/sink"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/store"
	"hyperscale/internal/tier/bundle"
	"hyperscale/internal/tier/node"
	"hyperscale/internal/tier/seat"
)

// Config is what a tier's node is made for. Zero values are the defaults.
type Config struct {
	Self       hyperscale.NodeID
	Boot       hyperscale.Boot
	Role       identity.Role // of this node and the others of its tier; "": a manager
	Children   identity.Role // who attaches here; "": workers
	Datacenter string        // of this tier and its children; "": it has none, and they are of any
	Address    string        // where peers and clients reach it, host:port
	Version    string        // of the program
	Session    own.SessionConfig
	Node       node.Config // Self, Boot and Datacenters are filled in
	Succession own.SuccessionConfig
	SaveBudget int             // bytes that the checkpoints of all jobs may come to in a second; 0: 512 KiB
	MaxLate    time.Duration   // later arrivals are missed, for somebody may have covered them; 0: 1 s
	Hooks      reporter.Limits // of what web hooks are told; Tries 0: 3, Longest 0: 2 s

	// Of tests: called before each step of a job, and of the node.
	trap     func(hyperscale.JobID, owner.Event)
	trapNode func(node.Event)
}

// Deps is what it needs of others.
type Deps struct {
	Log     *slog.Logger
	Store   store.Store
	Members member.Members // somebody else runs it, and tells [Tier.Heard]
	Dialing rpc.Dialing
	Leader  func() hyperscale.NodeID // who leads the store, "": not known; nil: never known
	Used    func() int64             // bytes of the store that hold something; nil: unknown
	Secrets sink.Secrets             // of reporters, each for the address that its variables name; nil: none
	Drains  func() error             // tells the other nodes that this one takes nothing new; nil: they need not know
}

// Tier is one node. It answers calls from the moment at which it is made: before
// it runs, and after, with Unavailable.
type Tier struct {
	cfg   Config
	deps  Deps
	log   *slog.Logger
	began time.Time // when its clock was zero
	boxes
	registry  *registry
	lines     *lines
	readers   readers
	room      atomic.Pointer[seat.Room]
	unowned   errands // questions to the store about jobs that nobody owns
	reporting errands // to reporters, of jobs that have ended
	inside    atomic.Pointer[office]
	draining  atomic.Bool
	counts    *counts
	bundle    *bundle.Bundle // of a gate, which has datacenters for children; of the node's goroutine. nil: they are workers
}

// boxes are where what is for others within the node waits for them.
type boxes struct {
	node  *mailbox.Mailbox[any]                 // node.Event, or a func(*node.Node) that looks at it
	heirs *mailbox.Mailbox[own.SuccessionEvent] // what the succession is to hear
	above *mailbox.Mailbox[child.Event]         // what the tier above is to hear of jobs that it leads; nil: there is none
}

// New makes a node that does nothing yet.
func New(cfg Config, deps Deps) *Tier {
	cfg.Role, cfg.Children = cmp.Or(cfg.Role, identity.Manager), cmp.Or(cfg.Children, identity.Worker)
	cfg.MaxLate, cfg.Hooks = cmp.Or(cfg.MaxLate, time.Second), hookLimits(cfg.Hooks)
	cfg.Node.Self, cfg.Node.Boot, cfg.Node.Datacenters = cfg.Self, cfg.Boot, cfg.Children == identity.Manager
	t := &Tier{
		cfg: cfg, deps: deps, log: deps.Log, began: time.Now(),
		boxes:    boxes{node: mailbox.New[any](), heirs: mailbox.New[own.SuccessionEvent]()},
		registry: newRegistry(), lines: newLines(deps.Dialing, deps.Log), readers: newReaders(),
		unowned: errands{under: map[errand]bool{}}, reporting: errands{under: map[errand]bool{}}, counts: newCounts(cfg.SaveBudget),
	}
	if cfg.Node.Datacenters {
		t.bundle = bundle.New(cfg.Node)
	}
	if cfg.Node.Above {
		t.above = mailbox.New[child.Event]()
	}
	t.room.Store(&seat.Room{})
	return t
}

// Jobs answers the calls of clients about jobs.
func (t *Tier) Jobs() rpc.Jobs { return front{t} }

// Cluster answers what they ask of the cluster.
func (t *Tier) Cluster() rpc.Cluster { return front{t} }

// Links takes the streams of children.
func (t *Tier) Links() rpc.Links { return door{t} }

// Peers takes the calls of the other nodes.
func (t *Tier) Peers() rpc.Peers { return talks{t} }

// now is the node's own clock, which only goes forward.
func (t *Tier) now() time.Duration { return time.Since(t.began) }

// Run serves until ctx ends. It keeps a session in the store, and begins a new one
// when it loses it: a node without a session owns nothing.
func (t *Tier) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return nodeLoop{t}.run(ctx) })
	g.Go(func() error { return t.runSessions(ctx) })
	err := g.Wait()
	t.lines.close()
	t.unowned.wait()
	t.reporting.wait()
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
	level, what := slog.LevelWarn, "the store gives no session yet; asking again"
	inside := func(ctx context.Context, s *own.Session) error {
		level, what = slog.LevelWarn, "the session in the store has ended; what this node owned goes to others"
		return t.inSession(ctx, s)
	}
	for ctx.Err() == nil {
		err := own.RunSession(ctx, t.deps.Store, self, t.cfg.Session, inside)
		if ctx.Err() != nil {
			return nil
		}
		t.log.Log(ctx, level, what, "reason", err)
		level = slog.LevelDebug // it was said, and is tried again and again
		pause(ctx, sessionRetry)
	}
	return nil
}

// inSession is all that a node does that may own jobs.
func (t *Tier) inSession(ctx context.Context, s *own.Session) error {
	g, ctx := errgroup.WithContext(ctx)
	o := &office{tier: t, log: t.log, session: s, submitter: own.NewSubmitter(s, func() bool { return t.used() > own.RefuseAbove }), ctx: ctx, running: g}
	g.Go(func() error { return t.watchOwners(ctx) })
	g.Go(func() error { return t.watchNodes(ctx) })
	g.Go(func() error { return o.runSuccession(ctx) })
	if t.cfg.Children == identity.Worker { // their cores are given out by one of us
		g.Go(func() error { return t.watchPlacer(ctx) })
		g.Go(func() error { return o.hold(ctx, "place", "gives out the cores", untilEnd) })
	}
	g.Go(func() error { return o.hold(ctx, "sweep", "sweeps what is old", o.sweep) })
	g.Go(func() error { return talks{t}.run(ctx) })
	t.inside.Store(o)
	t.log.Info("serving", "address", t.cfg.Address)
	<-ctx.Done()
	t.inside.Store(nil)
	err := g.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// used is how many bytes of the store hold something; 0: unknown.
func (t *Tier) used() int64 {
	if t.deps.Used == nil {
		return 0
	}
	return t.deps.Used()
}

// Ready says why the node can be given nothing now; nil: it can.
func (t *Tier) Ready() error {
	switch {
	case t.inside.Load() == nil:
		return fmt.Errorf("node %s has no session in the store", t.cfg.Self)
	case t.draining.Load():
		return fmt.Errorf("node %s is draining: it takes nothing new until it is started again", t.cfg.Self)
	}
	return nil
}

// watchOwners keeps what this node knows of who owns what.
func (t *Tier) watchOwners(ctx context.Context) error {
	return follow(ctx, t.log, func() error {
		all, at, err := own.Owners(ctx, t.deps.Store)
		if err != nil {
			return err
		}
		for _, c := range append(t.registry.without(all), all...) {
			t.owned(c)
		}
		return own.WatchOwners(ctx, t.deps.Store, at, func(c own.OwnerChange) error { t.owned(c); return nil })
	})
}

// owned takes in who owns a job.
func (t *Tier) owned(c own.OwnerChange) {
	d := t.registry.owned(c)
	o := t.inside.Load()
	switch {
	case d != nil && c.Owner.Epoch > d.epoch:
		d.fenced("another owns it under a higher epoch")
	case d == nil && o != nil && c.Owner.Node == t.cfg.Self && c.Owner.Session == o.session.Node().Session:
		o.adopt(c.Job)
	}
	t.heirs.Put(c)
}

// watchNodes keeps what this node knows of who is there.
func (t *Tier) watchNodes(ctx context.Context) error {
	return follow(ctx, t.log, func() error {
		all, at, err := own.Nodes(ctx, t.deps.Store)
		if err != nil {
			return err
		}
		for _, c := range t.registry.absent(all) {
			t.there(c)
		}
		for _, n := range all {
			t.there(own.NodeChange{Node: n})
		}
		return own.WatchNodes(ctx, t.deps.Store, at, func(c own.NodeChange) error { t.there(c); return nil })
	})
}

// there takes in that a node is there, or is not: then it is not called any more.
func (t *Tier) there(c own.NodeChange) {
	if c.Gone {
		t.lines.forget(c.Node.ID)
	}
	t.node.Put(node.Parents{All: t.registry.there(c)})
	t.heirs.Put(c)
}

// watchPlacer keeps what the node knows of who gives out the cores.
func (t *Tier) watchPlacer(ctx context.Context) error {
	return follow(ctx, t.log, func() error {
		return own.WatchHold(ctx, t.deps.Store, "place", func(o own.Owner) error {
			t.node.Put(node.Placer{Node: o.Node})
			return nil
		})
	})
}

// follow runs a watch again whenever it breaks off, until ctx ends.
func follow(ctx context.Context, log *slog.Logger, watch func() error) error {
	for ctx.Err() == nil {
		err := watch()
		if ctx.Err() != nil {
			break
		}
		log.Debug("a watch of the store broke off", "reason", err)
		pause(ctx, 200*time.Millisecond)
	}
	return ctx.Err()
}
