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

// runTalks keeps a conversation with every other node of the tier: of two the one
// whose name comes first dials.
func (t *Tier) runTalks(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	under := map[hyperscale.NodeID]bool{}
	ended := make(chan hyperscale.NodeID)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, n := range t.others() {
			if under[n.ID] || n.ID < t.cfg.Self {
				continue
			}
			under[n.ID] = true
			g.Go(func() error {
				t.talkTo(ctx, n)
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
			pause(ctx, 100*time.Millisecond)
			delete(under, id)
		case <-tick.C:
		}
	}
}

// others are the other nodes of the tier that are there.
func (t *Tier) others() []own.Node {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []own.Node
	for _, n := range t.peers {
		if n.ID != t.cfg.Self {
			list = append(list, n)
		}
	}
	return list
}

// talkTo holds one conversation with a node, as the one who dials.
func (t *Tier) talkTo(ctx context.Context, n own.Node) {
	conn, err := t.dial(n.ID, n.Address)
	if err != nil {
		t.log.Warn("a peer can't be called", "peer", n.ID, "reason", err)
		return
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	call, err := conn.Talk(ctx)
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
func (t *Tier) Talk(ctx context.Context, who rpc.Caller, stream rpc.TalkStream) error {
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
func (t *Tier) talk(ctx context.Context, peer hyperscale.NodeID, stream rpc.TalkStream) error {
	t.mu.Lock()
	t.conn++
	out := newOutlet[link.Said](t.conn)
	before := t.talks[peer]
	t.talks[peer] = out
	t.mu.Unlock()
	if before != nil {
		before.hangUp(rpc.Errorf(rpc.Unavailable, "it talks anew"))
	}
	t.node.put(node.PeerUp{Node: peer})
	t.heirs.put(own.Probed{Node: peer})
	err := converse(ctx, stream, out, &t.readers, func(said link.Said) error {
		t.node.put(node.PeerSaid{Node: peer, Said: said})
		return nil
	})
	t.mu.Lock()
	last := t.talks[peer] == out
	if last {
		delete(t.talks, peer)
	}
	t.mu.Unlock()
	if last {
		t.node.put(node.PeerDown{Node: peer})
		t.heirs.put(own.StreamEnded{Node: peer})
	}
	return err
}

// dial gives the connection to a node, which is kept.
func (t *Tier) dial(id hyperscale.NodeID, address string) (*rpc.Conn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.conns[id]; c != nil {
		if c.Address() == address {
			return c, nil
		}
		_ = c.Close()
	}
	c, err := rpc.Dial(address, t.deps.Dialing)
	if err != nil {
		return nil, err
	}
	t.conns[id] = c
	return c, nil
}

func (t *Tier) closeConns() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, c := range t.conns {
		_ = c.Close()
		delete(t.conns, id)
	}
}

// Forward shows the live numbers of a job that this node owns to another node's
// watchers.
func (t *Tier) Forward(ctx context.Context, _ rpc.Caller, job hyperscale.JobID, send func(rpc.Update) error) error {
	d := t.desk(job)
	if d == nil {
		return t.notOwner(job)
	}
	return d.hub.follow(ctx, send)
}

// Offer takes over a job that its owner hands over.
func (t *Tier) Offer(ctx context.Context, who rpc.Caller, offer link.Offer) (link.Taken, error) {
	o := t.office()
	if o == nil || t.isDraining() {
		return link.Taken{Job: offer.Job, Refused: "this node takes nothing new"}, nil
	}
	taken, err := t.accept(ctx, o, who.Node, offer)
	if err != nil {
		return link.Taken{Job: offer.Job, Refused: err.Error()}, nil
	}
	return taken, nil
}

// notOwner says who owns a job, to somebody who asked the wrong node.
func (t *Tier) notOwner(job hyperscale.JobID) error {
	o, known := t.ownerOf(job)
	if !known {
		return rpc.Errorf(rpc.Unavailable, "nobody is known to own job %s now", job)
	}
	return &rpc.Error{
		Kind: rpc.NotOwner, Text: "job " + string(job) + " is owned by " + string(o.Node),
		Owner: o.Node, Address: t.parent(o.Node).Address,
	}
}
