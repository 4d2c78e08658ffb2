package tier

import (
	"hyperscale"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/tier/seat"
)

// child is what a child of this node is called. Managers attach for their datacenter.
func (c Config) child() string {
	if c.Children == identity.Manager {
		return "datacenter"
	}
	return string(c.Children)
}

// have says in words what the children have together.
func (c Config) have(room seat.Room) string {
	whole := "the datacenter"
	if c.Datacenter == "" {
		whole = "the cluster"
	}
	return whole + " has " + hyperscale.Plural(room.Workers, "worker") + " with " + hyperscale.Plural(room.Cores, "core") + " together"
}
