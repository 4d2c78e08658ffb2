package owner

import (
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
)

// change is what became different of who holds what since it was last saved. Since
// nothing was saved that is all of it: a base is read like any other change.
//
// It is found by comparing each share with what was saved of it, so that nobody who
// changes one has to say so.
type change struct {
	Start       uint64
	Turns       map[string]hyperscale.Turn
	Legs        []legChange // in order; one that is not named is gone
	Wants       uint64
	Given       []given // since
	Adjustments []adjustment
	Done        float64
	Skew        time.Duration
	Began       time.Time
	Above       hyperscale.Epoch  `json:",omitzero"`
	Cancels     map[string]string `json:",omitempty"`
}

// legChange is what became different of one leg.
type legChange struct {
	Was    int           // its place when it was last saved, from 1; 0: it is new
	Leg    *job.StartLeg `json:",omitzero"` // of a new one
	Head   head
	Shares []edit[kept] `json:",omitempty"`
	Holes  []edit[lost] `json:",omitempty"`
}

// edit is a step through a list as it was last saved, that makes of it the list as
// it is: so many stay, then so many go, then this one comes.
type edit[V any] struct {
	Keep int `json:",omitzero"`
	Skip int `json:",omitzero"`
	Put  *V  `json:",omitzero"`
}

// saved is what was last saved of an item of a list, and where it stood there. The
// zero value: it never was.
type saved[V comparable] struct {
	place int // from 1
	as    V
}

// legSaved is what of a leg was last saved.
type legSaved struct{ place, shares, holes int }

// traced is an item of a list that knows what was saved of it.
type traced[V comparable] interface {
	trace() (now V, before *saved[V])
}

func (s *share) trace() (kept, *saved[kept]) { return s.kept, &s.saved }
func (x *hole) trace() (lost, *saved[lost])  { return x.lost, &x.saved }

// changes is what became different since the last save, which this is from now on.
// Whole: as if nothing had been saved.
func (st *state) changes(whole bool) change {
	if whole {
		st.told = 0
	}
	c := change{
		Start: st.Start, Turns: st.Turns, Wants: st.Wants, Given: st.Given[st.told:], Adjustments: st.Adjustments, Done: st.Done, Skew: st.Skew, Began: st.Began,
		Above: st.Above, Cancels: st.Cancels,
	}
	st.told = len(st.Given)
	for i, l := range st.Legs {
		if whole {
			l.saved = legSaved{}
		}
		e := legChange{Was: l.saved.place, Head: l.head}
		if e.Was == 0 {
			e.Leg = &l.Leg
		}
		e.Shares = edits[kept](l.Shares, l.saved.shares)
		e.Holes = edits[lost](l.Holes, l.saved.holes)
		l.saved = legSaved{place: i + 1, shares: len(l.Shares), holes: len(l.Holes)}
		c.Legs = append(c.Legs, e)
	}
	return c
}

// edits are the steps from a list of so many items that was saved to the one that
// is; what is left after the last stays. Items come and go, but never change their
// order.
func edits[V comparable, T traced[V]](list []T, before int) []edit[V] {
	steps := []edit[V]{{}}
	next := 0 // in the list that was
	for i, item := range list {
		now, was := item.trace()
		stood := was.place > next && was.place <= before
		if stood {
			steps = skip(steps, was.place-1-next)
			next = was.place
		}
		switch {
		case stood && now == was.as:
			steps = keep(steps)
		case stood:
			steps = put(skip(steps, 1), now)
		default:
			steps = put(steps, now)
		}
		*was = saved[V]{place: i + 1, as: now}
	}
	steps = skip(steps, before-next)
	if last := steps[len(steps)-1]; last.Skip == 0 && last.Put == nil {
		steps = steps[:len(steps)-1]
	}
	return steps
}

// keep lets one more item stay.
func keep[V any](steps []edit[V]) []edit[V] {
	last := &steps[len(steps)-1]
	if last.Skip > 0 || last.Put != nil {
		return append(steps, edit[V]{Keep: 1})
	}
	last.Keep++
	return steps
}

// skip lets so many go.
func skip[V any](steps []edit[V], n int) []edit[V] {
	last := &steps[len(steps)-1]
	switch {
	case n == 0:
	case last.Put != nil:
		steps = append(steps, edit[V]{Skip: n})
	default:
		last.Skip += n
	}
	return steps
}

// put lets one come.
func put[V any](steps []edit[V], v V) []edit[V] {
	last := &steps[len(steps)-1]
	if last.Put != nil {
		return append(steps, edit[V]{Put: &v})
	}
	last.Put = &v
	return steps
}

// apply makes of the state that was the one that is.
func (st *state) apply(c change) error {
	legs := make([]*leg, 0, len(c.Legs))
	for _, e := range c.Legs {
		l := &leg{}
		switch {
		case e.Was > len(st.Legs) || e.Was < 0 || e.Was == 0 && e.Leg == nil:
			return fmt.Errorf("leg %d of %d became different", e.Was, len(st.Legs))
		case e.Was > 0:
			l = st.Legs[e.Was-1]
		default:
			l.Leg = *e.Leg
		}
		l.head = e.Head
		shares, err := edited(l.Shares, e.Shares, func(k kept) *share { return &share{kept: k} })
		if err != nil {
			return fmt.Errorf("the shares of %s: %w", l.workflow(), err)
		}
		holes, err := edited(l.Holes, e.Holes, func(x lost) *hole { return &hole{lost: x} })
		if err != nil {
			return fmt.Errorf("the holes of %s: %w", l.workflow(), err)
		}
		l.Shares, l.Holes, l.found = shares, holes, nil
		legs = append(legs, l)
	}
	st.Start, st.Turns, st.Wants, st.Adjustments, st.Done, st.Skew, st.Began = c.Start, c.Turns, c.Wants, c.Adjustments, c.Done, c.Skew, c.Began
	st.Above, st.Cancels = c.Above, c.Cancels
	st.Legs, st.Given = legs, append(st.Given, c.Given...)
	return nil
}

// edited is a list after steps.
func edited[V, T any](list []T, steps []edit[V], made func(V) T) ([]T, error) {
	var now []T
	for _, e := range steps {
		if e.Keep < 0 || e.Skip < 0 || e.Keep > len(list) || e.Skip > len(list)-e.Keep {
			return nil, fmt.Errorf("%d stay and %d go of %d", e.Keep, e.Skip, len(list))
		}
		now = append(now, list[:e.Keep]...)
		list = list[e.Keep+e.Skip:]
		if e.Put != nil {
			now = append(now, made(*e.Put))
		}
	}
	return append(now, list...), nil
}
