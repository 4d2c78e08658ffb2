package tier

import (
	"context"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier/node"
)

// mayAttach refuses who is no child of this node.
func (t *Tier) mayAttach(who rpc.Caller) error {
	if who.Role != identity.Worker || who.DC != t.cfg.Datacenter {
		return rpc.Errorf(rpc.Unauthorized, "%s can't attach to a manager of %s; its workers are of datacenter %s", who.Who(), t.cfg.Datacenter, t.cfg.Datacenter)
	}
	return nil
}

// Attach is a child's stream of beats. A new one of the same child replaces the
// one before.
func (t *Tier) Attach(ctx context.Context, who rpc.Caller, stream rpc.AttachStream) error {
	if err := t.mayAttach(who); err != nil {
		return err
	}
	t.mu.Lock()
	t.conn++
	out := newOutlet[link.Down](t.conn)
	before := t.children[who.Node]
	t.children[who.Node] = out
	t.mu.Unlock()
	if before != nil {
		before.hangUp(rpc.Errorf(rpc.Unavailable, "%s attached anew", who.Node))
	}
	t.node.put(node.Attached{Child: who.Node, Conn: out.conn})
	err := converse(ctx, stream, out, &t.readers, func(up link.Up) error {
		t.node.put(node.Said{Child: who.Node, Conn: out.conn, Up: up})
		return nil
	})
	t.mu.Lock()
	if t.children[who.Node] == out {
		delete(t.children, who.Node)
	}
	t.mu.Unlock()
	t.node.put(node.Detached{Child: who.Node, Conn: out.conn})
	return err
}

// Deliver takes a child's windows. They are decoded here, beside each other, and
// counted by the goroutine of their job.
func (t *Tier) Deliver(ctx context.Context, who rpc.Caller, stream rpc.DeliverStream) error {
	if err := t.mayAttach(who); err != nil {
		return err
	}
	t.mu.Lock()
	t.conn++
	out := newOutlet[link.Receipt](t.conn)
	before := t.receipts[who.Node]
	t.receipts[who.Node] = out
	t.mu.Unlock()
	if before != nil {
		before.hangUp(rpc.Errorf(rpc.Unavailable, "%s delivers anew", who.Node))
	}
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.receipts[who.Node] == out {
			delete(t.receipts, who.Node)
		}
	}()
	var decoder stats.Decoder
	return converse(ctx, stream, out, &t.readers, func(d link.Delivery) error {
		w, err := decoder.Window(d.Window)
		if err != nil || w.ID.Workflow != d.Hold.Workflow || w.ID.Share != d.Hold.Share {
			t.log.Warn("a window can't be read", "job", d.Hold.Job, "from", who.Node, "reason", err)
			out.box.put(link.Receipt{Hold: d.Hold, Broken: true})
			return nil
		}
		t.deliver(ctx, who.Node, d, w)
		return nil
	})
}

// deliver gives a window to the job that it is of, if this node owns it.
func (t *Tier) deliver(ctx context.Context, from hyperscale.NodeID, d link.Delivery, w *stats.Window) {
	if desk := t.desk(d.Hold.Job); desk != nil {
		desk.put(owner.Delivered{Holder: link.Holder{Node: from}, Delivery: d, Window: w})
		return
	}
	if o, known := t.ownerOf(d.Hold.Job); known {
		t.acknowledge(from, link.Receipt{Hold: d.Hold, Epoch: o.Epoch, Owner: t.parent(o.Node)})
		return
	}
	// Nobody owns it, as far as is known here; only the store can say that it is
	// over.
	t.unowned.do(d.Hold.Job, func() {
		if t.isOver(ctx, d.Hold.Job) {
			t.acknowledge(from, link.Receipt{Hold: d.Hold, Unknown: true})
		}
	})
}

// acknowledge says a receipt to a child.
func (t *Tier) acknowledge(to hyperscale.NodeID, r link.Receipt) {
	t.mu.Lock()
	out := t.receipts[to]
	t.mu.Unlock()
	if out != nil {
		out.box.put(r)
	}
}

// parent is where a node is reached.
func (t *Tier) parent(id hyperscale.NodeID) link.Parent {
	t.mu.Lock()
	defer t.mu.Unlock()
	return link.Parent{Node: id, Address: t.peers[id].Address}
}
