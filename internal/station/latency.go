package station

import (
	"context"
	"time"

	"hyperscale/internal/tier"
)

// latency is how long a node takes from when it hears something until what follows
// is written down, smoothed: what waits for the node's loop, and a save after it. What
// waits for the loop of one job is not in it: that one is slow, not the node.
type latency struct {
	smoothed time.Duration
	saves    tier.Saves // when it was last sampled
}

// take takes a sample: how long something waited for the node, and the figures.
func (l *latency) take(wait time.Duration, f tier.Figures) {
	sample := wait + max(f.Saves.Mean(l.saves), f.Lag)
	l.smoothed += time.Duration(smooth * float64(sample-l.smoothed))
	l.saves = f.Saves
}

// latencies are from where on each of the levels is reached.
var latencies = [len(levels)]time.Duration{1: 200 * time.Millisecond, 2: 500 * time.Millisecond, 3: 2 * time.Second}

// part is the latency as a part of what it may be: where a level of latency is
// reached, so is that of levels. It is at most 1.
func (l *latency) part() float64 {
	for i := 1; i < len(levels); i++ {
		if below := l.smoothed < latencies[i]; below {
			done := float64(l.smoothed-latencies[i-1]) / float64(latencies[i]-latencies[i-1])
			return levels[i-1] + done*(levels[i]-levels[i-1])
		}
	}
	return min(levels[len(levels)-1]*float64(l.smoothed)/float64(latencies[len(levels)-1]), 1)
}

// longestWait is how long the node is waited for: what takes longer is a latency of
// this, for which all but what is critical is refused before long.
const longestWait = 3 * time.Second

// waited is how long something waits for the node now.
func (l *life) waited(ctx context.Context) time.Duration {
	ctx, stop := context.WithTimeout(ctx, longestWait)
	defer stop()
	return l.tier.Ops().Wait(ctx)
}
