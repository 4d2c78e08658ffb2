package node

import (
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// TestJobTime: what time it is for a job is known from those who run it, also to a node
// that does not own it, and none of them alone can put it off.
func TestJobTime(t *testing.T) {
	n := New(Config{Self: "m", Boot: 1})
	states := func(now time.Duration, child hyperscale.NodeID, boot hyperscale.Boot, state link.State, at hyperscale.JobTime) {
		n.Step(now, Attached{Child: child, Conn: 1})
		n.Step(now, Said{Child: child, Conn: 1, Up: link.Statement{Node: child, Boot: boot, Seq: uint64(now), Cores: 1, Holds: []link.Held{{
			Hold: link.Hold{Job: "j", Workflow: "a", Share: hyperscale.Whole}, State: state, Start: 1, JobTime: at,
		}}}})
	}
	want := func(now time.Duration, job hyperscale.JobID, want hyperscale.JobTime) {
		t.Helper()
		if got := n.JobTime(now, job); got != want {
			t.Errorf("at %v it is %v for %s, want %v", now, got, job, want)
		}
	}
	want(time.Second, "j", 0)
	states(time.Second, "k", 1, link.Prepared, 0)
	want(2*time.Second, "j", 0)
	states(2*time.Second, "k", 1, link.Running, 500*time.Millisecond)
	want(2200*time.Millisecond, "j", 700*time.Millisecond)
	want(2200*time.Millisecond, "other", 0)
	states(2300*time.Millisecond, "liar", 1, link.Running, time.Hour)
	want(2500*time.Millisecond, "j", time.Second)
	states(3*time.Second, "k", 2, link.Preparing, 0) // a later start of it
	states(3*time.Second, "l", 1, link.Stopped, time.Second)
	want(3*time.Second, "j", time.Hour+700*time.Millisecond)
}
