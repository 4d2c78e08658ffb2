package rpc

import (
	"slices"
	"time"
)

// Breaker keeps calls from a peer that fails. It is a pure value, told the time
// with each question, and belongs to one goroutine, like the record of the peer
// that it is part of: when the record goes, the breaker goes with it.
//
//	state      what happens                          next
//	closed     the third failure within 30 s         open
//	open       10 s since it opened or last failed   half-open, with one call
//	open       a failure is heard of                 open, for 10 s from now
//	half-open  its one call succeeds                 closed
//	half-open  its one call fails                    open
//	half-open  its one call was given up             half-open, lets one through
//
// The result of a call that began before the state last changed does not count.
// The zero value is closed, with these numbers.
type Breaker struct {
	Failures int           // that open it; 0: 3
	Within   time.Duration // 0: 30 s
	Pause    time.Duration // before one call is tried; 0: 10 s

	state  BreakerState
	change uint64      // number of the last change of state
	failed []time.Time // closed: failures that still count
	since  time.Time   // open: when the pause began
	trying bool        // half-open: the one call is under way
}

// BreakerState is where a breaker is.
type BreakerState int

// The states of a breaker.
const (
	BreakerClosed BreakerState = iota
	BreakerOpen
	BreakerHalfOpen
)

// String is the state in words.
func (s BreakerState) String() string {
	return [...]string{"closed", "open", "half-open"}[s]
}

// Permit is the leave to make one call, to be given back with its outcome.
type Permit struct{ change uint64 }

// Outcome is what a call says about the peer.
type Outcome int

// The outcomes of calls.
const (
	Succeeded Outcome = iota
	Failed
	GivenUp // by the caller: says nothing about the peer
)

// OutcomeOf takes every answer for a success, also a refusal: a peer that
// refuses is there.
func OutcomeOf(err error) Outcome {
	switch KindOf(err) {
	case Unavailable, OutOfTime, Internal:
		return Failed
	case Cancelled:
		return GivenUp
	}
	return Succeeded
}

// Ask asks for leave to make a call. Without it the call must not be made.
func (b *Breaker) Ask(now time.Time) (Permit, bool) {
	if b.state == BreakerOpen && now.Sub(b.since) >= orTime(b.Pause, 10*time.Second) {
		b.to(BreakerHalfOpen)
	}
	switch {
	case b.state == BreakerOpen, b.state == BreakerHalfOpen && b.trying:
		return Permit{}, false
	case b.state == BreakerHalfOpen:
		b.trying = true
	}
	return Permit{b.change}, true
}

// Done tells the outcome of a call that was permitted.
func (b *Breaker) Done(now time.Time, p Permit, outcome Outcome) {
	switch {
	case p.change != b.change:
	case outcome == Failed:
		b.Fault(now)
	case b.state == BreakerHalfOpen && outcome == Succeeded:
		b.to(BreakerClosed)
	case b.state == BreakerHalfOpen:
		b.trying = false
	}
}

// Fault tells of a failure that was heard of otherwise than by a permitted call.
func (b *Breaker) Fault(now time.Time) {
	switch b.state {
	case BreakerOpen:
		b.since = now
	case BreakerHalfOpen:
		b.to(BreakerOpen)
		b.since = now
	case BreakerClosed:
		within := orTime(b.Within, 30*time.Second)
		b.failed = slices.DeleteFunc(b.failed, func(t time.Time) bool { return now.Sub(t) >= within })
		b.failed = append(b.failed, now)
		most := b.Failures
		if most <= 0 {
			most = 3
		}
		if len(b.failed) >= most {
			b.to(BreakerOpen)
			b.since = now
		}
	}
}

// State is where the breaker is.
func (b *Breaker) State() BreakerState { return b.state }

func (b *Breaker) to(s BreakerState) {
	b.state, b.trying, b.failed = s, false, nil
	b.change++
}

func orTime(t, or time.Duration) time.Duration {
	if t > 0 {
		return t
	}
	return or
}
