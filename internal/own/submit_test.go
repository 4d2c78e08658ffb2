package own

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
)

func TestASubmissionIsAcceptedOnce(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	a, b := begin(t, st, "a"), begin(t, st, "b")
	own := submit(t, a, "j")
	saved := load(t, st, "j")
	if saved.Owner != own.Owner() || own.Epoch() != 1 || saved.Head.Phase != hyperscale.Waiting || saved.Head.Spec != DigestOf([]byte("plan of j")) {
		t.Fatalf("%+v", saved)
	}
	spec, err := Spec(ctx, st, saved.Head.Spec)
	if err != nil || string(spec) != "plan of j" {
		t.Fatalf("%q, %v", spec, err)
	}

	again := submission("j")
	again.Job = "k" // as another node would name it
	got, err := NewSubmitter(b, nil).Submit(ctx, again)
	if err != nil || got.Job != "j" || got.Tenure != nil {
		t.Fatal("the same key made", got, err)
	}
	for name, change := range map[string]func(*Submission){
		"plan":     func(s *Submission) { s.Content = []byte("other") },
		"options":  func(s *Submission) { s.Options = []byte("other") },
		"priority": func(s *Submission) { s.Priority = "high" },
		"name":     func(s *Submission) { s.Name = "other" },
		"no key":   func(s *Submission) { s.Key = "" },
		"no job":   func(s *Submission) { s.Job = "" },
		"nobody":   func(s *Submission) { s.Client = "" },
		"same job": func(s *Submission) { s.Key = "another" },
	} {
		other := submission("j")
		change(&other)
		if _, err := NewSubmitter(b, nil).Submit(ctx, other); err == nil {
			t.Errorf("%s: taken", name)
		} else {
			wantKind(t, err, ErrInvalid)
		}
	}
	other := submission("l")
	other.Client = "bob" // keys are each client's own
	if got, err := NewSubmitter(b, nil).Submit(ctx, other); err != nil || got.Tenure == nil {
		t.Fatal(got, err)
	}
}

func TestRefusalsAreNotRemembered(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	full := true
	b := NewSubmitter(begin(t, st, "a"), func() bool { return full })
	_, err := b.Submit(ctx, submission("j"))
	wantKind(t, err, store.ErrFull)
	full = false
	got, err := b.Submit(ctx, submission("j"))
	if err != nil || got.Tenure == nil {
		t.Fatal(got, err)
	}
}

func TestKeysAreRememberedForADay(t *testing.T) {
	st, clock := newStore()
	ctx := context.Background()
	submit(t, begin(t, st, "a"), "j")
	clock.now = noon.Add(24 * time.Hour)
	b := begin(t, st, "b")
	got, err := NewSubmitter(b, nil).Submit(ctx, submission("j"))
	if err != nil || got.Job != "j" {
		t.Fatal(got, err)
	}
	clock.now = noon.Add(24*time.Hour + 6*time.Minute)
	b = begin(t, st, "b")
	late := submission("j")
	late.Job = "k"
	if got, err = NewSubmitter(b, nil).Submit(ctx, late); err != nil || got.Job != "k" {
		t.Fatal("a key is remembered for ever:", got, err)
	}
}

func TestKeysShareLeasesAndHaveABound(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	b := NewSubmitter(begin(t, st, "a"), nil)
	leases := make(map[store.LeaseID]bool)
	for i := range 12 {
		s := submission(fmt.Sprint("j", i))
		s.Submitted = noon.Add(time.Duration(i) * time.Minute)
		_, err := b.Submit(ctx, s)
		ok(t, err)
		p, err := st.Range(ctx, store.Range{From: idemKey("ann", s.Key), Until: next(idemKey("ann", s.Key))})
		ok(t, err)
		leases[p.Entries[0].Lease] = true
	}
	if len(leases) != 3 {
		t.Errorf("12 minutes of keys have %d leases", len(leases))
	}
	b.known = idemMost
	last := submission("k")
	last.Submitted = noon.Add(11 * time.Minute)
	_, err := b.Submit(ctx, last)
	wantKind(t, err, store.ErrFull)
}

func TestABucketWhoseLeaseHasGoneIsReplaced(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	b := NewSubmitter(begin(t, st, "a"), nil)
	_, err := b.Submit(ctx, submission("j"))
	ok(t, err)
	ok(t, st.Revoke(ctx, b.lease))
	got, err := b.Submit(ctx, submission("k"))
	if err != nil || got.Tenure == nil {
		t.Fatal(got, err)
	}
}

// Each request of a submission fails once in each way; then the client asks again
// with the same key, and what was late is done.
func TestASubmissionOverAStoreThatFails(t *testing.T) {
	ctx := context.Background()
	for _, how := range []fault{before, after, late} {
		for at := 1; ; at++ {
			n := 0
			st, _ := newStore()
			s := begin(t, st, "a")
			bad := &faulty{Store: st, next: func() fault {
				if n++; n == at {
					return how
				}
				return works
			}}
			s.st = bad
			b := NewSubmitter(s, nil)
			got, err := b.Submit(ctx, submission("j"))
			if n < at {
				break // it has no more requests
			}
			bad.next = func() fault { return works }
			if err != nil {
				wantKind(t, err, store.ErrUnavailable)
				again := submission("j")
				again.Job = "k"
				got, err = b.Submit(ctx, again)
			}
			ok(t, err)
			for range bad.late {
				bad.arrive(0)
			}
			all, err := Heads(ctx, st)
			if err != nil || len(all) != 1 || all[0].Job != got.Job {
				t.Fatalf("fault %d at request %d: told %s, there are %v, %v", how, at, got.Job, all, err)
			}
			if got.Tenure == nil {
				if got.Tenure, _, err = Adopt(ctx, s, got.Job); err != nil {
					t.Fatal("a job without owner:", err)
				}
			}
			ok(t, got.Tenure.Commit(ctx, Commit{Events: happened("x")}))
			if n := len(told(t, st, string(got.Job))); n != 2 {
				t.Fatalf("%d events", n)
			}
		}
	}
}

func TestSpecsOfAnySize(t *testing.T) {
	st, _ := newStore()
	ctx := context.Background()
	for _, size := range []int{1, chunkSize, chunkSize + 1, 5*chunkSize - 1, MaxSpec} {
		spec := bytes.Repeat([]byte{byte(size)}, size)
		d, err := PutSpec(ctx, st, spec, noon)
		ok(t, err)
		again, err := PutSpec(ctx, st, spec, noon)
		got, read := Spec(ctx, st, d)
		if err != nil || read != nil || again != d || !bytes.Equal(got, spec) {
			t.Fatalf("%d bytes came back as %d: %v, %v", size, len(got), err, read)
		}
	}
	for _, size := range []int{0, MaxSpec + 1} {
		_, err := PutSpec(ctx, st, make([]byte, size), noon)
		wantKind(t, err, store.ErrTooLarge)
	}
	_, err := Spec(ctx, st, DigestOf(nil))
	wantKind(t, err, ErrNotFound)
}

// A spec whose upload broke off anywhere is not there, and is made whole by the
// next upload.
func TestASpecIsThereWhenItIsWhole(t *testing.T) {
	ctx := context.Background()
	spec := bytes.Repeat([]byte("s"), 4*chunkSize)
	for at := 1; ; at++ {
		n := 0
		st, _ := newStore()
		bad := &faulty{Store: st, next: func() fault {
			if n++; n >= at {
				return before
			}
			return works
		}}
		_, err := PutSpec(ctx, bad, spec, noon)
		if err == nil {
			break
		}
		_, err = Spec(ctx, st, DigestOf(spec))
		if n > 1 && err != nil {
			wantKind(t, err, ErrNotFound)
		}
		d, err := PutSpec(ctx, st, spec, noon)
		ok(t, err)
		got, err := Spec(ctx, st, d)
		if err != nil || !bytes.Equal(got, spec) {
			t.Fatal("not whole:", err)
		}
	}
}
