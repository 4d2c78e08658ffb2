package own

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
	"hyperscale/internal/store/memstore"
)

func TestOneTakesOver(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b, c := begin(t, st, "a"), begin(t, st, "b"), begin(t, st, "c")
	old := submit(t, a, "j")
	take := Take{Job: "j", Gone: old.Owner().Fence, How: ByEvidence, Why: "it left"}
	now, saved, err := TakeOver(ctx, b, take, noon)
	ok(t, err)
	if now.Epoch() != 2 || saved.Owner != now.Owner() || saved.Owner.How != ByEvidence || saved.Owner.Node != "b" {
		t.Fatalf("%+v", saved)
	}
	_, _, err = TakeOver(ctx, c, take, noon)
	wantKind(t, err, ErrLostRace)
	_, _, err = Adopt(ctx, c, "j")
	wantKind(t, err, ErrFenced)
	_, _, err = TakeOver(ctx, c, Take{Job: "k", Gone: 1}, noon)
	wantKind(t, err, ErrNotFound)
	got, err := Events(ctx, st, "j", 1, 0)
	if err != nil || len(got.Events) != 1 || got.Events[0].Detail != "from a to b, epoch 1 to 2: it left" || got.Events[0].Epoch != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestANodeWithoutSessionTakesNothing(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b := begin(t, st, "a"), begin(t, st, "b")
	old := submit(t, a, "j")
	ok(t, b.End(ctx))
	_, _, err := TakeOver(ctx, b, Take{Job: "j", Gone: old.Owner().Fence}, noon)
	wantKind(t, err, ErrNoSession)
	ok(t, old.Commit(ctx, Commit{}))
}

func TestAnEndedSessionIsLookedAtOnceMore(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b := begin(t, st, "a"), begin(t, st, "b")
	old := submit(t, a, "j")
	take := Take{Job: "j", Gone: old.Owner().Fence, How: ByEvidence, SessionEnded: true}
	_, _, err := TakeOver(ctx, b, take, noon)
	wantKind(t, err, ErrLostRace)
	ok(t, a.End(ctx))
	_, _, err = TakeOver(ctx, b, take, noon)
	ok(t, err)
}

func TestTakeoversByPanicAreCounted(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a := begin(t, st, "a")
	own := submit(t, a, "j")
	for n := 1; n <= 3; n++ {
		var err error
		own, _, err = TakeOver(ctx, a, Take{Job: "j", Gone: own.Owner().Fence, How: ByPanic}, noon)
		ok(t, err)
		if own.Head().Panics != n {
			t.Fatalf("%d panics are counted, want %d", own.Head().Panics, n)
		}
	}
}

// busy is a store in which an owner commits before each transaction of another.
type busy struct {
	store.Store
	times int
	write func()
}

func (b *busy) Txn(ctx context.Context, t store.Txn) (store.Done, error) {
	if len(t.If) > 0 && b.times > 0 {
		b.times--
		b.write()
	}
	return b.Store.Txn(ctx, t)
}

func TestAnOwnerThatWritesMeanwhileLosesNothing(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b := begin(t, st, "a"), begin(t, st, "b")
	old := submit(t, a, "j")
	b.st = &busy{st, 3, func() {
		ok(t, old.Commit(ctx, Commit{Records: bytesOf("x"), Events: happened("x"), Meta: []byte("11 s")}))
	}}
	at := func(meta []byte) hyperscale.JobTime {
		if string(meta) == "11 s" {
			return 11 * time.Second
		}
		return 0
	}
	_, saved, err := TakeOver(ctx, b, Take{Job: "j", Gone: old.Owner().Fence, How: ByOffer, At: at}, noon)
	ok(t, err)
	wantRecords(t, saved.Records, "x", "x", "x")
	if want := []string{"accepted", "x", "x", "x", OwnerChanged}; !slices.Equal(told(t, st, "j"), want) {
		t.Fatalf("%q", told(t, st, "j"))
	}
	events, err := Events(ctx, st, "j", 0, 0)
	ok(t, err)
	if last := events.Events[len(events.Events)-1]; last.At != 11*time.Second {
		t.Errorf("the change is told at %v of the job", last.At)
	}
}

func TestFinishing(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b := begin(t, st, "a"), begin(t, st, "b")
	own := submit(t, a, "j")
	_, err := own.Finish(ctx, Ending{Phase: hyperscale.Running, Now: noon})
	wantKind(t, err, ErrInvalid)
	head := own.Head()
	head.Phase = hyperscale.Completed
	wantKind(t, own.Commit(ctx, Commit{Head: &head}), ErrInvalid)

	head, err = own.Finish(ctx, Ending{
		Phase: hyperscale.Failed, Reason: "why", Pending: true, Now: noon,
		Commit: Commit{Records: bytesOf("result"), Base: true, Events: happened("ended")},
	})
	ok(t, err)
	saved := load(t, st, "j")
	if saved.Owner != own.Owner() || head.Result != saved.Version || !head.Pending || head.Reason != "why" || !head.Ended.Equal(noon) {
		t.Fatalf("%+v", saved)
	}
	head.Phase = hyperscale.Completed
	wantKind(t, own.Commit(ctx, Commit{Head: &head}), ErrInvalid)

	own, _, err = TakeOver(ctx, b, Take{Job: "j", Gone: own.Owner().Fence, How: ByOffer}, noon)
	ok(t, err)
	if list := told(t, st, "j"); list[len(list)-1] != "ended" {
		t.Fatalf("something was told after the end: %v", list)
	}
	head, err = own.Finish(ctx, Ending{Phase: hyperscale.Completed, Now: noon})
	if err != nil || head.Phase != hyperscale.Failed || head.Pending {
		t.Fatal("the second decision won:", head, err)
	}
	saved = load(t, st, "j")
	if saved.Owner.Fence != 0 || saved.Head.Phase != hyperscale.Failed {
		t.Fatalf("%+v", saved)
	}
	wantRecords(t, saved.Records, "result")
	again, err := own.Finish(ctx, Ending{Phase: hyperscale.Completed, Now: noon})
	if err != nil || again.Phase != hyperscale.Failed {
		t.Fatal(again, err)
	}
	wantKind(t, own.Commit(ctx, Commit{}), ErrFenced)
	for _, gone := range []Fence{own.Owner().Fence, 0} {
		_, _, err = TakeOver(ctx, a, Take{Job: "j", Gone: gone}, noon)
		wantKind(t, err, ErrNotFound)
	}
}

func TestWatchingOwnersAndNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New(nil)
		a := begin(t, st, "a")
		own := submit(t, a, "j")
		ok(t, own.Commit(t.Context(), Commit{Events: happened("x"), Records: bytesOf("r")}))
		owners, at, err := Owners(t.Context(), st)
		if err != nil || len(owners) != 1 || owners[0] != (OwnerChange{"j", own.Owner()}) {
			t.Fatal(owners, err)
		}
		said := make(chan string, 9)
		watching := make(chan error, 2)
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			watching <- WatchOwners(ctx, st, at, func(c OwnerChange) error {
				said <- string(c.Job) + " has " + string(c.Owner.Node)
				return nil
			})
		}()
		go func() {
			watching <- WatchNodes(ctx, st, at, func(c NodeChange) error {
				if c.Gone {
					said <- string(c.Node.ID) + " is gone"
				} else {
					said <- string(c.Node.ID) + " is there at " + c.Node.Address
				}
				return nil
			})
		}()
		b := begin(t, st, "b")
		wantSaid(t, said, "b is there at b:1")
		own, _, err = TakeOver(ctx, b, Take{Job: "j", Gone: own.Owner().Fence}, noon)
		ok(t, err)
		wantSaid(t, said, "j has b")
		ok(t, a.End(ctx))
		wantSaid(t, said, "a is gone")
		_, err = own.Finish(ctx, Ending{Phase: hyperscale.Completed, Now: noon})
		ok(t, err)
		wantSaid(t, said, "j has ")
		stop()
		for range 2 {
			wantKind(t, <-watching, context.Canceled)
		}
	})
}

func TestListsOfManyJobs(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a := begin(t, st, "a")
	want := 0
	for _, name := range []string{"a", "a/b", "b c", "ü", "é", "j1", "j2", "j10"} {
		own := submit(t, a, name)
		for range 90 { // more keys than a page
			ok(t, own.Commit(ctx, Commit{Records: bytesOf("r"), Events: happened("x")}))
		}
		want++
	}
	heads, err := Heads(ctx, st)
	if err != nil || len(heads) != want {
		t.Fatalf("%d heads, want %d: %v", len(heads), want, err)
	}
	owners, _, err := Owners(ctx, st)
	if err != nil || len(owners) != want {
		t.Fatalf("%d owners, want %d: %v", len(owners), want, err)
	}
	seen := make(map[hyperscale.JobID]bool)
	for _, h := range heads {
		seen[h.Job] = true
	}
	if !seen["a/b"] || !seen["ü"] || len(seen) != want {
		t.Fatal(seen)
	}
}

func TestAfterARestore(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a := begin(t, st, "a")
	running, over, pending := submit(t, a, "running"), submit(t, a, "over"), submit(t, a, "pending")
	ok(t, running.Commit(ctx, Commit{Records: bytesOf("part")}))
	_, err := over.Finish(ctx, Ending{Phase: hyperscale.Completed, Now: noon})
	ok(t, err)
	_, err = pending.Finish(ctx, Ending{Phase: hyperscale.Completed, Pending: true, Now: noon})
	ok(t, err)
	hold, _, err := TryHold(ctx, a, "place", nil)
	ok(t, err)
	ok(t, AfterRestore(ctx, st, noon))

	wantKind(t, running.Commit(ctx, Commit{}), ErrFenced)
	saved := load(t, st, "running")
	if saved.Head.Phase != hyperscale.Failed || saved.Owner.Node != "" || saved.Owner.Epoch != 1001 || saved.Head.Result != saved.Version {
		t.Fatalf("%+v", saved)
	}
	wantRecords(t, saved.Records, "part")
	told(t, st, "running")
	if s := load(t, st, "over"); s.Head.Phase != hyperscale.Completed || s.Owner.Fence != 0 {
		t.Fatalf("%+v", s)
	}
	if s := load(t, st, "pending"); s.Head.Phase != hyperscale.Completed || s.Owner.Epoch != 1001 {
		t.Fatalf("%+v", s)
	}
	now, got, err := TryHold(ctx, a, "place", nil)
	if err != nil || !got || now.Epoch != hold.Epoch+1001 {
		t.Fatal(now, got, err)
	}
	own, _, err := TakeOver(ctx, a, Take{Job: "running", Gone: saved.Owner.Fence, How: ByEvidence}, noon)
	if err != nil || own.Epoch() != 1002 {
		t.Fatal(own, err)
	}
	_, err = own.Finish(ctx, Ending{Phase: hyperscale.Failed, Now: noon})
	ok(t, err)
}

func TestEventsInPartsAndAfterASweep(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	own := submit(t, begin(t, st, "a"), "j")
	ok(t, own.Commit(ctx, Commit{Events: happened("2", "3", "4")}))
	ok(t, own.Commit(ctx, Commit{Events: happened("5")}))
	for after := uint64(0); after < 7; after++ {
		got, err := Events(ctx, st, "j", after, 2)
		ok(t, err)
		want := int(min(max(5-int(after), 0), 2))
		if len(got.Events) != want || got.Truncated || got.Last != 5 || want > 0 && got.Events[0].Seq != after+1 {
			t.Fatalf("after %d: %+v", after, got)
		}
	}
	_, err := Events(ctx, st, "k", 0, 0)
	wantKind(t, err, ErrNotFound)
	_, err = st.Txn(ctx, store.Txn{Then: []store.Op{{Kind: store.DeleteRange, Key: eventsKey("j"), Until: eventKey("j", 5)}}})
	ok(t, err)
	if got, err := Events(ctx, st, "j", 0, 0); err != nil || !got.Truncated || len(got.Events) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err := Events(ctx, st, "j", 4, 0); err != nil || got.Truncated {
		t.Fatalf("%+v, %v", got, err)
	}
}

// Events are watched while they come, through compaction, and seen once each.
func TestWatchingEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New(nil)
		own := submit(t, begin(t, st, "a"), "j")
		ok(t, own.Commit(t.Context(), Commit{Events: happened("2", "3")}))
		enough := errors.New("enough")
		var seen []uint64
		slow := make(chan struct{})
		done := make(chan error)
		go func() {
			done <- WatchEvents(t.Context(), st, "j", 1, func(got Told) error {
				<-slow
				for _, e := range got.Events {
					seen = append(seen, e.Seq)
				}
				if seen[len(seen)-1] == 12 {
					return enough
				}
				return nil
			})
		}()
		for range 3 {
			ok(t, own.Commit(t.Context(), Commit{Events: happened("x", "y", "z")}))
			ok(t, st.Compact(t.Context(), st.Revision()))
		}
		synctest.Wait()
		close(slow)
		wantKind(t, <-done, enough)
		if want := []uint64{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}; !slices.Equal(seen, want) {
			t.Errorf("seen %v", seen)
		}
	})
}
