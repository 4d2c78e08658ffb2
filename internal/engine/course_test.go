package engine

import (
	"testing"
	"time"

	"hyperscale"
)

// TestArrivalsGoOnAboveAPlace: slots below the place of a share, which another may have
// begun, are not begun by any lane, whenever they are due; all others are.
func TestArrivalsGoOnAboveAPlace(t *testing.T) {
	rate := 10 * int64(hyperscale.PerSecond)
	leg := &Leg{
		Load:  hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{{From: rate, To: rate, Over: 10 * time.Second}}},
		Share: hyperscale.Share{Lo: 1, Hi: 2, Of: 2, From: 2 * time.Second}, First: 100,
	}
	for _, place := range []int64{0, 55, 77, 200} {
		leg.From.Place = place
		began := map[hyperscale.Slot]bool{}
		for lane := range 3 {
			made, _ := newCourse(leg, nil, lane, 3)
			c := made.(*arrivals)
			if slot, _, ok := c.cursor.Peek(); ok && c.part.At(c.met) != slot {
				t.Errorf("place %d: the lane is at %d, and its next slot %d", place, c.part.At(c.met), slot)
			}
			for slot, _, ok := c.cursor.Peek(); ok; slot, _, ok = c.cursor.Peek() {
				began[slot] = true
				c.cursor.Next()
			}
		}
		for k := range leg.Share.Count(200) {
			slot := leg.Share.At(k)
			if want := k >= max(place, leg.Share.Count(120)); began[slot] != want {
				t.Errorf("place %d: slot %d, at place %d, is begun: %v", place, slot, k, began[slot])
			}
		}
	}
}
