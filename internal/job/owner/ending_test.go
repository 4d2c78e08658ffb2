package owner

import (
	"testing"
	"time"

	"hyperscale/internal/stats"
)

// noon is when jobs are submitted; the nodes' time is 0 a minute later.
var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// A job started when its load began, whoever owned it then, and not when it was
// submitted; one that never began did not.
func TestStartedIsWhenTheLoadBegan(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  time.Duration // after noon; 0: never
	}{
		{[]string{"plan open", "saved", "wait 2s"}, 0},
		{[]string{"plan open", "saved", "wait 30s", "grant 1 w1", "saved", "state w1 prepared", "saved", "saved", "wait 2s", "takeover"}, 90 * time.Second},
	} {
		s := &script{t: t}
		for _, line := range c.lines {
			s.run(line)
		}
		for s.pending != nil {
			s.saved()
		}
		text, err := Forsaken(s.config(), s.records, s.clock, "")
		if err != nil {
			t.Fatal(err)
		}
		r, err := stats.DecodeResult(s.plan, text)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Submitted.Equal(noon) || r.Started.IsZero() != (c.want == 0) || c.want != 0 && r.Started.Sub(noon).Round(time.Second) != c.want {
			t.Errorf("submitted %v, started %v, want %v after noon", r.Submitted, r.Started, c.want)
		}
	}
}

// A job that ended without its owner is booked up to the last save: what its holders
// may have begun after that is in the bound, and not counted as started.
func TestForsakenIsBookedUpToTheSave(t *testing.T) {
	s := &script{t: t}
	for _, line := range []string{
		"plan open", "saved", "grant 1 w1 w2", "saved", "state w1 prepared", "state w2 prepared", "saved", "saved",
		"wait 2s", "deliver w1 a to=1s due=5", "wait 2s",
	} {
		s.run(line)
	}
	for s.pending != nil {
		s.saved()
	}
	text, err := Forsaken(s.config(), s.records, s.clock, "the store was restored")
	if err != nil {
		t.Fatal(err)
	}
	r, err := stats.DecodeResult(s.plan, text)
	if err != nil {
		t.Fatal(err)
	}
	due := uint64(s.clock/(100*time.Millisecond)) + 1 // 10/s, of which 100 are due in all
	got := CountsOf(r.Tally, "a").Slots
	if got.Due > due || got.Due < 30 || got.Started != got.Due || got.Lost != got.Due-5 {
		t.Errorf("%+v at %v; want no more than %d due, and all but 5 lost", got, s.clock, due)
	}
	if most := r.Unreported(); most < 95 || most > 200 {
		t.Errorf("at most %d requests are in no count; 100 are due in all, and 5 were told", most)
	}
	for _, l := range r.Losses {
		if l.Lost > 0 && l.To > s.clock {
			t.Errorf("what was lost is booked to %v, after %v: %+v", l.To, s.clock, l)
		}
	}
}
