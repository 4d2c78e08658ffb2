package own

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"hyperscale"
	"hyperscale/internal/store"
)

func bytesOf(texts ...string) [][]byte {
	var all [][]byte
	for _, t := range texts {
		all = append(all, []byte(t))
	}
	return all
}

func happened(what ...string) []hyperscale.Event {
	var all []hyperscale.Event
	for _, w := range what {
		all = append(all, hyperscale.Event{What: w})
	}
	return all
}

// told gives the events of a job in words, and fails if their numbers have gaps.
func told(t tb, st store.Store, job string) []string {
	t.Helper()
	got, err := Events(context.Background(), st, hyperscale.JobID(job), 0, 0)
	ok(t, err)
	var all []string
	for i, e := range got.Events {
		if e.Seq != uint64(i)+1 {
			t.Fatalf("event %d comes as number %d", e.Seq, i+1)
		}
		all = append(all, e.What)
	}
	if got.Last != uint64(len(all)) {
		t.Fatalf("%d events are said to be there, %d are", got.Last, len(all))
	}
	return all
}

func wantRecords(t tb, got [][]byte, want ...string) {
	t.Helper()
	if !slices.EqualFunc(got, bytesOf(want...), bytes.Equal) {
		t.Fatalf("records %.200q, want %.200q", got, want)
	}
}

func TestCommitsAddUpUntilABase(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	own := submit(t, begin(t, st, "a"), "j")
	wantRecords(t, load(t, st, "j").Records)

	head := own.Head()
	head.Phase = hyperscale.Running
	ok(t, own.Commit(ctx, Commit{Records: bytesOf("one", ""), Meta: []byte("m1"), Events: happened("started"), Head: &head}))
	ok(t, own.Commit(ctx, Commit{Records: bytesOf("two"), Meta: []byte("m2")}))
	ok(t, own.Commit(ctx, Commit{Meta: []byte("m3"), Events: happened("x", "y")}))
	saved := load(t, st, "j")
	wantRecords(t, saved.Records, "one", "", "two")
	if string(saved.Meta) != "m3" || saved.Head.Phase != hyperscale.Running || saved.Owner != own.Owner() || saved.Events != 4 {
		t.Fatalf("saved %+v", saved)
	}

	ok(t, own.Commit(ctx, Commit{Records: bytesOf("all"), Base: true}))
	ok(t, own.Commit(ctx, Commit{Records: bytesOf("more")}))
	wantRecords(t, load(t, st, "j").Records, "all", "more")
	if want := []string{"accepted", "started", "x", "y"}; !slices.Equal(told(t, st, "j"), want) {
		t.Fatalf("told %q, want %q", told(t, st, "j"), want)
	}
	chunks, err := st.Range(ctx, store.Range{From: recordsKey("j"), Until: store.After(recordsKey("j"))})
	if err != nil || len(chunks.Entries) != 2 {
		t.Fatalf("%d chunks are kept, want those of two commits: %v", len(chunks.Entries), err)
	}
}

// However small the changes are, what names them is bounded by the weight.
func TestWeightTellsWhenABasePays(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	own := submit(t, begin(t, st, "a"), "j")
	if base, since := own.Weight(); base != 0 || since != 0 {
		t.Fatal(base, since)
	}
	ok(t, own.Commit(ctx, Commit{Records: [][]byte{make([]byte, 300), make([]byte, 700)}, Base: true}))
	ok(t, own.Commit(ctx, Commit{Records: [][]byte{make([]byte, 10)}}))
	ok(t, own.Commit(ctx, Commit{Records: [][]byte{make([]byte, 20)}}))
	if base, since := own.Weight(); base != 1000 || since != 30+3*namingCosts {
		t.Fatal(base, since)
	}
	m := own.manifest
	for {
		m.Pieces = append(m.Pieces, piece{Version: firstVersion(1000) + 1<<31, Lengths: []int{10}, Sum: 1 << 31})
		if _, since := (&Tenure{manifest: m}).Weight(); since > MaxCommit {
			break
		}
	}
	_, err := m.text()
	ok(t, err)
}

func TestEventsCarryTheirEpoch(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b := begin(t, st, "a"), begin(t, st, "b")
	own := submit(t, a, "j")
	taken, _, err := TakeOver(ctx, b, Take{Job: "j", Gone: own.Owner().Fence, How: ByOffer}, noon)
	ok(t, err)
	ok(t, taken.Commit(ctx, Commit{Events: []hyperscale.Event{{What: "x", Seq: 99, Epoch: 99}}}))
	got, err := Events(ctx, st, "j", 2, 0)
	if err != nil || len(got.Events) != 1 || got.Events[0].Seq != 3 || got.Events[0].Epoch != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
}

// What is at, just below and above each bound of a store's request.
func TestCommitsOfAnySize(t *testing.T) {
	ctx := context.Background()
	for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, store.MaxRequest - requestSlack, store.MaxRequest, 3*chunkSize + 1, MaxCommit - 1, MaxCommit} {
		st, _ := newStore()
		own := submit(t, begin(t, st, "a"), "j")
		first, second := bytes.Repeat([]byte("a"), size/3), bytes.Repeat([]byte("b"), size-size/3)
		ok(t, own.Commit(ctx, Commit{Records: bytesOf("before"), Meta: bytes.Repeat([]byte("m"), MaxMeta)}))
		ok(t, own.Commit(ctx, Commit{Records: [][]byte{first, second}, Base: true, Meta: bytes.Repeat([]byte("m"), MaxMeta)}))
		saved := load(t, st, "j")
		if len(saved.Records) != 2 || !bytes.Equal(saved.Records[0], first) || !bytes.Equal(saved.Records[1], second) {
			t.Fatalf("%d bytes came back as %d records", size, len(saved.Records))
		}
	}
}

func TestTooMuchIsRefusedAndChangesNothing(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	own := submit(t, begin(t, st, "a"), "j")
	ok(t, own.Commit(ctx, Commit{Records: bytesOf("one")}))
	head := own.Head()
	head.Reason = strings.Repeat("x", MaxHead)
	many := slices.Repeat(happened("something that takes some room"), 5000)
	for _, c := range []Commit{
		{Records: [][]byte{make([]byte, MaxCommit), {1}}}, {Meta: make([]byte, MaxMeta+1)}, {Head: &head}, {Events: many},
		{Records: slices.Repeat([][]byte{{}}, 400_000)},
	} {
		wantKind(t, own.Commit(ctx, c), store.ErrTooLarge)
	}
	ok(t, own.Commit(ctx, Commit{Records: bytesOf("two"), Events: happened("x")}))
	wantRecords(t, load(t, st, "j").Records, "one", "two")
	told(t, st, "j")
}

func TestManyEventsAtOnce(t *testing.T) {
	st, _ := newStore()
	own := submit(t, begin(t, st, "a"), "j")
	ok(t, own.Commit(context.Background(), Commit{Events: slices.Repeat(happened("worker lost"), 500)}))
	if n := len(told(t, st, "j")); n != 501 {
		t.Fatalf("%d events", n)
	}
}

func TestAFencedOwnerWritesNothing(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b := begin(t, st, "a"), begin(t, st, "b")
	old := submit(t, a, "j")
	ok(t, old.Commit(ctx, Commit{Records: bytesOf("one")}))
	now, saved, err := TakeOver(ctx, b, Take{Job: "j", Gone: old.Owner().Fence, How: ByEvidence}, noon)
	ok(t, err)
	wantRecords(t, saved.Records, "one")

	big := [][]byte{make([]byte, 5*chunkSize)}
	for _, c := range []Commit{{Records: bytesOf("late")}, {Records: big, Base: true}, {Events: happened("late")}} {
		wantKind(t, old.Commit(ctx, c), ErrFenced)
		_, err = old.Finish(ctx, Ending{Phase: hyperscale.Completed, Commit: c, Now: noon})
		wantKind(t, err, ErrFenced)
	}
	ok(t, now.Commit(ctx, Commit{Records: bytesOf("two")}))
	wantRecords(t, load(t, st, "j").Records, "one", "two")
	if want := []string{"accepted", OwnerChanged}; !slices.Equal(told(t, st, "j"), want) {
		t.Fatalf("told %q", told(t, st, "j"))
	}
}

func TestDamageIsNoticed(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	own := submit(t, begin(t, st, "a"), "j")
	ok(t, own.Commit(ctx, Commit{Records: bytesOf("one", "two")}))
	key := chunkKey("j", own.Version(), 0)
	for _, op := range []store.Op{put(key, []byte("onetwO")), put(key, []byte("onetw")), put(key, nil), {Kind: store.Delete, Key: key}} {
		_, err := st.Txn(ctx, store.Txn{Then: []store.Op{op}})
		ok(t, err)
		_, err = Load(ctx, st, "j")
		wantKind(t, err, ErrDamaged)
	}
	_, err := Load(ctx, st, "k")
	wantKind(t, err, ErrNotFound)
}
