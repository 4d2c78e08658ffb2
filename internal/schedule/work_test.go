package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

func TestLanesDivideTheSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lanes := drawLanes(t)
		slot := hyperscale.Slot(rapid.Int64Range(0, 1<<40).Draw(t, "slot"))
		holders := 0
		for _, l := range lanes {
			if !l.Holds(slot) {
				continue
			}
			holders++
			k := l.Count(int64(slot))
			if l.At(k) != slot || l.Count(int64(slot)+1) != k+1 {
				t.Fatalf("lane %+v has slot %d at place %d, slot %d is there", l, slot, k, l.At(k))
			}
		}
		if holders != 1 {
			t.Fatalf("%d lanes hold slot %d", holders, slot)
		}
	})
}

func TestWorkOfLoads(t *testing.T) {
	tests := []struct {
		name string
		load hyperscale.Load
		want Iterations
		due  int64
	}{
		{"none", hyperscale.Load{}, Iterations{Slots: 1, Passes: 1, VUs: 1}, 1},
		{"shared", hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: 100, VUs: 8}, Iterations{Slots: 100, Passes: 1, VUs: 8}, 100},
		{"more users than iterations", hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: 3, VUs: 8}, Iterations{Slots: 3, Passes: 1, VUs: 3}, 3},
		{"each", hyperscale.Load{Kind: hyperscale.LoadEach, Iterations: 100, VUs: 8}, Iterations{Slots: 8, Passes: 100, VUs: 8}, 800},
	}
	for _, test := range tests {
		if got := NewIterations(test.load); got != test.want || got.Total() != test.due {
			t.Errorf("%s: %+v with %d due, want %+v with %d", test.name, got, got.Total(), test.want, test.due)
		}
	}
}

func TestNoSlotOfFixedWorkIsWithoutAUser(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, vus := rapid.Int64Range(1, 200).Draw(t, "n"), rapid.Int64Range(1, 30).Draw(t, "vus")
		kind := rapid.SampledFrom([]hyperscale.LoadKind{hyperscale.LoadIterations, hyperscale.LoadEach}).Draw(t, "kind")
		w := NewIterations(hyperscale.Load{Kind: kind, Iterations: n, VUs: vus})
		most := rapid.IntRange(1, 8).Draw(t, "most")
		of := rapid.Int64Range(1, 40).Draw(t, "of")
		held, made := map[hyperscale.Slot]int{}, int64(0)
		for lo := int64(0); lo < of; {
			cut := hyperscale.Share{Lo: lo, Hi: rapid.Int64Range(lo+1, of).Draw(t, "hi"), Of: of}
			lo = cut.Hi
			share, ok := w.Share(cut)
			if !ok {
				continue
			}
			lanes := w.Lanes(share, most)
			if lanes < 1 || lanes > most || !share.Valid() {
				t.Fatalf("%d lanes for %+v", lanes, share)
			}
			for k := range lanes {
				l := Lane{Share: share, Index: int64(k), Of: int64(lanes)}
				if l.Count(w.VUs) == 0 {
					t.Fatalf("lane %+v has no virtual user", l)
				}
				made += l.Count(w.VUs)
				for i := range l.Count(w.Slots) {
					held[l.At(i)]++
				}
			}
		}
		if made != w.VUs || int64(len(held)) != w.Slots {
			t.Fatalf("%d users of %d, %d slots of %d", made, w.VUs, len(held), w.Slots)
		}
		for slot, holders := range held {
			if holders != 1 {
				t.Fatalf("slot %d has %d holders", slot, holders)
			}
		}
	})
}

func TestRowNumbers(t *testing.T) {
	ramp := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{users(0, 9, time.Second), users(2, 2, time.Second)}}
	tests := []struct {
		name string
		load hyperscale.Load
		slot hyperscale.Slot
		pass int64
		want int64
	}{
		{"once", hyperscale.Load{}, 0, 0, 0},
		{"an arrival", open(rate(1, 1, time.Second)), 17, 0, 17},
		{"an iteration", hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: 50, VUs: 5}, 17, 0, 17},
		{"each", hyperscale.Load{Kind: hyperscale.LoadEach, Iterations: 50, VUs: 5}, 4, 3, 19},
		{"a user that loops, by the peak of users", ramp, 1, 3, 28},
	}
	for _, test := range tests {
		if got := NewRows(test.load).Number(test.slot, test.pass); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestRowsPicked(t *testing.T) {
	tests := []struct {
		pick  hyperscale.Pick
		n, vu int64
		draw  uint64
		want  int64
		ok    bool
	}{
		{hyperscale.PickShared, 23, 1, 0, 3, true},
		{hyperscale.PickUnique, 9, 1, 0, 9, true},
		{hyperscale.PickUnique, 10, 1, 0, 10, false},
		{hyperscale.PickByVU, 23, 9, 0, 9, true},
		{hyperscale.PickByVU, 23, 10, 0, 10, false},
		{hyperscale.PickRandom, 23, 1, 0, 0, true},
		{hyperscale.PickRandom, 23, 1, 1<<64 - 1, 9, true},
		{hyperscale.PickRandom, 23, 1, 1 << 63, 5, true},
	}
	for _, test := range tests {
		got, ok := Row(test.pick, test.n, test.vu, test.draw, 10)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%+v: row %d, %v", test, got, ok)
		}
	}
}

// Wherever a share of iterations stops and however it is divided then, those who
// go on have together exactly what lies behind that point.
func TestResume(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		load := hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: rapid.Int64Range(1, 200).Draw(t, "slots"), VUs: rapid.Int64Range(1, 30).Draw(t, "vus")}
		w := NewIterations(load)
		of := rapid.Int64Range(1, 40).Draw(t, "of")
		lo := rapid.Int64Range(0, of-1).Draw(t, "lo")
		share := hyperscale.Share{Lo: lo, Hi: rapid.Int64Range(lo+1, of).Draw(t, "hi"), Of: of}
		own, some := w.Share(share)
		if !some {
			return
		}
		place := rapid.Int64Range(0, own.Count(w.Slots)).Draw(t, "place")
		left := map[hyperscale.Slot]int{}
		for k := place; k < own.Count(w.Slots); k++ {
			left[own.At(k)]++
		}
		for at := share.Lo; at < share.Hi; {
			part := hyperscale.Share{Lo: at, Hi: rapid.Int64Range(at+1, share.Hi).Draw(t, "cut"), Of: of}
			at = part.Hi
			cut, some := w.Share(part)
			if !some {
				continue
			}
			for k := w.Resume(share, place, part); k < cut.Count(w.Slots); k++ {
				left[cut.At(k)]--
			}
		}
		for slot, n := range left {
			if n != 0 {
				t.Fatalf("slot %d: %d", slot, n)
			}
		}
	})
}
