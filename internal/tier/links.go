package tier

import (
	"context"
	"fmt"
	"runtime"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier/bundle"
	"hyperscale/internal/tier/node"
)

// door is where children come in.
type door struct{ *Tier }

// mayAttach refuses who is no child of this node.
func (d door) mayAttach(who rpc.Caller) error {
	if who.Role != d.cfg.Children || d.cfg.Datacenter != "" && who.DC != d.cfg.Datacenter {
		of := "datacenter " + d.cfg.Datacenter
		if d.cfg.Datacenter == "" {
			of = "datacenters"
		}
		return rpc.Errorf(rpc.Unauthorized, "%s can't attach here; this %s is for the %ss of %s", who.Who(), d.cfg.Role, d.cfg.Children, of)
	}
	return nil
}

// childOf is the name that a child goes by here: in another datacenter there may be
// one of the same.
func (d door) childOf(who rpc.Caller) hyperscale.NodeID {
	if d.cfg.Datacenter != "" {
		return who.Node
	}
	return bundle.Name(who.DC, who.Node)
}

// placeOf is the datacenter of a child, and its name there.
func (c Config) placeOf(child hyperscale.NodeID) (datacenter string, node hyperscale.NodeID) {
	if dc, name, is := bundle.Split(child); is {
		return dc, name
	}
	return c.Datacenter, child
}

// holder is whose windows a child delivers: its own, or as a manager those of its
// datacenter.
func (d door) holder(child hyperscale.NodeID) link.Holder {
	if d.bundle == nil {
		return link.Holder{Node: child}
	}
	dc, _ := d.cfg.placeOf(child)
	return link.Holder{Node: hyperscale.NodeID(dc)}
}

// Attach is a child's stream of beats. A new one of the same child replaces the
// one before.
func (d door) Attach(ctx context.Context, who rpc.Caller, stream rpc.AttachStream) error {
	if err := d.mayAttach(who); err != nil {
		return err
	}
	child := d.childOf(who)
	out, err := enter(d.lines, d.lines.children, child, who.Boot)
	if err != nil {
		return err
	}
	d.node.Put(node.Attached{Child: child, Conn: out.conn})
	err = converse(ctx, stream, out, d.lines, func(up link.Up) error {
		if s, is := up.(link.Statement); is && s.Node == who.Node {
			s.Node = child
			up = s
		}
		d.node.Put(node.Said{Child: child, Conn: out.conn, Up: up})
		return nil
	})
	leave(d.lines, d.lines.children, child, out)
	d.node.Put(node.Detached{Child: child, Conn: out.conn})
	return err
}

// Deliver takes a child's windows. They are decoded here, beside each other, and
// counted by the goroutine of their job.
func (d door) Deliver(ctx context.Context, who rpc.Caller, stream rpc.DeliverStream) error {
	if err := d.mayAttach(who); err != nil {
		return err
	}
	child := d.childOf(who)
	out, err := enter(d.lines, d.lines.receipts, child, who.Boot)
	if err != nil {
		return err
	}
	defer leave(d.lines, d.lines.receipts, child, out)
	return converse(ctx, stream, out, d.lines, func(delivery link.Delivery) error {
		d.node.Put(node.Delivered{Child: child})
		w, err := d.readers.read(delivery)
		if err != nil {
			d.log.Warn("a window can't be read", "job", delivery.Hold.Job, "from", child, "reason", err)
			out.box.Put(link.Receipt{Hold: delivery.Hold, Broken: true})
			return nil
		}
		d.deliver(ctx, child, delivery, w)
		return nil
	})
}

// readers bound how many windows are decoded at a time. Thousands of children may
// deliver in one moment; if all of them were decoded beside each other, whoever
// decides here what is lost would wait for its turn behind them, for so long that it
// took its own standing for theirs.
type readers chan struct{}

func newReaders() readers { return make(readers, max(runtime.GOMAXPROCS(0)-1, 1)) }

// read decodes a window when there is room.
func (r readers) read(d link.Delivery) (*stats.Window, error) {
	r <- struct{}{}
	defer func() { <-r }()
	return readWindow(d)
}

// readWindow decodes a window, which must be of the hold that it is delivered for.
func readWindow(d link.Delivery) (*stats.Window, error) {
	w, err := stats.DecodeWindow(d.Window)
	if err != nil {
		return nil, err
	}
	if w.ID.Workflow != d.Hold.Workflow || w.ID.Share != d.Hold.Share {
		return nil, fmt.Errorf("it is of %s %v, delivered for %s %v", w.ID.Workflow, w.ID.Share, d.Hold.Workflow, d.Hold.Share)
	}
	return w, nil
}

// deliver gives a window to the job that it is of, if this node owns it.
func (d door) deliver(ctx context.Context, from hyperscale.NodeID, delivery link.Delivery, w *stats.Window) {
	job := delivery.Hold.Job
	if desk := d.registry.desk(job); desk != nil {
		desk.put(owner.Delivered{Holder: d.holder(from), Delivery: delivery, Window: w})
		return
	}
	if o, known := d.registry.ownerOf(job); known {
		// The child does not know it yet, or does not reach it.
		d.lines.say(o.Node, link.Relay{Worker: d.holder(from), Up: delivery})
		d.lines.acknowledge(from, link.Receipt{Hold: delivery.Hold, Epoch: o.Epoch, Owner: d.registry.parent(o.Node)})
		return
	}
	// Nobody owns it, as far as is known here; only the store can say that it is
	// over.
	d.unowned.do(errand{job, from}, func() {
		if _, over := isOver(ctx, d.deps.Store, job); over {
			d.lines.acknowledge(from, link.Receipt{Hold: delivery.Hold, Unknown: true})
		}
	})
}
