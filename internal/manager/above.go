package manager

import (
	"context"

	"hyperscale/internal/child"
	"hyperscale/internal/station"
	"hyperscale/internal/tier/above"
)

// lookUp keeps up the links to gates, until ctx ends.
func (c Config) lookUp(ctx context.Context, in station.Inside) error {
	led, ops := in.Tier.Led(), in.Tier.Ops()
	above.Run(ctx, above.Config{
		Child: child.Config{Node: c.Self.Node, Boot: in.Boot, Datacenter: c.Self.DC},
		Gates: c.Gates, Dialing: in.Dialing, Log: in.Log,
		Here: above.Here{
			News: led.News(), Do: led.Do, Over: ops.Over, Capacity: ops.Capacity, Vitals: in.Vitals, Draining: in.Draining,
		},
	})
	return nil
}
