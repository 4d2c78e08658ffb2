package etcdstore

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"hyperscale/internal/store"
)

// DefaultPrefix is what all keys begin with in etcd.
const DefaultPrefix = "/hyperscale/"

const (
	// longestPrefix leaves room for 128 operations in a request of the size that
	// etcd takes, beside what [store.MaxRequest] lets the caller put in.
	longestPrefix = 64

	// patience ends a request that etcd should have answered long ago: its own
	// limit is 5 s and two elections.
	patience = 10 * time.Second
)

// Store is a [store.Store] in the part of an etcd below a prefix. All its methods
// may be called at the same time.
type Store struct {
	prefix string
	source source
}

// source is where a store finds etcd.
type source interface {
	// enter waits until there is an etcd to ask. Whoever got in must leave.
	enter(ctx context.Context) (visit, error)
}

// visit is an etcd that can be asked until leave is called.
type visit struct {
	client *clientv3.Client
	renew  func(ctx context.Context, id store.LeaseID) (seconds int64, err error)
	life   context.Context // ends with the etcd, for good
	reign  context.Context // ends when requests that are still out may never be answered
	remote bool            // there are connections that can break
	leave  func()
}

// Over gives a store in the etcd of a client, which stays the caller's. The prefix
// may be empty; above 64 bytes it is a mistake, and Over panics.
func Over(client *clientv3.Client, prefix string) *Store {
	return newStore(external{client}, prefix)
}

func newStore(from source, prefix string) *Store {
	if len(prefix) > longestPrefix {
		panic(fmt.Sprintf("etcdstore: prefix %q is longer than %d bytes", prefix, longestPrefix))
	}
	return &Store{prefix: prefix, source: from}
}

// ask puts one request to etcd, and tells of what kind its failure was.
func (s *Store) ask(ctx context.Context, what string, request func(context.Context, visit) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v, err := s.source.enter(asking)
	if err != nil {
		return fmt.Errorf("%s: %w", what, kind(ctx, err))
	}
	defer v.leave()
	defer context.AfterFunc(v.reign, cancel)()
	if err := request(asking, v); err != nil {
		return fmt.Errorf("%s: %w", what, kind(ctx, err))
	}
	return nil
}

// Txn implements [store.Store].
func (s *Store) Txn(ctx context.Context, t store.Txn) (store.Done, error) {
	if err := t.Check(); err != nil {
		return store.Done{}, err
	}
	conditions := make([]clientv3.Cmp, len(t.If))
	for i, c := range t.If {
		conditions[i] = clientv3.Compare(clientv3.ModRevision(s.prefix+c.Key), "=", int64(c.Mod))
	}
	then, otherwise := s.operations(t.Then), s.operations(t.Else)
	var done store.Done
	err := s.ask(ctx, "transaction", func(ctx context.Context, v visit) error {
		answer, err := v.client.Txn(ctx).If(conditions...).Then(then...).Else(otherwise...).Commit()
		if err == nil {
			done = s.done(answer)
		}
		return err
	})
	return done, err
}

func (s *Store) operations(ops []store.Op) []clientv3.Op {
	all := make([]clientv3.Op, len(ops))
	for i, op := range ops {
		key := s.prefix + op.Key
		switch op.Kind {
		case store.Get:
			all[i] = clientv3.OpGet(key)
		case store.Put:
			all[i] = clientv3.OpPut(key, string(op.Value), clientv3.WithLease(clientv3.LeaseID(op.Lease)))
		case store.Delete:
			all[i] = clientv3.OpDelete(key)
		case store.GetRange:
			from, until := s.span(op.Key, op.Until)
			all[i] = clientv3.OpGet(from, clientv3.WithRange(until))
		case store.DeleteRange:
			from, until := s.span(op.Key, op.Until)
			all[i] = clientv3.OpDelete(from, clientv3.WithRange(until))
		}
	}
	return all
}

func (s *Store) done(answer *clientv3.TxnResponse) store.Done {
	done := store.Done{
		Held:     answer.Succeeded,
		Revision: store.Revision(answer.Header.Revision),
		Read:     make([][]store.Entry, len(answer.Responses)),
	}
	for i, one := range answer.Responses {
		if read := one.GetResponseRange(); read != nil {
			done.Read[i] = s.entries(read.Kvs)
		}
	}
	return done
}

// Range implements [store.Store].
func (s *Store) Range(ctx context.Context, r store.Range) (store.Page, error) {
	from, until := s.span(r.From, r.Until)
	options := []clientv3.OpOption{
		clientv3.WithRange(until), clientv3.WithLimit(int64(r.Limit)), clientv3.WithRev(int64(r.At)),
	}
	if r.KeysOnly {
		options = append(options, clientv3.WithKeysOnly())
	}
	var page store.Page
	err := s.ask(ctx, "reading", func(ctx context.Context, v visit) error {
		answer, err := v.client.Get(ctx, from, options...)
		for sameWord(err, rpctypes.ErrLeaderChanged) && ctx.Err() == nil {
			answer, err = v.client.Get(ctx, from, options...) // to read again does no harm
		}
		if err != nil {
			return err
		}
		if r.KeysOnly {
			for _, kv := range answer.Kvs {
				kv.Lease = 0 // which some versions give
			}
		}
		page = store.Page{Entries: s.entries(answer.Kvs), More: answer.More, Revision: r.At}
		if r.At == 0 {
			page.Revision = store.Revision(answer.Header.Revision)
		}
		return nil
	})
	return page, err
}

// Grant implements [store.Store]. A lease is of whole seconds, and not shorter
// than one and a half elections.
func (s *Store) Grant(ctx context.Context, ttl time.Duration) (store.LeaseID, error) {
	if ttl <= 0 {
		return 0, fmt.Errorf("lease of %v: %w", ttl, store.ErrInvalid)
	}
	seconds := int64((ttl + time.Second - 1) / time.Second)
	var id store.LeaseID
	err := s.ask(ctx, "granting a lease", func(ctx context.Context, v visit) error {
		answer, err := v.client.Grant(ctx, seconds)
		if err == nil {
			id = store.LeaseID(answer.ID)
		}
		return err
	})
	return id, err
}

// Renew implements [store.Store].
func (s *Store) Renew(ctx context.Context, id store.LeaseID) (time.Duration, error) {
	var seconds int64
	err := s.ask(ctx, fmt.Sprintf("renewing lease %x", id), func(ctx context.Context, v visit) (err error) {
		seconds, err = v.renew(ctx, id)
		if err == nil && seconds <= 0 {
			err = store.ErrNoLease
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return time.Duration(seconds) * time.Second, nil
}

// Revoke implements [store.Store].
func (s *Store) Revoke(ctx context.Context, id store.LeaseID) error {
	return s.ask(ctx, fmt.Sprintf("revoking lease %x", id), func(ctx context.Context, v visit) error {
		_, err := v.client.Revoke(ctx, clientv3.LeaseID(id))
		if hasEnded(err) {
			return nil
		}
		return err
	})
}

// Compact makes etcd forget what was overwritten or deleted before a revision,
// for everyone who uses it: only whoever owns the whole etcd may ask for it. To
// compact twice is fine.
func (s *Store) Compact(ctx context.Context, before store.Revision) error {
	return s.ask(ctx, "compacting", func(ctx context.Context, v visit) error {
		_, err := v.client.Compact(ctx, int64(before))
		if isCompacted(err) {
			return nil
		}
		return err
	})
}

// Forget compacts until ctx ends, so that what was overwritten can be read for
// history at least, and for twice that at most. It is for whoever owns a whole
// external etcd; nodes do it by themselves. What fails
// is tried again.
func (s *Store) Forget(ctx context.Context, history time.Duration) {
	tick := time.NewTicker(history)
	defer tick.Stop()
	for old := store.Revision(0); ; {
		page, err := s.Range(ctx, store.Range{Until: "\x00\x00", Limit: 1, KeysOnly: true})
		if err == nil && old != 0 {
			err = s.Compact(ctx, old)
		}
		if err == nil {
			old = page.Revision
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
