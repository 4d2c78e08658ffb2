package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hyperscale/internal/store"
	"hyperscale/internal/store/memstore"
)

// clock is a time that a test moves by hand.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

func put(key, value string, lease store.LeaseID) store.Txn {
	return store.Txn{Then: []store.Op{{Kind: store.Put, Key: key, Value: []byte(value), Lease: lease}}}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// telling writes down what a subscriber is told.
func telling(told *[]string) func(store.Revision, []store.Event) {
	return func(r store.Revision, events []store.Event) {
		var words []string
		for _, e := range events {
			if e.Deleted {
				words = append(words, "-"+e.Key)
				continue
			}
			words = append(words, e.Key+"="+string(e.Value))
		}
		*told = append(*told, fmt.Sprintf("%d: %s", r, strings.Join(words, " ")))
	}
}

func wantTold(t *testing.T, told []string, want ...string) {
	t.Helper()
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestLeasesEndOnTheCallersClock(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	s := memstore.New(c.read)
	var told []string
	must[func()](t)(s.Subscribe("", store.After(""), 0, telling(&told)))
	if next := s.Tick(); !next.IsZero() {
		t.Errorf("without leases, one ends at %v", next)
	}
	long := must[store.LeaseID](t)(s.Grant(t.Context(), 9*time.Second))
	short := must[store.LeaseID](t)(s.Grant(t.Context(), 3*time.Second))
	must[store.Done](t)(s.Txn(t.Context(), put("b", "1", short)))
	must[store.Done](t)(s.Txn(t.Context(), put("a", "1", short)))
	must[store.Done](t)(s.Txn(t.Context(), put("c", "1", long)))
	if next := s.Tick(); !next.Equal(c.now.Add(3 * time.Second)) {
		t.Errorf("the next end is %v", next)
	}
	c.pass(2 * time.Second)
	if ttl := must[time.Duration](t)(s.Renew(t.Context(), short)); ttl != 3*time.Second {
		t.Errorf("renewed for %v", ttl)
	}
	c.pass(3*time.Second - 1)
	s.Tick()
	wantTold(t, told, "2: b=1", "3: a=1", "4: c=1")
	c.pass(1)
	if next := s.Tick(); !next.Equal(time.Unix(1009, 0)) {
		t.Errorf("the next end is %v", next)
	}
	wantTold(t, told, "2: b=1", "3: a=1", "4: c=1", "5: -a -b")
	c.pass(time.Minute)
	if _, err := s.Renew(t.Context(), long); !errors.Is(err, store.ErrNoLease) {
		t.Errorf("renewing an ended lease: %v", err)
	}
	wantTold(t, told, "2: b=1", "3: a=1", "4: c=1", "5: -a -b", "6: -c")
}

// Leases that ended meanwhile end in the order of their ends, one change each.
func TestLeasesEndInOrder(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	s := memstore.New(c.read)
	for i := range 5 {
		id := must[store.LeaseID](t)(s.Grant(t.Context(), time.Duration(9-i)*time.Second))
		must[store.Done](t)(s.Txn(t.Context(), put(fmt.Sprint("k", i), "", id)))
	}
	var told []string
	must[func()](t)(s.Subscribe("", store.After(""), 0, telling(&told)))
	c.pass(time.Hour)
	s.Tick()
	wantTold(t, told, "7: -k4", "8: -k3", "9: -k2", "10: -k1", "11: -k0")
}

func TestSubscribersAreToldWithinTheWrite(t *testing.T) {
	s := memstore.New((&clock{}).read)
	must[store.Done](t)(s.Txn(t.Context(), put("a", "1", 0)))
	must[store.Done](t)(s.Txn(t.Context(), put("b", "2", 0)))
	var all, some, none []string
	cancelAll := must[func()](t)(s.Subscribe("", store.After(""), 1, telling(&all)))
	must[func()](t)(s.Subscribe("b", "c", 3, telling(&some)))
	must[func()](t)(s.Subscribe("", store.After(""), 5, telling(&none)))
	wantTold(t, all, "2: a=1", "3: b=2")
	wantTold(t, some, "3: b=2")
	must[store.Done](t)(s.Txn(t.Context(), put("b", "3", 0)))
	wantTold(t, all, "2: a=1", "3: b=2", "4: b=3")
	wantTold(t, some, "3: b=2", "4: b=3")
	cancelAll()
	cancelAll()
	must[store.Done](t)(s.Txn(t.Context(), put("b", "4", 0)))
	wantTold(t, all, "2: a=1", "3: b=2", "4: b=3")
	wantTold(t, some, "3: b=2", "4: b=3", "5: b=4")
	wantTold(t, none, "5: b=4")
}

// A subscriber that writes, subscribes and cancels is told of its own changes
// when it has returned, and all subscribers are told in one order.
func TestSubscribersMayCallTheStore(t *testing.T) {
	s := memstore.New((&clock{}).read)
	var told, other []string
	var cancel func()
	depth := 0
	tell := telling(&told)
	cancel = must[func()](t)(s.Subscribe("", store.After(""), 0, func(r store.Revision, events []store.Event) {
		if depth++; depth > 1 {
			t.Error("told while being told")
		}
		defer func() { depth-- }()
		tell(r, events)
		switch string(events[0].Value) {
		case "1":
			must[store.Done](t)(s.Txn(t.Context(), put("a", "2", 0)))
			must[store.Done](t)(s.Txn(t.Context(), put("a", "3", 0)))
		case "3":
			must[func()](t)(s.Subscribe("", store.After(""), 2, telling(&other)))
			cancel()
		}
	}))
	must[store.Done](t)(s.Txn(t.Context(), put("a", "1", 0)))
	must[store.Done](t)(s.Txn(t.Context(), put("a", "4", 0)))
	wantTold(t, told, "2: a=1", "3: a=2", "4: a=3")
	wantTold(t, other, "2: a=1", "3: a=2", "4: a=3", "5: a=4")
}

// Who cancels is told nothing more, not even of what has already happened.
func TestCancelledSubscribersAreNotTold(t *testing.T) {
	s := memstore.New((&clock{}).read)
	var told []string
	var cancel func()
	tell := telling(&told)
	cancel = must[func()](t)(s.Subscribe("", store.After(""), 0, func(r store.Revision, events []store.Event) {
		tell(r, events)
		must[store.Done](t)(s.Txn(t.Context(), put("a", "2", 0)))
		cancel()
	}))
	must[store.Done](t)(s.Txn(t.Context(), put("a", "1", 0)))
	wantTold(t, told, "2: a=1")
}

func TestSubscribingToTheForgottenFails(t *testing.T) {
	s := memstore.New(nil)
	for range 3 {
		must[store.Done](t)(s.Txn(t.Context(), put("a", "1", 0)))
	}
	if err := s.Compact(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	_, err := s.Subscribe("", store.After(""), 2, func(store.Revision, []store.Event) {})
	if !errors.Is(err, store.ErrCompacted) {
		t.Errorf("got %v", err)
	}
	if err := s.Compact(t.Context(), 99); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("compacting the future: %v", err)
	}
}

// With the real clock, a watch that nobody disturbs learns of a lease's end on
// time.
func TestWatchLearnsOfALeasesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(nil)
		id := must[store.LeaseID](t)(s.Grant(t.Context(), 6*time.Second))
		must[store.Done](t)(s.Txn(t.Context(), put("a", "1", id)))
		began := time.Now()
		enough := errors.New("enough")
		err := s.Watch(t.Context(), "a", "b", 0, func(_ store.Revision, events []store.Event) error {
			if !events[0].Deleted || time.Since(began) != 6*time.Second {
				t.Errorf("after %v: %+v", time.Since(began), events)
			}
			return enough
		})
		if !errors.Is(err, enough) {
			t.Error(err)
		}
	})
}

func TestWatchesEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err := s.Watch(ctx, "a", "b", 0, func(store.Revision, []store.Event) error { return nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
