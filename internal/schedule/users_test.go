package schedule

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// closed is the schedule of a closed load of the stages.
func closed(stages ...hyperscale.Stage) *Users {
	return NewUsers(hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: stages})
}

func TestLevelOfClosedLoads(t *testing.T) {
	ramps := closed(users(0, 200, 30*time.Second), users(200, 200, 5*time.Minute), users(200, 0, 10*time.Second))
	jumps := closed(users(5, 5, time.Second), users(20, 20, time.Second), users(3, 4, time.Second))
	tests := []struct {
		name string
		load *Users
		at   time.Duration
		want int64
	}{
		{"before the start", ramps, -1, 0},
		{"a ramp from nothing", ramps, 0, 0},
		{"the first user comes at half of one", ramps, 75 * time.Millisecond, 1},
		{"and not before", ramps, 75*time.Millisecond - 1, 0},
		{"half way", ramps, 15 * time.Second, 100},
		{"the last of a ramp", ramps, 29925 * time.Millisecond, 200},
		{"hold", ramps, 2 * time.Minute, 200},
		{"the first user goes at half of one, too", ramps, 330*time.Second + 25*time.Millisecond, 199},
		{"and not before", ramps, 330*time.Second + 25*time.Millisecond - 1, 200},
		{"the end", ramps, 340 * time.Second, 0},
		{"before a jump", jumps, time.Second - 1, 5},
		{"after a jump", jumps, time.Second, 20},
		{"down", jumps, 2 * time.Second, 3},
		{"slowly up", jumps, 2500 * time.Millisecond, 4},
		{"over", jumps, 3 * time.Second, 0},
	}
	for _, test := range tests {
		if got := test.load.At(test.at); got != test.want {
			t.Errorf("%s: %d users at %v, want %d", test.name, got, test.at, test.want)
		}
	}
	if ramps.Peak() != 200 || jumps.Peak() != 20 || ramps.End() != 340*time.Second {
		t.Errorf("peaks %d and %d, end %v", ramps.Peak(), jumps.Peak(), ramps.End())
	}
}

func TestPlannedIsTheAreaUnderTheLine(t *testing.T) {
	const vus = time.Second // VU-seconds
	tests := []struct {
		name  string
		load  *Users
		share hyperscale.Share
		until time.Duration
		want  time.Duration
	}{
		{"a trapezoid", closed(users(0, 200, 30*time.Second), users(200, 200, 5*time.Minute), users(200, 0, 10*time.Second)), hyperscale.Whole, time.Hour, 64_000 * vus},
		{"a level", closed(users(7, 7, time.Minute)), hyperscale.Whole, time.Minute, 420 * vus},
		{"until an interrupt", closed(users(7, 7, time.Minute)), hyperscale.Whole, time.Second, 7 * vus},
		{"from a takeover on", closed(users(7, 7, time.Minute)), hyperscale.Share{Hi: 1, Of: 1, From: 59 * time.Second}, time.Hour, 7 * vus},
		{"of a share", closed(users(7, 7, time.Minute)), hyperscale.Share{Lo: 1, Hi: 2, Of: 3}, time.Hour, 120 * vus},
		{"nothing before the start", closed(users(7, 7, time.Minute)), hyperscale.Whole, -1, 0},
		{"more than can be told", closed(users(1<<39, 1<<39, 1000*time.Hour)), hyperscale.Whole, 1000 * time.Hour, forever},
	}
	for _, test := range tests {
		if got := test.load.Planned(test.share, test.until); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// line is the reference: the level of a stage x into it, not rounded.
func line(s hyperscale.Stage, x int64) *big.Rat {
	level := big.NewRat(s.To-s.From, int64(s.Over))
	level.Mul(level, big.NewRat(x, 1))
	return level.Add(level, big.NewRat(s.From, 1))
}

func TestLevelIsTheLineRounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		highest := rapid.SampledFrom([]int64{10, 100_000, 1 << 39}).Draw(t, "highest")
		stages := drawStages(t, highest, rapid.SampledFrom([]time.Duration{100, time.Hour, 10_000 * time.Hour}).Draw(t, "longest"))
		u := closed(stages...)
		k := rapid.IntRange(0, len(stages)-1).Draw(t, "stage")
		x := rapid.Int64Range(0, int64(stages[k].Over)-1).Draw(t, "x")
		at := time.Duration(x)
		for _, s := range stages[:k] {
			at += s.Over
		}
		level, exact := u.At(at), line(stages[k], x)
		ahead := new(big.Rat).Sub(exact, new(big.Rat).SetInt64(level)) // in [−½, ½), seen along the line
		if stages[k].To < stages[k].From {
			ahead.Neg(ahead)
		}
		if ahead.Cmp(big.NewRat(-1, 2)) < 0 || ahead.Cmp(big.NewRat(1, 2)) >= 0 {
			t.Fatalf("%d users at %v, the line is at %v", level, at, exact)
		}
		if level > u.Peak() {
			t.Fatalf("%d users at %v, the peak is %d", level, at, u.Peak())
		}
	})
}

func TestChangesAreAllChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := closed(drawStages(t, 40, 200)...) // so short that each nanosecond can be looked at
		level, next := int64(0), hyperscale.JobTime(-1)
		for at := hyperscale.JobTime(-1); at <= u.End()+1; at++ {
			now := u.At(at)
			if now != level && at != next {
				t.Fatalf("%d users at %v after %d, the change was told for %v", now, at, level, next)
			}
			told, to, ok := u.Change(at)
			if !ok && now != 0 {
				t.Fatalf("no change after %v with %d users", at, now)
			}
			if ok && (told <= at || u.At(told) != to || u.At(told-1) == to || to == now) {
				t.Fatalf("at %v: told of %d at %v, there are %d", at, to, told, u.At(told))
			}
			level, next = now, told
		}
	})
}

func TestPlannedOfAnyDivisionIsTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := closed(drawStages(t, 50, 300)...)
		until := hyperscale.JobTime(rapid.Int64Range(-1, int64(u.End())+1).Draw(t, "until"))
		var sum, brute hyperscale.JobTime
		for _, l := range drawLanes(t) {
			if l.Index == 0 {
				sum += u.Planned(l.Share, until)
			}
		}
		for at := hyperscale.JobTime(0); at < until; at++ {
			brute += hyperscale.JobTime(u.At(at))
		}
		if whole := u.Planned(hyperscale.Whole, until); sum != whole || brute != whole {
			t.Fatalf("shares %d, whole %d, by hand %d", sum, whole, brute)
		}
	})
}
