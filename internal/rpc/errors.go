package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hyperscale"
)

// Kind is what sort of error a call came to. A Kind is an error itself, so that
// errors.Is(err, rpc.NotFound) holds for every [Error] of that kind.
type Kind string

// The kinds. Of Unavailable, Overloaded, RateLimited and NotOwner the call may
// be made again, elsewhere or later; all else would come to the same.
const (
	Invalid         Kind = "INVALID"         // the call says what can't be; Faults names the fields
	NotFound        Kind = "NOT_FOUND"       // there is no such job, node or workflow
	NotOwner        Kind = "NOT_OWNER"       // another node owns the job: Owner, Address
	Fenced          Kind = "FENCED"          // a higher epoch of the job was heard of: Epoch
	Conflict        Kind = "CONFLICT"        // not in this state of the job
	TooLarge        Kind = "TOO_LARGE"       // above a limit: Size, Limit, Field
	Overloaded      Kind = "OVERLOADED"      // no room now: Retry
	RateLimited     Kind = "RATE_LIMITED"    // the caller asks too often: Retry
	WrongCluster    Kind = "WRONG_CLUSTER"   // caller and node are of different clusters or environments
	WrongVersion    Kind = "WRONG_VERSION"   // caller and node don't speak the same protocol
	Unauthenticated Kind = "UNAUTHENTICATED" // the caller did not say or prove who it is
	Unauthorized    Kind = "UNAUTHORIZED"    // the caller may not do this
	Unavailable     Kind = "UNAVAILABLE"     // nobody answers now; whether the call was carried out is open but for Undone
	Unsupported     Kind = "UNSUPPORTED"     // the node can't do this
	Cancelled       Kind = "CANCELLED"       // the caller gave up
	OutOfTime       Kind = "OUT_OF_TIME"     // the caller's deadline passed
	Internal        Kind = "INTERNAL"        // a fault of ours
)

// Error is the kind as words.
func (k Kind) Error() string { return strings.ToLower(strings.ReplaceAll(string(k), "_", " ")) }

// Error is what a call failed with, the same on both sides of the wire. Which
// fields count depends on the kind.
type Error struct {
	Kind    Kind
	Text    string            // what was being done, to what, and what to do about it
	Owner   hyperscale.NodeID // NotOwner: who does; "": unknown
	Address string            // NotOwner: where it is
	Epoch   hyperscale.Epoch  // NotOwner, Fenced: the highest known
	Retry   time.Duration     // when to try again; 0: not said
	Faults  []Fault           // Invalid
	Size    int64             // TooLarge, in bytes
	Limit   int64             // TooLarge, in bytes
	Field   string            // TooLarge: what takes most room
	Undone  bool              // Unavailable, OutOfTime, Cancelled: nobody was reached, or who was turned the call away
}

// Fault is what is wrong with one field of a call.
type Fault struct{ Field, Text string }

// Error says all that people want to read.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.Error())
	if e.Text != "" {
		b.WriteString(": " + e.Text)
	}
	for i, f := range e.Faults {
		b.WriteString([]string{": ", "; "}[min(i, 1)] + f.Field + ": " + f.Text)
	}
	return b.String()
}

// Is reports whether target is the error's kind.
func (e *Error) Is(target error) bool {
	kind, ok := target.(Kind)
	return ok && kind == e.Kind
}

// Errorf makes an error of a kind.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// InvalidField makes an error for one field that is wrong.
func InvalidField(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Faults: []Fault{{field, fmt.Sprintf(format, args...)}}}
}

// KindOf is the kind of any error: Cancelled and OutOfTime for those of a
// context, Internal for those that are not ours. "" if err is nil.
func KindOf(err error) Kind {
	var e *Error
	var kind Kind
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	case errors.As(err, &kind):
		return kind
	case errors.Is(err, context.Canceled):
		return Cancelled
	case errors.Is(err, context.DeadlineExceeded):
		return OutOfTime
	}
	return Internal
}

// Again reports whether the same call may succeed later or elsewhere.
func (k Kind) Again() bool {
	return k == Unavailable || k == Overloaded || k == RateLimited || k == NotOwner
}

// Undone reports whether nothing came of a call that failed: it was refused, or
// nobody was reached. Of all else it is open.
func Undone(err error) bool {
	var e *Error
	switch KindOf(err) {
	case "", Internal:
		return false
	case Unavailable, OutOfTime, Cancelled:
		return errors.As(err, &e) && e.Undone
	}
	return true
}

// tooLarge says what is too large, by how much, and what to do.
func tooLarge(what, field string, size, limit int64, remedy string) *Error {
	if field == "" {
		field = what
	}
	return &Error{
		Kind: TooLarge, Size: size, Limit: limit, Field: field,
		Text: fmt.Sprintf("%s has %d bytes, at most %d are taken; most of it is in %s: %s", what, size, limit, field, remedy),
	}
}
