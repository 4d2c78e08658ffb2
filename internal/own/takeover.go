package own

import (
	"context"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
)

// OwnerChanged is what the event of a takeover says.
const OwnerChanged = "owner changed"

// Take is a takeover.
type Take struct {
	Job  hyperscale.JobID
	Gone Fence  // of the owner that was judged gone, or that offers the job
	How  How    // ByPanic is counted in the head
	Why  string // in words, for the event

	// At tells what time it is for the job, for the event, by what the last commit
	// carried; nil: it is not known.
	At func(meta []byte) hyperscale.JobTime

	// SessionEnded says that its session has ended, and is looked at once more: a
	// session that is still there makes it [ErrLostRace].
	SessionEnded bool
}

// TakeOver makes this node the owner if the owner key is still the one that was
// judged gone, under the next epoch, with an event that says so; of a job that has
// ended the last event stays the last. What it gives was read after it.
//
// [ErrLostRace]: another was faster. [ErrFenced]: this node was the owner, and
// another took it over before what was saved could be read. [ErrNotFound]: the job
// is over, or there is none. [ErrNoSession]: this node may own nothing. After
// [store.ErrUnavailable] the outcome is open: [Adopt] tells once the store answers
// again, which a node also learns from [WatchOwners].
func TakeOver(ctx context.Context, s *Session, take Take, now time.Time) (*Tenure, Saved, error) {
	for range attempts {
		again, err := s.takeOnce(ctx, take, now)
		if err != nil {
			return nil, Saved{}, fmt.Errorf("taking over job %s: %w", take.Job, err)
		}
		if !again {
			return Adopt(ctx, s, take.Job)
		}
	}
	return nil, Saved{}, fmt.Errorf("taking over job %s: its owner goes on writing: %w", take.Job, ErrLostRace)
}

// takeOnce gives true if the owner wrote in between, so that it must be read
// again. As its condition is the manifest, which every write of an owner changes,
// what it read before is as good as read after.
func (s *Session) takeOnce(ctx context.Context, take Take, now time.Time) (again bool, err error) {
	saved, m, mod, err := loadHead(ctx, s.st, take.Job)
	if err != nil {
		return false, err
	}
	if err := stillOwned(saved.Owner, take.Gone); err != nil {
		return false, err
	}
	if take.SessionEnded {
		// One that has ended never comes back, and none is younger than what it owns.
		switch there, err := present(ctx, s.st, saved.Owner); {
		case err != nil:
			return false, err
		case there:
			return false, fmt.Errorf("the session of %s has not ended: %w", saved.Owner.Node, ErrLostRace)
		}
	}
	ops, err := s.takeOps(saved, m, take, now)
	if err != nil {
		return false, err
	}
	done, err := s.st.Txn(ctx, store.Txn{
		If:   []store.If{is(ownerKey(take.Job), store.Revision(take.Gone)), is(manifestKey(take.Job), mod), s.present()},
		Then: ops,
		Else: []store.Op{get(ownerKey(take.Job)), get(nodeKey(s.node.ID))},
	})
	if err != nil || done.Held {
		return false, unanswered(err)
	}
	if only(done.Read[1]).Mod != s.mod {
		return false, ErrNoSession
	}
	owner, err := readOwner(only(done.Read[0]))
	if err != nil {
		return false, err
	}
	return true, stillOwned(owner, take.Gone)
}

func stillOwned(o Owner, gone Fence) error {
	switch o.Fence {
	case 0: // whatever was judged gone
		return fmt.Errorf("it is over: %w", ErrNotFound)
	case gone:
		return nil
	}
	return fmt.Errorf("%s owns it under epoch %d: %w", o.Node, o.Epoch, ErrLostRace)
}

// takeOps writes owner, event and manifest, and the head if it counts something.
func (s *Session) takeOps(saved Saved, m manifest, take Take, now time.Time) ([]store.Op, error) {
	owner := s.owner(saved.Owner.Epoch+1, take.How)
	text, err := owner.text()
	if err != nil {
		return nil, err
	}
	ops := []store.Op{put(ownerKey(take.Job), text)}
	if !saved.Head.Phase.Terminal() { // else the last event was told
		event := hyperscale.Event{
			Wall: now.UTC(), What: OwnerChanged, Node: s.node.ID,
			Detail: changeText(saved.Owner, owner, take.Why),
		}
		if take.At != nil {
			event.At = take.At(saved.Meta)
		}
		if text, err = eventsText([]hyperscale.Event{event}, m.Events, owner.Epoch); err != nil {
			return nil, err
		}
		m.Events++
		ops = append(ops, put(eventKey(take.Job, m.Events), text))
	}
	if text, err = m.text(); err != nil {
		return nil, err
	}
	ops = append(ops, put(manifestKey(take.Job), text))
	if take.How == ByPanic {
		saved.Head.Panics++
		if text, err = saved.Head.text(); err != nil {
			return nil, err
		}
		ops = append(ops, put(headKey(take.Job), text))
	}
	return ops, nil
}

func changeText(before, after Owner, why string) string {
	who := string(before.Node)
	if who == "" {
		who = "nobody"
	}
	text := fmt.Sprintf("from %s to %s, epoch %d to %d", who, after.Node, before.Epoch, after.Epoch)
	if why != "" {
		text += ": " + why
	}
	return text
}

// Adopt gives the tenure of a job that this session owns by the store: after a
// submission or takeover whose outcome was open. [ErrFenced]: it does not own it.
// The caller knows that it has no tenure of the job already.
func Adopt(ctx context.Context, s *Session, job hyperscale.JobID) (*Tenure, Saved, error) {
	saved, m, mod, err := loadAll(ctx, s.st, job)
	if err != nil {
		return nil, Saved{}, err
	}
	if saved.Owner.Node != s.node.ID || saved.Owner.Session != s.node.Session {
		return nil, Saved{}, fmt.Errorf("job %s: %q owns it: %w", job, saved.Owner.Node, ErrFenced)
	}
	return &Tenure{st: s.st, job: job, owner: saved.Owner, head: saved.Head, manifest: m, mod: mod}, saved, nil
}
