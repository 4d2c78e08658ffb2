package tier

import (
	"context"
	"errors"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/member"
	"hyperscale/internal/own"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier/node"
)

// tickEvery is how often time alone is told to the node.
const tickEvery = 100 * time.Millisecond

// runNode runs the node's state machine.
func (t *Tier) runNode(ctx context.Context) error {
	n := node.New(t.cfg.Node)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			t.stepNode(ctx, n, node.Tick{})
			room := roomOf(n.Children())
			t.room.Store(&room)
		case <-t.node.bell:
			for _, item := range t.node.take() {
				switch item := item.(type) {
				case func(*node.Node):
					item(n)
				case node.Event:
					t.stepNode(ctx, n, item)
				}
			}
		}
	}
}

func (t *Tier) stepNode(ctx context.Context, n *node.Node, ev node.Event) {
	for _, e := range n.Step(t.now(), ev) {
		t.perform(ctx, e)
	}
}

// perform does one thing that the node wants.
func (t *Tier) perform(ctx context.Context, e node.Effect) {
	switch e := e.(type) {
	case node.ToChild:
		if out := t.child(e.Child, e.Conn); out != nil {
			out.box.put(e.Down)
		}
	case node.HangUp:
		if out := t.child(e.Child, e.Conn); out != nil {
			out.hangUp(errors.New(e.Reason))
		}
	case node.ToPeer:
		t.mu.Lock()
		out := t.talks[e.Node]
		t.mu.Unlock()
		if out != nil {
			out.box.put(e.Said)
		}
	case node.ToJob:
		if d := t.desk(e.Job); d != nil {
			d.put(e.Event)
		}
	case node.Unclaimed:
		t.unclaimed(ctx, e)
	case node.Fenced:
		if d := t.desk(e.Job); d != nil {
			d.fenced("a worker heard of a higher epoch")
		}
	case node.Relayed:
		t.relayed(ctx, e)
	case node.Offered:
		t.offered(ctx, e)
	}
}

// child is the stream of a child, if it is that one.
func (t *Tier) child(id hyperscale.NodeID, conn uint64) *outlet[link.Down] {
	t.mu.Lock()
	defer t.mu.Unlock()
	if out := t.children[id]; out != nil && out.conn == conn {
		return out
	}
	return nil
}

// desk is a job's, if this node owns it; else nil.
func (t *Tier) desk(job hyperscale.JobID) *desk {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inside == nil {
		return nil
	}
	return t.inside.jobs[job]
}

// ownerOf is who owns a job, as far as is known here.
func (t *Tier) ownerOf(job hyperscale.JobID) (own.Owner, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o, known := t.owners[job]
	return o, known
}

// isOver reports whether a job has ended or never was, by a linearizable read. A
// store that does not answer says neither.
func (t *Tier) isOver(ctx context.Context, job hyperscale.JobID) bool {
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	saved, err := own.Look(ctx, t.deps.Store, job)
	if errors.Is(err, own.ErrNotFound) {
		return true
	}
	return err == nil && saved.Head.Phase.Terminal() && !saved.Head.Pending
}

// unclaimed makes a child drop what it holds of a job that is over.
func (t *Tier) unclaimed(ctx context.Context, e node.Unclaimed) {
	if _, known := t.ownerOf(e.Job); known {
		return // its owner will speak to it
	}
	t.unowned.do(e.Job, func() {
		if !t.isOver(ctx, e.Job) {
			return
		}
		t.node.put(func(n *node.Node) {
			for _, effect := range n.Disown(e.Child, e.Job) {
				t.perform(ctx, effect)
			}
		})
	})
}

// relayed takes a window that came through another manager.
func (t *Tier) relayed(ctx context.Context, e node.Relayed) {
	w, err := stats.DecodeWindow(e.Delivery.Window)
	if err != nil || w.ID.Workflow != e.Delivery.Hold.Workflow || w.ID.Share != e.Delivery.Hold.Share {
		t.log.Warn("a window passed on can't be read", "from", e.Worker.Node, "by", e.By, "reason", err)
		return
	}
	if d := t.desk(e.Delivery.Hold.Job); d != nil {
		d.put(owner.Delivered{Holder: e.Worker, Delivery: e.Delivery, Window: w})
	}
}

// Heard takes in what the failure detector says: who runs it gives it this.
func (t *Tier) Heard(ev member.Event) {
	switch ev.Kind {
	case member.Joined, member.Updated:
		t.heirs.put(own.MemberBack{Node: ev.ID})
	case member.Dead, member.Left:
		t.heirs.put(own.MemberGone{Node: ev.ID, Boot: ev.Boot, Left: ev.Kind == member.Left})
	}
}
