// Package store is the strongly consistent key-value store of a tier: what
// ownership and the state of jobs live in. The interface is small and asks for
// nothing that an external etcd does not have by default.
//
// Two stores keep its promises, and storetest holds both to them: etcdstore and
// memstore, which is whole but lives in one process.
package store

import (
	"context"
	"errors"
	"time"
)

// What one request may have at most.
const (
	MaxOps     = 128         // conditions, operations and their alternatives together
	MaxRequest = 1_500 << 10 // bytes of keys and values together
	MaxValue   = 1 << 20     // bytes of one value
)

// Revision numbers the changes of the whole store: each transaction that writes
// raises it by one. 0 stands for "never" (a key that is not there) or "now".
type Revision int64

// LeaseID names a lease; 0 is none.
type LeaseID int64

// Entry is a key with its value and the revision that last wrote it.
type Entry struct {
	Key   string
	Value []byte
	Mod   Revision
	Lease LeaseID // the lease that the key ends with; 0: none
}

// If is a condition of a transaction: the key was last written at the revision
// given; 0: it is not there.
type If struct {
	Key string
	Mod Revision
}

// Op is one operation of a transaction. The zero Kind is a Get.
type Op struct {
	Kind  Kind
	Key   string
	Value []byte  // Put
	Lease LeaseID // Put: the key ends with it; 0: it stays
	Until string  // GetRange, DeleteRange: the first key that is not meant
}

// Kind tells operations apart.
type Kind int

// The kinds of operations.
const (
	Get Kind = iota
	GetRange
	Put
	Delete
	DeleteRange
)

// Txn is done as a whole: Then when every condition holds, else Else. Within one
// no key is written twice.
type Txn struct {
	If   []If
	Then []Op
	Else []Op // reads only
}

// Done is what a transaction came to.
type Done struct {
	Held     bool // the conditions did: Then was carried out
	Revision Revision
	Read     [][]Entry // one for each operation carried out, in order; of writes: nil
}

// Page is a stretch of keys in order, read at one revision.
type Page struct {
	Entries  []Entry
	More     bool     // the limit was reached; go on from the key after the last
	Revision Revision // what it was read at: the At of the next page
}

// Range asks for the keys in [From, Until).
type Range struct {
	From, Until string
	Limit       int      // 0: all
	At          Revision // 0: now, linearizable
	KeysOnly    bool     // no values, and no leases
}

// Event is a change of one key.
type Event struct {
	Entry   // of a deletion: Value is nil
	Deleted bool
}

// Store is a consistent key-value store. Every method blocks until it is done,
// ctx ends or the store can't answer. Reads see every write that was answered
// before they began. An error other than a kind below leaves open whether a
// write was done.
type Store interface {
	// Txn carries a transaction out.
	Txn(ctx context.Context, t Txn) (Done, error)

	// Range reads keys in order. It fails with [ErrCompacted] when the revision
	// is no longer held.
	Range(ctx context.Context, r Range) (Page, error)

	// Watch calls got, in order and without gaps, for every change of a key in
	// [from, until) from the revision on (0: from now on); the changes of one
	// revision come in one call. It survives broken connections. It returns
	// ctx's error, [ErrCompacted], the error of got, or [ErrUnavailable] once the
	// store is gone for good.
	Watch(ctx context.Context, from, until string, since Revision, got func(Revision, []Event) error) error

	// Grant makes a lease of that length, which ends unless renewed, and with it
	// its keys.
	Grant(ctx context.Context, ttl time.Duration) (LeaseID, error)

	// Renew renews a lease and gives its length. [ErrNoLease]: it has ended.
	Renew(ctx context.Context, id LeaseID) (time.Duration, error)

	// Revoke ends a lease and its keys; one that has ended is no error.
	Revoke(ctx context.Context, id LeaseID) error
}

// The kinds of errors that a store tells apart.
var (
	ErrCompacted = errors.New("the revision is no longer held")
	ErrNoLease   = errors.New("the lease has ended")
	ErrFull      = errors.New("the store has no room left")
	ErrTooLarge  = errors.New("larger than a store takes")

	// ErrUnavailable: nobody answers, or there is no leader. Whether a write was
	// done is open.
	ErrUnavailable = errors.New("the store does not answer")
)

// After is the first key that follows all keys with the prefix.
func After(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return end
}

// end is the end of all keys, as etcd writes it.
const end = "\x00"
