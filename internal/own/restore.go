package own

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
)

// RestoreRaises is by how much a restore raises every epoch, so that whatever was
// ordered after the snapshot is older than what comes now.
const RestoreRaises = 1000

// Restored is what the event of a restore says.
const Restored = "restored"

// AfterRestore makes a store that was restored from a snapshot fit to be used: it
// raises every epoch by [RestoreRaises] and ends every unfinished job FAILED with
// what the snapshot holds, for its marks, turns and numbers are older than what
// others saw. Jobs that had an owner have nobody as owner then, who is succeeded
// like any that is gone: to tell the parent and the reporters. It is called before
// anybody else uses the store, and again if it failed.
func AfterRestore(ctx context.Context, st store.Store, now time.Time) error {
	all, err := Heads(ctx, st)
	if err != nil {
		return fmt.Errorf("after a restore: %w", err)
	}
	for _, j := range all {
		if err := restoreJob(ctx, st, j.Job, now); err != nil {
			return fmt.Errorf("after a restore: job %s: %w", j.Job, err)
		}
	}
	_, err = scan(ctx, st, store.Range{From: holds, Until: store.After(holds)}, func(e store.Entry) error {
		o, err := readOwner(e)
		if err != nil {
			return err
		}
		text, err := raised(o).text()
		if err != nil {
			return err
		}
		_, err = st.Txn(ctx, store.Txn{If: []store.If{is(e.Key, e.Mod)}, Then: []store.Op{put(e.Key, text)}})
		return unanswered(err)
	})
	if err != nil {
		return fmt.Errorf("after a restore: holds: %w", err)
	}
	return nil
}

func raised(o Owner) Owner { return Owner{Epoch: o.Epoch + RestoreRaises} }

func restoreJob(ctx context.Context, st store.Store, job hyperscale.JobID, now time.Time) error {
	saved, m, mod, err := loadHead(ctx, st, job)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if saved.Head.Phase.Terminal() && saved.Owner.Fence == 0 {
		return nil // it was over, and nobody waits for anything
	}
	owner := raised(saved.Owner)
	text, err := owner.text()
	if err != nil {
		return err
	}
	ops := []store.Op{put(ownerKey(job), text)}
	if !saved.Head.Phase.Terminal() {
		failing, err := failOps(saved.Head, m, job, owner.Epoch, now)
		if err != nil {
			return err
		}
		ops = append(ops, failing...)
	}
	done, err := st.Txn(ctx, store.Txn{
		If:   []store.If{is(ownerKey(job), store.Revision(saved.Owner.Fence)), is(manifestKey(job), mod)},
		Then: ops,
	})
	if err == nil && !done.Held {
		err = fmt.Errorf("someone uses the store already: %w", ErrLostRace)
	}
	return unanswered(err)
}

// failOps end a job with what is stored of it.
func failOps(h Head, m manifest, job hyperscale.JobID, epoch hyperscale.Epoch, now time.Time) ([]store.Op, error) {
	h.Phase, h.Ended, h.Result, h.Pending = hyperscale.Failed, now.UTC(), m.Version, true
	h.Reason = "the store was restored from a snapshot"
	head, err := h.text()
	if err != nil {
		return nil, err
	}
	event := hyperscale.Event{Wall: now.UTC(), What: Restored, Detail: "the job ends FAILED with what the snapshot holds"}
	events, err := eventsText([]hyperscale.Event{event}, m.Events, epoch)
	if err != nil {
		return nil, err
	}
	m.Events++
	text, err := m.text()
	if err != nil {
		return nil, err
	}
	return []store.Op{put(headKey(job), head), put(eventKey(job, m.Events), events), put(manifestKey(job), text)}, nil
}
