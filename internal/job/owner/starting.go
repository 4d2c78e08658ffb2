package owner

import (
	"cmp"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/job/account"
	"hyperscale/internal/link"
)

// How long before its moment a start is told, beyond the way of the order; and of
// a leg that begins while others run, how long until it is written down.
const (
	startLead = 20 * time.Millisecond
	laterLead = 60 * time.Millisecond
	partLead  = 250 * time.Millisecond // more, where children have theirs to tell, and write it down first
)

// resend is how long an order is given to show in a statement.
const resend = 700 * time.Millisecond

// settling begins legs whose children are ready, and ends those of which nothing
// more is expected.
type settling struct{ *course }

// settle starts legs whose children are ready, and ends those of which nothing
// more is expected.
func (o *settling) settle() {
	if o.over != nil {
		return
	}
	if o.state.Start == 0 {
		if o.up == nil { // else the parent says when it begins
			o.settleFirst()
		}
	} else {
		for _, l := range o.state.Legs {
			o.settleLeg(l)
		}
	}
	o.owe()
	for _, l := range slices.Clone(o.state.Legs) {
		o.settleEnd(l)
	}
	if o.over != nil {
		return
	}
	o.state.Legs = slices.DeleteFunc(o.state.Legs, func(l *leg) bool {
		return l.Stage == ended && !slices.ContainsFunc(l.Holes, func(x *hole) bool { return !o.settled(l, x) })
	})
}

// settleFirst starts the job once everybody in it is ready.
func (o *settling) settleFirst() {
	some := false
	for _, l := range o.state.Legs {
		if l.Stage == ended {
			continue
		}
		if l.Stage != preparing || !l.all((*share).ready) {
			return
		}
		some = true
	}
	if !some {
		return
	}
	for _, l := range o.state.Legs {
		if l.Stage == preparing {
			l.Stage, l.Begin = starting, 0
			o.begin(l)
		}
	}
	o.state.Start = uint64(o.cfg.Epoch)
	o.change()
	o.then(o.launch)
}

// more is how much longer before its moment a start is told where children are
// datacenters.
func (o *settling) more() time.Duration {
	if o.cfg.Datacenters {
		return partLead
	}
	return 0
}

// begin notes that all holders of a leg are about to be told to start it: from here on
// windows of theirs are to come.
func (o *settling) begin(l *leg) {
	for _, s := range l.Shares {
		s.Started = s.Started || s.placed() && !s.over()
		o.marks().Expect(l.workflow(), s.Share)
	}
}

// launch begins job time: everybody starts at one moment.
func (o *settling) launch() {
	var longest time.Duration
	for _, h := range o.state.holders() {
		longest = max(longest, o.trip(h))
	}
	moment := o.now + startLead + o.more() + longest/2
	o.clock.set(moment, 0)
	o.state.Began = o.cfg.Clock.Add(moment).UTC()
	for _, l := range slices.Clone(o.state.Legs) {
		if l.Stage == starting {
			o.run(l)
		}
	}
}

// settleLeg starts a leg, or a share that was given on, once who is to run it is
// ready.
func (o *settling) settleLeg(l *leg) {
	switch {
	case o.up != nil && l.Stage == preparing && l.Go && o.clock.runs && l.all((*share).ready):
		l.Stage = starting
		o.begin(l)
		o.change()
		o.then(func() { o.runNow(l) })
	case o.up == nil && l.Stage == preparing && o.clock.runs && l.all((*share).ready):
		l.Stage, l.Begin = starting, o.at()+laterLead+o.more()
		o.begin(l)
		o.change()
		o.then(func() { o.runLater(l) })
	case l.Stage == running && o.clock.runs && l.looked != o.changes+o.news:
		l.looked = o.changes + o.news
		for _, s := range l.Shares {
			if !s.over() && !s.Started && s.ready() {
				s.Started = true
				o.change()
				o.start(l, s)
			}
		}
	}
}

// runLater starts a leg whose beginning was written down in time, or writes down
// a later one.
func (o *settling) runLater(l *leg) {
	if l.Stage != starting {
		return
	}
	if late := o.at() + startLead/2 - l.Begin; late > 0 {
		l.Begin += 2*late + laterLead + o.more()
		o.change()
		o.then(func() { o.runLater(l) })
		return
	}
	o.run(l)
}

// runNow starts a leg that the parent lets begin, unless it has ended meanwhile.
func (o *settling) runNow(l *leg) {
	if l.Stage == starting {
		o.run(l)
	}
}

// run tells all holders of a leg to start: that they would be was saved. Those who
// came to it since are told later.
func (o *settling) run(l *leg) {
	l.Stage = running
	for _, s := range l.Shares {
		if s.placed() && s.Started && !s.over() && l.Stop == nil {
			s.told = o.now
			o.do(Tell{To: s.Holder, Order: o.startOrder(l, s)})
		}
	}
	began := job.LegBegan{Workflow: l.workflow(), Leg: l.Leg.Leg, At: l.Begin}
	if len(l.changes) > 0 {
		began.Length = l.length()
	}
	o.job(began)
}

// settleEnd tells the job of a leg of which nothing more is expected.
func (o *settling) settleEnd(l *leg) {
	if l.Stage == ended || o.over != nil {
		return
	}
	unbegun := !l.begun()
	if unbegun && l.Stop == nil {
		return
	}
	if l.Stage == running && o.clock.runs && (o.at() >= l.over() || o.onlyKept(l)) {
		for _, s := range l.Shares {
			if s.bare() {
				o.release(l, s) // nobody covered it before the load was over
			}
		}
	}
	if !l.all(func(*share) bool { return false }) {
		return
	}
	l.Stage = ended
	o.change()
	if unbegun {
		o.handUp(l, nil, broken{State: link.Refused, Reason: "it was never started"})
		o.job(job.LegEnded{Workflow: l.workflow(), Leg: l.Leg.Leg, Failed: true, Reason: "it was never started"})
		return
	}
	sum := o.sum(l)
	ended := o.story.ended(sum)
	o.handUp(l, &link.Ending{
		Failed: sum.Failed, Interrupted: sum.Interrupted, Reason: sum.Reason, Exports: sum.Exports, NoRows: sum.NoRows,
		Waived: sum.Waived, Stopped: sum.Stopped,
	}, broken{})
	o.job(ended)
}

// sum is what all shares of a leg came to.
func (o *settling) sum(l *leg) account.Leg {
	o.join() // a probe is judged by all its windows
	all := account.Leg{
		Workflow: l.workflow(), Number: l.Leg.Leg, Load: l.Leg.Load, Share: l.whole(), Begin: l.Begin, End: o.at(),
	}
	for _, s := range l.Shares {
		e := cmp.Or(s.Ending, &link.Ending{})
		all.Stopped = max(all.Stopped, e.Stopped)
		all.NoRows += e.NoRows
		all.Waived += e.Waived
		all.Failed = all.Failed || e.Failed
		all.Interrupted = all.Interrupted || e.Interrupted
		if all.Reason == "" {
			all.Reason = e.Reason
		}
		all.Exports = append(all.Exports, e.Exports...)
		if s.Closed && l.Leg.Load.Kind == hyperscale.LoadOnce {
			all.Failed, all.Reason = true, "its worker was lost"
		}
	}
	if all.Stopped == 0 {
		all.Stopped = min(all.End, l.over())
	}
	if o.cfg.Datacenters {
		all.Parts = o.partsOf(l, all.Stopped)
	}
	return all
}

// partsOf says what each datacenter had of a leg whose load ended then.
func (o *settling) partsOf(l *leg, stopped hyperscale.JobTime) []account.Part {
	var list []account.Part
	had := func(share hyperscale.Share, until hyperscale.JobTime, waived time.Duration) {
		if to, given := o.state.givenTo(o.hold(l, share)); given {
			list = append(list, account.Part{Place: string(to.Node), Share: share, Until: until, Waived: waived})
		}
	}
	for _, s := range l.Shares {
		e := cmp.Or(s.Ending, &link.Ending{})
		had(s.Share, stopped, e.Waived)
	}
	for _, x := range l.Holes {
		if x.Fence != never { // else the share is still there
			had(x.Share, min(x.Fence, stopped), 0)
		}
	}
	return list
}

// learn takes what time it is at a moment from who told it. It never falls.
func (o *settling) learn(moment time.Duration, at hyperscale.JobTime) {
	o.dark.until = 0
	o.clock.set(moment, max(at, o.clock.last))
	o.clock.told = true
}

// resume goes on with a job whose start had been written down by an owner before,
// now that somebody tells what time it is.
func (o *settling) resume() {
	for _, l := range o.state.Legs {
		if l.Stage == starting {
			o.run(l)
		}
	}
	o.heardBefore()
	o.seconds = max(o.seconds, o.clock.last.Truncate(time.Second)-time.Second)
}
