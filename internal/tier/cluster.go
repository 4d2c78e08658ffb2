package tier

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc"
	"hyperscale/internal/tier/node"
)

// Members tells of the nodes of this tier and of their children.
func (t front) Members(ctx context.Context, _ rpc.Caller) ([]rpc.Member, error) {
	if t.registry.parent(t.cfg.Self).Address == "" {
		return nil, rpc.Errorf(rpc.Unavailable, "node %s does not know yet who is there", t.cfg.Self)
	}
	var list []rpc.Member
	owned, leader := t.registry.counts(), hyperscale.NodeID("")
	if t.deps.Leader != nil {
		leader = t.deps.Leader()
	}
	for _, n := range t.registry.nodes() {
		m := rpc.Member{
			Node: n.ID, Boot: n.Boot, Role: string(t.cfg.Role), Datacenter: t.cfg.Datacenter, Address: n.Address,
			Version: n.Version, State: "alive", JobsOwned: owned[n.ID], StoreLeader: n.ID == leader,
		}
		if n.ID == t.cfg.Self {
			if t.draining.Load() {
				m.State = "draining"
			}
		} else {
			m.State = t.registry.state(n.ID)
		}
		list = append(list, m)
	}
	for id, left := range t.registry.departures(time.Now()) {
		state := map[bool]string{true: "left", false: "dead"}[left]
		list = append(list, rpc.Member{Node: id, Role: string(t.cfg.Role), Datacenter: t.cfg.Datacenter, State: state})
	}
	children, err := t.Ops().Children(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range children {
		m := rpc.Member{Boot: c.Boot, Role: string(t.cfg.Children), State: c.State, Cores: c.Cores, Free: c.Free}
		m.Datacenter, m.Node = t.cfg.placeOf(c.Node)
		list = append(list, m) // without an address: nobody but children themselves makes their links
	}
	slices.SortFunc(list, func(a, b rpc.Member) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Datacenter, b.Datacenter), cmp.Compare(a.Node, b.Node))
	})
	return list, nil
}

// Drain lets this node hand over what it owns and take nothing new.
func (t front) Drain(ctx context.Context, who rpc.Caller, id hyperscale.NodeID) error {
	t.log.Info("audit", "what", "drain", "node", id, "client", clientOf(who), "from", who.Address)
	if id == t.cfg.Self {
		return t.HandOver(ctx)
	}
	if peer := t.registry.parent(id); peer.Address != "" {
		conn, err := t.lines.dial(peer)
		if err != nil {
			return err
		}
		return conn.Drain(ctx, id)
	}
	return t.drainChild(ctx, id)
}

// drainChild tells a child to take nothing new.
func (t front) drainChild(ctx context.Context, id hyperscale.NodeID) error {
	if t.bundle != nil {
		return rpc.Errorf(rpc.NotFound, "there is no node %s here; managers and workers are drained at a manager of their datacenter", id)
	}
	found, err := ask(ctx, t.Tier, func(n *node.Node) bool {
		effects, ok := n.Drain(id)
		nodeLoop(t).performAll(ctx, effects)
		return ok
	})
	if err == nil && !found {
		return rpc.Errorf(rpc.NotFound, "there is no node %s here", id)
	}
	return err
}

// HandOver makes this node take nothing new and offers its jobs to others. It
// returns when none is left, or ctx ends; the error is of kind Conflict when nobody
// takes some of them: they stay.
func (t *Tier) HandOver(ctx context.Context) error {
	t.draining.Store(true)
	if t.deps.Drains != nil {
		if err := t.deps.Drains(); err != nil {
			t.log.Warn("the other nodes were not told that this one takes nothing new", "reason", err)
		}
	}
	o := t.inside.Load()
	if o == nil {
		return nil
	}
	stay := 0
	for _, d := range t.registry.all() {
		if !o.handOver(ctx, d) {
			stay++
		}
	}
	if stay > 0 {
		return rpc.Errorf(rpc.Conflict, "node %s takes nothing new, but keeps %d of its jobs: no other %s takes them", t.cfg.Self, stay, t.cfg.Role)
	}
	return nil
}
