package owner

import (
	"time"

	"hyperscale/internal/link"
)

// orders are what holders of shares are told. They are idempotent: one that a
// statement shows was not heard is given again.
type orders struct{ *desk }

// order gives a child an order.
func (o *orders) order(to link.Holder, order link.Order, p *Prepare) {
	if to == (link.Holder{}) {
		return
	}
	o.command(Tell{To: to, Order: order, Prepare: p})
}

// command says an order under the owner's name.
func (o *orders) command(t Tell) {
	t.Order.Epoch, t.Order.Owner = o.cfg.Epoch, o.cfg.Self
	o.say(t)
}

// hand tells the holder of a share to make ready.
func (o *orders) hand(l *leg, s *share) {
	s.told = o.now
	order := link.Order{Do: link.Prepare, Hold: o.hold(l, s.Share), Cores: s.Cores, Number: uint64(len(o.state.Adjustments))}
	if o.cfg.OneHolder {
		order.Autonomy = o.cfg.Autonomy
	}
	o.order(s.Holder, order, o.prepare(l, s))
}

// prepare is what the holder of a share is to make ready.
func (o *orders) prepare(l *leg, s *share) *Prepare {
	p := l.prepare(s)
	p.Adjustments = o.state.adjustments()
	if !o.cfg.Datacenters || l.begun() {
		return p
	}
	p.Group = l.Want
	for _, other := range o.state.Legs {
		for _, with := range other.of(s.Holder.Node) {
			if other.Want == l.Want && other.Stage == preparing && with.placed() {
				p.Parts++
			}
		}
	}
	return p
}

// start tells the holder of a share to start.
func (o *orders) start(l *leg, s *share) {
	s.told = o.now
	o.order(s.Holder, o.startOrder(l, s), nil)
}

// startOrder is the order to start a share; when is filled in as it goes out.
func (o *orders) startOrder(l *leg, s *share) link.Order {
	return link.Order{
		Do: link.Start, Epoch: o.cfg.Epoch, Owner: o.cfg.Self, Hold: o.hold(l, s.Share), Number: o.state.Start, Begin: l.Begin,
	}
}

// halted tells the holder of a share how its leg is ended.
func (o *orders) halted(l *leg, s *share) {
	if o.late(l, s) {
		return // told when it says what time it is for it
	}
	s.told = o.now
	order := link.Order{Do: link.Stop, Hold: o.hold(l, s.Share), Within: l.Stop.Within}
	if l.Stop.Cut {
		order.Do = link.Cut
	} else if o.clock.runs {
		order.Within = max(l.Stop.At+l.Stop.Within-o.at(), 0)
	}
	if o.clock.runs {
		order.At = o.at()
	}
	o.order(s.Holder, order, nil)
}

// tellAdjusted tells a holder all adjustments so far.
func (o *orders) tellAdjusted(l *leg, s *share) {
	last := o.state.lastOf(l.workflow())
	s.told = o.now
	o.command(Tell{To: s.Holder, Adjust: o.state.adjustments(), Order: link.Order{
		Do: link.Adjust, Hold: o.hold(l, s.Share), Number: last.Number, At: last.At,
	}})
}

// late reports whether a holder is behind, for its start came late, and has yet to
// come to the end of a load that is over by the plan: it is not cut short.
func (o *orders) late(l *leg, s *share) bool {
	over := l.over()
	return l.Stop.Cut && l.Stop.At >= over && s.ahead < -tolerable && o.at()+s.ahead < over+l.Leg.Graceful
}

// tolerable is by how much a holder may be behind before it is waited for.
const tolerable = 100 * time.Millisecond

// cutPast ends what a lost holder still runs, once the fence has passed: until then
// its slots are its own, and nobody else starts them. If nobody is to go on it ends
// at once.
func (o *orders) cutPast(l *leg, x *hole) {
	late := l.Stage == ended && l.over() != never && o.at() >= l.over()+l.Leg.Graceful // it may not have heard how its load was changed
	if x.alive && (x.Closed || l.Stop != nil || late || o.at() >= x.Fence) {
		o.order(x.Holder, link.Order{Do: link.Cut, Hold: o.hold(l, x.Share)}, nil)
	}
}
