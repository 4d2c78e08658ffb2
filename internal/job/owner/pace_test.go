package owner

import (
	"fmt"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/outbox"
)

// Each second by default, each few seconds if that is told; what is to be told to
// people does not wait for these.
func TestPace(t *testing.T) {
	for _, tt := range []struct {
		every time.Duration
		news  int // the second in which something happened; 0: none
		want  string
	}{
		{0, 0, "[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20]"},
		{time.Second, 0, "[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20]"},
		{4 * time.Second, 0, "[4 8 12 16 20]"},
		{4 * time.Second, 6, "[4 6 10 14 18]"},
		{15 * time.Second, 0, "[15]"},
		{time.Hour, 0, "[15]"},
	} {
		p, got := pace{every: tt.every}, []int{}
		for s := 1; s <= 20; s++ {
			if p.due(hyperscale.JobTime(s)*time.Second, s == tt.news) {
				got = append(got, s)
			}
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("each %v, news in %d: due at %v, want %s", tt.every, tt.news, got, tt.want)
		}
	}
}

// Windows are sent once and none waits to be sent, though acknowledgements are as far
// apart as they may be, and a takeover comes between two: a child that has more under
// way than it may would hold them back, and one that waits too long send them again.
func TestWindowsFlowBetweenSaves(t *testing.T) {
	const takeover = 5 * time.Second // above the budget for it
	if longest := LongestEvery + settleTime + takeover; longest > outbox.FirstWait+time.Second || longest > outbox.MaxSent*time.Second {
		t.Errorf("acknowledgements may be %v apart; windows are sent again after %v, and %d may wait", longest, outbox.FirstWait, outbox.MaxSent)
	}
}

// Watchers are shown each second, however far apart saves are; but by nobody whose
// save is under way.
func TestWatchersAreShownEachSecond(t *testing.T) {
	for _, every := range []string{"1s", "15s"} {
		s := &script{t: t}
		for _, line := range []string{"plan open", "saved", "every " + every, "grant 1 w1", "saved", "state w1 prepared", "saved", "saved", "wait 200ms"} {
			s.run(line)
		}
		for range 8 {
			before := s.shown
			s.run("wait 1s")
			if s.shown != before+1 {
				t.Errorf("saved each %s: shown %d times in a second", every, s.shown-before)
			}
		}
		s.run("lose w1 dead")
		before := s.shown
		for range 3 {
			s.now += time.Second
			s.step(Tick{})
		}
		if s.shown != before {
			t.Errorf("saved each %s: shown %d times while a save was under way", every, s.shown-before)
		}
		s.saved()
		s.now += time.Second
		s.step(Tick{})
		if s.pending != nil {
			s.saved()
		}
		if s.shown == before {
			t.Errorf("saved each %s: shown nothing after the save", every)
		}
	}
}
