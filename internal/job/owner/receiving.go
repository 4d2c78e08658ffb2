package owner

import (
	"slices"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// receiving takes the windows that come, and looks at each second of job time when
// they have.
type receiving struct {
	*course
	received [stats.Broken + 1]uint64   // by receipt, since they were taken
	forgers  map[hyperscale.NodeID]bool // those who sent windows of others' shares: told of once each
}

// delivered receives a window. It is acknowledged once what was made of it is
// saved.
func (o *receiving) delivered(ev Delivered) {
	h := ev.Hold
	if o.over != nil { // what comes after the end changes nothing
		if o.end == closed {
			o.unknown(ev)
		}
		return
	}
	switch to, given := o.state.givenTo(h); {
	case !given || ev.Start != o.state.Start:
		o.unknown(ev)
		return
	case to.Node != ev.Node:
		o.forged(ev)
		return
	}
	l, s := o.state.share(h)
	if ev.Ending != nil && ev.Ending.Cancelled.By != "" {
		o.cancelledAt(ev.Node, h.Workflow, ev.Ending.Cancelled)
	}
	receipt := o.marks().Receive(ev.Window)
	o.received[receipt]++
	switch receipt {
	case stats.Merged:
		o.under(ev.Window)
		o.joints.Add(ev.Window, o.partOf(h))
		o.acknowledge(h, ev.Holder)
		o.lostWith(h, ev)
		if s != nil && ev.Window.Final {
			o.finished(l, s, ev)
		}
	case stats.Stray:
		o.acknowledge(h, ev.Holder)
		o.past(h)
		o.strayLost(ev)
	case stats.Duplicate:
		o.acknowledge(h, ev.Holder)
	case stats.Gap:
		o.acknowledge(h, ev.Holder).again = true
		o.change()
	case stats.Broken:
		o.dishonest(l, s, ev)
	}
}

// dishonest takes a turn from a holder whose windows can't be.
func (o *receiving) dishonest(l *leg, s *share, ev Delivered) {
	o.change()
	o.say(Acknowledge{To: ev.Holder, Receipt: link.Receipt{Hold: ev.Hold, Broken: true, Epoch: o.cfg.Epoch}})
	o.tell(hyperscale.Event{What: "refused", Workflow: ev.Hold.Workflow, Node: ev.Node, Detail: "it sent windows that no honest worker sends"})
	if s != nil && !s.over() {
		o.lose(l, s, loss{what: "sent windows that no honest worker sends", dead: !o.cfg.OneHolder})
	}
}

// lostWith notes what a window tells that was lost at its holder: a datacenter says so
// with its last, a worker's engine is found out.
func (o *receiving) lostWith(h link.Hold, ev Delivered) {
	if o.cfg.Datacenters {
		o.lostThere(ev)
		return
	}
	o.engineLost(h, ev)
}

// unknown tells the holder of something that is not known, or not any more, to
// keep nothing of it.
func (o *receiving) unknown(ev Delivered) {
	o.do(Acknowledge{To: ev.Holder, Receipt: link.Receipt{Hold: ev.Hold, Unknown: true, Epoch: o.cfg.Epoch}})
}

// forged refuses a window of a turn that was given to another. Whoever holds the
// turn goes on.
func (o *receiving) forged(ev Delivered) {
	o.received[stats.Broken]++
	o.do(Acknowledge{To: ev.Holder, Receipt: link.Receipt{Hold: ev.Hold, Broken: true, Epoch: o.cfg.Epoch}})
	if o.forgers[ev.Node] {
		return
	}
	o.forgers[ev.Node] = true
	o.tell(hyperscale.Event{What: "refused", Workflow: ev.Hold.Workflow, Node: ev.Node, Detail: "it sent windows of a share that another holds"})
}

// engineLost notes what was lost with an engine in a holder that lives: its window
// tells how many iterations, and nobody how many passes were begun beside.
func (o *receiving) engineLost(h link.Hold, ev Delivered) {
	var x hole
	l, s := o.state.share(h)
	if s != nil {
		x.lost = lost{Share: s.Share, First: s.First, Reserve: s.Reserve}
	} else if lost, found := o.state.hole(h); found != nil {
		l, x = lost, *found
	}
	closed := l != nil && l.Leg.Load.Kind == hyperscale.LoadClosed
	if l == nil || ev.Window.Slots.Lost == 0 && !(closed && silent(ev.Window)) {
		return
	}
	passes := uint64(0)
	if closed {
		passes = x.begun(l, l.peak(), int64(never), o.marks().Standing(l.workflow(), x.Share).Slots)
	}
	o.story.loss(stats.NewLoss(string(ev.Node), l.flow, ev.Window, passes))
}

// strayLost notes what was lost with an engine of a holder that went on with slots which
// others had taken over: the target may have seen it.
func (o *receiving) strayLost(ev Delivered) {
	w := ev.Window
	if w.Slots.Lost == 0 {
		return
	}
	i := slices.IndexFunc(o.cfg.Plan.Workflows, func(f hyperscale.Workflow) bool { return f.Name == w.ID.Workflow })
	o.story.loss(stats.NewSilence(string(ev.Node), &o.cfg.Plan.Workflows[i], w.From, w.To, w.Slots.Lost))
}

// lostThere notes what a datacenter lost of a part, which its last window tells.
func (o *receiving) lostThere(ev Delivered) {
	if ev.Ending == nil {
		return
	}
	for _, l := range ev.Ending.Losses {
		o.story.loss(stats.Loss(l))
	}
}

// silent reports whether a window tells of nothing, not even that there were virtual
// users: it stands for an engine that died.
func silent(w *stats.Window) bool {
	return w.To > w.From && w.VUTime == 0 && w.Due == 0 && w.Stretch != stats.InGrace && w.Watch == stats.Readings{}
}

// TakeReceived is how many windows were judged each way, by [stats.Receipt],
// since it was asked last.
func TakeReceived(o *Owner) [stats.Broken + 1]uint64 {
	n := o.receiving.received
	o.receiving.received = [stats.Broken + 1]uint64{}
	return n
}

// finished takes the last window of a share.
func (o *receiving) finished(l *leg, s *share, ev Delivered) {
	s.Ended = true
	if ev.Ending != nil {
		s.Ending = ev.Ending
	}
	o.change()
	o.partOver(l, ev.Node, ev.Ending)
}

// second is the end of a second of job time, when the windows of it have come.
func (o *receiving) second(second hyperscale.JobTime) {
	o.seconds = second
	o.join()
	for _, text := range o.story.judged(second) {
		o.change()
		o.job(job.ThresholdBroken{Threshold: text})
	}
	for _, l := range o.state.Legs {
		for _, x := range l.Holes {
			o.cutPast(l, x)
		}
	}
	o.show = true
	o.note()
	o.need.due = o.pace.due(second, len(o.events) > 0) || o.need.due
}
