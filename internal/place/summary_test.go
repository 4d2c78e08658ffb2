package place

import (
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// B-29: what the table comes to: who may be given something, what is free of it, what is
// waited for and when cores come back.
func TestSummary(t *testing.T) {
	p := New(Config{})
	seq := uint64(0)
	use := Use{Job: "1", Workflow: "w", Share: hyperscale.Whole, Cores: 4}
	want := func(job hyperscale.JobID, cores int, length time.Duration) link.Want {
		return link.Want{Job: job, Number: 1, Length: length, Workflows: []link.WorkflowCores{{Workflow: "w", Least: cores, Most: cores}}}
	}
	state := func(now time.Duration, node hyperscale.NodeID, s Stated) {
		seq++
		s.Node, s.Boot, s.Seq, s.Cores = node, 1, seq, 4
		p.Step(now, s)
	}
	is := func(now time.Duration, want Summary, known bool) {
		t.Helper()
		if got, ok := p.Summary(now); got != want || ok != known {
			t.Errorf("at %v: %+v, %v, want %+v, %v", now, got, ok, want, known)
		}
	}
	is(0, Summary{}, false)
	state(0, "a", Stated{Uses: []Use{use}})
	state(0, "b", Stated{Free: 3})
	state(0, "c", Stated{Free: 4, Draining: true})
	state(0, "d", Stated{Free: 4, Health: Unhealthy})
	is(time.Second, Summary{}, false) // it is new
	is(2*time.Second, Summary{Cores: 8, Free: 3}, true)

	runs := []link.Run{{Job: "1", Workflow: "w", Left: 40 * time.Second}}
	p.Step(2*time.Second, Wanted{From: "m", Wants: link.Wants{Runs: runs, Wants: []link.Want{want("2", 5, 30*time.Second)}}})
	is(2*time.Second, Summary{Cores: 8, Free: 3, Queued: 150, Expected: 40 * time.Second}, true)
	p.Step(2*time.Second, Wanted{From: "n", Wants: link.Wants{Wants: []link.Want{want("3", 8, 0)}}})
	is(2*time.Second, Summary{Cores: 8, Free: 3, Queued: 150 + 8*60}, true) // who knows when those come

	p.Step(2500*time.Millisecond, Wanted{From: "n"})
	p.Step(2500*time.Millisecond, Wanted{From: "m", Wants: link.Wants{Runs: runs, Wants: []link.Want{want("2", 3, time.Minute)}}})
	is(2500*time.Millisecond, Summary{Cores: 8, Free: 0, Expected: 40 * time.Second}, true) // granted, and not taken up yet
	is(3100*time.Millisecond, Summary{Expected: 39400 * time.Millisecond}, true)            // nobody is heard
}
