package own

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hyperscale/internal/store"
)

// Held is a hold by name: there is one holder at a time.
type Held struct {
	Owner
	name string
}

// Condition is what a transaction compares that only the holder may make.
func (h Held) Condition() store.If { return is(holdKey(h.name), store.Revision(h.Fence)) }

// TryHold takes the named hold if nobody has it, or if who has it is gone: its
// session has ended, or gone says so (nil: never). It gives false when another
// has it. Asked again by the session that has it, it gives the same hold, so after
// [store.ErrUnavailable], which leaves the outcome open, one asks again.
func TryHold(ctx context.Context, s *Session, name string, gone func(Owner) bool) (Held, bool, error) {
	held, ok, _, err := s.tryHold(ctx, name, gone)
	if err != nil {
		return Held{}, false, fmt.Errorf("hold %q: %w", name, err)
	}
	return held, ok, nil
}

// tryHold also gives the revision at which it looked.
func (s *Session) tryHold(ctx context.Context, name string, gone func(Owner) bool) (Held, bool, store.Revision, error) {
	if name == "" {
		return Held{}, false, 0, fmt.Errorf("no name: %w", ErrInvalid)
	}
	key := holdKey(name)
	read, err := s.st.Txn(ctx, store.Txn{Then: []store.Op{get(key), get(nodeKey(s.node.ID))}})
	if err != nil {
		return Held{}, false, 0, unanswered(err)
	}
	before, err := readOwner(only(read.Read[0]))
	if err != nil {
		return Held{}, false, 0, err
	}
	if only(read.Read[1]).Mod != s.mod {
		return Held{}, false, 0, ErrNoSession
	}
	if before.Node == s.node.ID && before.Session == s.node.Session {
		return Held{before, name}, true, read.Revision, nil
	}
	there, err := present(ctx, s.st, before)
	if err != nil {
		return Held{}, false, 0, err
	}
	if there && (gone == nil || !gone(before)) {
		return Held{}, false, read.Revision, nil
	}
	held := Held{s.owner(before.Epoch+1, ByEvidence), name}
	text, err := held.text()
	if err != nil {
		return Held{}, false, 0, err
	}
	done, err := s.st.Txn(ctx, store.Txn{
		If:   []store.If{is(key, store.Revision(before.Fence)), s.present()},
		Then: []store.Op{put(key, text)},
	})
	if err != nil {
		return Held{}, false, 0, unanswered(err)
	}
	held.Fence = Fence(done.Revision)
	return held, done.Held, read.Revision, nil
}

// present reports whether an owner's node is there under the owner's session.
func present(ctx context.Context, st store.Store, o Owner) (bool, error) {
	if o.Node == "" {
		return false, nil
	}
	read, err := st.Txn(ctx, store.Txn{Then: []store.Op{get(nodeKey(o.Node))}})
	if err != nil {
		return false, unanswered(err)
	}
	e := only(read.Read[0])
	return e.Mod != 0 && e.Lease == o.Session, nil
}

// Release gives a hold back; one that was lost is no error.
func Release(ctx context.Context, s *Session, h Held) error {
	text, err := Owner{Epoch: h.Epoch}.text()
	if err != nil {
		return err
	}
	_, err = s.st.Txn(ctx, store.Txn{If: []store.If{h.Condition()}, Then: []store.Op{put(holdKey(h.name), text)}})
	if err != nil {
		return fmt.Errorf("giving back hold %q: %w", h.name, unanswered(err))
	}
	return nil
}

// Hold waits until it gets the named hold and runs work inside it. The context
// given to work ends when ctx does, which is that of the session ([RunSession]),
// or when another took the hold; Hold then gives [ErrFenced]. When it returns,
// the hold was given back. For gone see [TryHold]. A session holds a name once.
func Hold(ctx context.Context, s *Session, name string, gone func(Owner) bool,
	work func(context.Context, Held) error) error {
	held, err := s.await(ctx, name, gone)
	if err != nil {
		return fmt.Errorf("hold %q: %w", name, err)
	}
	inside, lose := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { s.guard(inside, held, lose) })
	defer func() {
		lose(nil)
		watching.Wait()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Every)
		defer cancel()
		_ = Release(last, s, held) // unanswered: it is free when the session ends
	}()
	err = work(inside, held)
	if lost := context.Cause(inside); err != nil && errors.Is(lost, ErrFenced) && !errors.Is(err, ErrFenced) {
		return fmt.Errorf("hold %q: %w: %w", name, lost, err)
	}
	return err
}

// errChanged ends a watch that has seen what it waited for.
var errChanged = errors.New("changed")

// await tries whenever the hold changes, and each time that renewals come.
func (s *Session) await(ctx context.Context, name string, gone func(Owner) bool) (Held, error) {
	key := holdKey(name)
	for {
		held, ok, at, err := s.tryHold(ctx, name, gone)
		if ok {
			return held, nil
		}
		if errors.Is(err, ErrNoSession) || errors.Is(err, ErrInvalid) || errors.Is(err, ErrDamaged) {
			return Held{}, err
		}
		since := store.Revision(0)
		if err == nil {
			since = at + 1
		}
		wait, cancel := context.WithTimeout(ctx, s.config.Every)
		_ = s.st.Watch(wait, key, next(key), since, func(store.Revision, []store.Event) error { return errChanged })
		if err != nil {
			<-wait.Done() // a store that does not answer is not asked at once again
		}
		cancel()
		if ctx.Err() != nil {
			return Held{}, context.Cause(ctx)
		}
	}
}

// guard ends the context of a holder whose hold another took.
func (s *Session) guard(ctx context.Context, held Held, lose context.CancelCauseFunc) {
	key, since := holdKey(held.name), store.Revision(held.Fence)+1
	for ctx.Err() == nil {
		err := s.st.Watch(ctx, key, next(key), since, func(store.Revision, []store.Event) error { return errChanged })
		if errors.Is(err, errChanged) {
			lose(fmt.Errorf("another took it: %w", ErrFenced))
			return
		}
		// Too long ago to watch from: it is read, and watched from there.
		wait, cancel := context.WithTimeout(ctx, s.config.Every)
		read, err := s.st.Txn(wait, store.Txn{Then: []store.Op{get(key)}})
		switch {
		case err != nil:
			<-wait.Done()
		case only(read.Read[0]).Mod != store.Revision(held.Fence):
			lose(fmt.Errorf("another took it: %w", ErrFenced))
		default:
			since = read.Revision + 1
		}
		cancel()
	}
}
