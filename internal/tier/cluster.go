package tier

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/tier/node"
)

// Members tells of the nodes of this tier and of their children.
func (t *Tier) Members(ctx context.Context, _ rpc.Caller) ([]rpc.Member, error) {
	var list []rpc.Member
	t.mu.Lock()
	owned := map[hyperscale.NodeID]int{}
	for _, o := range t.owners {
		owned[o.Node]++
	}
	for _, n := range t.peers {
		m := rpc.Member{
			Node: n.ID, Boot: n.Boot, Role: t.cfg.Role, Datacenter: t.cfg.Datacenter, Address: n.Address,
			Version: n.Version, State: "alive", JobsOwned: owned[n.ID],
		}
		if n.ID == t.cfg.Self {
			m.StoreLeader = t.deps.Leader != nil && t.deps.Leader()
			if t.draining {
				m.State = "draining"
			}
		}
		list = append(list, m)
	}
	t.mu.Unlock()
	children, err := t.Children(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range children {
		m := rpc.Member{
			Node: c.Node, Boot: c.Boot, Role: "worker", Datacenter: t.cfg.Datacenter, State: "alive", Cores: c.Cores, Free: c.Free,
		}
		switch {
		case !c.Heard:
			m.State = "dead"
		case c.Draining:
			m.State = "draining"
		}
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b rpc.Member) int { return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Node, b.Node)) })
	return list, nil
}

// Children are the children as this node sees them.
func (t *Tier) Children(ctx context.Context) ([]node.Child, error) {
	answer := make(chan []node.Child, 1)
	t.node.put(func(n *node.Node) { answer <- n.Children() })
	select {
	case children := <-answer:
		return children, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Drain lets this node hand over what it owns and take nothing new.
func (t *Tier) Drain(ctx context.Context, who rpc.Caller, id hyperscale.NodeID) error {
	t.log.Info("audit", "what", "drain", "node", id, "client", clientOf(who), "from", who.Address)
	if id == t.cfg.Self {
		t.HandOver(ctx)
		return nil
	}
	t.mu.Lock()
	peer, isPeer := t.peers[id]
	t.mu.Unlock()
	if isPeer {
		conn, err := t.dial(id, peer.Address)
		if err != nil {
			return err
		}
		return conn.Drain(ctx, id)
	}
	return t.drainChild(ctx, id)
}

// drainChild tells a child to take nothing new.
func (t *Tier) drainChild(ctx context.Context, id hyperscale.NodeID) error {
	found := make(chan bool, 1)
	t.node.put(func(n *node.Node) {
		effects, ok := n.Drain(id)
		for _, e := range effects {
			t.perform(ctx, e)
		}
		found <- ok
	})
	select {
	case ok := <-found:
		if !ok {
			return rpc.Errorf(rpc.NotFound, "there is no node %s here", id)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// HandOver makes this node take nothing new and offers its jobs to others. It
// returns when none is left, nobody is there to take them, or ctx ends.
func (t *Tier) HandOver(ctx context.Context) {
	t.mu.Lock()
	t.draining = true
	o := t.inside
	var desks []*desk
	if o != nil {
		for _, d := range o.jobs {
			desks = append(desks, d)
		}
	}
	t.mu.Unlock()
	for _, d := range desks {
		t.handOver(ctx, d)
	}
}

// handOver offers one job to the others in their order.
func (t *Tier) handOver(ctx context.Context, d *desk) {
	var candidates []hyperscale.NodeID
	addresses := map[hyperscale.NodeID]string{}
	for _, n := range t.others() {
		candidates = append(candidates, n.ID)
		addresses[n.ID] = n.Address
	}
	began := time.Now()
	for _, id := range own.Rank(d.job, candidates) {
		conn, err := t.dial(id, addresses[id])
		if err != nil {
			continue
		}
		attempt, stop := context.WithTimeout(ctx, time.Second)
		taken, err := conn.Offer(attempt, link.Offer{Job: d.job, Epoch: d.epoch, Fence: int64(d.tenure.Owner().Fence)})
		stop()
		if err == nil && taken.Epoch > d.epoch {
			d.log.Info("handed the job over", "to", id, "took", time.Since(began))
			d.fenced("it was handed over to " + string(id))
			return
		}
		d.log.Warn("a peer does not take the job", "peer", id, "reason", cmp.Or(taken.Refused, errText(err)))
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
