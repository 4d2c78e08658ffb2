package schedule

import (
	"testing"
	"time"

	"hyperscale"
)

func request(timeout time.Duration, needs ...int) hyperscale.Step {
	r := &hyperscale.Request{}
	r.Transport.Timeout = timeout
	return hyperscale.Step{Kind: hyperscale.StepRequest, Request: r, Needs: needs}
}

func pause(least, most time.Duration, needs ...int) hyperscale.Step {
	return hyperscale.Step{
		Kind: hyperscale.StepPause, Needs: needs,
		Pause: hyperscale.Pause{Kind: hyperscale.PauseUniform, Min: least, Max: most},
	}
}

func TestMaxInFlight(t *testing.T) {
	hundred := open(rate(0, 100, time.Second), rate(50, 50, time.Second))
	search := hyperscale.Load{Kind: hyperscale.LoadSearch, Search: &hyperscale.Search{From: 1, To: 100 * hyperscale.PerSecond}}
	tests := []struct {
		name  string
		load  hyperscale.Load
		steps []hyperscale.Step
		want  int64
	}{
		{"as written", hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: hundred.Stages, MaxInFlight: 60_000}, nil, 60_000},
		{"peak rate × timeout", hundred, []hyperscale.Step{request(10 * time.Second)}, 1000},
		{"of a search its highest rate", search, []hyperscale.Step{request(10 * time.Second)}, 1000},
		{"the longest timeout and the pauses", hundred, []hyperscale.Step{request(2 * time.Second), pause(0, 3*time.Second, 0), request(time.Second, 1), pause(0, time.Second, 2)}, 600},
		{"pauses side by side", hundred, []hyperscale.Step{pause(0, 3*time.Second), pause(0, time.Second)}, 300},
		{"a group of passes", hundred, []hyperscale.Step{{Kind: hyperscale.StepGroup, Repeat: 3, Steps: []hyperscale.Step{pause(0, time.Second)}}}, 300},
		{"the longest choice", hundred, []hyperscale.Step{{Kind: hyperscale.StepChoose, Choices: []hyperscale.Choice{{Steps: []hyperscale.Step{pause(0, 2*time.Second)}}, {Steps: []hyperscale.Step{request(time.Second)}}}}}, 300},
		{"rounded up, and at least one", hundred, []hyperscale.Step{request(time.Millisecond)}, 1},
		{"rounded up", hundred, []hyperscale.Step{request(1001 * time.Millisecond)}, 101},
		{"never above 25 000 unasked", hundred, []hyperscale.Step{request(time.Hour)}, 25_000},
		{"nor when the product is beyond all numbers", hundred, []hyperscale.Step{{Kind: hyperscale.StepGroup, Repeat: 1 << 62, Steps: []hyperscale.Step{pause(0, time.Hour)}}, request(time.Hour)}, 25_000},
		{"closed loads have none", hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{users(5, 5, time.Second)}}, []hyperscale.Step{request(time.Second)}, 0},
	}
	for _, test := range tests {
		if got := MaxInFlight(hyperscale.Workflow{Load: test.load, Steps: test.steps}); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestSlotsOfLoads(t *testing.T) {
	tests := []struct {
		load hyperscale.Load
		want int64
		ok   bool
	}{
		{hyperscale.Load{}, 1, true},
		{hyperscale.Load{Kind: hyperscale.LoadEach, Iterations: 6, VUs: 7}, 42, true},
		{open(rate(10, 10, time.Second)), 10, true},
		{hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{users(5, 5, time.Second)}}, 0, false},
		{hyperscale.Load{Kind: hyperscale.LoadSearch}, 0, false},
	}
	for _, test := range tests {
		if got, ok := Slots(test.load, 1); got != test.want || ok != test.ok {
			t.Errorf("load kind %d: %d, %v", test.load.Kind, got, ok)
		}
	}
}
