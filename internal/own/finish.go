package own

import (
	"context"
	"fmt"
	"time"

	"hyperscale"
)

// Ending is how a job ends.
type Ending struct {
	Phase   hyperscale.Phase // terminal
	Reason  string           // in words; "": Phase says all
	Commit  Commit           // the result: best a base, for it is kept longer than all else; and the last event
	Pending bool             // reporters or the parent still wait: the job keeps an owner
	Now     time.Time        // by this node's clock
}

// Finish ends the job in one transaction: the terminal phase in its head, which
// names this commit as the result, the last event, and the owner key deleted,
// unless something is pending. The first terminal decision wins: for a job that
// has ended Phase, Reason and Now mean nothing, the commit is made, and when
// nothing is pending any more the owner key goes.
//
// It gives the head that stands. Once the owner key is gone the tenure is over:
// it refuses everything with [ErrFenced], and asked to finish again gives the same
// head. Errors are those of [Tenure.Commit].
func (t *Tenure) Finish(ctx context.Context, e Ending) (Head, error) {
	if t.released {
		return t.head, nil
	}
	if err := t.ready(ctx); err != nil || t.released {
		return t.head, err
	}
	head := t.head
	if e.Commit.Head != nil {
		head = *e.Commit.Head
		head.Phase, head.Reason, head.Ended, head.Result = t.head.Phase, t.head.Reason, t.head.Ended, t.head.Result
	}
	if !t.head.Phase.Terminal() {
		if !e.Phase.Terminal() {
			return t.head, fmt.Errorf("job %s can't end as %q: %w", t.job, e.Phase, ErrInvalid)
		}
		head.Phase, head.Reason, head.Ended, head.Result = e.Phase, e.Reason, e.Now.UTC(), t.nextVersion()
	}
	head.Pending = e.Pending
	e.Commit.Head = &head
	a, err := t.attempt(e.Commit, !e.Pending)
	if err != nil {
		return t.head, fmt.Errorf("finishing job %s: %w", t.job, err)
	}
	t.open = a
	if err := t.write(ctx); err != nil {
		return t.head, err
	}
	return t.head, nil
}
