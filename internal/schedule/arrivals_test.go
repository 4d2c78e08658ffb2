package schedule

import (
	"math/big"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

func TestTotalOfOpenLoads(t *testing.T) {
	tests := []struct {
		name string
		load hyperscale.Load
		want int64
		end  time.Duration
	}{
		{"4000/s for 5s is exactly 20 000", open(rate(4000, 4000, 5*time.Second)), 20_000, 5 * time.Second},
		{"a ramp is a triangle", open(rate(0, 200, 30*time.Second)), 3000, 30 * time.Second},
		{"ramp, hold, ramp", open(rate(0, 500, 30*time.Second), rate(500, 500, time.Minute), rate(500, 0, 10*time.Second)), 40_000, 100 * time.Second},
		{"a jump", open(rate(10, 10, time.Second), rate(1000, 1000, time.Second)), 1010, 2 * time.Second},
		{"7/m for 1m", open(hyperscale.Stage{From: 7 * perSecond / 60, To: 7 * perSecond / 60, Over: time.Minute}), 7, time.Minute},
		{"1/h for 59m has its first", open(hyperscale.Stage{From: perSecond / 3600, To: perSecond / 3600, Over: 59 * time.Minute}), 1, 59 * time.Minute},
		{"a millionth per second for a million seconds and one nanosecond", open(hyperscale.Stage{From: 3600, To: 3600, Over: 1_000_000*time.Second + 2}), 2, 1_000_000*time.Second + 2},
		{"the slot that the integral reaches at a pause's start is due in it", open(rate(10, 10, time.Second), rate(0, 0, time.Second)), 11, 2 * time.Second},
		{"no stages", open(), 0, 0},
		{"arrivals end a longer load", hyperscale.Load{Stages: []hyperscale.Stage{rate(10, 10, time.Minute)}, Arrivals: 100}, 100, 10 * time.Second},
		{"the stages end before the arrivals", hyperscale.Load{Stages: []hyperscale.Stage{rate(10, 10, time.Second)}, Arrivals: 100}, 10, time.Second},
		{"more than 128 bits can hold in between", open(rate(0, 2_000_000, 240*time.Hour), rate(2_000_000, 0, 240*time.Hour)), 1_728_000_000_000, 480 * time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := NewArrivals(test.load, 1)
			if a.Total() != test.want || a.End() != test.end {
				t.Errorf("total %d until %v, want %d until %v", a.Total(), a.End(), test.want, test.end)
			}
		})
	}
}

func TestDueOfOpenLoads(t *testing.T) {
	ramp := open(rate(0, 200, 30*time.Second))
	fall := open(rate(200, 0, 30*time.Second))
	tests := []struct {
		name string
		load hyperscale.Load
		slot hyperscale.Slot
		want time.Duration
	}{
		{"the first is due at once", open(rate(4000, 4000, time.Second)), 0, 0},
		{"even spacing", open(rate(4000, 4000, time.Second)), 3, 750 * time.Microsecond},
		{"rounded up to a whole nanosecond", open(rate(3, 3, time.Second)), 1, 333_333_334},
		{"and not added up", open(rate(3, 3, time.Second)), 2, 666_666_667},
		{"a ramp begins slowly", ramp, 30, 3 * time.Second},
		{"and goes with the square", ramp, 750, 15 * time.Second},
		{"a fall begins fast", fall, 3000 - 1470, 9 * time.Second},
		{"and ends slowly", fall, 3000 - 30, 27 * time.Second},
		{"after a pause", open(rate(1, 1, time.Second), rate(0, 0, time.Hour), rate(1, 1, 9*time.Second)), 2, time.Hour + 2*time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := NewArrivals(test.load, 1).Due(test.slot)
			if got != test.want || !ok {
				t.Errorf("slot %d is due at %v, %v, want %v", test.slot, got, ok, test.want)
			}
		})
	}
}

func TestSlotsBeyondTheLoad(t *testing.T) {
	a := NewArrivals(open(rate(10, 10, time.Second)), 1)
	for _, slot := range []hyperscale.Slot{-1, 10, 1 << 62} {
		if due, ok := a.Due(slot); ok {
			t.Errorf("slot %d is due at %v", slot, due)
		}
	}
	if due, ok := a.Numbered(100).Due(109); !ok || due != 900*time.Millisecond {
		t.Errorf("the last slot numbered from 100 is due at %v, %v", due, ok)
	}
	if _, ok := a.Numbered(100).Due(99); ok {
		t.Error("a slot before the first number is due")
	}
}

// integral is the reference: the number of slots, whole or not, that the rate
// makes before t.
func integral(stages []hyperscale.Stage, t int64) *big.Rat {
	sum := new(big.Rat)
	for _, s := range stages {
		x := min(t, int64(s.Over))
		if x <= 0 {
			break
		}
		// (from + (from + (to − from)·x/over)) / 2 · x
		reached := new(big.Rat).Mul(big.NewRat(s.To-s.From, int64(s.Over)), big.NewRat(x, 1))
		reached.Add(reached, big.NewRat(s.From, 1)).Add(reached, big.NewRat(s.From, 1))
		reached.Mul(reached, big.NewRat(x, 2))
		sum.Add(sum, reached)
		t -= x
	}
	unit := new(big.Rat).Mul(big.NewRat(perSecond, 1), big.NewRat(1_000_000_000, 1))
	return sum.Quo(sum, unit)
}

// reaches reports whether the integral has reached i at t.
func reaches(stages []hyperscale.Stage, t, i int64) bool {
	return integral(stages, t).Cmp(big.NewRat(i, 1)) >= 0
}

func TestDueIsTheFirstTimeTheIntegralReaches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		highest := rapid.SampledFrom([]int64{1000 * perSecond, 1 << 45, 1 << 52, 1 << 60}).Draw(t, "highest")
		longest := rapid.SampledFrom([]time.Duration{100, time.Second, time.Hour, 10_000 * time.Hour}).Draw(t, "longest")
		stages := drawStages(t, highest, longest)
		a := NewArrivals(open(stages...), 1)
		end := int64(a.End())
		if reaches(stages, end-1, a.Total()) || a.Total() > 0 && !reaches(stages, end-1, a.Total()-1) {
			t.Fatalf("total %d is not the number of slots due before %d", a.Total(), end)
		}
		if a.Total() == 0 {
			return
		}
		i := rapid.Int64Range(0, a.Total()-1).Draw(t, "slot")
		due, ok := a.Due(hyperscale.Slot(i))
		if !ok || !reaches(stages, int64(due), i) || due > 0 && reaches(stages, int64(due)-1, i) {
			t.Fatalf("slot %d is due at %d, %v", i, due, ok)
		}
	})
}

// drawArrivals draws an open load, and says whether it is a Poisson one.
func drawArrivals(t *rapid.T, highest int64, longest time.Duration) *Arrivals {
	load := open(drawStages(t, highest, longest)...)
	load.Poisson = rapid.Bool().Draw(t, "poisson")
	if rapid.Bool().Draw(t, "counted") {
		load.Arrivals = rapid.Int64Range(1, 100).Draw(t, "arrivals")
	}
	return NewArrivals(load, hyperscale.Source(rapid.Uint64().Draw(t, "source")))
}

func TestBeforeCountsWhatIsDueBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawArrivals(t, 3000*perSecond, 40*time.Second)
		at := time.Duration(rapid.Int64Range(-1, int64(a.End())+1).Draw(t, "t"))
		if rapid.Bool().Draw(t, "at a slot") && a.Total() > 0 {
			at, _ = a.Due(hyperscale.Slot(rapid.Int64Range(0, a.Total()-1).Draw(t, "slot")))
		}
		n := a.Before(at)
		if n < 0 || n > a.Total() {
			t.Fatalf("%d of %d slots are due before %v", n, a.Total(), at)
		}
		if last, ok := a.Due(hyperscale.Slot(n - 1)); ok && last >= at {
			t.Fatalf("slot %d is due at %v, which is not before %v", n-1, last, at)
		}
		if next, ok := a.Due(hyperscale.Slot(n)); ok && next < at {
			t.Fatalf("slot %d is due at %v, which is before %v", n, next, at)
		}
		if a.Before(a.End()) != a.Total() {
			t.Fatalf("%d of %d slots are due before the end", a.Before(a.End()), a.Total())
		}
	})
}

// start is a slot with the time it is due at.
type start struct {
	slot hyperscale.Slot
	due  hyperscale.JobTime
}

// walk gives what a cursor gives.
func walk(c *Cursor) []start {
	var all []start
	for {
		slot, due, ok := c.Peek()
		if !ok {
			return all
		}
		all = append(all, start{slot, due})
		c.Next()
	}
}

func TestAnyDivisionIsTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawArrivals(t, 100*perSecond, 10*time.Second)
		whole := walk(a.Cursor(hyperscale.Whole, 0, 1))
		if int64(len(whole)) != a.Total() {
			t.Fatalf("%d slots of %d", len(whole), a.Total())
		}
		var parts []start
		for _, l := range drawLanes(t) {
			part := walk(a.Cursor(l.Share, int(l.Index), int(l.Of)))
			if int64(len(part)) != l.Count(a.Total()) {
				t.Fatalf("lane %+v has %d slots, want %d", l, len(part), l.Count(a.Total()))
			}
			parts = append(parts, part...)
		}
		sort.Slice(parts, func(i, j int) bool { return parts[i].slot < parts[j].slot })
		if len(parts) != len(whole) {
			t.Fatalf("the parts have %d slots, the whole has %d", len(parts), len(whole))
		}
		last := hyperscale.JobTime(0)
		for i, s := range whole {
			due, ok := a.Due(s.slot)
			if s.slot != hyperscale.Slot(i) || parts[i] != s || !ok || due != s.due || due < last || due >= a.End() {
				t.Fatalf("slot %d: whole %v, part %v, alone %v", i, s, parts[i], due)
			}
			last = due
		}
	})
}

func TestAShareGoesOnWhereItStopped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := hyperscale.Slot(rapid.SampledFrom([]int64{0, 1, 1000}).Draw(t, "first"))
		a := drawArrivals(t, 100*perSecond, 10*time.Second).Numbered(first)
		share, lanes := drawShare(t), rapid.IntRange(1, 4).Draw(t, "lanes")
		lane := rapid.IntRange(0, lanes-1).Draw(t, "lane")
		all := walk(a.Cursor(share, lane, lanes))
		share.From = time.Duration(rapid.Int64Range(-1, int64(a.End())+1).Draw(t, "from"))
		if len(all) > 0 && rapid.Bool().Draw(t, "at a slot") {
			share.From = rapid.SampledFrom(all).Draw(t, "slot").due
		}
		rest := walk(a.Cursor(share, lane, lanes))
		k := sort.Search(len(all), func(k int) bool { return all[k].due >= share.From })
		if len(rest) != len(all)-k {
			t.Fatalf("from %v: %d slots, want %d", share.From, len(rest), len(all)-k)
		}
		for i, s := range rest {
			if s != all[k+i] {
				t.Fatalf("from %v: %v, want %v", share.From, s, all[k+i])
			}
		}
	})
}

func TestCursorsAllocateNothing(t *testing.T) {
	for _, poisson := range []bool{false, true} {
		load := open(rate(0, 1000, time.Minute), rate(1000, 1000, time.Minute))
		load.Poisson = poisson
		c := NewArrivals(load, 1).Cursor(hyperscale.Whole, 0, 1)
		if n := testing.AllocsPerRun(50_000, c.Next); n != 0 {
			t.Errorf("poisson %v: %v allocations for each slot", poisson, n)
		}
	}
}

func TestLapsed(t *testing.T) {
	for _, c := range []struct{ met, died, back, lost, missed int64 }{
		{10, 14, 20, 4, 6},
		{10, 10, 20, 0, 10}, // it ended as its last window did
		{15, 14, 20, 0, 5},  // which told of a slot due after its end
		{21, 14, 20, 0, 0},
		{10, 24, 20, 14, 0}, // it ended after another went on
	} {
		lost, missed := Lapsed(c.met, c.died, c.back)
		if lost != uint64(c.lost) || missed != uint64(c.missed) {
			t.Errorf("%+v: %d lost, %d missed", c, lost, missed)
		}
	}
}
