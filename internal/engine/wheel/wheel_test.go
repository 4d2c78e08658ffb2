package wheel

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is armed, moved and disarmed, each timer that is left fires once, in
// the Advance that first reaches its time, and Next never promises too late.
func TestFiresWhenDue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		now := time.Duration(rapid.Int64Range(0, 1<<40).Draw(rt, "now"))
		w := New(now)
		timers := make([]Timer, 20)
		fired := make([]int, len(timers))
		due := make([]time.Duration, len(timers))
		for i := range timers {
			due[i] = Never
			timers[i].Wake = func(time.Duration) { fired[i]++ }
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			i := rapid.IntRange(0, len(timers)-1).Draw(rt, "timer")
			switch rapid.IntRange(0, 3).Draw(rt, "act") {
			case 0, 1:
				due[i] = now + time.Duration(rapid.Int64Range(-1000, 1<<rapid.IntRange(10, 45).Draw(rt, "far")).Draw(rt, "in"))
				w.Arm(&timers[i], due[i])
			case 2:
				due[i] = Never
				w.Disarm(&timers[i])
			case 3:
				first := slices.Min(due)
				if first != Never && w.Next() > max(first, now)+1<<tickShift {
					rt.Fatalf("Next is %v, the first timer at %v", w.Next(), first)
				}
				now += time.Duration(rapid.Int64Range(0, 1<<rapid.IntRange(10, 45).Draw(rt, "wide")).Draw(rt, "step"))
				w.Advance(now)
				for j := range timers {
					want := 0
					if due[j] != Never && ceilTick(due[j]) <= int64(now)>>tickShift {
						want, due[j] = 1, Never
					}
					if fired[j] != want {
						rt.Fatalf("timer %d fired %d times, want %d", j, fired[j], want)
					}
					fired[j] = 0
				}
			}
		}
	})
}

// A timer that arms itself again for a time already reached is not starved and
// does not starve Advance.
func TestRearmsItself(t *testing.T) {
	w := New(0)
	n := 0
	var tm Timer
	tm.Wake = func(now time.Duration) {
		if n++; n < 5 {
			w.Arm(&tm, now)
		}
	}
	w.Arm(&tm, time.Millisecond)
	for i := range 6 {
		w.Advance(time.Duration(i+1) * time.Millisecond)
	}
	if n != 5 {
		t.Fatalf("fired %d times, want 5", n)
	}
	if w.Len() != 0 || w.Next() != Never {
		t.Fatal("timers left over")
	}
}

func BenchmarkArmDisarm(b *testing.B) {
	w := New(0)
	var tm Timer
	for b.Loop() {
		w.Arm(&tm, 10*time.Second)
		w.Disarm(&tm)
	}
}
