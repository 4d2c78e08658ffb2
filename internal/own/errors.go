package own

import (
	"errors"
	"fmt"

	"hyperscale/internal/store"
)

// The kinds of errors, beside those of [store].
var (
	// ErrFenced: another owns it now, or nobody. Whoever gets it stops acting.
	ErrFenced = errors.New("no longer the owner")

	// ErrNotFound: there is no such job or spec.
	ErrNotFound = errors.New("not found")

	// ErrInvalid: a mistake of the caller; nothing was written.
	ErrInvalid = errors.New("invalid")

	// ErrLostRace: another was faster. Nothing was written.
	ErrLostRace = errors.New("another was faster")

	// ErrOpen comes with the error of a commit that was given earlier and whose
	// outcome is still open: what was given now was not taken.
	ErrOpen = errors.New("an earlier commit is still open")

	// ErrNoSession: this node's session has ended, or another process goes by its
	// name. It may own nothing new until it has begun another.
	ErrNoSession = errors.New("the node's session has ended")

	// ErrDamaged: what is stored is not what was written, or was written by a
	// newer version.
	ErrDamaged = errors.New("damaged")
)

// mistake is an [ErrInvalid] of which callers read the words alone.
type mistake string

// mistaken makes a mistake.
func mistaken(format string, args ...any) error { return mistake(fmt.Sprintf(format, args...)) }

func (m mistake) Error() string { return string(m) }

func (m mistake) Unwrap() error { return ErrInvalid }

// open reports whether an error leaves open if a write was done.
func open(err error) bool {
	for _, known := range []error{store.ErrCompacted, store.ErrNoLease, store.ErrFull, store.ErrTooLarge, store.ErrInvalid} {
		if errors.Is(err, known) {
			return false
		}
	}
	return err != nil
}

// unanswered makes an error of an open outcome one of its kind.
func unanswered(err error) error {
	if !open(err) || errors.Is(err, store.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}
