package own

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
	"hyperscale/internal/store/memstore"
)

// text is an error in a word.
func text(err error) string {
	switch {
	case errors.Is(err, ErrFenced):
		return "fenced"
	case errors.Is(err, context.Canceled):
		return "ended"
	}
	return fmt.Sprint(err)
}

// wantSaid takes what is said, in any order.
func wantSaid(t *testing.T, said <-chan string, want ...string) {
	t.Helper()
	var got []string
	for range want {
		got = append(got, <-said)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
}

// mute is a store that answers no renewal while it is told not to.
type mute struct {
	store.Store
	silent atomic.Bool
	hangs  atomic.Bool // then renewals are done, and answered 1.9 s later
}

func (m *mute) Renew(ctx context.Context, id store.LeaseID) (time.Duration, error) {
	if m.silent.Load() {
		<-ctx.Done()
		return 0, store.ErrUnavailable
	}
	ttl, err := m.Store.Renew(ctx, id)
	if m.hangs.Load() {
		select {
		case <-ctx.Done():
			return 0, store.ErrUnavailable
		case <-time.After(1900 * time.Millisecond):
		}
	}
	return ttl, err
}

func TestASessionLastsWhileRenewalsAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New(nil)
		err := RunSession(t.Context(), st, Node{ID: "a", Boot: 1}, SessionConfig{}, func(ctx context.Context, s *Session) error {
			time.Sleep(time.Hour)
			ok(t, ctx.Err())
			there, at, err := Nodes(ctx, st)
			if err != nil || len(there) != 1 || there[0].Session != s.Node().Session || at == 0 {
				t.Errorf("there are %v, %v", there, err)
			}
			return nil
		})
		ok(t, err)
		if there, _, _ := Nodes(t.Context(), st); len(there) != 0 {
			t.Errorf("after the end there are %v", there)
		}
	})
}

func TestASessionEndsAMarginBeforeItsLease(t *testing.T) {
	for answered, want := range map[time.Duration]time.Duration{
		0:                       5 * time.Second,
		2500 * time.Millisecond: 7 * time.Second, // the last answered renewal was sent at 2 s
	} {
		sessionEnds(t, answered, want)
	}
}

// sessionEnds holds a session whose store answers for so long to its end: 6 s after
// the last answered renewal was sent, less 1 s.
func sessionEnds(t *testing.T, answered, want time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		st := &mute{Store: memstore.New(nil)}
		began := time.Now()
		err := RunSession(t.Context(), st, Node{ID: "a", Boot: 1}, SessionConfig{}, func(ctx context.Context, s *Session) error {
			time.Sleep(answered)
			st.silent.Store(true)
			<-ctx.Done()
			if took := time.Since(began); took != want {
				t.Errorf("ended after %v, want %v", took, want)
			}
			there, _, err := Nodes(context.Background(), st)
			if err != nil || len(there) != 1 {
				t.Errorf("the lease passed before work was told: %v, %v", there, err)
			}
			return ctx.Err()
		})
		wantKind(t, err, ErrNoSession)
	})
}

func TestALeaseCountsFromWhenItsRenewalWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &mute{Store: memstore.New(nil)}
		err := RunSession(t.Context(), st, Node{ID: "a", Boot: 1}, SessionConfig{}, func(ctx context.Context, s *Session) error {
			st.hangs.Store(true)
			time.Sleep(1500 * time.Millisecond) // one was sent at 1 s; its answer comes at 2.9 s
			st.silent.Store(true)
			began := time.Now()
			<-ctx.Done()
			if took := time.Since(began); took != 4500*time.Millisecond {
				t.Errorf("ended after %v, want at 6 s: 6 s after 1 s, less 1 s", took)
			}
			return ctx.Err()
		})
		wantKind(t, err, ErrNoSession)
	})
}

func TestALeaseThatEndedIsKnownAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New(nil)
		err := RunSession(t.Context(), st, Node{ID: "a", Boot: 1}, SessionConfig{}, func(ctx context.Context, s *Session) error {
			ok(t, st.Revoke(ctx, s.Node().Session))
			began := time.Now()
			<-ctx.Done()
			if took := time.Since(began); took > time.Second {
				t.Errorf("known after %v", took)
			}
			return ctx.Err()
		})
		wantKind(t, err, ErrNoSession)
	})
}

func TestAYoungerProcessOfTheSameName(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	first := begin(t, st, "a")
	second, err := Begin(ctx, st, Node{ID: "a", Boot: 2}, SessionConfig{}, noon)
	ok(t, err)
	_, err = Begin(ctx, st, Node{ID: "a", Boot: 1}, SessionConfig{}, noon)
	wantKind(t, err, ErrNoSession)
	_, err = NewSubmitter(first, nil).Submit(ctx, submission("j"))
	wantKind(t, err, ErrNoSession)
	submit(t, second, "j")
}

func TestTimingOfSessionsMustFit(t *testing.T) {
	st, _ := newStore()
	for _, c := range []SessionConfig{{TTL: time.Second}, {Every: 5 * time.Second}, {Margin: -1}, {Every: -1}, {TTL: -time.Second}} {
		_, err := Begin(context.Background(), st, Node{ID: "a"}, c, noon)
		wantKind(t, err, ErrInvalid)
	}
	_, err := Begin(context.Background(), st, Node{ID: "a"}, SessionConfig{TTL: 12 * time.Second, Every: 2 * time.Second, Margin: 2 * time.Second}, noon)
	ok(t, err)
}

func TestOneHoldsAtATime(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b := begin(t, st, "a"), begin(t, st, "b")
	ofA, got, err := TryHold(ctx, a, "place", nil)
	if err != nil || !got || ofA.Epoch != 1 {
		t.Fatal(ofA, got, err)
	}
	if _, got, err := TryHold(ctx, b, "place", nil); err != nil || got {
		t.Fatal("two hold it", err)
	}
	if again, got, err := TryHold(ctx, a, "place", nil); err != nil || !got || again != ofA {
		t.Fatal("who holds it asked again and got", again, got, err)
	}
	ok(t, Release(ctx, a, ofA))
	ofB, got, err := TryHold(ctx, b, "place", nil)
	if err != nil || !got || ofB.Epoch != 2 {
		t.Fatal(ofB, got, err)
	}
	ok(t, Release(ctx, a, ofA)) // late, and harmless
	done, err := st.Txn(ctx, store.Txn{If: []store.If{ofA.Condition()}, Then: []store.Op{put("x", nil)}})
	if err != nil || done.Held {
		t.Fatal("the one before could still write", err)
	}
	done, err = st.Txn(ctx, store.Txn{If: []store.If{ofB.Condition()}, Then: []store.Op{put("x", nil)}})
	if err != nil || !done.Held {
		t.Fatal("the holder could not write", err)
	}
	ok(t, b.End(ctx))
	if ofA, got, err = TryHold(ctx, a, "place", nil); err != nil || !got || ofA.Epoch != 3 {
		t.Fatal("not free after the holder's session:", ofA, got, err)
	}
	if _, _, err = TryHold(ctx, b, "place", nil); !errors.Is(err, ErrNoSession) {
		t.Fatal("a node without session:", err)
	}
}

func TestHoldByEvidence(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b := begin(t, st, "a"), begin(t, st, "b")
	_, _, err := TryHold(ctx, a, "place", nil)
	ok(t, err)
	held, got, err := TryHold(ctx, b, "place", func(o Owner) bool { return o.Node == "a" })
	if err != nil || !got || held.Epoch != 2 {
		t.Fatal(held, got, err)
	}
}

func TestHoldWaitsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New(nil)
		inside := make(chan string, 9)
		ctxA, endA := context.WithCancel(t.Context())
		run := func(ctx context.Context, id string, gone func(Owner) bool) {
			err := RunSession(ctx, st, Node{ID: hyperscale.NodeID(id), Boot: 1}, SessionConfig{}, func(ctx context.Context, s *Session) error {
				return Hold(ctx, s, "place", gone, func(ctx context.Context, h Held) error {
					inside <- id + " is in"
					<-ctx.Done()
					return ctx.Err()
				})
			})
			inside <- id + " is out: " + text(err)
		}
		go run(ctxA, "a", nil)
		wantSaid(t, inside, "a is in")
		ctxB, endB := context.WithCancel(t.Context())
		go run(ctxB, "b", nil)
		time.Sleep(time.Minute)
		if len(inside) > 0 {
			t.Fatal(<-inside)
		}
		began := time.Now()
		endA()
		wantSaid(t, inside, "a is out: ended", "b is in")
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("a hold that is given back was taken after %v", took)
		}
		ctxC, endC := context.WithCancel(t.Context())
		go run(ctxC, "c", func(o Owner) bool { return o.Node == "b" })
		wantSaid(t, inside, "c is in", "b is out: fenced")
		endB()
		endC()
		wantSaid(t, inside, "c is out: ended")
	})
}

func TestOfTwoThatTryAtOnceOneHolds(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b := begin(t, st, "a"), begin(t, st, "b")
	a.st = &busy{st, 1, func() {
		if _, got, err := TryHold(ctx, b, "place", nil); err != nil || !got {
			t.Fatal(got, err)
		}
	}}
	if _, got, err := TryHold(ctx, a, "place", nil); err != nil || got {
		t.Fatal("two hold it", err)
	}
	a.st = &busy{st, 1, func() { ok(t, a.End(ctx)) }}
	if _, got, err := TryHold(ctx, a, "place", func(Owner) bool { return true }); err != nil || got {
		t.Fatal("held by a session that had ended", err)
	}
}
