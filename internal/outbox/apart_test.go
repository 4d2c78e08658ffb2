package outbox

import (
	"testing"
	"time"
)

// TestFlowsThoughAcknowledgedSeldom: a window each second goes at once and once, though
// acknowledgements are 15 s apart, as far as an owner's saves may be; and after a
// takeover in between, whose owner takes 4 s to acknowledge, what is not acknowledged
// goes once more.
func TestFlowsThoughAcknowledgedSeldom(t *testing.T) {
	const apart, takeover, back = 15, 44, 48 // the takeover comes when most is unacknowledged
	var b Box
	b.Aim(Way{Link: 1, Epoch: 1}, 0)
	sent, most := map[uint64]int{}, 0
	for i, w := range windows(make([]uint64, 120)...) {
		now := time.Duration(i+1) * time.Second
		b.Add(w, 0)
		way := Way{Link: 1, Epoch: 1}
		if i >= takeover {
			way = Way{Link: 2, Epoch: 2}
		}
		b.Aim(way, now)
		for {
			k, some := b.Send(b.Len(), -1, now)
			if !some {
				break
			}
			sent[k.Seq]++
		}
		if sent[w.Seq] == 0 {
			t.Errorf("window %d is held back, %d are not acknowledged", w.Seq, b.Sent())
		}
		most = max(most, b.Sent())
		if i == back || i < takeover && i%apart == apart-1 || i > back && (i-back)%apart == 0 {
			b.Acknowledge(w.Seq, now)
		}
	}
	if most > MaxSent*2/3 {
		t.Errorf("%d windows were unacknowledged", most)
	}
	for seq, n := range sent {
		if again := seq > 30 && seq <= takeover; n > 1 && !again || n > 2 {
			t.Errorf("window %d went %d times", seq, n)
		}
	}
	t.Logf("at most %d windows were unacknowledged", most)
}
