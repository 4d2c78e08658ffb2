package route

import "hyperscale"

// WishOf is what a job asks for by its options and its plan. Begun says that it runs:
// what begins later, or goes on with what a datacenter lost, runs in those of its
// datacenters that are left. Cores, and what was chosen before, are for the caller to
// fill in.
func WishOf(a hyperscale.Across, plan *hyperscale.Plan, begun bool) Wish {
	return Wish{
		Datacenters: a.Datacenters, Count: a.Count, SLO: plan.SLO, AllowPartial: a.AllowPartial || begun,
		Replicate: a.Spread == hyperscale.SpreadReplicate,
	}
}
