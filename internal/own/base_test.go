package own

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/store"
	"hyperscale/internal/store/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when tests begin.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// clock is a clock that tests turn.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

// tb is what both tests and properties are.
type tb interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func newStore() (*memstore.Store, *clock) {
	c := &clock{noon}
	return memstore.New(c.read), c
}

func begin(t tb, st store.Store, node hyperscale.NodeID) *Session {
	t.Helper()
	s, err := Begin(context.Background(), st, Node{ID: node, Boot: 1, Address: string(node) + ":1"}, SessionConfig{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func submission(job string) Submission {
	return Submission{
		Key: "key of " + job, Job: hyperscale.JobID(job),
		Origin:  Origin{Name: "shop", Client: "ann", Submitted: noon},
		Content: []byte("plan of " + job), Event: hyperscale.Event{What: "accepted"},
	}
}

func submit(t tb, s *Session, job string) *Tenure {
	t.Helper()
	got, err := NewSubmitter(s, nil).Submit(context.Background(), submission(job))
	if err != nil {
		t.Fatal(err)
	}
	if got.Tenure == nil {
		t.Fatalf("job %s was there before", job)
	}
	return got.Tenure
}

func load(t tb, st store.Store, job string) Saved {
	t.Helper()
	saved, err := Load(context.Background(), st, hyperscale.JobID(job))
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func wantKind(t tb, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want one of kind %q", err, kind)
	}
}

func ok(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fault is what a faulty store does with a transaction.
type fault int

const (
	works  fault = iota
	before       // fails, and nothing is done
	after        // is done, and yet fails
	late         // fails, and is done before one of the next transactions
)

// faulty is a store whose transactions that write fail as it is told.
type faulty struct {
	store.Store
	next func() fault
	late []store.Txn
}

func (f *faulty) Txn(ctx context.Context, t store.Txn) (store.Done, error) {
	how := f.next()
	if how == late {
		f.late = append(f.late, t)
		return store.Done{}, fmt.Errorf("no answer: %w", store.ErrUnavailable)
	}
	if how == before {
		return store.Done{}, fmt.Errorf("not reached: %w", store.ErrUnavailable)
	}
	done, err := f.Store.Txn(ctx, t)
	if how == after {
		return store.Done{}, fmt.Errorf("answer lost: %w", store.ErrUnavailable)
	}
	return done, err
}

func (f *faulty) Range(ctx context.Context, r store.Range) (store.Page, error) {
	if f.next() != works {
		return store.Page{}, fmt.Errorf("not reached: %w", store.ErrUnavailable)
	}
	return f.Store.Range(ctx, r)
}

// arrive lets one of the transactions that are late be done.
func (f *faulty) arrive(n int) {
	if len(f.late) == 0 {
		return
	}
	n %= len(f.late)
	_, _ = f.Store.Txn(context.Background(), f.late[n])
	f.late = append(f.late[:n:n], f.late[n+1:]...)
}

func TestWhatIsNotKnownIsKept(t *testing.T) {
	text := `{"v":1,"phase":"RUNNING","name":"shop","colour":"red","spec":"s","result":7}`
	h, err := readHead([]byte(text))
	ok(t, err)
	if h.Phase != hyperscale.Running || h.Name != "shop" || h.Result != 7 {
		t.Fatalf("read %+v", h)
	}
	h.Phase = hyperscale.Finishing
	written, err := h.text()
	ok(t, err)
	again, err := readHead(written)
	ok(t, err)
	if string(again.rest["colour"]) != `"red"` || len(again.rest) != 1 || again.Phase != hyperscale.Finishing {
		t.Fatalf("kept %v of %s", again.rest, written)
	}
}

func TestAnotherFormatIsNotGuessedAt(t *testing.T) {
	for _, text := range []string{`{}`, `{"v":2}`, `{"v":"1"}`, `null`, `[]`, ``, `{"v":1,"phase":7}`} {
		if _, err := readHead([]byte(text)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRangesHoldTheirKeys(t *testing.T) {
	if NodesUntil != store.After(NodesFrom) || JobsUntil != store.After(JobsFrom) {
		t.Error(NodesUntil, JobsUntil)
	}
	for _, name := range []string{"a", "a/b", "ck/", "ü", "%2f", "..", " "} {
		job, which, found := jobOf(ownerKey(hyperscale.JobID(name)))
		node, known := nodeOf(nodeKey(hyperscale.NodeID(name)))
		if !found || string(job) != name || which != "owner" || !known || string(node) != name {
			t.Errorf("%q came back as job %q, node %q", name, job, node)
		}
		v, n, found := chunkOf(job, chunkKey(job, 7<<32+9, 11))
		if !found || v != 7<<32+9 || n != 11 {
			t.Errorf("chunk of %q came back as %x, %d", name, v, n)
		}
	}
}
