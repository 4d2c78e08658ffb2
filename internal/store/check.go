package store

import (
	"errors"
	"fmt"
)

// ErrInvalid marks what no store takes whatever its state: a mistake of the
// caller. Nothing was done.
var ErrInvalid = errors.New("not what a store takes")

// Check says why no store takes the transaction: [ErrTooLarge] or [ErrInvalid].
// Every store asks it before anything is done.
func (t Txn) Check() error {
	ops := len(t.If) + len(t.Then) + len(t.Else)
	if ops > MaxOps {
		return fmt.Errorf("transaction of %d conditions and operations: %w (%d)", ops, ErrTooLarge, MaxOps)
	}
	size := 0
	for _, c := range t.If {
		if c.Key == "" {
			return fmt.Errorf("condition without a key: %w", ErrInvalid)
		}
		size += len(c.Key)
	}
	for _, branch := range [][]Op{t.Then, t.Else} {
		for _, op := range branch {
			if err := op.check(); err != nil {
				return err
			}
			size += len(op.Key) + len(op.Until) + len(op.Value)
		}
	}
	if size > MaxRequest {
		return fmt.Errorf("transaction of %d bytes: %w (%d)", size, ErrTooLarge, MaxRequest)
	}
	for _, op := range t.Else {
		if op.writes() {
			return fmt.Errorf("writing %q where only reads are: %w", op.Key, ErrInvalid)
		}
	}
	return writtenOnce(t.Then)
}

func (op Op) writes() bool { return op.Kind == Put || op.Kind == Delete || op.Kind == DeleteRange }

func (op Op) ranges() bool { return op.Kind == GetRange || op.Kind == DeleteRange }

func (op Op) check() error {
	switch {
	case op.Kind < Get || op.Kind > DeleteRange:
		return fmt.Errorf("operation of kind %d: %w", op.Kind, ErrInvalid)
	case op.Key == "" && !op.ranges():
		return fmt.Errorf("operation without a key: %w", ErrInvalid)
	case op.Kind != Put && (op.Value != nil || op.Lease != 0):
		return fmt.Errorf("a value or lease for %q, which is not put: %w", op.Key, ErrInvalid)
	case len(op.Value) > MaxValue:
		return fmt.Errorf("value of %q, %d bytes: %w (%d)", op.Key, len(op.Value), ErrTooLarge, MaxValue)
	}
	return nil
}

// writtenOnce refuses operations of which one puts what another writes too.
// Keys deleted twice over do no harm.
func writtenOnce(ops []Op) error {
	for i, put := range ops {
		if put.Kind != Put {
			continue
		}
		for j, other := range ops {
			if i != j && other.writes() && other.touches(put.Key) {
				return fmt.Errorf("key %q is written twice: %w", put.Key, ErrInvalid)
			}
		}
	}
	return nil
}

func (op Op) touches(key string) bool {
	if op.ranges() {
		return Within(key, op.Key, op.Until)
	}
	return op.Key == key
}

// Within reports whether a key lies in [from, until), where until may be the end
// of all keys as [After] gives it.
func Within(key, from, until string) bool {
	return key >= from && (until == end || key < until)
}
