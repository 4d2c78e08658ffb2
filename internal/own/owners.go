package own

import (
	"context"
	"fmt"

	"hyperscale"
	"hyperscale/internal/store"
)

// OwnerChange says who owns a job now.
type OwnerChange struct {
	Job   hyperscale.JobID
	Owner Owner // zero: nobody, the job is over
}

// Owners gives who owns what, as it was at the revision given. A job whose owner
// has changed while it was read is left out: [WatchOwners] tells of it.
func Owners(ctx context.Context, st store.Store) ([]OwnerChange, store.Revision, error) {
	var all []OwnerChange
	var changed []OwnerChange
	at, err := eachJob(ctx, st, "owner", func(job hyperscale.JobID, e store.Entry) error {
		o, err := readOwner(e)
		changed = append(changed, OwnerChange{job, o})
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("reading who owns what: %w", err)
	}
	for _, c := range changed {
		if store.Revision(c.Owner.Fence) <= at {
			all = append(all, c)
		}
	}
	return all, at, nil
}

// WatchOwners calls got for every change after the revision that [Owners] gave,
// in order. It returns ctx's error, [store.ErrCompacted] (ask Owners again) or the
// error of got.
func WatchOwners(ctx context.Context, st store.Store, after store.Revision, got func(OwnerChange) error) error {
	return st.Watch(ctx, JobsFrom, JobsUntil, after+1, func(_ store.Revision, events []store.Event) error {
		for _, ev := range events {
			c, ok, err := ReadOwnerChange(ev)
			if err == nil && ok {
				err = got(c)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ReadOwnerChange reads a change of a key from [JobsFrom] up to [JobsUntil], for
// those who watch by other means; false: it is not about an owner.
func ReadOwnerChange(ev store.Event) (OwnerChange, bool, error) {
	job, which, ok := jobOf(ev.Key)
	if !ok || which != "owner" {
		return OwnerChange{}, false, nil
	}
	if ev.Deleted {
		return OwnerChange{Job: job}, true, nil
	}
	o, err := readOwner(ev.Entry)
	return OwnerChange{job, o}, err == nil, err
}

// Listed is a job in a list.
type Listed struct {
	Job  hyperscale.JobID
	Head Head
}

// Heads gives the heads of all jobs that are kept, in order of their names.
func Heads(ctx context.Context, st store.Store) ([]Listed, error) {
	var all []Listed
	_, err := eachJob(ctx, st, "head", func(job hyperscale.JobID, e store.Entry) error {
		h, err := readHead(e.Value)
		all = append(all, Listed{job, h})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing jobs: %w", err)
	}
	return all, nil
}

// Look is [Load] without the records: what is cheap to ask.
func Look(ctx context.Context, st store.Store, job hyperscale.JobID) (Saved, error) {
	saved, _, _, err := loadHead(ctx, st, job)
	if err != nil {
		return Saved{}, fmt.Errorf("job %s: %w", job, err)
	}
	return saved, nil
}

// eachJob calls got with one key of every job that has it: "head" or "owner". It
// gives the revision at which the jobs were listed; the values may be newer.
func eachJob(ctx context.Context, st store.Store, which string, got func(hyperscale.JobID, store.Entry) error) (store.Revision, error) {
	names, at, err := jobsWith(ctx, st, which)
	if err != nil {
		return 0, err
	}
	const together = store.MaxOps / 2
	for len(names) > 0 {
		n := min(together, len(names))
		ops := make([]store.Op, n)
		for i, job := range names[:n] {
			ops[i] = get(jobKey(job) + which)
		}
		read, err := st.Txn(ctx, store.Txn{Then: ops})
		if err != nil {
			return 0, unanswered(err)
		}
		for i, job := range names[:n] {
			if e := only(read.Read[i]); e.Mod != 0 {
				if err := got(job, e); err != nil {
					return 0, fmt.Errorf("job %s: %w", job, err)
				}
			}
		}
		names = names[n:]
	}
	return at, nil
}

// jobsWith lists the jobs that have a key. Where a job has many others, its
// events and records, it leaps over them.
func jobsWith(ctx context.Context, st store.Store, which string) ([]hyperscale.JobID, store.Revision, error) {
	var names []hyperscale.JobID
	r := store.Range{From: JobsFrom, Until: JobsUntil, Limit: 200, KeysOnly: true}
	for {
		p, err := st.Range(ctx, r)
		if err != nil {
			return nil, 0, unanswered(err)
		}
		for _, e := range p.Entries {
			if job, found, ok := jobOf(e.Key); ok && found == which {
				names = append(names, job)
			}
		}
		if !p.More {
			return names, p.Revision, nil
		}
		last := p.Entries[len(p.Entries)-1].Key
		r.At, r.From = p.Revision, next(last)
		if job, _, ok := jobOf(last); ok {
			r.From = max(r.From, headKey(job)) // head and owner come last
		}
	}
}
