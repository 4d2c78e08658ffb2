package tier

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/tier/node"
)

// talks are the conversations with the other nodes of the tier.
type talks struct{ *Tier }

// redial is how long a node waits before it begins a talk anew.
const redial = 100 * time.Millisecond

// run keeps a conversation with every other node of the tier: of two the one whose
// name comes first dials.
func (t talks) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	under := map[hyperscale.NodeID]bool{}
	ended := make(chan hyperscale.NodeID)
	tick := time.NewTicker(redial)
	defer tick.Stop()
	for {
		for _, n := range t.registry.nodes() {
			if under[n.ID] || n.ID <= t.cfg.Self {
				continue
			}
			under[n.ID] = true
			g.Go(func() error {
				t.to(ctx, n)
				pause(ctx, redial)
				select {
				case ended <- n.ID:
				case <-ctx.Done():
				}
				return nil
			})
		}
		select {
		case <-ctx.Done():
			return errors.Join(g.Wait(), context.Cause(ctx))
		case id := <-ended:
			delete(under, id)
		case <-tick.C:
		}
	}
}

// to holds one conversation with a node, as the one who dials.
func (t talks) to(ctx context.Context, n own.Node) {
	conn, err := t.lines.dial(link.Parent{Node: n.ID, Address: n.Address})
	if err != nil {
		t.log.Warn("a peer can't be called", "peer", n.ID, "reason", err)
		return
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	call, err := conn.Peer().Talk(ctx)
	if err == nil {
		err = call.Send(link.Hello{Node: t.cfg.Self, Boot: t.cfg.Boot, Version: t.cfg.Version})
	}
	if err == nil {
		err = t.talk(ctx, n.ID, call)
	}
	if ctx.Err() == nil {
		t.log.Debug("the talk with a peer ended", "peer", n.ID, "reason", err)
	}
}

// Talk holds a conversation with a node that dialled.
func (t talks) Talk(ctx context.Context, who rpc.Caller, stream rpc.TalkStream) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if hello, ok := first.(link.Hello); !ok || hello.Node != who.Node {
		return rpc.Errorf(rpc.Invalid, "a talk begins with hello, and the name of who is there")
	}
	return t.talk(ctx, who.Node, stream)
}

// talk is a conversation, whoever dialled.
func (t talks) talk(ctx context.Context, peer hyperscale.NodeID, stream rpc.TalkStream) error {
	out, err := enter(t.lines, t.lines.talks, peer, 0)
	if err != nil {
		return err
	}
	t.node.Put(node.PeerUp{Node: peer})
	t.heirs.Put(own.Probed{Node: peer})
	err = converse(ctx, stream, out, t.lines, func(said link.Said) error {
		t.node.Put(node.PeerSaid{Node: peer, Said: said})
		return nil
	})
	if leave(t.lines, t.lines.talks, peer, out) {
		t.node.Put(node.PeerDown{Node: peer})
		t.heirs.Put(own.StreamEnded{Node: peer})
	}
	return err
}

// Forward shows the live numbers of a job that this node owns to another node's
// watchers.
func (t talks) Forward(ctx context.Context, _ rpc.Caller, job hyperscale.JobID, send func(rpc.Update) error) error {
	d := t.registry.desk(job)
	if d == nil {
		return t.registry.notOwner(job)
	}
	return d.hub.follow(ctx, send)
}

// Offer takes over a job that its owner hands over.
func (t talks) Offer(ctx context.Context, who rpc.Caller, offer link.Offer) (link.Taken, error) {
	o := t.inside.Load()
	if o == nil || t.draining.Load() {
		return link.Taken{Job: offer.Job, Refused: "this node takes nothing new"}, nil
	}
	return o.accept(ctx, who.Node, offer), nil
}
