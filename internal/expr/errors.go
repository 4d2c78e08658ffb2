package expr

import (
	"errors"
	"strings"
)

// A SyntaxError says what is wrong with a text and where. Its message follows
// the form of all plan errors: what; expected …; did you mean ….
type SyntaxError struct {
	Offset   int    // byte offset in the text that was parsed
	What     string // what was found
	Expected string // what would have been right; "" if there is no one answer
	Meant    string // a likely correction; "" if none is near
}

// Error gives the message without the offset, which the caller turns into a
// line and a column.
func (e *SyntaxError) Error() string {
	var b strings.Builder
	b.WriteString(e.What)
	if e.Expected != "" {
		b.WriteString("; expected ")
		b.WriteString(e.Expected)
	}
	if e.Meant != "" {
		b.WriteString("; did you mean ")
		b.WriteString(e.Meant)
	}
	return b.String()
}

// A BindError says that a name of a template or condition could not be resolved.
type BindError struct {
	Offset int    // byte offset of the name in the text
	Name   string // the name as written
	Err    error  // the resolver's error
}

// Error is the resolver's message, which names the name.
func (e *BindError) Error() string { return e.Err.Error() }

// Unwrap gives the resolver's error.
func (e *BindError) Unwrap() error { return e.Err }

// ErrUnset is what a [Resolver] wraps in its error for a name that is known but
// has no value (an environment variable that is not set). A template's default
// then takes its place, in a condition it counts as ""; otherwise the error is
// the plan's.
var ErrUnset = errors.New("is not set")

// NoValue is the error of an evaluation that needed a value nobody has set and
// had no default for it. A name whose value cannot serve (a bound of rand that
// is no whole number) has no value either.
type NoValue struct {
	Name string
}

// Error is the text that a step fails with: no value NAME.
func (e *NoValue) Error() string { return "no value " + e.Name }

// Offset gives the byte offset that a [SyntaxError] or [BindError] in err's
// chain carries; ok is false when there is none.
func Offset(err error) (offset int, ok bool) {
	if e, is := errors.AsType[*SyntaxError](err); is {
		return e.Offset, true
	}
	if e, is := errors.AsType[*BindError](err); is {
		return e.Offset, true
	}
	return 0, false
}
