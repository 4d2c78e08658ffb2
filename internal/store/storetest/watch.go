package storetest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"hyperscale/internal/store"
)

func watchTellsOfARevisionAtOnce(f *fixture) {
	start := f.do(put("a", "1"), put("b", "1")).Revision
	f.do(put("c", "2"), remove("a"), put("b", "2"))
	calls := f.watch(start, 2)
	f.want("first", changes(calls[0].events), "a=1 b=1")
	f.want("second, in the order written", changes(calls[1].events), "c=2 -a b=2")
	for i, call := range calls {
		if want := start + store.Revision(i); call.revision != want {
			f.Errorf("call %d is of revision %d, want %d", i, call.revision, want)
		}
		for _, e := range call.events {
			if e.Mod != call.revision || e.Deleted != (e.Key == "a" && i == 1) {
				f.Errorf("revision %d told %+v", call.revision, e)
			}
		}
	}
}

func watchBeginsNow(f *fixture) {
	f.do(put("a", "before"))
	ctx, cancel := context.WithCancel(f.ctx)
	var calls []told
	var wait sync.WaitGroup
	wait.Go(func() {
		err := f.Watch(ctx, "", store.After(""), 0, func(r store.Revision, events []store.Event) error {
			calls = append(calls, told{r, events})
			return errEnough
		})
		f.wantError("watching", err, errEnough)
		cancel()
	})
	for i := 0; ctx.Err() == nil; i++ { // until it has begun, and sees one of these
		f.do(put("a", strconv.Itoa(i)))
	}
	wait.Wait()
	if len(calls) == 1 && changes(calls[0].events) == "a=before" {
		f.Error("what was before was told")
	}
}

func watchResumesFromRevision(f *fixture) {
	start := f.do(put("a", "0")).Revision
	for i := 1; i < 10; i++ {
		f.do(put("a", strconv.Itoa(i)))
	}
	next := start
	var seen []string
	for _, n := range []int{1, 3, 2, 4} {
		for _, call := range f.watch(next, n) {
			if call.revision != next {
				f.Errorf("revision %d where %d was due", call.revision, next)
			}
			seen = append(seen, changes(call.events))
			next = call.revision + 1
		}
	}
	f.want("in four parts", strings.Join(seen, " "), "a=0 a=1 a=2 a=3 a=4 a=5 a=6 a=7 a=8 a=9")
}

// watchersShareNothing has two watch the same while it happens, one of which
// overwrites what it is told.
func watchersShareNothing(f *fixture) {
	const n = 20
	now := f.do(put("begin", "")).Revision
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for _, call := range f.watchOrError(now+1, n) {
				f.want("told", changes(call.events), "a=mine")
			}
		})
		wait.Go(func() {
			calls := 0
			err := f.Watch(f.ctx, "", store.After(""), now+1, func(_ store.Revision, events []store.Event) error {
				copy(events[0].Value, "over")
				if calls++; calls == n {
					return errEnough
				}
				return nil
			})
			f.wantError("watching", err, errEnough)
		})
	}
	for range n {
		f.do(put("a", "mine"))
	}
	wait.Wait()
	f.want("in the end", text(f.do(get("a")).Read[0]), "a=mine")
}

func watchSeesOnlyItsRange(f *fixture) {
	start := f.do(put("a/1", "1"), put("b/1", "1")).Revision
	f.do(put("b/2", "2"))
	f.do(put("a/2", "3"), put("b/3", "3"))
	f.do(remove("a/1"), put("a", "4"))
	calls := f.watchRange("a/", store.After("a/"), start, 3)
	f.want("told", changes(calls[0].events)+"|"+changes(calls[1].events)+"|"+changes(calls[2].events),
		"a/1=1|a/2=3|-a/1")
	last := f.do(put("\xff", "5")).Revision
	f.want("to the end of all keys", changes(f.watchRange("\xfe", store.After("\xff"), last, 1)[0].events), "\xff=5")
}

func watchEnds(f *fixture) {
	start := f.do(put("a", "1")).Revision
	ctx, cancel := context.WithCancel(f.ctx)
	err := f.Watch(ctx, "", store.After(""), start, func(store.Revision, []store.Event) error {
		cancel()
		return nil
	})
	f.wantError("its context ended", err, context.Canceled)
	for _, r := range [][2]string{{"a", "a"}, {"b", "a"}, {"a", ""}} { // nothing can come of these
		ctx, cancel = context.WithTimeout(f.ctx, 20*time.Millisecond)
		err = f.Watch(ctx, r[0], r[1], 0, func(store.Revision, []store.Event) error { return errEnough })
		f.wantError("watching nothing", err, context.DeadlineExceeded)
		cancel()
	}
}

func watchWaitsForTheFuture(f *fixture) {
	now := f.do(put("a", "0")).Revision
	const ahead = 3
	var wait sync.WaitGroup
	var calls []told
	wait.Go(func() { calls = f.watchOrError(now+ahead, 1) })
	for i := 1; i <= ahead; i++ {
		f.do(put("a", strconv.Itoa(i)))
	}
	wait.Wait()
	if len(calls) == 1 {
		f.want("told", changes(calls[0].events), "a="+strconv.Itoa(ahead))
	}
}

// watchOrError is watch for a goroutine, which must not end the test.
func (f *fixture) watchOrError(since store.Revision, n int) (calls []told) {
	err := f.Watch(f.ctx, "", store.After(""), since, func(r store.Revision, events []store.Event) error {
		calls = append(calls, told{r, events})
		if len(calls) == n {
			return errEnough
		}
		return nil
	})
	f.wantError("watching", err, errEnough)
	return calls
}

// watchMissesNothingUnderLoad has watches that begin, break off and resume while
// several hands write: each must see exactly what the store holds.
func watchMissesNothingUnderLoad(f *fixture) {
	const hands, each, watches = 4, 25, 3
	start := f.do(put("begin", "")).Revision + 1
	var wait sync.WaitGroup
	seen := make([][]told, watches)
	for i := range watches {
		wait.Go(func() {
			for next := start; len(seen[i]) < hands*each && f.ctx.Err() == nil; {
				calls := f.watchOrError(next, min(i*7+1, hands*each-len(seen[i])))
				if len(calls) == 0 {
					return
				}
				seen[i] = append(seen[i], calls...)
				next = calls[len(calls)-1].revision + 1
			}
		})
	}
	for hand := range hands {
		wait.Go(func() {
			for n := range each {
				ops := []store.Op{put(fmt.Sprintf("k/%d/%d", hand, n), ""), put(fmt.Sprintf("last/%d", hand), strconv.Itoa(n))}
				if _, err := f.Txn(f.ctx, store.Txn{Then: ops}); err != nil {
					f.Error(err)
				}
			}
		})
	}
	wait.Wait()
	for i, calls := range seen {
		f.complete(i, calls, start, hands*each)
	}
}

// complete checks that a watch told of n revisions in order, two keys in each,
// and no key of k/ twice.
func (f *fixture) complete(watch int, calls []told, start store.Revision, n int) {
	f.Helper()
	keys := make(map[string]bool)
	for i, call := range calls {
		if want := start + store.Revision(i); call.revision != want || len(call.events) != 2 {
			f.Errorf("watch %d told %s at %d, want two keys at %d", watch, changes(call.events), call.revision, want)
			return
		}
		keys[call.events[0].Key] = true
	}
	if len(keys) != n {
		f.Errorf("watch %d told of %d keys, want %d", watch, len(keys), n)
	}
}

func endedContextIsTold(f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	_, err := f.Txn(ctx, store.Txn{Then: []store.Op{put("a", "1")}})
	f.wantError("transaction", err, context.Canceled)
	_, err = f.Range(ctx, store.Range{Until: "z"})
	f.wantError("range", err, context.Canceled)
	err = f.Watch(ctx, "", "z", 0, func(store.Revision, []store.Event) error { return nil })
	f.wantError("watch", err, context.Canceled)
	f.want("after it", f.all(), "")
}
