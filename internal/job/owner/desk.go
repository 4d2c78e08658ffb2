package owner

import (
	"cmp"
	"fmt"
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
	*book
	effects []Effect // of this step
	end     end

	number uint64 // of the last save
	under  bool   // it is under way …
	sent   page   // … and this is said and done after it
	next   page   // said and done after the next save

	need    need
	changes uint64 // how often who holds what may have changed
	events  []hyperscale.Event
	acks    acks // to be given with the next save
	show    bool
	windows []*stats.Window // joints since the last Show
	written written
	pace    pace
}

// page is what is said and done once a save is durable.
type page struct {
	say []Effect
	do  []func()
}

// end is how far the end of the job is written down.
//
//	ongoing → closing → closed → leaving → gone
type end int

const (
	ongoing end = iota // the job goes on, or that it is over is not written yet
	closing            // its result is being written …
	closed             // … and was; the parent has not acknowledged all
	leaving            // the ownership is being given up, with the result or after it
	gone               // it was: nothing is left to be said
)

// need is what must be saved, and when.
type need struct {
	now   bool // before anything is said
	later bool // when time asks for a save
	due   bool // it does
	shape bool // who holds what is to be saved too
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
// said. note is for what may wait until time asks for a save.
func (d *desk) change() { d.need.now, d.need.shape, d.changes = true, true, d.changes+1 }
func (d *desk) note()   { d.need.later, d.need.shape, d.changes = true, true, d.changes+1 }

// say does something outward once everything that it may follow from is saved.
func (d *desk) say(e Effect) {
	switch {
	case d.need.now:
		d.next.say = append(d.next.say, e)
	case d.under:
		d.sent.say = append(d.sent.say, e)
	default:
		d.do(e)
	}
}

// then does something once what changed now is saved.
func (d *desk) then(f func()) { d.next.do = append(d.next.do, f) }

// tell puts an event into the history of the job.
func (d *desk) tell(ev hyperscale.Event) {
	if ev.At == 0 {
		ev.At = d.at()
	}
	d.events = append(d.events, ev)
	d.note()
}

// moved tells that the job has another owner in one of its datacenters.
func (d *desk) moved(ev Moved) {
	if d.over == nil {
		d.tell(hyperscale.Event{What: "datacenter's owner changed", Node: ev.To, Detail: fmt.Sprintf("it was %s; epoch %d there", ev.From, ev.Epoch)})
	}
}

// save writes down what changed, if nothing is being written down already.
func (d *desk) save() {
	if d.under || !d.need.now && !(d.need.later && d.need.due) {
		return
	}
	d.join()
	d.number++
	d.state.Done = max(d.state.Done, d.story.done())
	e := Save{
		Number: d.number, Timed: d.need.due, Clock: d.at(), Phase: d.phase(), Done: d.state.Done, Events: d.events,
	}
	switch e.Phase {
	case hyperscale.Waiting:
		e.Reason = d.why
	case hyperscale.Running, hyperscale.Finishing:
		e.Reason = cmp.Or(d.without(), d.story.paused())
	}
	if d.over != nil {
		d.conclude(&e)
	} else {
		d.record(&e)
	}
	for _, a := range d.acks.list {
		d.next.say = append(d.next.say, Acknowledge{To: a.to, Receipt: link.Receipt{
			Hold: a.hold, Seq: d.marks().Mark(a.hold.Workflow, a.hold.Share), Again: a.again, Epoch: d.cfg.Epoch, Reserve: d.granted(a.hold),
		}})
	}
	if d.show {
		d.next.say = append(d.next.say, Show{
			Progress: d.story.progress(), Done: e.Done, Windows: d.windows, First: d.numbered.count - uint64(len(d.windows)) + 1,
		})
		d.windows = nil
	}
	d.under, d.sent, d.next = true, d.next, page{}
	d.need, d.events, d.acks, d.show = need{}, nil, acks{}, false
	d.do(e)
}

// saved says and does what waited for the save.
func (d *desk) saved(ev Saved) {
	if !d.under || ev.Number != d.number {
		return
	}
	sent := d.sent
	d.under, d.sent, d.pace.every = false, page{}, ev.Every
	for _, e := range sent.say {
		d.do(e)
	}
	for _, f := range sent.do {
		f()
	}
	if d.up != nil {
		d.up.release()
	}
	switch d.end {
	case closing:
		d.end = closed
	case leaving:
		d.end = gone
		d.do(Over{Phase: d.over.Phase})
	}
}

// glimpse shows watchers the numbers of a second that no save goes with. They are no
// promise: a new owner gets all of it again. But one whose save does not get through
// shows nothing, and windows are shown when they are saved, each once.
func (d *desk) glimpse() {
	if d.show && !d.under {
		d.show = false
		d.do(Show{Progress: d.story.progress(), Done: d.state.Done})
	}
}

// conclude writes down that the job is over, and what came of it; once that is
// done, only that nothing keeps its owner any more.
func (d *desk) conclude(e *Save) {
	e.Ended, e.Reason = true, d.over.Reason
	if d.end == ongoing {
		e.Base, e.Result = true, d.result()
		if d.up != nil {
			d.lift()
			e.Record = d.remains()
		}
	}
	d.end = leaving
	if d.keeps() {
		e.Pending, d.end = true, closing
	}
}

// keeps reports whether the job, which is over, needs an owner yet: its parent is
// to acknowledge all, and has time to.
func (d *desk) keeps() bool {
	return d.up != nil && d.up.waits() && (d.up.until == 0 || d.now < d.up.until)
}

// do is what is done now. When a start is meant is reckoned at the last moment: it
// may have waited for a save.
func (d *desk) do(e Effect) {
	if t, tell := e.(Tell); tell && t.Order.Do == link.Start {
		way := d.trip(t.To) / 2
		t.Order.At = max(t.Order.Begin, d.clock.at(d.now)+way)
		t.Order.In = d.clock.when(t.Order.At) - d.now - way
		if _, s := d.state.share(t.Order.Hold); s != nil {
			s.ahead = way // so much at most, until it says what time it is for it
		}
		e = t
	}
	d.effects = append(d.effects, e)
}

// acknowledge remembers that a holder is to hear how far its turn is once that is
// saved.
func (d *desk) acknowledge(h link.Hold, to link.Holder) *ack {
	d.need.later = true // who holds what is as before
	return d.acks.of(h, to)
}

// join counts the joints of the windows received.
func (d *desk) join() {
	for _, w := range d.joints.Cut() {
		d.story.count(w, d.placeOf(w))
		d.windows = append(d.windows, w)
		if d.cfg.Numbered {
			d.numbered.add(w)
		}
		if d.up != nil {
			d.up.open.Add(w, w.ID.Share)
		}
	}
}
