// Package storetest holds every store to the promises of package store: one
// suite of tests for all of them.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/store"
)

// Compacter is what a store can do for whoever looks after it: forget what was
// overwritten or deleted before a revision. The suite uses it where it is there.
type Compacter interface {
	Compact(ctx context.Context, before store.Revision) error
}

// patience ends a test whose store never answers.
const patience = time.Minute

// Run runs the suite. open gives a store without keys; several may be views of
// one and the same engine, as long as none sees another's keys.
func Run(t *testing.T, open func(*testing.T) store.Store) {
	for _, one := range []struct {
		name string
		test func(*fixture)
	}{
		{"TxnIsAllOrNothing", txnIsAllOrNothing},
		{"TxnConditionsOnRevisions", txnConditionsOnRevisions},
		{"TxnReadsWhatItWrites", txnReadsWhatItWrites},
		{"TxnRaisesTheRevisionByOne", txnRaisesTheRevisionByOne},
		{"TxnRefusesWhatIsTooLarge", txnRefusesWhatIsTooLarge},
		{"TxnTakesTheLargest", txnTakesTheLargest},
		{"TxnRefusesMistakes", txnRefusesMistakes},
		{"TxnsDoNotOverlap", txnsDoNotOverlap},
		{"ReadsSeeWhatWasAnswered", readsSeeWhatWasAnswered},
		{"BytesBelongToTheCaller", bytesBelongToTheCaller},
		{"RangeReadsInOrder", rangeReadsInOrder},
		{"RangePagesAtARevision", rangePagesAtARevision},
		{"RangeHasEnds", rangeHasEnds},
		{"RangeOfTheFutureIsRefused", rangeOfTheFutureIsRefused},
		{"CompactedIsTold", compactedIsTold},
		{"WatchTellsOfARevisionAtOnce", watchTellsOfARevisionAtOnce},
		{"WatchBeginsNow", watchBeginsNow},
		{"WatchResumesFromRevision", watchResumesFromRevision},
		{"WatchersShareNothing", watchersShareNothing},
		{"WatchSeesOnlyItsRange", watchSeesOnlyItsRange},
		{"WatchEnds", watchEnds},
		{"WatchWaitsForTheFuture", watchWaitsForTheFuture},
		{"WatchMissesNothingUnderLoad", watchMissesNothingUnderLoad},
		{"LeaseEndsWhenUnrenewed", leaseEndsWhenUnrenewed},
		{"LeaseLivesWhileRenewed", leaseLivesWhileRenewed},
		{"LeaseRevokedTakesItsKeys", leaseRevokedTakesItsKeys},
		{"LeaseHoldsWhatWasPutLast", leaseHoldsWhatWasPutLast},
		{"LeaseThatEndedHoldsNothing", leaseThatEndedHoldsNothing},
		{"EndedContextIsTold", endedContextIsTold},
	} {
		t.Run(one.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			one.test(&fixture{t, ctx, open(t)})
		})
	}
}

// fixture is a store under test, and what makes a test short.
type fixture struct {
	*testing.T
	ctx context.Context
	store.Store
}

func put(key, value string) store.Op {
	return store.Op{Kind: store.Put, Key: key, Value: []byte(value)}
}

func get(key string) store.Op { return store.Op{Key: key} }

func remove(key string) store.Op { return store.Op{Kind: store.Delete, Key: key} }

// do carries out operations without conditions.
func (f *fixture) do(ops ...store.Op) store.Done {
	f.Helper()
	return f.txn(store.Txn{Then: ops})
}

func (f *fixture) txn(t store.Txn) store.Done {
	f.Helper()
	done, err := f.Txn(f.ctx, t)
	if err != nil {
		f.Fatalf("transaction: %v", err)
	}
	return done
}

func (f *fixture) page(r store.Range) store.Page {
	f.Helper()
	page, err := f.Range(f.ctx, r)
	if err != nil {
		f.Fatalf("range: %v", err)
	}
	return page
}

// all is every key with its value, as text.
func (f *fixture) all() string {
	f.Helper()
	return text(f.page(store.Range{Until: store.After("")}).Entries)
}

func text(entries []store.Entry) string {
	var words []string
	for _, e := range entries {
		words = append(words, fmt.Sprintf("%s=%s", e.Key, e.Value))
	}
	return strings.Join(words, " ")
}

// changes is what a watch told, as text.
func changes(events []store.Event) string {
	var words []string
	for _, e := range events {
		if e.Deleted {
			words = append(words, "-"+e.Key)
			continue
		}
		words = append(words, fmt.Sprintf("%s=%s", e.Key, e.Value))
	}
	return strings.Join(words, " ")
}

func (f *fixture) want(what, got, want string) {
	f.Helper()
	if got != want {
		f.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func (f *fixture) wantError(what string, err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// errEnough ends a watch from within.
var errEnough = errors.New("enough")

// told is one call of a watch.
type told struct {
	revision store.Revision
	events   []store.Event
}

// watch gathers the next n calls of a watch of all keys.
func (f *fixture) watch(since store.Revision, n int) []told {
	f.Helper()
	return f.watchRange("", store.After(""), since, n)
}

func (f *fixture) watchRange(from, until string, since store.Revision, n int) []told {
	f.Helper()
	var calls []told
	err := f.Watch(f.ctx, from, until, since, func(r store.Revision, events []store.Event) error {
		calls = append(calls, told{r, events})
		if len(calls) == n {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		f.Fatalf("watch from %d ended after %d of %d calls: %v", since, len(calls), n, err)
	}
	return calls
}
