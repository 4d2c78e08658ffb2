package owner

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
)

// losing takes shares from their holders: those that are lost, and those of legs
// that go on no more.
type losing struct{ *placing }

// loss is how a share was lost.
type loss struct {
	what  string        // in words, of its holder
	dead  bool          // its holder says no more: what it did ended now
	again bool          // its holder may have it again
	idle  bool          // its holder began nothing
	blind bool          // when its holder ended nobody can tell
	told  bool          // its holder told all that it did
	since time.Duration // dead: when it ended, on the owner's clock; 0: now
}

// lost gives up what a child holds that is not heard any more.
func (o *losing) lost(ev Lost) {
	if o.over != nil {
		return
	}
	what := "is not heard any more"
	switch {
	case ev.Dead && o.cfg.OneHolder && !ev.Sure:
		what = "ended its stream"
	case ev.Dead:
		what = "is gone"
	}
	o.unheard(ev)
	for _, l := range slices.Clone(o.state.Legs) {
		for _, s := range l.of(ev.Node) {
			if s.Holder == ev.Holder && !s.over() {
				o.lose(l, s, loss{what: what, dead: o.died(ev), blind: o.dark.blind, since: ev.Since, again: o.keptFor(l)})
			}
		}
	}
}

// lose takes a share from its holder. Before the load begins it is simply given to
// another; else there is a hole where its last windows would have been.
func (o *losing) lose(l *leg, s *share, why loss) {
	o.change()
	holder := s.Holder
	if !l.begun() {
		o.giveBack(l, s, why)
		return
	}
	if l.Leg.Load.Kind == hyperscale.LoadOnce {
		if l.Tries++; l.Tries > mostTries {
			o.tell(o.lossEvent(l, holder, why.what))
			o.release(l, s)
			return
		}
	}
	why.idle = why.idle || !s.Started
	waits := l.short() // for cores, which were asked for: there will be more of them
	x := o.open(l, s, why)
	s.Holder, s.seen, s.Started = link.Holder{}, false, false
	if l.Stop != nil {
		o.release(l, s) // it was ending anyway: nobody goes on
		o.tell(o.lossEvent(l, holder, why.what))
		return
	}
	if o.keptFor(l) {
		o.tell(o.lossEvent(l, holder, why.what+"; the job goes on without it"))
		return
	}
	if x.Barred {
		o.tell(o.lossEvent(l, holder, why.what+"; its slots wait until it must have stopped, at "+hyperscale.FormatDuration(o.stops(x).Round(100*time.Millisecond))+" of the job"))
		return
	}
	if !waits {
		o.want(l)
	}
	o.tell(o.lossEvent(l, holder, why.what+"; its slots are given to others"))
}

func (o *book) lossEvent(l *leg, h link.Holder, detail string) hyperscale.Event {
	return hyperscale.Event{What: o.child() + " lost", Workflow: l.workflow(), Node: h.Node, Detail: detail}
}

// child is what a child is.
func (o *book) child() string {
	if o.cfg.Datacenters {
		return "datacenter"
	}
	return "worker"
}

// giveBack takes a share that was not started from its holder.
func (o *losing) giveBack(l *leg, s *share, why loss) {
	o.tell(o.lossEvent(l, s.Holder, why.what+" before the start"))
	for _, other := range l.Shares {
		if other != s {
			o.order(other.Holder, link.Order{Do: link.Drop, Hold: o.hold(l, other.Share)}, nil)
		}
	}
	l.Stage = wanting
	l.divide(nil)
	o.want(l)
}

// next is where another goes on with work that has no times: what the holder did
// not reach, by what it last said, or before it said anything by what it may do
// unasked. What has no load is done again.
func (x *hole) next(l *leg) reserve {
	if l.Leg.Load.Kind == hyperscale.LoadOnce || x.Idle {
		return x.First
	}
	places, passes := schedule.Ahead(l.Leg.Load, x.Share)
	unasked := reserve{link.Reserve{Place: x.First.Place + places, Pass: x.First.Pass + passes}}
	return x.Reserve.most(unasked)
}

// halt ends a leg before its time, because the job says so.
func (o *losing) halt(workflow string, number int, h halt) {
	for _, l := range o.state.Legs {
		if l.workflow() != workflow || l.Leg.Leg != number || l.Stage == ended {
			continue
		}
		l.Stop = &h
		o.change()
		for _, s := range l.Shares {
			switch {
			case s.over():
			case s.placed() && s.Started:
				o.halted(l, s)
			default:
				o.release(l, s)
			}
		}
	}
}

// release lets a share go of which nothing is expected any more. What its holder
// did not tell is lost, and what nobody began of it was missed.
func (o *losing) release(l *leg, s *share) {
	s.Closed = true
	o.change()
	if s.placed() {
		o.order(s.Holder, link.Order{Do: link.Drop, Hold: o.hold(l, s.Share)}, nil)
	}
	if l.begun() && !slices.ContainsFunc(l.Holes, func(x *hole) bool { return x.Share == s.Share }) {
		o.open(l, s, loss{idle: !s.Started, blind: o.dark.blind})
	}
}
