package place

import (
	"testing"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/link"
)

func drawCores(t *rapid.T) []link.Cores {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) link.Cores {
		return link.Cores{N: rapid.IntRange(1, 64).Draw(t, "cores")}
	}), 1, 40).Draw(t, "grants")
}

// Whatever is divided by shares (slots, virtual users, a rate's arrivals, room
// for arrivals in progress), the parts are the whole, each slot has one holder,
// and each part is as large as its cores say to within one round of slots.
func TestSharesAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grants := drawCores(t)
		total := rapid.Int64Range(0, 1_000_000).Draw(t, "total")
		slot := hyperscale.Slot(rapid.Int64Range(0, 1_000_000).Draw(t, "slot"))
		shares, sum, holders, all := Divide(grants), int64(0), 0, int64(0)
		for i, s := range shares {
			if !s.Valid() || s.Width() != int64(grants[i].N) || s.Turn != 1 {
				t.Fatalf("%d cores became %+v", grants[i].N, s)
			}
			all += s.Width()
			n := s.Count(total)
			sum += n
			if s.Holds(slot) {
				holders++
			}
			if even := total / s.Of * s.Width(); n < even || n > even+s.Width() {
				t.Fatalf("%+v has %d of %d", s, n, total)
			}
		}
		if sum != total || holders != 1 || all != shares[0].Of {
			t.Fatalf("the parts of %d are %d; slot %d has %d holders", total, sum, slot, holders)
		}
	})
}

// However often shares are lost and cut anew, the ones that stand are the whole.
func TestCutsAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		standing := Divide(drawCores(t))
		of := standing[0].Of
		for range rapid.IntRange(1, 10).Draw(t, "losses") {
			i := rapid.IntRange(0, len(standing)-1).Draw(t, "lost")
			lost := standing[i]
			var grants []link.Cores
			for left := lost.Width(); left > 0 && len(grants) < 5; {
				n := rapid.Int64Range(1, left).Draw(t, "cores")
				grants, left = append(grants, link.Cores{N: int(n)}), left-n
			}
			cut := Cut(lost, grants)
			for _, s := range cut {
				if !s.Valid() || s.Turn != lost.Turn+1 || s.Of != of {
					t.Fatalf("%+v for %+v became %+v", lost, grants, cut)
				}
			}
			standing = append(append(standing[:i:i], cut...), standing[i+1:]...)
		}
		at := int64(0)
		for _, s := range standing {
			if s.Lo != at {
				t.Fatalf("a hole or an overlap at %d: %+v", at, standing)
			}
			at = s.Hi
		}
		if at != of {
			t.Fatalf("they end at %d of %d", at, of)
		}
	})
}

// A share with fewer cores than it is wide keeps all its slots.
func TestCutForFewerCores(t *testing.T) {
	lost := hyperscale.Share{Lo: 4, Hi: 11, Of: 16, From: 13, Turn: 2}
	got := Cut(lost, []link.Cores{{N: 1}, {N: 2}})
	want := []hyperscale.Share{{Lo: 4, Hi: 6, Of: 16, From: 13, Turn: 3}, {Lo: 6, Hi: 11, Of: 16, From: 13, Turn: 3}}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d is %+v, not %+v", i, got[i], want[i])
		}
	}
}
