package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.etcd.io/etcd/server/v3/lease"

	"hyperscale/internal/store"
)

// ErrRemoved: the cluster no longer counts this member as one of its own. With an
// empty directory it can be invited again.
var ErrRemoved = errors.New("the store's members removed this one")

// ErrWiped: the other members know this one, and its directory is empty. It can't
// be trusted with the vote that it had, and must be invited again.
var ErrWiped = errors.New("the data directory was wiped: the member must be invited again")

// ErrNotMet: the other members do not tell of those that this one was let in with:
// they have not all heard of it yet, or their number has changed since. To be
// invited again puts it right.
var ErrNotMet = errors.New("the other members tell of others than this one was let in with")

// Node is a member of an embedded cluster. All its methods may be called at the
// same time, before, while and after it runs.
type Node struct {
	config Config
	log    *slog.Logger
	zap    *zapLog
	disk   disk
	door   *door
	store  *Store
	server *etcdserver.EtcdServer // while it runs

	mu     sync.Mutex
	health Health
}

// New makes a member that does not run. [store.ErrInvalid]: not from such a
// description.
func New(c Config, d Deps) (*Node, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	n := &Node{config: c, log: d.Log, zap: newZapLog(d.Log), disk: newDisk(c), door: newDoor()}
	n.store = newStore(n.door, c.Prefix)
	n.health = Health{State: Starting}
	return n, nil
}

// Store is the store that the member's cluster keeps. Its requests wait until the
// member is ready, and fail with [store.ErrUnavailable] once it has ended.
func (n *Node) Store() *Store { return n.store }

// Ready is closed when the member takes requests; also when it ended before it
// ever did.
func (n *Node) Ready() <-chan struct{} { return n.door.opened }

// Run is the member's life. It returns nil when ctx has ended and all that it
// started is gone; before that, [ErrInUse], [ErrDisk], [ErrRemoved], [ErrWiped],
// [ErrNotMet] or what else keeps the member from going on. What it has acknowledged is safe then. A member
// runs once.
func (n *Node) Run(ctx context.Context) error {
	lock, err := lockDir(n.config.Dir)
	if err != nil {
		n.end()
		return n.failed(err)
	}
	if err := n.disk.space(); err != nil {
		n.end()
		return n.failed(errors.Join(err, lock.Close()))
	}
	logging, endLog := context.WithCancel(context.Background())
	var logged sync.WaitGroup
	logged.Go(func() { n.zap.run(logging) })
	defer logged.Wait()
	defer endLog()

	server, err := n.launch()
	if err == nil {
		err = n.serve(ctx, server)
	}
	n.end()
	left := n.stop(server, errors.Is(err, ErrDisk))
	if left == nil { // else parts of etcd may still write
		left = lock.Close()
	}
	return n.failed(errors.Join(err, left))
}

func (n *Node) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store member %s: %w", n.config.Name, err)
}

// end lets nobody in any more.
func (n *Node) end() {
	n.zap.leaves.Store(true)
	n.door.shut()
	n.note(func(h *Health) { *h = Health{State: Ended} })
}

// launch starts etcd.
func (n *Node) launch() (*embed.Etcd, error) {
	c, err := n.config.etcd(n.zap)
	if err != nil {
		return nil, err
	}
	var server *embed.Etcd
	err = apart(n.zap, func() (err error) {
		server, err = embed.StartEtcd(c)
		return err
	})
	switch {
	case err == nil:
		return server, nil
	case strings.Contains(err.Error(), wipedWord):
		return nil, ErrWiped
	case strings.Contains(err.Error(), notMetWord):
		return nil, fmt.Errorf("%w: %w", ErrNotMet, err)
	}
	return nil, fmt.Errorf("starting etcd: %w", err)
}

// wipedWord is how etcd says that the others know this member, and notMetWord that
// they tell of others than it does.
const (
	wipedWord  = "has already been bootstrapped"
	notMetWord = "error validating peerURLs"
)

// apart does work of etcd in a thread of its own: where etcd finds that it can't
// go on, it ends the thread.
func apart(log *zapLog, work func() error) error {
	err := errors.New("etcd gave up")
	var wait sync.WaitGroup
	wait.Go(func() {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("etcd can't go on: %v", r)
			}
		}()
		err = work()
	})
	wait.Wait()
	select {
	case word := <-log.died:
		return death(word)
	default:
		return err
	}
}

// death is what etcd would have ended the process for. All but always it is the
// disk. Where it dies it leaves locks held and ports open.
func death(word string) error {
	return fmt.Errorf("etcd can't go on: %s: %w: %w", word, ErrDisk, ErrStuck)
}

// serve runs beside etcd what looks after it, until ctx or one part ends.
func (n *Node) serve(ctx context.Context, server *embed.Etcd) error {
	n.server = server.Server
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	for _, part := range []func(context.Context) error{
		func(ctx context.Context) error { return n.outlive(ctx, server) },
		n.disk.watch,
		n.attend,
		n.tidy,
	} {
		parts.Go(func() {
			if err := part(ctx); err != nil {
				cancel(err)
			}
		})
	}
	parts.Wait()
	if err := context.Cause(ctx); !errors.Is(err, ctx.Err()) {
		return err
	}
	return nil
}

// outlive opens the door when etcd is ready, and says why it ended.
func (n *Node) outlive(ctx context.Context, server *embed.Etcd) error {
	ready := server.Server.ReadyNotify()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ready:
			ready = nil
			n.open(server)
		case word := <-n.zap.died:
			return death(word)
		case err := <-server.Err():
			return fmt.Errorf("etcd's peer port: %w", err)
		case <-server.Server.StopNotify():
			if n.zap.removed.Load() {
				return ErrRemoved
			}
			return fmt.Errorf("etcd ended: %s", n.zap.lastWord())
		}
	}
}

func (n *Node) open(server *embed.Etcd) {
	client := v3client.New(server.Server)
	n.door.unlock(visit{
		client: client,
		renew: func(ctx context.Context, id store.LeaseID) (int64, error) {
			return server.Server.LeaseRenew(ctx, lease.LeaseID(id))
		},
	})
	context.AfterFunc(n.door.visit.life, func() {
		// A client without connections has nothing that could fail to close.
		_ = client.Close()
	})
	n.log.Info("store member is ready", "member", n.config.Name, "id", server.Server.MemberID().String())
}

// How long etcd may take to end. Where it could not go on, part of it never does.
const (
	stopLimit = 20 * time.Second
	deadLimit = 2 * time.Second
)

// stop ends etcd, handing over leadership if somebody takes it.
func (n *Node) stop(server *embed.Etcd, dead bool) error {
	if server == nil {
		return nil
	}
	limit := stopLimit
	if dead {
		limit = deadLimit
	} else {
		within(2*n.config.Election, func() {
			// If nobody takes the lead they will find one by themselves.
			_ = stepAside(server.Server)
		})
	}
	// The server first: its ports wait for one that is not ready yet.
	if within(limit, server.Server.HardStop) && within(limit, server.Close) {
		return nil
	}
	return fmt.Errorf("etcd did not end within %v: %w", limit, ErrStuck)
}

// within does work for at most so long, and reports whether it is done; else it
// goes on alone.
func within(limit time.Duration, work func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done) // also where etcd ends the thread
		work()
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-done:
		return true
	case <-late.C:
		return false
	}
}

// memberID writes the number of a member as etcd's own tools do.
func memberID(id uint64) string { return types.ID(id).String() }
