package place

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
)

func open(perSecond int64, over time.Duration, inFlight int64) hyperscale.Workflow {
	rate := perSecond * int64(hyperscale.PerSecond)
	return hyperscale.Workflow{Load: hyperscale.Load{
		Kind: hyperscale.LoadOpen, MaxInFlight: inFlight,
		Stages: []hyperscale.Stage{{From: rate, To: rate, Over: over}},
	}}
}

func closed(users int64) hyperscale.Workflow {
	return hyperscale.Workflow{Load: hyperscale.Load{
		Kind:   hyperscale.LoadClosed,
		Stages: []hyperscale.Stage{{From: 0, To: users, Over: time.Minute}},
	}}
}

func work(kind hyperscale.LoadKind, iterations, users int64) hyperscale.Workflow {
	return hyperscale.Workflow{Load: hyperscale.Load{Kind: kind, Iterations: iterations, VUs: users}}
}

func TestLevel(t *testing.T) {
	for _, test := range []struct {
		a    hyperscale.Adjustment
		want int
	}{
		{hyperscale.Adjustment{Do: hyperscale.AdjustPause}, 0},
		{hyperscale.Adjustment{Do: hyperscale.AdjustRate, Rate: 10_000 * hyperscale.PerSecond}, 1},
		{hyperscale.Adjustment{Do: hyperscale.AdjustRate, Rate: 10_001 * hyperscale.PerSecond}, 2},
		{hyperscale.Adjustment{Do: hyperscale.AdjustVUs, VUs: 0}, 0},
		{hyperscale.Adjustment{Do: hyperscale.AdjustVUs, VUs: 4_001}, 3},
		{hyperscale.Adjustment{Do: hyperscale.AdjustVUs, VUs: 1<<63 - 1}, 1<<31 - 1},
	} {
		if got := Level(test.a); got != test.want {
			t.Errorf("%+v needs %d cores, not %d", test.a, got, test.want)
		}
	}
	if got := Need(closed(40_001)); got != 21 {
		t.Errorf("40,001 users need %d cores", got)
	}
}

func TestEstimate(t *testing.T) {
	tests := []struct {
		name           string
		workflow       hyperscale.Workflow
		workers, cores int
		least, most    int
	}{
		{"no load", hyperscale.Workflow{}, 10, 40, 1, 1},
		{"few users are spread", closed(100), 10, 40, 1, 4},
		{"over all of two workers", closed(100), 2, 40, 1, 2},
		{"no more than there are users", closed(3), 10, 40, 1, 3},
		{"users", closed(40_001), 10, 40, 21, 21},
		{"rate", open(95_000, time.Minute, 1_000), 10, 40, 10, 10},
		{"rate beyond the datacenter", open(500_000, time.Minute, 1_000), 10, 40, 40, 50},
		{"room for two arrivals", open(95_000, time.Minute, 2), 10, 40, 2, 2},
		{"three arrivals", open(1, 3*time.Second, 100), 10, 40, 1, 3},
		{"five iterations by many", work(hyperscale.LoadIterations, 5, 100), 10, 40, 1, 4},
		{"one user's iterations", work(hyperscale.LoadEach, 5000, 1), 10, 40, 1, 1},
		{"users with iterations each", work(hyperscale.LoadEach, 5, 20_000), 10, 40, 10, 10},
		{"nobody there yet", closed(10_000), 0, 0, 1, 5},
		{"search", hyperscale.Workflow{Load: hyperscale.Load{Kind: hyperscale.LoadSearch, MaxInFlight: 500, Search: &hyperscale.Search{To: 25_000 * hyperscale.PerSecond}}}, 10, 40, 3, 4},
	}
	for _, test := range tests {
		if least, most := Estimate(test.workflow, test.workers, test.cores); least != test.least || most != test.most {
			t.Errorf("%s: %d to %d cores, not %d to %d", test.name, least, most, test.least, test.most)
		}
	}
}

// No share of as many as are asked for is without something to do.
func TestNoShareIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 60_000).Draw(t, "n")
		w := rapid.SampledFrom([]hyperscale.Workflow{
			closed(n), open(n, time.Second, rapid.Int64Range(1, 50).Draw(t, "in flight")), open(n, time.Second, 0),
			work(hyperscale.LoadIterations, rapid.Int64Range(1, 50).Draw(t, "iterations"), n), work(hyperscale.LoadEach, 2, n),
		}).Draw(t, "workflow")
		least, most := Estimate(w, rapid.IntRange(0, 9).Draw(t, "workers"), rapid.IntRange(0, 99).Draw(t, "cores"))
		if least < 1 || most < least {
			t.Fatalf("between %d and %d", least, most)
		}
		totals := []int64{schedule.MaxInFlight(w)}
		switch w.Load.Kind {
		case hyperscale.LoadOpen:
			totals = append(totals, schedule.NewArrivals(w.Load, 0).Total())
		case hyperscale.LoadClosed:
			totals = []int64{schedule.NewUsers(w.Load).Peak()}
		default:
			totals = []int64{schedule.NewIterations(w.Load).VUs}
		}
		grants := make([]link.Cores, most)
		for i := range grants {
			grants[i].N = 1
		}
		for _, s := range Divide(grants) {
			for _, total := range totals {
				if s.Count(total) == 0 {
					t.Fatalf("%+v holds none of %d", s, total)
				}
			}
		}
	})
}
