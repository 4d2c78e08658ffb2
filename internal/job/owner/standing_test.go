package owner

import (
	"strings"
	"testing"
	"time"

	"hyperscale"
)

// As long as the books of a lost holder are open the counts are not said to be all.
func TestUnknown(t *testing.T) {
	s := &script{t: t}
	for _, line := range []string{
		"plan open", "saved", "grant 1 w1 w2", "saved", "state w1 prepared", "state w2 prepared", "saved", "saved", "wait 2300ms",
	} {
		s.run(line)
	}
	if got := s.owner.Unknown(); got != "" {
		t.Errorf("nobody is lost, and it says %q", got)
	}
	s.run("lose w2 dead")
	if got := s.owner.Unknown(); !strings.HasSuffix(got, "on w2 since 2s") {
		t.Errorf("w2 is lost, and it says %q", got)
	}
}

// That a load is paused is said as the reason of the phase, where every status and
// list has it, until it is resumed; and what is done of it does not fall.
func TestPausedIsSaid(t *testing.T) {
	s := &script{t: t}
	for _, line := range []string{"plan open", "saved", "grant 1 w1", "saved", "state w1 prepared", "saved", "saved", "wait 3s"} {
		s.run(line)
	}
	for _, c := range []struct {
		do   hyperscale.AdjustKind
		want string
	}{{hyperscale.AdjustPause, "a is paused"}, {hyperscale.AdjustResume, ""}} {
		s.step(Adjust{Token: 8, Key: string(c.do), By: "ann", Adjustment: hyperscale.Adjustment{Workflow: "a", Do: c.do}})
		for range 5 {
			s.now += time.Second
			s.step(Tick{})
			for s.pending != nil && s.pending.Reason != c.want {
				s.saved()
			}
		}
		if s.pending == nil || s.pending.Reason != c.want {
			t.Fatalf("after %s: %+v", c.do, s.pending)
		}
		s.saved()
	}
}
