package owner

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// settleTime is how long after a whole second of job time its windows are waited
// for before the second is judged and saved.
const settleTime = 150 * time.Millisecond

// desk is where what is to be said waits until what it follows from is saved.
type desk struct {
	number  uint64 // of the last save
	under   bool   // it is under way …
	waiting []Effect
	thens   []func() // … and so are what is said and done after it

	changed bool // something changed that must be saved before anything is said
	noted   bool // something changed that may wait …
	due     bool // … and has waited
	shape   bool // who holds what changed
	held    []Effect
	after   []func()

	events  []hyperscale.Event
	acks    acks // to be given with the next save
	show    bool
	windows []*stats.Window // joints since the last Show
	written written
}

// written is how much was saved since the last base.
type written struct {
	base, since int
	began       bool
}

// ack is a receipt that is due.
type ack struct {
	hold  link.Hold
	to    link.Holder
	again bool // something is missing
}

// acks are receipts in the order in which they came due, one for each hold.
type acks struct {
	list []ack
	at   map[link.Hold]int // place in the list
}

// of gives the receipt of a hold, for whoever holds it now.
func (a *acks) of(h link.Hold, to link.Holder) *ack {
	i, found := a.at[h]
	if !found {
		if a.at == nil {
			a.at = map[link.Hold]int{}
		}
		i = len(a.list)
		a.at[h] = i
		a.list = append(a.list, ack{hold: h})
	}
	a.list[i].to = to
	return &a.list[i]
}

// change notes that something changed which must be saved before anything is
// said. note is for what may wait until the second is over.
func (o *Owner) change() { o.desk.changed, o.desk.shape, o.wanted.known = true, true, false }
func (o *Owner) note()   { o.desk.noted, o.desk.shape, o.wanted.known = true, true, false }

// say does something outward once everything that it may follow from is saved.
func (o *Owner) say(e Effect) {
	switch d := &o.desk; {
	case d.changed:
		d.held = append(d.held, e)
	case d.under:
		d.waiting = append(d.waiting, e)
	default:
		o.do(e)
	}
}

// then does something once what changed now is saved.
func (o *Owner) then(f func()) { o.desk.after = append(o.desk.after, f) }

// tell puts an event into the history of the job.
func (o *Owner) tell(ev hyperscale.Event) {
	if ev.At == 0 {
		ev.At = o.at()
	}
	o.desk.events = append(o.desk.events, ev)
	o.note()
}

// order gives a child an order.
func (o *Owner) order(to link.Holder, order link.Order, p *Prepare) {
	if to == (link.Holder{}) {
		return
	}
	o.command(Tell{To: to, Order: order, Prepare: p})
}

// command says an order under the owner's name.
func (o *Owner) command(t Tell) {
	t.Order.Epoch, t.Order.Owner = o.cfg.Epoch, o.cfg.Self
	o.say(t)
}

// save writes down what changed, if nothing is being written down already.
func (o *Owner) save() {
	d := &o.desk
	if d.under || !d.changed && !(d.noted && d.due) {
		return
	}
	o.join()
	d.number++
	o.state.Done = max(o.state.Done, o.story.done())
	e := Save{
		Number: d.number, Clock: o.at(), Phase: o.Phase(), Done: o.state.Done, Events: d.events,
	}
	if o.over != nil {
		e.Base, e.Result, e.Reason = true, o.result(), o.over.Reason
	} else {
		o.record(&e)
	}
	for _, a := range d.acks.list {
		d.held = append(d.held, Acknowledge{To: a.to, Receipt: link.Receipt{
			Hold: a.hold, Seq: o.marks().Mark(a.hold.Workflow, a.hold.Share), Again: a.again, Epoch: o.cfg.Epoch,
		}})
	}
	d.acks = acks{}
	if d.show {
		d.held = append(d.held, Show{Progress: o.story.progress(), Done: e.Done, Windows: d.windows})
		d.windows = nil
	}
	d.under, d.waiting, d.thens = true, d.held, d.after
	d.held, d.after, d.events = nil, nil, nil
	d.changed, d.noted, d.due, d.shape, d.show = false, false, false, false, false
	o.do(e)
}

// saved says and does what waited for the save.
func (o *Owner) saved(ev Saved) {
	d := &o.desk
	if !d.under || ev.Number != d.number {
		return
	}
	said, thens := d.waiting, d.thens
	d.under, d.waiting, d.thens = false, nil, nil
	for _, e := range said {
		o.do(e)
	}
	for _, f := range thens {
		f()
	}
	if o.over != nil && !d.changed {
		o.gone = true
		o.do(Over{Phase: o.over.Phase})
	}
}
