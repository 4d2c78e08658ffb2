package rpc

import (
	"fmt"
	"slices"
	"strings"

	"hyperscale"
	pb "hyperscale/internal/rpc/hyperscalev1"
	"hyperscale/internal/rpc/identity"
)

func wireAcross(a hyperscale.Across) *pb.Across {
	if a.None() {
		return nil
	}
	return &pb.Across{
		Datacenters: each(a.Datacenters, valid), Count: small(a.Count),
		Spread: pb.Spread(slices.Index(hyperscale.Spreads(), a.Spread) + 1), OnLoss: pb.OnLoss(slices.Index(hyperscale.OnLosses(), a.OnLoss) + 1),
		AllowPartial: a.AllowPartial, FailFast: a.FailFast,
	}
}

func readAcross(a *pb.Across) hyperscale.Across {
	return hyperscale.Across{
		Datacenters: a.GetDatacenters(), Count: int(a.GetCount()),
		Spread: numbered(hyperscale.Spreads(), int32(a.GetSpread())), OnLoss: numbered(hyperscale.OnLosses(), int32(a.GetOnLoss())),
		AllowPartial: a.GetAllowPartial(), FailFast: a.GetFailFast(),
	}
}

// numbered is the word of a number that counts from 1. One that a newer program knows
// stands for itself, so that it is refused and not taken for none.
func numbered[T ~string](all []T, n int32) T {
	switch {
	case n == 0:
		return ""
	case n < 0 || int(n) > len(all):
		return T(fmt.Sprintf("number %d", n))
	}
	return all[n-1]
}

// badAcross lists all that is wrong with how a job is to run over datacenters.
func badAcross(a hyperscale.Across, bad func(wrong bool, field, format string, args ...any)) {
	bad(len(a.Datacenters) > MaxDatacenters, "datacenters", "%d; at most %d", len(a.Datacenters), MaxDatacenters)
	for i, name := range a.Datacenters {
		err := identity.CheckDatacenter(name)
		bad(err != nil, fmt.Sprintf("datacenters[%d]", i), "%v", err)
		bad(slices.Index(a.Datacenters, name) < i, fmt.Sprintf("datacenters[%d]", i), "%s is named twice", name)
	}
	bad(a.Count < 0, "count", "%d is below zero", a.Count)
	bad(a.Spread != "" && !slices.Contains(hyperscale.Spreads(), a.Spread), "spread", "there is no %s; there are %s", a.Spread, words(hyperscale.Spreads()))
	bad(a.OnLoss != "" && !slices.Contains(hyperscale.OnLosses(), a.OnLoss), "on-datacenter-loss", "there is no %s; there are %s", a.OnLoss, words(hyperscale.OnLosses()))
}

// words are names as people list them.
func words[T ~string](all []T) string {
	var list []string
	for _, name := range all {
		list = append(list, string(name))
	}
	return strings.Join(list, ", ")
}
