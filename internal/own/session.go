package own

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
)

// Node is a node of the tier, as it writes itself down.
type Node struct {
	ID      hyperscale.NodeID `json:"-"`
	Boot    hyperscale.Boot   `json:"boot"`
	Address string            `json:"address"` // where its peers reach it
	Version string            `json:"version"` // of the program
	Session store.LeaseID     `json:"-"`       // under which it is there; set by [Begin]
}

// SessionConfig is the timing of sessions. The lease outlives an election of the
// store; speed comes from evidence, not from short leases.
type SessionConfig struct {
	TTL    time.Duration // of the lease; 0: 6 s
	Every  time.Duration // between renewals; 0: 1 s
	Margin time.Duration // how long before the lease can pass the node stops acting; 0: 1 s
}

func (c SessionConfig) complete() (SessionConfig, error) {
	for _, f := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&c.TTL, 6 * time.Second}, {&c.Every, time.Second}, {&c.Margin, time.Second}} {
		if *f.value == 0 {
			*f.value = f.usual
		}
	}
	if c.Every <= 0 || c.Margin <= 0 || c.Every >= c.TTL-c.Margin {
		return c, fmt.Errorf("session of %v renewed each %v with a margin of %v: %w", c.TTL, c.Every, c.Margin, ErrInvalid)
	}
	return c, nil
}

// Session is a node's presence in the store: one lease, with the node's key
// under it. Its methods may be called at the same time.
type Session struct {
	st     store.Store
	node   Node
	config SessionConfig
	mod    store.Revision // of the node's key: acquiring anything compares it

	mu    sync.Mutex
	until time.Time
}

// Begin writes the node down under a new lease; sent is the time now. A process
// of the same name that started earlier loses its session by that; if one that
// started later is there, Begin fails with [ErrNoSession]; if another of the same
// start comes in between, with [ErrLostRace]. After any failure one begins again.
//
// Begin and Renew are the parts of [RunSession], for those who keep the time
// themselves.
func Begin(ctx context.Context, st store.Store, node Node, config SessionConfig, sent time.Time) (*Session, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	if node.ID == "" {
		return nil, fmt.Errorf("session of a node without a name: %w", ErrInvalid)
	}
	if node.Session, err = st.Grant(ctx, config.TTL); err != nil {
		return nil, fmt.Errorf("session of %s: %w", node.ID, unanswered(err))
	}
	s := &Session{st: st, node: node, config: config, until: sent.Add(config.TTL - config.Margin)}
	if err := s.writeDown(ctx); err != nil {
		return nil, fmt.Errorf("session of %s: %w", node.ID, err)
	}
	return s, nil
}

func (s *Session) writeDown(ctx context.Context) error {
	key := nodeKey(s.node.ID)
	read, err := s.st.Txn(ctx, store.Txn{Then: []store.Op{get(key)}})
	if err != nil {
		return unanswered(err)
	}
	before := only(read.Read[0])
	if before.Mod != 0 {
		n, err := readNode(before)
		if err != nil {
			return err
		}
		if n.Boot > s.node.Boot {
			return fmt.Errorf("start %d of it is there, this is start %d: %w", n.Boot, s.node.Boot, ErrNoSession)
		}
	}
	text, err := encode(s.node, nil)
	if err != nil {
		return err
	}
	done, err := s.st.Txn(ctx, store.Txn{
		If:   []store.If{is(key, before.Mod)},
		Then: []store.Op{{Kind: store.Put, Key: key, Value: text, Lease: s.node.Session}},
	})
	if err != nil {
		return unanswered(err)
	}
	if !done.Held {
		return fmt.Errorf("another of that name: %w", ErrLostRace)
	}
	s.mod = done.Revision
	return nil
}

// Node is the node with its session.
func (s *Session) Node() Node { return s.node }

// Until is when the node stops acting unless another renewal is answered.
func (s *Session) Until() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until
}

// Renew renews the lease; sent is the time now, from which the lease counts if
// it is answered. [ErrNoSession]: it has ended.
func (s *Session) Renew(ctx context.Context, sent time.Time) error {
	ttl, err := s.st.Renew(ctx, s.node.Session)
	if errors.Is(err, store.ErrNoLease) {
		return fmt.Errorf("renewing the session of %s: %w", s.node.ID, ErrNoSession)
	}
	if err != nil {
		return fmt.Errorf("renewing the session of %s: %w", s.node.ID, unanswered(err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := sent.Add(ttl - s.config.Margin); until.After(s.until) {
		s.until = until
	}
	return nil
}

// End ends the session at once, so that nobody needs to wait for the lease.
func (s *Session) End(ctx context.Context) error {
	if err := s.st.Revoke(ctx, s.node.Session); err != nil {
		return fmt.Errorf("ending the session of %s: %w", s.node.ID, unanswered(err))
	}
	return nil
}

// present is the condition that the session has not ended.
func (s *Session) present() store.If { return is(nodeKey(s.node.ID), s.mod) }

// owner is this node as owner.
func (s *Session) owner(epoch hyperscale.Epoch, how How) Owner {
	return Owner{Node: s.node.ID, Session: s.node.Session, Epoch: epoch, How: how}
}

// RunSession runs work inside a session, which it keeps renewing. The context
// that work gets ends a margin before the lease can pass, counted from when the
// last answered renewal was sent; RunSession then gives [ErrNoSession]. When it
// returns, the session has ended.
func RunSession(ctx context.Context, st store.Store, node Node, config SessionConfig,
	work func(context.Context, *Session) error) error {
	s, err := Begin(ctx, st, node, config, time.Now())
	if err != nil {
		return err
	}
	inside, lose := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { s.keep(inside, lose) })
	defer func() {
		lose(nil)
		renewing.Wait()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Every)
		defer cancel()
		_ = s.End(last) // unanswered: the lease ends by itself
	}()
	err = work(inside, s)
	if lost := context.Cause(inside); err != nil && errors.Is(lost, ErrNoSession) && !errors.Is(err, ErrNoSession) {
		return fmt.Errorf("%w: %w", lost, err)
	}
	return err
}

// keep renews until ctx ends or the session is lost.
func (s *Session) keep(ctx context.Context, lose context.CancelCauseFunc) {
	lost := fmt.Errorf("no renewal was answered in time: %w", ErrNoSession)
	danger := time.AfterFunc(time.Until(s.Until()), func() { lose(lost) })
	defer danger.Stop()
	tick := time.NewTicker(s.config.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.renewOnce(ctx); errors.Is(err, ErrNoSession) {
			lose(err)
			return
		}
		danger.Reset(time.Until(s.Until()))
	}
}

// renewOnce gives up early enough for another attempt.
func (s *Session) renewOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.TTL/3)
	defer cancel()
	return s.Renew(ctx, time.Now())
}
