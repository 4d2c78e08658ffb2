package station

import (
	"testing"
	"time"

	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/tier"
)

// A level rises at once, and falls after two lower samples.
func TestLevels(t *testing.T) {
	for _, story := range []struct {
		parts []float64
		want  []level
	}{
		{[]float64{0, 0.69, 0.70, 0.85, 0.95, 2}, []level{0, 0, 1, 2, 3, 3}},
		{[]float64{0.96, 0.1, 0.1, 0.1}, []level{3, 3, 0, 0}},
		{[]float64{0.96, 0.1, 0.96, 0.1, 0.1}, []level{3, 3, 3, 3, 0}},
		{[]float64{0.96, 0.1, 0.86, 0.1, 0.1}, []level{3, 3, 2, 2, 0}},
		{[]float64{0.96, 0.86, 0.1, 0.1}, []level{3, 3, 2, 0}},
	} {
		var g gauge
		for i, part := range story.parts {
			if got := g.take(part); got != story.want[i] {
				t.Errorf("%v: sample %d gives %d, want %d", story.parts, i, got, story.want[i])
			}
		}
	}
}

func TestPressure(t *testing.T) {
	for _, tt := range []struct {
		what        string
		cpu, memory float64
		lag, wants  time.Duration
		calls       rpc.Pressure
		windows     link.Level
	}{
		{"nothing to do", 0, 0, 0, 0, rpc.Calm, link.Normal},
		{"all of the CPU", 1, 0, 0, 0, rpc.Full, link.Batch},
		{"all of the memory", 0, 1, 0, 0, rpc.Full, link.Reject},
		{"a store that takes nothing", 0, 0, time.Minute, 0, rpc.Full, link.Reject},
		{"a slow store", 0, 0, 11 * time.Second, 0, rpc.Full, link.Throttle},
		{"checkpoints as far apart as may be", 0, 0, 0, 14 * time.Second, rpc.Calm, link.Normal},
		{"more to save than may be", 0, 0, 0, 16 * time.Second, rpc.Calm, link.Throttle},
		{"far more", 0, 0, 0, time.Hour, rpc.Calm, link.Batch},
	} {
		var p pulse
		var calls rpc.Pressure
		var windows link.Level
		for range 30 {
			calls, windows = p.take(tt.cpu, tt.memory, 0, tier.Figures{Lag: tt.lag, Wants: tt.wants})
		}
		if calls != tt.calls || windows != tt.windows {
			t.Errorf("%s: calls %v, windows %v", tt.what, calls, windows)
		}
		for range 30 {
			calls, windows = p.take(0, 0, 0, tier.Figures{})
		}
		if calls != rpc.Calm || windows != link.Normal {
			t.Errorf("after %s: calls %v, windows %v", tt.what, calls, windows)
		}
	}
}
