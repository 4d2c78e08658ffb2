package schedule

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// drawLines draws stages up to a level.
func drawLines(t *rapid.T, most int64) []hyperscale.Stage {
	var list []hyperscale.Stage
	for range rapid.IntRange(1, 4).Draw(t, "stages") {
		list = append(list, hyperscale.Stage{
			From: rapid.Int64Range(0, most).Draw(t, "from"), To: rapid.Int64Range(0, most).Draw(t, "to"),
			Over: time.Duration(rapid.Int64Range(1, int64(5*time.Second)).Draw(t, "over")),
		})
	}
	return list
}

// drawChanges draws changes of a load with such levels.
func drawChanges(t *rapid.T, kind hyperscale.AdjustKind, most int64) []Change {
	var list []Change
	at := time.Duration(0)
	for range rapid.IntRange(0, 5).Draw(t, "changes") {
		at += time.Duration(rapid.Int64Range(0, int64(4*time.Second)).Draw(t, "later"))
		level := rapid.Int64Range(0, most).Draw(t, "level")
		list = append(list, Change{At: at, Rate: hyperscale.Rate(level), VUs: level, Do: rapid.SampledFrom([]hyperscale.AdjustKind{
			kind, kind, hyperscale.AdjustPause, hyperscale.AdjustResume,
		}).Draw(t, "do")})
	}
	return list
}

const fast = 200 * int64(hyperscale.PerSecond)

// What arrivals were due before a change stays due when it was; they are in
// order, none is due in a pause, and the numbers of those before a time are what
// their times say.
func TestAdjustedArrivals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		load := hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: drawLines(t, fast), Poisson: rapid.Bool().Draw(t, "poisson")}
		changes := drawChanges(t, hyperscale.AdjustRate, fast)
		const source = hyperscale.Source(5)
		a := NewArrivals(load, source, changes...)
		last := hyperscale.JobTime(0)
		for i := range a.Total() {
			due, ok := a.Due(hyperscale.Slot(i))
			if !ok || due < last || due >= a.End() {
				t.Fatalf("slot %d of %d is due at %v after %v, the end is %v", i, a.Total(), due, last, a.End())
			}
			if n := a.Before(due + 1); n <= i {
				t.Fatalf("slot %d is due at %v, before the next nanosecond %d are", i, due, n)
			}
			if n := a.Before(due); n > i {
				t.Fatalf("slot %d is due at %v, before that %d are", i, due, n)
			}
			if PausedAt(changes, due) {
				t.Fatalf("slot %d is due at %v, in a pause", i, due)
			}
			last = due
		}
		if a.Before(a.End()) != a.Total() {
			t.Fatalf("%d slots, %d before the end", a.Total(), a.Before(a.End()))
		}
		if len(changes) == 0 {
			return
		}
		newest := changes[len(changes)-1]
		b := NewArrivals(load, source, changes[:len(changes)-1]...)
		if a.Before(newest.At) != b.Before(newest.At) {
			t.Fatalf("before the newest change at %v: %d and %d", newest.At, a.Before(newest.At), b.Before(newest.At))
		}
		for i := range a.Before(newest.At) {
			with, _ := a.Due(hyperscale.Slot(i))
			if without, _ := b.Due(hyperscale.Slot(i)); with != without {
				t.Fatalf("slot %d was due at %v and is so at %v", i, without, with)
			}
		}
	})
}

// Changes at the ends of seconds, of what is kept of them, and at one time.
func TestChangesOfPoissonAtEdges(t *testing.T) {
	load := hyperscale.Load{Kind: hyperscale.LoadOpen, Poisson: true, Stages: []hyperscale.Stage{{From: fast / 10, To: fast / 5, Over: 40 * time.Second}}}
	plain := NewArrivals(load, 3)
	for _, at := range []time.Duration{0, 1, time.Second, 16 * time.Second, 16*time.Second - 1, 32*time.Second + 1, 40 * time.Second, time.Hour} {
		same := Change{At: at, Do: hyperscale.AdjustRate, Rate: hyperscale.Rate(fast)}
		changed := NewArrivals(load, 3, same, same, Change{At: at, Do: hyperscale.AdjustPause}, Change{At: at, Do: hyperscale.AdjustResume})
		met := plain.Before(at)
		if n := changed.Before(at); n != met {
			t.Errorf("changed at %v: %d slots before that, %d without", at, n, met)
		}
		for i := range met {
			before, _ := plain.Due(hyperscale.Slot(i))
			if after, _ := changed.Due(hyperscale.Slot(i)); after != before {
				t.Fatalf("changed at %v: slot %d was due at %v, and is at %v", at, i, before, after)
			}
		}
		left := max(plain.End()-at, 0).Seconds()
		if n, mean := float64(changed.Total()-met), left*200; n < mean-6*math.Sqrt(mean) || n > mean+6*math.Sqrt(mean) {
			t.Errorf("changed at %v: %v slots after that, %v expected", at, n, mean)
		}
	}
}

// A cursor that goes on at its place under new changes meets every slot once.
func TestCursorGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		load := hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: drawLines(t, fast), Poisson: rapid.Bool().Draw(t, "poisson")}
		changes := drawChanges(t, hyperscale.AdjustRate, fast)
		share := hyperscale.Share{Lo: 1, Hi: 3, Of: 4}
		a := NewArrivals(load, 5)
		c := a.Cursor(share, 1, 2)
		met := c.Place()
		for i := range changes {
			heard := changes[i].At + time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "late"))
			for {
				slot, due, ok := c.Peek()
				if !ok || due >= heard {
					break
				}
				if want := c.lane.At(met); slot != want {
					t.Fatalf("slot %d; want %d", slot, want)
				}
				met++
				c.Next()
			}
			a = NewArrivals(load, 5, changes[:i+1]...)
			c = a.CursorAt(share, 1, 2, c.Place())
		}
		for {
			slot, _, ok := c.Peek()
			if !ok {
				break
			}
			if want := c.lane.At(met); slot != want {
				t.Fatalf("slot %d; want %d", slot, want)
			}
			met++
			c.Next()
		}
	})
}

// The number of virtual users is what it was up to a change, none during a
// pause, and what it would have been after it.
func TestAdjustedUsers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		load := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: drawLines(t, 30)}
		changes := drawChanges(t, hyperscale.AdjustVUs, 30)
		u := NewUsers(load, changes...)
		for at, level, ok := hyperscale.JobTime(-1), int64(0), true; ok; at, level, ok = u.Change(at) {
			if u.At(at) != level {
				t.Fatalf("%d at %v; want %d", u.At(at), at, level)
			}
			if PausedAt(changes, at) && level != 0 {
				t.Fatalf("%d at %v, in a pause", level, at)
			}
		}
		if len(changes) == 0 {
			return
		}
		newest := changes[len(changes)-1]
		before := NewUsers(load, changes[:len(changes)-1]...)
		if u.Planned(hyperscale.Whole, newest.At) != before.Planned(hyperscale.Whole, newest.At) {
			t.Fatal("what was planned before the newest change is not what it was")
		}
	})
}

// A pause that ends moves all that comes after it by its length.
func TestPauseMoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		open := hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: drawLines(t, fast)}
		closed := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: drawLines(t, 30)}
		plain, users := NewArrivals(open, 1), NewUsers(closed)
		from := time.Duration(rapid.Int64Range(0, int64(min(plain.End(), users.End()))-1).Draw(t, "from"))
		length := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "for"))
		pause := []Change{{At: from, Do: hyperscale.AdjustPause}, {At: from + length, Do: hyperscale.AdjustResume}}
		a, u := NewArrivals(open, 1, pause...), NewUsers(closed, pause...)
		if a.Total() != plain.Total() || a.End() != plain.End()+length || u.End() != users.End()+length {
			t.Fatalf("%d slots until %v became %d until %v", plain.Total(), plain.End(), a.Total(), a.End())
		}
		for i := range a.Total() {
			want, _ := plain.Due(hyperscale.Slot(i))
			if want >= from {
				want += length
			}
			// A ramp that is taken up again is where it was but for the rounding of its
			// mass to a nanosecond.
			if got, _ := a.Due(hyperscale.Slot(i)); got < want-1 || got > want+1 {
				t.Fatalf("slot %d is due at %v; want %v", i, got, want)
			}
		}
		if got := NewArrivals(open, 1, pause[0]); got.End() < 50*365*24*time.Hour || got.Total() != plain.Before(from) {
			t.Fatalf("an open pause: %d slots until %v; want %d", got.Total(), got.End(), plain.Before(from))
		}
	})
}

// What an adjustment may do to each kind of load.
func TestAdjustable(t *testing.T) {
	kinds := []hyperscale.LoadKind{hyperscale.LoadOnce, hyperscale.LoadClosed, hyperscale.LoadOpen, hyperscale.LoadIterations, hyperscale.LoadEach, hyperscale.LoadSearch}
	may := map[hyperscale.AdjustKind]string{
		hyperscale.AdjustRate: "..o...", hyperscale.AdjustVUs: ".o....", hyperscale.AdjustPause: ".oooo.", hyperscale.AdjustResume: ".oooo.", "stretch": "......",
	}
	for do, row := range may {
		for i, kind := range kinds {
			err := Adjustable(hyperscale.Load{Kind: kind}, hyperscale.Adjustment{Do: do, Rate: 1, VUs: 1})
			if (err == nil) != (row[i] == 'o') {
				t.Errorf("%s of kind %d: %v", do, kind, err)
			}
		}
	}
	for kind, do := range map[hyperscale.LoadKind]hyperscale.AdjustKind{hyperscale.LoadOpen: hyperscale.AdjustVUs, hyperscale.LoadClosed: hyperscale.AdjustRate} {
		err := Adjustable(hyperscale.Load{Kind: kind}, hyperscale.Adjustment{Do: do})
		if want := map[hyperscale.LoadKind]string{hyperscale.LoadOpen: "--rate", hyperscale.LoadClosed: "--vus"}[kind]; err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	if Adjustable(hyperscale.Load{Kind: hyperscale.LoadOpen}, hyperscale.Adjustment{Do: hyperscale.AdjustRate, Rate: -1}) == nil {
		t.Error("a rate below zero was taken")
	}
}

func TestPaused(t *testing.T) {
	changes := []Change{
		{Do: hyperscale.AdjustPause, At: -1}, {Do: hyperscale.AdjustResume, At: 2}, {Do: hyperscale.AdjustRate, At: 3},
		{Do: hyperscale.AdjustPause, At: 5}, {Do: hyperscale.AdjustPause, At: 6}, {Do: hyperscale.AdjustResume, At: 9},
		{Do: hyperscale.AdjustResume, At: 10}, {Do: hyperscale.AdjustPause, At: 12},
	}
	for at, want := range map[hyperscale.JobTime]hyperscale.JobTime{-1: 0, 0: 0, 1: 1, 2: 2, 4: 2, 5: 2, 8: 5, 9: 6, 12: 6, 20: 14} {
		if got := Paused(changes, at); got != want {
			t.Errorf("before %d it was paused for %d, want %d", at, got, want)
		}
	}
}
