package owner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/job/account"
	"hyperscale/internal/link"
)

// stating listens to what children say that they hold.
type stating struct{ *settling }

// stated compares what a child says that it holds with what it is to hold, and
// orders the difference.
func (o *stating) stated(ev Stated) {
	k := o.kids[ev.Node]
	switch {
	case k == nil:
		k = &kid{Holder: ev.Holder}
		o.kids[ev.Node] = k
	case ev.Boot < k.Boot:
		return
	case ev.Boot > k.Boot:
		o.lost(Lost{Holder: k.Holder, Dead: true, Sure: true})
		*k = kid{Holder: ev.Holder}
	}
	k.trip, k.heard = ev.Trip, o.now
	if o.over != nil {
		for i := range ev.Held {
			if o.end == closed {
				o.order(ev.Holder, o.farewell(ev.Held[i].Hold), nil)
			}
		}
		return
	}
	o.bury(ev.Holder)
	said := make(map[link.Hold]bool, len(ev.Held))
	for i := range ev.Held {
		said[ev.Held[i].Hold] = true
		o.heard(k, &ev.Held[i])
	}
	for _, l := range o.state.Legs {
		for _, s := range l.of(ev.Node) {
			if s.Holder == ev.Holder && !s.over() && !said[o.hold(l, s.Share)] {
				o.missing(l, s)
			}
		}
	}
	o.has(ev.Holder, said)
	o.rejoin(ev.Holder)
}

// heard takes in what a child says of one hold. Of what it was never given it has
// nothing to say: neither what time it is, nor that the job was cancelled.
func (o *stating) heard(k *kid, h *link.Held) {
	if h.Workflow == "" { // a datacenter has the job
		o.cancelledAt(k.Node, "", h.Cancelled)
		return
	}
	if to, given := o.state.givenTo(h.Hold); !given || to.Node != k.Node {
		o.heardOther(k, h)
		return
	}
	o.above.hear(o.now, h.Silence)
	if h.Start != 0 && h.Start == o.state.Start {
		o.hearClock(k, h)
		if h.Silence > o.cfg.Gone {
			o.abandon(h.Silence)
			return
		}
	}
	if o.dark.until != 0 && h.Cancelled.By != "" {
		return // what time it was is not known; it is stated again
	}
	o.cancelledAt(k.Node, h.Workflow, h.Cancelled)
	l, s := o.state.share(h.Hold)
	if s == nil || s.Holder != k.Holder || s.over() || h.Start != 0 && h.Start != o.state.Start {
		o.heardOther(k, h)
		return
	}
	o.stands(k, s, h)
	if o.up != nil && h.Lowered != "" {
		l.Lowered = h.Lowered
	}
	if h.Lowered != "" && o.story.lowered(account.Lowering{Workflow: l.workflow(), Node: string(k.Node), How: h.Lowered}) {
		o.tell(hyperscale.Event{What: "lowered", Workflow: l.workflow(), Node: k.Node, Detail: strings.TrimPrefix(h.Lowered, l.workflow()+": ")})
	}
	if h.Aborted != "" && l.Aborted == "" {
		l.Aborted = h.Aborted
		o.change()
		o.job(job.StepAborted{Workflow: l.workflow(), Step: h.Aborted})
	}
	o.reconcile(l, s, h)
}

// stands takes in how far a share is, by its holder.
func (o *stating) stands(k *kid, s *share, h *link.Held) {
	if !s.seen {
		s.rose = o.now
	}
	if !s.seen || s.state != h.State {
		o.news++
	}
	s.seen, s.state = true, h.State
	if h.State == link.Running && o.clock.runs && h.JobTime > 0 { // before its start all say 0
		s.ahead = h.JobTime + k.trip/2 - o.at()
		if off := s.ahead.Abs(); h.Cut == 0 && k.trip > 0 && !o.clock.told && off > o.state.Skew {
			o.state.Skew = off
			o.note()
		}
	}
	if r := s.Reserve.most(reserve{h.Reserve}); r != s.Reserve {
		s.Reserve = r
		o.note()
		if o.cfg.OneHolder { // it waits for the receipt
			o.change()
			o.acknowledge(h.Hold, k.Holder)
		}
	}
	if h.Cut > s.cut {
		s.cut, s.rose = h.Cut, o.now
	}
	if n := h.Adjustment; n > s.Known && n <= uint64(len(o.state.Adjustments)) && h.JobTime < o.state.Adjustments[n-1].At-heed {
		s.Known = h.Adjustment
		o.note()
	}
}

// heed is how long before its time a holder that knows of an adjustment goes by it then;
// one that heard later may go on as before until its next window begins.
const heed = 100 * time.Millisecond

// hearClock takes the job time from a child that runs, if ours does not run.
func (o *stating) hearClock(k *kid, h *link.Held) {
	told := h.JobTime + k.trip/2
	switch {
	case !o.clock.runs:
		o.learn(o.now, told)
		o.resume()
	case o.clock.told && told > o.at()+ahead:
		o.clock.set(o.now, told) // what told it before was under way for longer
	}
}

// ahead is how far a child's job time may be before ours.
const ahead = 50 * time.Millisecond

// reconcile orders again what a statement shows was not heard, and deals with
// what can't go on.
func (o *stating) reconcile(l *leg, s *share, h *link.Held) {
	quiet := o.now-s.told >= resend
	switch h.State {
	case link.Prepared:
		if s.Started && quiet && l.Stage == running && o.clock.runs {
			o.start(l, s)
		}
	case link.Refused:
		o.refused(l, s, h)
	case link.Running:
		switch last := o.state.lastOf(l.workflow()); {
		case l.Stop != nil && quiet:
			o.halted(l, s)
		case last != nil && h.Adjustment < last.Number && quiet:
			o.tellAdjusted(l, s)
		}
		if o.now-s.rose > o.cfg.Stalled {
			o.order(s.Holder, link.Order{Do: link.Drop, Hold: h.Hold}, nil)
			o.lose(l, s, loss{what: "gives no windows", dead: !o.cfg.OneHolder}) // which says whether it obeys
		}
	case link.Stopped, link.Broken:
		if o.marks().Mark(l.workflow(), s.Share) >= h.Cut {
			why := h.Reason
			if h.State == link.Stopped {
				why = "stopped, for it heard no owner"
			}
			if o.up != nil && h.State == link.Stopped && o.above.age(o.now) >= o.cfg.Autonomy {
				o.quit(l, why)
				return
			}
			o.order(s.Holder, link.Order{Do: link.Drop, Hold: h.Hold}, nil)
			o.lose(l, s, loss{what: why, dead: true, told: true, again: h.State == link.Stopped})
		}
	}
}

// heardOther deals with a hold that the child is not to have, or not any more.
func (o *stating) heardOther(k *kid, h *link.Held) {
	if l, x := o.state.hole(h.Hold); x != nil && x.Holder == k.Holder && h.Start == o.state.Start {
		o.heardLost(l, x, h)
		return
	}
	if l, s := o.state.share(h.Hold); s != nil && s.Ended && l.Stage != ended {
		return // its last window is being acknowledged
	}
	if h.State == link.Refused && h.ForGood {
		o.refusedToo(k, h)
	}
	o.order(k.Holder, link.Order{Do: link.Drop, Hold: h.Hold}, nil)
}

// missing deals with a share that its holder does not name among what it holds.
func (o *stating) missing(l *leg, s *share) {
	switch {
	case o.now-s.told < resend:
	case !s.Started && l.Stage != running:
		o.hand(l, s)
	case !s.Started && !s.seen:
		o.hand(l, s)
	case o.untold():
	default:
		o.lose(l, s, loss{what: "does not have it any more", dead: true, again: o.keptFor(l)})
	}
}

// mostTries is how often a leg is begun anew whose children refuse it, or that
// has no load and lost its worker.
const mostTries = 3

// mostUnfit is by how many children a leg that has not begun may be refused for good.
// Then it is taken that all will.
const mostUnfit = 20

// refused deals with a child that can't run a share. Before the leg runs all its
// cores are given back, and asked for again; not of those that refuse it for good.
func (o *stating) refused(l *leg, s *share, h *link.Held) {
	reason := fmt.Sprintf("%s refuses it: %s", s.Holder.Node, h.Reason)
	o.tell(hyperscale.Event{What: "refused", Workflow: l.workflow(), Node: s.Holder.Node, Detail: h.Reason})
	o.order(s.Holder, link.Order{Do: link.Drop, Hold: h.Hold}, nil)
	switch {
	case !h.ForGood:
		l.Tries++
	case !l.begun(): // else its hole keeps it out
		l.shun(s.Holder, reason)
	}
	if l.Tries > mostTries || !l.begun() && len(l.Unfit) > mostUnfit {
		o.job(job.LegBroken{Workflow: l.workflow(), Leg: l.Leg.Leg, Reason: reason})
		return
	}
	if l.Stage == running || l.Stage == starting {
		o.lose(l, s, loss{what: "refuses it: " + h.Reason, dead: true, idle: true})
		return
	}
	for _, other := range l.Shares {
		o.order(other.Holder, link.Order{Do: link.Drop, Hold: o.hold(l, other.Share)}, nil)
	}
	l.Stage = wanting
	l.divide(nil)
	o.want(l)
}

// refusedToo notes that another child refuses for good what one before it did.
func (o *stating) refusedToo(k *kid, h *link.Held) {
	for _, l := range o.state.Legs {
		if l.workflow() != h.Workflow || l.Stage != wanting && l.Stage != preparing || slices.Contains(l.Unfit, k.Holder) {
			continue
		}
		o.change()
		l.shun(k.Holder, fmt.Sprintf("%s refuses it: %s", k.Node, h.Reason))
		if l.Stage == wanting {
			o.want(l)
		}
	}
}

// shun notes that a child refuses a leg for good.
func (h *head) shun(by link.Holder, reason string) {
	h.Refusal = reason
	if !slices.Contains(h.Unfit, by) {
		h.Unfit = append(h.Unfit, by)
	}
}
