package tier

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hyperscale/internal/store"
)

// cable is one node's way to a store, which a test may cut.
type cable struct {
	to store.Store

	mu    sync.Mutex
	whole chan struct{} // closed: the cable is cut …
	cut   bool
	full  func(store.Txn) bool // what the store has no room for; nil: there is room for all
}

func newCable(to store.Store) *cable { return &cable{to: to, whole: make(chan struct{})} }

// sever cuts the cable: what is under way, and all that follows, is not answered.
func (c *cable) sever() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cut {
		c.cut = true
		close(c.whole)
	}
}

// mend makes it whole again.
func (c *cable) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		c.cut, c.whole = false, make(chan struct{})
	}
}

// fill makes the store take nothing that full says; nil: it takes all again.
func (c *cable) fill(full func(store.Txn) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.full = full
}

// refused reports whether there is no room for a transaction.
func (c *cable) refused(t store.Txn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.full != nil && c.full(t)
}

// unanswered is how long a call waits that nobody answers.
const unanswered = 50 * time.Millisecond

// reach fails when the cable is cut; else it gives what is closed when that
// happens.
func (c *cable) reach(ctx context.Context) (<-chan struct{}, error) {
	c.mu.Lock()
	cut, whole := c.cut, c.whole
	c.mu.Unlock()
	if !cut {
		return whole, nil
	}
	pause(ctx, unanswered)
	return nil, fmt.Errorf("the cable is cut: %w", store.ErrUnavailable)
}

func (c *cable) Txn(ctx context.Context, t store.Txn) (store.Done, error) {
	if _, err := c.reach(ctx); err != nil {
		return store.Done{}, err
	}
	if c.refused(t) {
		return store.Done{}, fmt.Errorf("the disk is full: %w", store.ErrFull)
	}
	return c.to.Txn(ctx, t)
}

func (c *cable) Range(ctx context.Context, r store.Range) (store.Page, error) {
	if _, err := c.reach(ctx); err != nil {
		return store.Page{}, err
	}
	return c.to.Range(ctx, r)
}

func (c *cable) Watch(ctx context.Context, from, until string, since store.Revision, got func(store.Revision, []store.Event) error) error {
	whole, err := c.reach(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-whole:
			stop(fmt.Errorf("the cable was cut: %w", store.ErrUnavailable))
		case <-ended:
		}
	}()
	err = c.to.Watch(ctx, from, until, since, got)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (c *cable) Grant(ctx context.Context, ttl time.Duration) (store.LeaseID, error) {
	if _, err := c.reach(ctx); err != nil {
		return 0, err
	}
	return c.to.Grant(ctx, ttl)
}

func (c *cable) Renew(ctx context.Context, id store.LeaseID) (time.Duration, error) {
	if _, err := c.reach(ctx); err != nil {
		return 0, err
	}
	return c.to.Renew(ctx, id)
}

func (c *cable) Revoke(ctx context.Context, id store.LeaseID) error {
	if _, err := c.reach(ctx); err != nil {
		return err
	}
	return c.to.Revoke(ctx, id)
}
