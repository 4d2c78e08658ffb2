package own

import (
	"bytes"
	"context"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
)

func finish(t tb, own *Tenure, at time.Time, result string) {
	t.Helper()
	_, err := own.Finish(context.Background(), Ending{Phase: hyperscale.Completed, Commit: Commit{Records: bytesOf(result), Base: true, Events: happened("ended")}, Now: at})
	ok(t, err)
}

func wantSwept(t tb, st store.Store, now time.Time, size int64, want Swept) {
	t.Helper()
	got, err := Sweep(context.Background(), st, now, size)
	ok(t, err)
	want.Bytes = got.Bytes
	if got != want {
		t.Fatalf("swept %+v, want %+v", got, want)
	}
}

func keys(t tb, st store.Store, prefix string) int {
	t.Helper()
	p, err := st.Range(context.Background(), store.Range{From: prefix, Until: store.After(prefix), KeysOnly: true})
	ok(t, err)
	return len(p.Entries)
}

func TestWhatIsOverGoesInTime(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a := begin(t, st, "a")
	finish(t, submit(t, a, "j"), noon, "result")
	running := submit(t, a, "k")
	wantSwept(t, st, noon.Add(59*time.Minute), 0, Swept{})
	wantSwept(t, st, noon.Add(time.Hour), 0, Swept{Details: 1})
	wantSwept(t, st, noon.Add(2*time.Hour), 0, Swept{})
	_, err := Spec(ctx, st, load(t, st, "j").Head.Spec) // without it the result can't be read
	ok(t, err)
	wantRecords(t, load(t, st, "j").Records, "result")
	if got, err := Events(ctx, st, "j", 0, 0); err != nil || !got.Truncated || got.Last != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	wantSwept(t, st, noon.Add(24*time.Hour), 0, Swept{Jobs: 1, Specs: 1})
	if n := keys(t, st, jobKey("j")); n != 0 {
		t.Fatalf("%d keys are left", n)
	}
	_, err = Load(ctx, st, "j")
	wantKind(t, err, ErrNotFound)
	wantSwept(t, st, noon.Add(1000*time.Hour), 0, Swept{})
	_, err = Spec(ctx, st, running.Head().Spec)
	ok(t, err)
	ok(t, running.Commit(ctx, Commit{}))
}

func TestWhatStillHasAnOwnerIsKeptForADay(t *testing.T) {
	st, _ := newStore()
	own := submit(t, begin(t, st, "a"), "j")
	_, err := own.Finish(context.Background(), Ending{Phase: hyperscale.Failed, Pending: true, Now: noon})
	ok(t, err)
	wantSwept(t, st, noon.Add(23*time.Hour), SweepAbove*2, Swept{})
	wantSwept(t, st, noon.Add(24*time.Hour), 0, Swept{Jobs: 1, Specs: 1})
	wantKind(t, own.Commit(context.Background(), Commit{}), ErrFenced)
}

func TestAFullStoreIsSweptByAge(t *testing.T) {
	st, _ := newStore()
	a := begin(t, st, "a")
	result := string(bytes.Repeat([]byte("r"), 1<<20))
	for i, job := range []string{"c", "b", "a"} {
		finish(t, submit(t, a, job), noon.Add(time.Duration(i)*time.Minute), result)
	}
	now := noon.Add(10 * time.Minute)
	wantSwept(t, st, now, SweepAbove, Swept{})
	wantSwept(t, st, now, SweepAbove+1<<20+1, Swept{Jobs: 2})
	if _, err := Load(context.Background(), st, "a"); err != nil {
		t.Fatal("the youngest went:", err)
	}
	finish(t, submit(t, a, "young"), now, result)
	wantSwept(t, st, now, SweepAbove*2, Swept{Jobs: 1, Specs: 3})
	load(t, st, "young")
}

func TestSpecsThatNobodyNames(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a := begin(t, st, "a")
	d, err := PutSpec(ctx, st, []byte("plan of j"), noon)
	ok(t, err)
	wantSwept(t, st, noon.Add(59*time.Minute), 0, Swept{})
	wantSwept(t, st, noon.Add(time.Hour), 0, Swept{Specs: 1})
	if n := keys(t, st, specKey(d)); n != 0 {
		t.Fatalf("%d keys are left", n)
	}
	// One is named between the sweeper's look at it and its deletion.
	_, err = PutSpec(ctx, st, []byte("plan of j"), noon)
	ok(t, err)
	b := &busy{st, 1, func() { submit(t, a, "j") }}
	wantSwept(t, b, noon.Add(2*time.Hour), 0, Swept{})
	_, err = Spec(ctx, st, d)
	ok(t, err)
	// And one is swept between its upload and its naming.
	_, err = PutSpec(ctx, st, []byte("plan of k"), noon)
	ok(t, err)
	a.st = &busy{st, 1, func() { wantSwept(t, st, noon.Add(2*time.Hour), 0, Swept{Specs: 1}) }}
	own := submit(t, a, "k")
	_, err = Spec(ctx, st, own.Head().Spec)
	ok(t, err)
}
