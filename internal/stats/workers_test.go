package stats

import (
	"math"
	"reflect"
	"testing"
	"time"

	"hyperscale"
)

// What each worker did comes of its turns and of its self-watch.
func TestWorkers(t *testing.T) {
	tally := NewTally()
	lost, held := share1(0, 2), share1(1, 2)
	for i, s := range []hyperscale.Share{lost, held} {
		w := counted(s, 1, 1, second(0), 3+i)
		w.Watch = Readings{Node: []string{"b", "a"}[i], CPU: time.Second}
		tally.Add(w)
	}
	last := counted(held, 2, 2, second(1), 1)
	last.Final = true
	tally.Add(last)
	tally.Close("browse", lost, Losses{Interval: second(1)})
	tally.Close("browse", held, Losses{})
	tally.Close("browse", hyperscale.Share{Lo: 0, Hi: 1, Of: 2, Turn: 2}, Losses{})
	got := Workers(tally, Held(tally, func(s Standing) string {
		if s.Share.Turn == 2 {
			return "" // never given to anybody
		}
		return []string{"b", "a"}[s.Share.Lo]
	}))
	want := []WorkerResult{
		{Node: "a", Readings: Readings{Node: "a", CPU: time.Second}, Requests: 5,
			Holds: []HoldResult{{Workflow: "browse", Share: held, Slots: 5, Requests: 5, Reach: 2 * time.Second}}},
		{Node: "b", Readings: Readings{Node: "b", CPU: time.Second}, Requests: 3,
			Holds: []HoldResult{{Workflow: "browse", Share: lost, Slots: 3, Requests: 3, Reach: time.Second, Lost: true}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v\n%+v", got, want)
	}
}

// An iteration starts at most what its longest way has.
func TestMostRequests(t *testing.T) {
	ask := func(redirects int) hyperscale.Step {
		return hyperscale.Step{Request: &hyperscale.Request{Transport: hyperscale.Transport{Redirects: redirects}}}
	}
	for want, steps := range map[uint64][]hyperscale.Step{
		0: {{Kind: hyperscale.StepPause}},
		3: {ask(0), ask(1)},
		8: {{Kind: hyperscale.StepGroup, Repeat: 4, Until: "x", Steps: []hyperscale.Step{ask(0), ask(0)}}},
		5: {{Kind: hyperscale.StepChoose, Choices: []hyperscale.Choice{{Steps: []hyperscale.Step{ask(0)}}, {Steps: []hyperscale.Step{ask(3)}}}}, ask(0)},
		math.MaxUint64: {{Kind: hyperscale.StepGroup, Repeat: math.MaxInt64, Steps: []hyperscale.Step{
			{Kind: hyperscale.StepGroup, Repeat: 9, Steps: []hyperscale.Step{ask(0)}}}}, ask(9)},
	} {
		if got := MostRequests(steps); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

// What may be missing from the counts is bounded, stray requests included, and
// each loss is a cause.
func TestLosses(t *testing.T) {
	tally := NewTally()
	share := share1(0, 2)
	tally.Add(unanswered(share, 1, second(0), 2, 1))
	w := tally.Close("browse", share, Losses{Interval: second(1), Lost: 4, Missed: 6})
	tally.Add(counted(share, 2, 2, second(1), 5)) // stray
	plan := &hyperscale.Workflow{Name: "browse", Steps: []hyperscale.Step{{Request: new(hyperscale.Request)}, {Request: new(hyperscale.Request)}}}
	loss := NewLoss("w1", plan, w, 10)
	if want := (Loss{"w1", "browse", time.Second, 2 * time.Second, 7, 6, 34}); loss != want {
		t.Errorf("%+v, want %+v", loss, want)
	}
	r := &Result{Tally: tally, Losses: []Loss{loss}}
	if n := r.Unreported(); n != 34+5 {
		t.Errorf("at most %d requests", n)
	}
	r.Losses = append(r.Losses, Loss{Requests: math.MaxUint64})
	if n := r.Unreported(); n != math.MaxUint64 {
		t.Errorf("at most %d requests", n)
	}
	v := Judge(tally, nil, LossCauses([]Loss{loss}), Limits{})
	if c := v.Causes[len(v.Causes)-1]; v.State != Degraded || c.Node != "w1" || c.From != time.Second || c.To != 2*time.Second {
		t.Errorf("%+v", v)
	}
}
