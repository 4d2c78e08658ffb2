package rpc

import (
	"testing"
	"time"
)

func TestBackoffGrowsToItsEnd(t *testing.T) {
	var b Backoff
	for i, want := range []time.Duration{100, 160, 256, 409, 655, 1048, 1677, 2684, 3000, 3000} {
		if got := b.Next(0.5).Truncate(time.Millisecond); got != want*time.Millisecond {
			t.Errorf("wait %d is %s, want %d ms", i+1, got, want)
		}
	}
	b.Reset()
	if low, high := b.Next(0), (&Backoff{}).Next(1); low != 80*time.Millisecond || high != 120*time.Millisecond {
		t.Errorf("the first wait is %s to %s", low, high)
	}
}
