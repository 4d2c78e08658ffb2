package own

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
)

// How long what is over is kept, and how full the store may be.
const (
	keepDetails = time.Hour      // events of a job that has ended; specs that no job names
	keepResults = 24 * time.Hour // head, result and spec
	keepAtLeast = time.Minute    // however full the store is

	SweepAbove  = 192 << 20 // bytes in use from which on the oldest go sooner
	RefuseAbove = 224 << 20 // bytes in use from which on submissions are refused
)

// Swept is what a sweep deleted.
type Swept struct {
	Details int   // jobs whose events went
	Jobs    int   // jobs that went as a whole
	Specs   int   //
	Bytes   int64 // of results and specs, about
}

// Sweep deletes what is no longer to be kept: the events an hour after a job has
// ended, head, result and spec after 24 hours, and sooner, the oldest first, while
// more than [SweepAbove] of size bytes in use would be left; further specs that no
// job names, after an hour. A job that has ended but still has an owner is left
// alone for 24 hours. One node sweeps at a time ([Hold]); two do no harm.
func Sweep(ctx context.Context, st store.Store, now time.Time, size int64) (Swept, error) {
	w := sweep{st: st, now: now, over: size - SweepAbove, named: make(map[Digest]bool)}
	if err := w.run(ctx); err != nil {
		return w.Swept, fmt.Errorf("sweeping: %w", err)
	}
	return w.Swept, nil
}

// sweep is one on its way.
type sweep struct {
	Swept
	st    store.Store
	now   time.Time
	over  int64           // bytes that are too many
	named map[Digest]bool // by jobs whose spec is kept
}

// run reads the marks of specs before the heads: whoever names one in between
// changes its mark, and it is not deleted.
func (w *sweep) run(ctx context.Context) error {
	marks, err := w.marks(ctx)
	if err != nil {
		return err
	}
	owned, err := w.owned(ctx)
	if err != nil {
		return err
	}
	all, err := w.heads(ctx)
	if err != nil {
		return err
	}
	for _, j := range all {
		if err := w.job(ctx, j, owned[j.job]); err != nil {
			return err
		}
	}
	for _, d := range sortedKeys(marks) {
		if err := w.spec(ctx, d, marks[d]); err != nil {
			return err
		}
	}
	return nil
}

// ended is a job for the sweeper.
type ended struct {
	job  hyperscale.JobID
	head Head
	mod  store.Revision
}

// heads gives all jobs, those that ended first first.
func (w *sweep) heads(ctx context.Context) ([]ended, error) {
	var all []ended
	_, err := eachJob(ctx, w.st, "head", func(job hyperscale.JobID, e store.Entry) error {
		h, err := readHead(e.Value)
		all = append(all, ended{job, h, e.Mod})
		return err
	})
	slices.SortStableFunc(all, func(a, b ended) int { return a.head.Ended.Compare(b.head.Ended) })
	return all, err
}

func (w *sweep) owned(ctx context.Context) (map[hyperscale.JobID]bool, error) {
	owned := make(map[hyperscale.JobID]bool)
	_, err := eachJob(ctx, w.st, "owner", func(job hyperscale.JobID, _ store.Entry) error {
		owned[job] = true
		return nil
	})
	return owned, err
}

func (w *sweep) job(ctx context.Context, j ended, owned bool) error {
	if !j.head.Phase.Terminal() {
		w.named[j.head.Spec] = true
		return nil
	}
	age := w.now.Sub(j.head.Ended)
	if age >= keepResults || w.over > 0 && age >= keepAtLeast && !owned {
		return w.drop(ctx, j)
	}
	w.named[j.head.Spec] = true // without its plan a result can't be read
	if age >= keepDetails && !owned {
		return w.trim(ctx, j)
	}
	return nil
}

// drop deletes all of a job.
func (w *sweep) drop(ctx context.Context, j ended) error {
	_, m, _, err := loadHead(ctx, w.st, j.job)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil && !errors.Is(err, ErrDamaged) {
		return err
	}
	all := store.Op{Kind: store.DeleteRange, Key: jobKey(j.job), Until: store.After(jobKey(j.job))}
	done, err := w.st.Txn(ctx, store.Txn{If: []store.If{is(headKey(j.job), j.mod)}, Then: []store.Op{all}})
	if err != nil || !done.Held {
		return unanswered(err)
	}
	w.Jobs++
	for _, p := range m.Pieces {
		w.freed(p.size())
	}
	return nil
}

// trim deletes the events of a job and what its manifest does not name.
func (w *sweep) trim(ctx context.Context, j ended) error {
	_, m, mod, err := loadHead(ctx, w.st, j.job)
	if err != nil {
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	}
	told, err := w.st.Range(ctx, store.Range{From: eventsKey(j.job), Until: store.After(eventsKey(j.job)), Limit: 1, KeysOnly: true})
	if err != nil || len(told.Entries) == 0 {
		return unanswered(err)
	}
	first := m.Version + 1
	if len(m.Pieces) > 0 {
		first = m.Pieces[0].Version
	}
	done, err := w.st.Txn(ctx, store.Txn{
		If: []store.If{is(headKey(j.job), j.mod), is(manifestKey(j.job), mod), absent(ownerKey(j.job))},
		Then: []store.Op{
			{Kind: store.DeleteRange, Key: eventsKey(j.job), Until: store.After(eventsKey(j.job))},
			{Kind: store.DeleteRange, Key: recordsKey(j.job), Until: versionKey(j.job, first)},
			{Kind: store.DeleteRange, Key: versionKey(j.job, m.Version+1), Until: store.After(recordsKey(j.job))},
		},
	})
	if err != nil || !done.Held {
		return unanswered(err)
	}
	w.Details++
	return nil
}

func (w *sweep) freed(bytes int) {
	w.Bytes += int64(bytes)
	w.over -= int64(bytes)
}

// mark is what the store has of a spec.
type mark struct {
	used   store.Revision
	chunks int
}

func (w *sweep) marks(ctx context.Context) (map[Digest]mark, error) {
	marks := make(map[Digest]mark)
	_, err := scan(ctx, w.st, store.Range{From: specs, Until: store.After(specs), KeysOnly: true}, func(e store.Entry) error {
		name, which, _ := strings.Cut(strings.TrimPrefix(e.Key, specs), "/")
		digest, err := url.PathUnescape(name)
		if err != nil {
			return fmt.Errorf("key %q: %w", e.Key, ErrDamaged)
		}
		m := marks[Digest(digest)]
		if which == "used" {
			m.used = e.Mod
		} else {
			m.chunks++
		}
		marks[Digest(digest)] = m
		return nil
	})
	return marks, err
}

// spec deletes a spec that no job names and nobody has used for long.
func (w *sweep) spec(ctx context.Context, d Digest, m mark) error {
	if w.named[d] {
		return nil
	}
	read, err := w.st.Txn(ctx, store.Txn{Then: []store.Op{get(specUsedKey(d))}})
	if err != nil {
		return unanswered(err)
	}
	e := only(read.Read[0])
	if e.Mod != m.used {
		return nil // used a moment ago
	}
	var use specUse
	if e.Mod != 0 {
		if _, err := decode(e.Value, &use); err != nil {
			return fmt.Errorf("%s: %w", e.Key, err)
		}
	}
	least := keepDetails
	if w.over > 0 {
		least = keepAtLeast
	}
	if w.now.Sub(use.At) < least {
		return nil
	}
	all := store.Op{Kind: store.DeleteRange, Key: specKey(d), Until: store.After(specKey(d))}
	done, err := w.st.Txn(ctx, store.Txn{If: []store.If{is(specUsedKey(d), m.used)}, Then: []store.Op{all}})
	if err != nil || !done.Held {
		return unanswered(err)
	}
	w.Specs++
	w.freed(m.chunks * chunkSize)
	return nil
}
