package owner

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// queued is a want that waits, and what people were told of it.
type queued struct {
	link.Waiting
	said string        // the reason that they were told …
	at   time.Duration // … and when
}

// sayWaiting is how long a reason stays told: in a busy datacenter it changes from
// second to second.
const sayWaiting = 10 * time.Second

// queued takes in that a want waits. People hear of it once, and again when it
// waits for something else.
func (o *placing) queued(ev Queued) {
	l := o.wanting(ev.Want)
	if l == nil || o.over != nil {
		return
	}
	q := o.queue[ev.Want]
	q.Waiting = ev.Waiting
	if q.said == "" || q.said != ev.Why && o.now-q.at >= sayWaiting {
		q.said, q.at, o.why = ev.Why, o.now, ev.Why
		e := hyperscale.Event{What: "waiting", Detail: ev.String()}
		if o.state.Start != 0 {
			e.Workflow = l.workflow()
		}
		o.change()
		o.tell(e)
	}
	if o.queue == nil {
		o.queue = map[uint64]queued{}
	}
	o.queue[ev.Want] = q
}

// wanting is a leg for whose want of that number there are no cores yet; nil: none.
func (o *placing) wanting(want uint64) *leg {
	for _, l := range o.state.Legs {
		if l.Want == want && l.Stop == nil && l.waits() {
			return l
		}
	}
	return nil
}

// waits reports whether a leg has no cores yet for itself, or for a cover.
func (l *leg) waits() bool { return l.Stage == wanting || l.short() }

// Waiting says for what the job waits that has not begun; zero: it does not, or
// the placer has not answered yet.
func (o *Owner) Waiting() link.Waiting {
	if o.phase() != hyperscale.Waiting {
		return link.Waiting{}
	}
	for _, l := range o.state.Legs {
		if l.waits() {
			return o.placing.queue[l.Want].Waiting
		}
	}
	return link.Waiting{}
}

// forget drops what is known of wants that are none any more.
func (o *placing) forget() {
	for want := range o.queue {
		if o.wanting(want) == nil {
			delete(o.queue, want)
		}
	}
}
