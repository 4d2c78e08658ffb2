package reporter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/stats"
)

// Reporter delivers to one place what one job does. Its methods are called one after
// the other, each with a context that ends when it takes too long; they keep to it.
// After an error the same is delivered again, though some of it may have arrived. One
// that is to be told of events is a [Listener], too.
type Reporter interface {
	// Windows delivers windows, at least one, by rising number. They never change, and
	// may be kept.
	Windows(ctx context.Context, batch []Window) error
	// Result delivers what the job came to, after all windows.
	Result(ctx context.Context, r *Result) error
	// Close lets go of what was held. Nothing follows it.
	Close() error
}

// Listener is a reporter that is told of a job's events in place of its windows.
type Listener interface {
	// Event delivers one event, by rising number.
	Event(ctx context.Context, ev *hyperscale.Event) error
}

// Item is one thing that a job made known, with its number: a window, or else an event.
type Item struct {
	Seq    uint64
	Window *stats.Window
	Event  *hyperscale.Event
}

// Window is a window with its number in the job, from 1. It is of one share, or the
// sum of what many did of a workflow in one interval.
type Window struct {
	Seq uint64
	*stats.Window
}

// Ending is how a job ended.
type Ending struct {
	Phase   hyperscale.Phase
	Reason  string          // in words; "": Phase says all
	Summary *report.Summary // nil: it has no result, and only a [Listener] is told of that
}

// Result is what a job came to.
type Result struct {
	Ending
	Missing uint64 // windows or events that the reporter was not given, for it took none for too long
}

// Job is what a reporter is told of the job before anything else.
type Job struct {
	ID      hyperscale.JobID // a local run is named, too; "": not known yet, and nothing is delivered
	Name    string           // of the reporter, among those of the job
	Plan    *hyperscale.Plan
	Node    hyperscale.NodeID // who delivers
	Version string            // of this program
	Begun   time.Time         // wall clock at job time 0
}

// At is the wall clock at a job time, to the millisecond.
func (j *Job) At(t hyperscale.JobTime) time.Time { return j.Begun.Add(t).Truncate(time.Millisecond) }

// Key names a delivery: whoever gets the same again can leave it. Seq 0 is the result.
func (j *Job) Key(seq uint64) string {
	if seq == 0 {
		return fmt.Sprintf("%s/%s/result", j.ID, j.Name)
	}
	return fmt.Sprintf("%s/%s/%d", j.ID, j.Name, seq)
}

// ErrRefused is the kind of errors of which another attempt is of no use: the other
// side does not take what it is given, or not from us.
var ErrRefused = errors.New("refused")

// Refused makes an error one of kind [ErrRefused].
func Refused(format string, args ...any) error {
	return refusal{fmt.Errorf(format, args...)}
}

type refusal struct{ error }

func (refusal) Is(target error) bool { return target == ErrRefused }
func (r refusal) Unwrap() error      { return r.error }

// Later is an error after which the other side wants to be left alone for a while.
type Later struct {
	Err   error
	After time.Duration
}

// Error implements error.
func (l *Later) Error() string { return l.Err.Error() }

// Unwrap gives the error itself.
func (l *Later) Unwrap() error { return l.Err }
