package schedule

import (
	"testing"
	"time"

	"hyperscale"
)

// BenchmarkCursor shows what the hot path pays for one slot of a lane.
func BenchmarkCursor(b *testing.B) {
	const rate = 50_000 * int64(hyperscale.PerSecond)
	steady := hyperscale.Load{Stages: []hyperscale.Stage{{From: rate, To: rate, Over: 240 * time.Hour}}}
	ramp := hyperscale.Load{Stages: []hyperscale.Stage{{To: rate, Over: 240 * time.Hour}}}
	fall := hyperscale.Load{Stages: []hyperscale.Stage{{From: rate, Over: 240 * time.Hour}}}
	drawn := hyperscale.Load{Poisson: true, Stages: []hyperscale.Stage{{From: rate, To: rate, Over: time.Hour}}}
	for name, load := range map[string]hyperscale.Load{"steady": steady, "ramp": ramp, "fall": fall, "poisson": drawn} {
		a := NewArrivals(load, 1)
		for lanes, share := range map[string]hyperscale.Share{"alone": hyperscale.Whole, "among7": {Lo: 2, Hi: 4, Of: 7}} {
			b.Run(name+"/"+lanes, func(b *testing.B) {
				c := a.Cursor(share, 0, 2)
				b.ReportAllocs()
				for b.Loop() {
					c.Next()
				}
				if _, _, ok := c.Peek(); !ok {
					b.Fatal("the load is too short for the benchmark")
				}
			})
		}
	}
}

// BenchmarkNewPoisson shows what the start of a Poisson load costs: one draw for
// each second.
func BenchmarkNewPoisson(b *testing.B) {
	const rate = 20_000 * int64(hyperscale.PerSecond)
	load := hyperscale.Load{Poisson: true, Stages: []hyperscale.Stage{{From: rate, To: rate, Over: time.Hour}}}
	for b.Loop() {
		NewArrivals(load, 1)
	}
}
