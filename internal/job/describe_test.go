package job

import (
	"slices"
	"testing"
	"time"

	"hyperscale"
)

func TestDescribe(t *testing.T) {
	tests := []struct{ load, want string }{
		{"closed:10/30s", "10 VUs for 30s"},
		{"closed:1/90s", "1 VU for 1m30s"},
		{"open:0-500/30s,500/1m", "stage 1 of 2: 0/s to 500/s in 30s"},
		{"iterations:1000x8", "1000 iterations by 8 VUs"},
		{"each:1x8", "1 iteration by each of 8 VUs"},
		{"search:100-5000/20s", "search from 100/s to 5000/s"},
	}
	for _, test := range tests {
		if got := describe(readLoad(t, test.load)); got != test.want {
			t.Errorf("%s: %q, want %q", test.load, got, test.want)
		}
	}
	if got := describe(hyperscale.Load{}); got != "1 iteration" {
		t.Errorf("no load: %q", got)
	}
}

// A load that counts its arrivals never comes to the stages after the last one.
func TestStagesThatAreNotReached(t *testing.T) {
	load := readLoad(t, "open:10/10s,20/10s,30/10s")
	load.Arrivals = 150
	plan := &hyperscale.Plan{Workflows: []hyperscale.Workflow{{Name: "browse", Load: load, Graceful: time.Second}}}
	j := New(plan)
	var stages []Mark
	for _, e := range slices.Concat(j.Step(0, Start{}), j.Step(0, LegBegan{Workflow: plan.Workflows[0].Name, Leg: 1}), j.Step(time.Minute, Tick{})) {
		if m, ok := e.(Mark); ok && m.What == Stage {
			stages = append(stages, m)
		}
	}
	if len(stages) != 1 || stages[0].At != 10*time.Second {
		t.Errorf("stages %v, want the second only", stages)
	}
}
