package engine

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/schedule"
)

// steady is an open load of so many arrivals a second.
func steady(rate int64, over time.Duration) hyperscale.Load {
	level := rate * int64(hyperscale.PerSecond)
	return hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{{From: level, To: level, Over: over}}}
}

// A change of the rate heard in time counts from its time on; one heard late
// from the end of the window, and the slots that it would have brought meanwhile
// come then. Either way as many slots are due as the changed schedule has, and
// each begins once.
func TestAdjustRate(t *testing.T) {
	for _, late := range []bool{false, true} {
		var mu sync.Mutex
		seen := map[string]int{}
		reached := make(chan struct{})
		tg := newTarget(t, func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			seen[r.URL.Path]++
			if len(seen) == 80 {
				close(reached)
			}
		})
		w := get(tg.URL+"/{{ iteration }}", steady(100, 2500*time.Millisecond))
		change := schedule.Change{Number: 1, Workflow: "w", At: 500 * time.Millisecond, Do: hyperscale.AdjustRate, Rate: 300 * hyperscale.PerSecond}
		tally, _ := run(t, 2, []*hyperscale.Workflow{w}, func(e *Engine) {
			if late {
				<-reached
			}
			for range 2 { // the second says nothing new
				if err := e.Adjust(0, []schedule.Change{change}); err != nil {
					t.Error(err)
				}
			}
		})
		sel := tally.Job()
		if sel.Due != 50+600 || sel.Slots.Started+sel.Missed != sel.Due || sel.Slots.Started < 600 {
			t.Errorf("late %v: due %d, started %d, missed %d; want 650 due", late, sel.Due, sel.Slots.Started, sel.Missed)
		}
		mu.Lock()
		for path, n := range seen {
			if n != 1 {
				t.Errorf("late %v: %s %d times", late, path, n)
			}
		}
		mu.Unlock()
	}
}

// A closed load follows a change of its virtual users and a pause.
func TestAdjustUsers(t *testing.T) {
	tg := newTarget(t, answer)
	load := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 2, To: 2, Over: 1200 * time.Millisecond}}}
	changes := []schedule.Change{
		{Number: 1, At: 400 * time.Millisecond, Do: hyperscale.AdjustVUs, VUs: 8},
		{Number: 2, At: 700 * time.Millisecond, Do: hyperscale.AdjustPause},
		{Number: 3, At: 1100 * time.Millisecond, Do: hyperscale.AdjustResume},
	}
	tally, ends := run(t, 2, []*hyperscale.Workflow{get(tg.URL, load)}, func(e *Engine) {
		if err := e.Adjust(0, changes); err != nil {
			t.Error(err)
		}
	})
	planned := schedule.NewUsers(load, changes...).Planned(hyperscale.Whole, time.Hour)
	if want := (2*400 + 8*300 + 8*500) * time.Millisecond; planned != want {
		t.Errorf("planned %v, want %v", planned, want)
	}
	if got := tally.Job().VUTime; got < planned*97/100 || got > planned*103/100 {
		t.Errorf("delivered %v VU-time, planned %v", got, planned)
	}
	if got := ends[0].Stopped; got < 1600*time.Millisecond || got > 1700*time.Millisecond {
		t.Errorf("the load ended at %v", got)
	}
}

// A pause holds work up and loses none of it.
func TestPauseWork(t *testing.T) {
	tg := newTarget(t, answer)
	load := hyperscale.Load{Kind: hyperscale.LoadEach, Iterations: 10, VUs: 4}
	w := get(tg.URL, load)
	w.Steps = append(w.Steps, hyperscale.Step{Name: "pause", Kind: hyperscale.StepPause, Needs: []int{0}, OnError: hyperscale.OnErrorContinue, Pause: hyperscale.Pause{Min: 50 * time.Millisecond}})
	tally, ends := run(t, 2, []*hyperscale.Workflow{w}, func(e *Engine) {
		err := e.Adjust(0, []schedule.Change{
			{Number: 1, At: 150 * time.Millisecond, Do: hyperscale.AdjustPause},
			{Number: 2, At: 1150 * time.Millisecond, Do: hyperscale.AdjustResume},
		})
		if err != nil {
			t.Error(err)
		}
	})
	sel := tally.Job()
	if sel.Completed != 40 || tg.hits.Load() != 40 {
		t.Errorf("%d completed, %d hits", sel.Completed, tg.hits.Load())
	}
	if got := ends[0].Stopped; got < 1400*time.Millisecond {
		t.Errorf("it ended at %v", got)
	}
	if late := sel.Sample.Lateness.Max(); late > 500*time.Millisecond {
		t.Errorf("%v late: the pause was counted", late)
	}
}
