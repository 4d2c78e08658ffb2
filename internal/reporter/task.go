package reporter

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"hyperscale"
)

// Phase is how far a reporter is with a job.
type Phase string

// The phases. A task that is not pending has nothing left to do.
const (
	Pending   Phase = ""
	Delivered Phase = "delivered" // the result, after all windows that were not dropped
	Failed    Phase = "failed"
)

// State is what is kept of a reporter's part in a job: another owner of the job goes
// on from it. Its zero value is that of a job which has not begun.
type State struct {
	Phase   Phase         `json:"phase"`
	Taken   uint64        `json:"taken"`   // what came up to this number is done with
	Missing uint64        `json:"missing"` // part of Taken: so many were dropped
	Tries   int           `json:"tries"`   // attempts in a row that failed
	Spent   time.Duration `json:"spent"`   // since the job's end, as of the last attempt that failed
	Reason  string        `json:"reason"`  // of the last attempt that failed, in words
	Begun   time.Time     `json:"begun"`   // wall clock at job time 0; zero: not known yet
}

// Limits are what a task keeps to. Zero values are the defaults.
type Limits struct {
	Queue    int           // so many wait; beyond, the oldest are dropped; 0: 600
	Batch    int           // so many in one delivery; 0: 100
	Timeout  time.Duration // of one delivery; 0: 10 s
	First    time.Duration // between the first failed attempt and the next; it doubles; 0: 500 ms
	Longest  time.Duration // … up to this; 0: 30 s
	Patience time.Duration // from the job's end until the reporter is given up; 0: 15 min
	// Tries is after how many attempts at one delivery another node is to make it, once;
	// if that fails, too, or the delivery is refused, it is left out. 0: it is made again
	// and again, and who refuses one gets no more.
	Tries int
	Of    string // what is delivered beside the result, in a word; "": window
}

// withDefaults fills in what is not set.
func (l Limits) withDefaults() Limits {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	if l.Queue == 0 {
		l.Queue = 600
	}
	if l.Batch == 0 {
		l.Batch = 100
	}
	if l.Of == "" {
		l.Of = "window"
	}
	set(&l.Timeout, 10*time.Second)
	set(&l.First, 500*time.Millisecond)
	set(&l.Longest, 30*time.Second)
	set(&l.Patience, 15*time.Minute)
	return l
}

// Event is something that happened to a task.
type Event interface{ event() }

// The events.
type (
	// Came: the job made something known. Numbers that were given before are left out.
	Came struct{ Item }

	// Ended: there is a result, and the last that comes before it has the number Last, as
	// far as that is known; 0: it is not.
	Ended struct{ Last uint64 }

	// Answered: the delivery under way was taken, or was not.
	Answered struct{ Err error }

	// GiveUp ends a task that nobody waits for any longer.
	GiveUp struct{ Reason string }

	// Tick: the time that [Task.Next] told has come. It does no harm at others.
	Tick struct{}
)

func (Came) event()     {}
func (Ended) event()    {}
func (Answered) event() {}
func (GiveUp) event()   {}
func (Tick) event()     {}

// Effect is something that is to be done, in order.
type Effect interface{ effect() }

// The effects.
type (
	// Deliver hands over what came, or, without any, the result. One is under way at a
	// time; it is answered by Answered, after Within at the latest.
	Deliver struct {
		Items     []Item
		Missing   uint64 // with the result
		Within    time.Duration
		Elsewhere bool // by another node
	}

	// Trouble is told of the first attempt of a row that failed: it is tried again.
	Trouble struct{ Err error }

	// Over is the last effect: the task came to its outcome.
	Over struct{ Outcome Outcome }
)

func (Deliver) effect() {}
func (Trouble) effect() {}
func (Over) effect()    {}

// Outcome is what became of a reporter's part in a job.
type Outcome struct {
	State
	of string // what was delivered, in a word
}

// Text is the outcome in words, to come after the reporter's name.
func (o Outcome) Text() string {
	switch {
	case o.Phase == Failed && o.Tries == 0:
		return "failed: " + o.Reason
	case o.Phase == Failed:
		return "failed after " + hyperscale.Plural(o.Tries, "attempt") + ": " + o.Reason
	case o.Missing > 0:
		why := cmp.Or(o.Reason, "it took none for too long, or the owner of the job changed")
		return fmt.Sprintf("has the result, but not %s of %s: %s", hyperscale.Plural(o.Missing, o.of), hyperscale.Count(o.Taken), why)
	}
	return "delivered"
}

// Task decides what is done for one reporter of one job. It reads no clock and calls
// nobody: a [Line] carries out what it wants.
//
//	          Came             Ended           Answered nil          Answered error
//	idle      deliver          deliver result  –                     –
//	under way queue            remember        the next; result: delivered   wait
//	waiting   queue            remember        –                     –
//	over      –                –               –                     –
//
// An error of kind [ErrRefused] ends it from under way: failed. So does any other
// once the patience after the job's end is spent. While the job runs it waits as
// long as need be, and drops the oldest once its queue is full. With a number of tries
// what was tried so often, or was refused, is left out, and the next is delivered.
type Task struct {
	limits  Limits
	state   State
	queue   []Item
	under   int  // so many at the head of the queue are under way
	busy    bool // something is under way
	result  bool // … it is the result
	other   bool // another node is to make the next attempt
	ended   bool
	endedAt time.Duration // less what was spent before
	again   time.Duration // not before; 0: at once
}

// NewTask goes on from a state.
func NewTask(l Limits, s State) *Task { return &Task{limits: l.withDefaults(), state: s} }

// State is what is to be kept of the task.
func (t *Task) State() State { return t.state }

// Begun tells the wall clock at job time 0; the first that is told holds.
func (t *Task) Begun(at time.Time) {
	if t.state.Begun.IsZero() {
		t.state.Begun = at
	}
}

// Next is when a Tick is due; false: at no time.
func (t *Task) Next() (time.Duration, bool) {
	return t.again, t.again > 0 && !t.busy && t.state.Phase == Pending
}

// Step decides what an event means.
func (t *Task) Step(now time.Duration, ev Event) []Effect {
	if t.state.Phase != Pending {
		return nil
	}
	var effects []Effect
	switch ev := ev.(type) {
	case Came:
		t.came(ev)
	case Ended:
		if !t.ended {
			t.skip(ev.Last + 1)
			t.ended, t.endedAt = true, now-t.state.Spent
			t.again = min(t.again, now+t.limits.First) // whoever waits for it need not wait for long
		}
	case Answered:
		if !t.busy {
			return nil
		}
		effects = t.answered(now, ev.Err)
	case GiveUp:
		if t.state.Reason != "" {
			ev.Reason += "; before that: " + t.state.Reason
		}
		return t.over(Failed, ev.Reason)
	}
	t.trim()
	return append(effects, t.next(now)...)
}

// came takes something into the queue.
func (t *Task) came(ev Came) {
	last := t.state.Taken
	if n := len(t.queue); n > 0 {
		last = t.queue[n-1].Seq
	}
	if ev.Seq <= last || t.ended {
		return
	}
	t.skip(ev.Seq)
	t.queue = append(t.queue, ev.Item)
}

// skip counts those up to a number that nobody has any more: the owner before took
// them along.
func (t *Task) skip(next uint64) {
	last := t.state.Taken
	if n := len(t.queue); n > 0 {
		last = t.queue[n-1].Seq
	}
	if next > last+1 {
		t.state.Missing += next - last - 1
		if len(t.queue) == 0 {
			t.state.Taken = next - 1
		}
	}
}

// trim drops the oldest that are too many. While a delivery is under way,
// which is not for long, more may wait.
func (t *Task) trim() {
	if n := len(t.queue) - t.limits.Queue; n > 0 && !t.busy {
		t.state.Taken = t.queue[n-1].Seq
		t.state.Missing += uint64(n)
		t.queue, t.other = t.queue[n:], false
	}
}

// answered takes in what became of the delivery.
func (t *Task) answered(now time.Duration, err error) []Effect {
	t.busy = false
	if err == nil {
		if t.result {
			t.state.Tries = 0
			if t.limits.Tries == 0 || t.state.Missing == 0 { // else it is why some are
				t.state.Reason = ""
			}
			return t.over(Delivered, t.state.Reason)
		}
		t.done()
		return nil
	}
	t.state.Tries++
	t.state.Reason = err.Error()
	if t.ended {
		t.state.Spent = now - t.endedAt
	}
	wait := t.wait(err)
	refused, few := errors.Is(err, ErrRefused), t.limits.Tries > 0
	switch {
	case few && (refused || t.other) && !t.result:
		t.state.Missing += uint64(t.under)
		first := t.state.Tries == 1
		if t.done(); !first {
			return nil
		}
		return []Effect{Trouble{err}}
	case refused, t.other, t.ended && t.state.Spent+wait > t.limits.Patience:
		return t.over(Failed, t.state.Reason)
	case few && t.state.Tries >= t.limits.Tries:
		t.other, wait = true, 0
	}
	t.under, t.again = 0, now+wait
	if t.state.Tries == 1 {
		return []Effect{Trouble{err}}
	}
	return nil
}

// done goes on behind what was under way.
func (t *Task) done() {
	t.state.Taken = t.queue[t.under-1].Seq
	t.queue, t.under = t.queue[t.under:], 0
	t.state.Tries, t.again, t.other = 0, 0, false
}

// wait is how long the next attempt is put off.
func (t *Task) wait(err error) time.Duration {
	wait := t.limits.Longest
	if n := t.state.Tries - 1; n < 16 {
		wait = min(t.limits.First<<n, wait)
	}
	var later *Later
	if errors.As(err, &later) {
		wait = max(wait, min(later.After, 5*t.limits.Longest))
	}
	return wait
}

// next delivers what is to be delivered now.
func (t *Task) next(now time.Duration) []Effect {
	if t.busy || now < t.again || len(t.queue) == 0 && !t.ended || t.state.Phase != Pending {
		return nil
	}
	t.busy, t.result = true, len(t.queue) == 0
	if t.result {
		return []Effect{Deliver{Missing: t.state.Missing, Within: t.limits.Timeout, Elsewhere: t.other}}
	}
	t.under = min(len(t.queue), t.limits.Batch)
	return []Effect{Deliver{Items: t.queue[:t.under:t.under], Within: t.limits.Timeout, Elsewhere: t.other}}
}

func (t *Task) over(p Phase, reason string) []Effect {
	t.state.Phase, t.state.Reason = p, reason
	t.queue, t.under, t.busy = nil, 0, false
	return []Effect{Over{Outcome{t.state, t.limits.Of}}}
}
