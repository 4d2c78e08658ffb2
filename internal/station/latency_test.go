package station

import (
	"math"
	"testing"
	"time"

	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/tier"
)

// Where a level of latency is reached, so is that of its part, and just before it is
// not.
func TestPartsOfLatency(t *testing.T) {
	for _, tt := range []struct {
		latency time.Duration
		part    float64
	}{
		{0, 0}, {100 * time.Millisecond, 0.35}, {200 * time.Millisecond, 0.70}, {350 * time.Millisecond, 0.775},
		{500 * time.Millisecond, 0.85}, {2 * time.Second, 0.95}, {time.Minute, 1},
	} {
		l := latency{smoothed: tt.latency}
		if got := l.part(); math.Abs(got-tt.part) > 1e-9 {
			t.Errorf("%v is %v, want %v", tt.latency, got, tt.part)
		}
		l.smoothed--
		if tt.latency > 0 && tt.latency < time.Minute && l.part() >= tt.part {
			t.Errorf("just below %v it is %v", tt.latency, l.part())
		}
	}
}

// sampled is figures after n more saves that took so long each.
func sampled(f tier.Figures, n uint64, each time.Duration) tier.Figures {
	f.Saves.Class[0] += n
	f.Saves.Took += time.Duration(n) * each
	return f
}

// Calls are shed by how long it takes to handle something: a wait for the node, a
// save, or one that does not end. What windows may come is not.
func TestLatencyIsPressure(t *testing.T) {
	const slow = 600 * time.Millisecond
	for _, tt := range []struct {
		what  string
		wait  time.Duration // for the node
		saves uint64        // each second
		took  time.Duration // each of them
		lag   time.Duration
		calls rpc.Pressure
	}{
		{"quick", time.Millisecond, 100, 5 * time.Millisecond, 0, rpc.Calm},
		{"the node is slow", slow, 0, 0, 0, rpc.Strained},
		{"saves are slow", 0, 2, slow, 0, rpc.Strained},
		{"both, together", 100 * time.Millisecond, 2, 150 * time.Millisecond, 0, rpc.Busy},
		{"a save does not end", 0, 0, 0, 4 * time.Second, rpc.Full},
	} {
		var p pulse
		var f tier.Figures
		var calls rpc.Pressure
		var windows link.Level
		for range 30 {
			f = sampled(f, tt.saves, tt.took)
			f.Lag = tt.lag
			calls, windows = p.take(0, 0, tt.wait, f)
		}
		if calls != tt.calls || windows != link.Normal {
			t.Errorf("%s: calls %v, windows %v", tt.what, calls, windows)
		}
		f.Lag = 0
		for range 30 { // nobody asks for anything any more
			calls, _ = p.take(0, 0, 0, f)
		}
		if calls != rpc.Calm {
			t.Errorf("after %s: calls %v", tt.what, calls)
		}
	}
}

// A single slow save is not yet overload; a level rises with the first sample that
// reaches it and falls after two.
func TestLatencyIsSmoothed(t *testing.T) {
	var p pulse
	const slow = 600 * time.Millisecond
	for i, want := range []rpc.Pressure{rpc.Calm, rpc.Busy} { // 180, 306 ms
		if calls, _ := p.take(0, 0, slow, tier.Figures{}); calls != want {
			t.Errorf("after %d slow ones: %v, want %v", i+1, calls, want)
		}
	}
	for i, want := range []rpc.Pressure{rpc.Busy, rpc.Busy, rpc.Calm} { // 214, 150, 105 ms
		if calls, _ := p.take(0, 0, 0, tier.Figures{}); calls != want {
			t.Errorf("after %d quick ones: %v, want %v", i+1, calls, want)
		}
	}
}
