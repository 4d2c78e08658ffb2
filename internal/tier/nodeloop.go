package tier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/member"
	"hyperscale/internal/own"
	"hyperscale/internal/store"
	"hyperscale/internal/tier/node"
	"hyperscale/internal/tier/seat"
)

// tickEvery is how often time alone is told to the node.
const tickEvery = 100 * time.Millisecond

// nodeLoop is the goroutine of the node: it gives it what comes and performs what it
// wants.
type nodeLoop struct{ *Tier }

// run runs the node's state machine.
func (t nodeLoop) run(ctx context.Context) error {
	n := node.New(t.cfg.Node)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			t.takeIn(ctx, n) // who has spoken is heard before it is judged
			t.step(ctx, n, node.Tick{})
			workers, cores := n.Room()
			t.room.Store(&seat.Room{Workers: workers, Cores: cores})
		case <-t.node.Bell():
			t.takeIn(ctx, n)
		}
	}
}

// takeIn gives the node all that waits for it.
func (t nodeLoop) takeIn(ctx context.Context, n *node.Node) {
	for _, item := range t.node.Take() {
		switch item := item.(type) {
		case func(*node.Node):
			item(n)
		case node.Event:
			t.step(ctx, n, item)
		}
	}
}

// step gives the node an event. One that makes it panic is passed over: it
// concerns one child or one job, and the others are not to suffer for it.
func (t nodeLoop) step(ctx context.Context, n *node.Node, ev node.Event) {
	defer func() {
		if r := recover(); r != nil {
			_ = panicked(t.log, fmt.Sprintf("taking in a %T", ev), r) // it was logged
		}
	}()
	if t.cfg.trapNode != nil {
		t.cfg.trapNode(ev)
	}
	if t.bundle == nil {
		t.performAll(ctx, n.Step(t.now(), ev))
		return
	}
	events, effects := t.bundle.In(t.now(), ev)
	for _, e := range effects {
		t.do(ctx, e)
	}
	for _, ev := range events {
		t.performAll(ctx, n.Step(t.now(), ev))
	}
}

// performAll does what the node wants: what is for datacenters goes to managers of theirs.
func (t nodeLoop) performAll(ctx context.Context, effects []node.Effect) {
	for _, e := range effects {
		if t.bundle == nil {
			t.do(ctx, e)
			continue
		}
		for _, e := range t.bundle.Out(t.now(), e) {
			t.do(ctx, e)
		}
	}
}

// do does one thing.
func (t nodeLoop) do(ctx context.Context, e node.Effect) {
	switch e := e.(type) {
	case node.ToChild:
		t.tellChild(e)
	case node.HangUp:
		if out := t.lines.child(e.Child, e.Conn); out != nil {
			out.hangUp(errors.New(e.Reason))
		}
	case node.ToPeer:
		t.lines.say(e.Node, e.Said)
	case node.ToJob:
		if d := t.registry.desk(e.Job); d != nil {
			d.put(e.Event)
		}
	case node.Unclaimed:
		t.unclaimed(ctx, e)
	case node.Fenced:
		if d := t.registry.desk(e.Job); d != nil {
			d.fenced("a child heard of a higher epoch")
		}
	case node.Relayed:
		t.relayed(e)
	case node.Offered:
		t.offered(e)
	case node.Noted:
		t.log.Warn(e.What, "datacenter", e.Datacenter, "detail", e.Detail)
	}
}

// tellChild says something to a child: receipts on the stream on which windows come.
func (t nodeLoop) tellChild(e node.ToChild) {
	if r, ok := e.Down.(link.Receipt); ok {
		t.lines.acknowledge(e.Child, r)
		return
	}
	if out := t.lines.child(e.Child, e.Conn); out != nil {
		out.box.Put(e.Down)
	}
}

// jobTime is what time it is for a job by the children that this node hears; 0: none of
// them runs it, or ctx has ended.
func (t *Tier) jobTime(ctx context.Context, job hyperscale.JobID) hyperscale.JobTime {
	at, _ := ask(ctx, t, func(n *node.Node) hyperscale.JobTime { return n.JobTime(t.now(), job) }) // nobody waits for it any more
	return at
}

// isOver reports whether a job has ended or never was, by a linearizable read, and if it
// ended, what its head says. A store that does not answer says neither.
func isOver(ctx context.Context, st store.Store, job hyperscale.JobID) (own.Head, bool) {
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	saved, err := own.Look(ctx, st, job)
	if errors.Is(err, own.ErrNotFound) {
		return own.Head{}, true
	}
	return saved.Head, err == nil && saved.Head.Phase.Terminal() && !saved.Head.Pending
}

// unclaimed makes a child drop what it holds of a job that is over.
func (t nodeLoop) unclaimed(ctx context.Context, e node.Unclaimed) {
	if _, known := t.registry.ownerOf(e.Job); known {
		return // its owner will speak to it
	}
	t.unowned.do(errand{e.Job, e.Child}, func() {
		head, over := isOver(ctx, t.deps.Store, e.Job)
		if !over {
			return
		}
		t.node.Put(func(n *node.Node) { t.performAll(ctx, n.Disown(e.Child, e.Job, head.Phase, head.Reason)) })
	})
}

// relayed takes a window that came through another node of the tier.
func (t nodeLoop) relayed(e node.Relayed) {
	w, err := readWindow(e.Delivery)
	if err != nil {
		t.log.Warn("a window passed on can't be read", "from", e.Worker.Node, "by", e.By, "reason", err)
		return
	}
	if d := t.registry.desk(e.Delivery.Hold.Job); d != nil {
		d.put(owner.Delivered{Holder: e.Worker, Delivery: e.Delivery, Window: w})
	}
}

// Heard takes in what the failure detector says: who runs it gives it this.
func (t *Tier) Heard(ev member.Event) {
	t.registry.heard(start{ev.ID, ev.Boot}, ev.Kind)
	switch ev.Kind {
	case member.Joined, member.Updated:
		t.heirs.Put(own.MemberBack{Node: ev.ID, Boot: ev.Boot})
	case member.Dead, member.Left:
		t.heirs.Put(own.MemberGone{Node: ev.ID, Boot: ev.Boot, Left: ev.Kind == member.Left})
	}
}

// Draining takes in whether a start of another node says that it takes nothing new.
func (t *Tier) Draining(id hyperscale.NodeID, boot hyperscale.Boot, drains bool) {
	t.registry.drain(start{id, boot}, drains)
}

// offered answers an offer that came in a talk.
func (t nodeLoop) offered(e node.Offered) {
	o := t.inside.Load()
	if o == nil || t.draining.Load() {
		t.lines.say(e.From, link.Taken{Job: e.Offer.Job, Refused: "this node takes nothing new"})
		return
	}
	o.running.Go(func() error {
		t.lines.say(e.From, o.accept(o.ctx, e.From, e.Offer))
		return nil
	})
}
