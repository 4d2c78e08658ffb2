package process_test

import (
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/process"
	"hyperscale/internal/schedule"
	"hyperscale/internal/spec"
)

// lose runs a share until the target was asked so often, kills the engine, and
// gives the last reserve that was granted.
func lose(t *testing.T, tg *target, load hyperscale.Load, b []byte, asked int64) link.Reserve {
	t.Helper()
	e := begin(t, config("engine"), process.Setup{}, b)
	next[process.Prepared](t, e)
	e.Start(process.Start{Number: 1})
	var r link.Reserve
	r.Place, r.Pass = schedule.Ahead(load, hyperscale.Share{Hi: 2, Of: 4}) // is said for it
	for tg.all.Load() < asked {
		e.Beat(0)
		beat := next[process.Beat](t, e)
		r = beat.Reserve
		e.Grant(r)
	}
	e.kill()
	<-e.done
	return r
}

// finish runs a share, or what is left of it, to its end.
func finish(t *testing.T, b []byte, s process.Start) {
	t.Helper()
	e := begin(t, config("engine"), process.Setup{}, b)
	next[process.Prepared](t, e)
	e.Start(s)
	next[process.Ended](t, e)
}

// What one engine began no other begins again: not another of the same agent,
// which goes on at the reserve granted last, nor others that the share is
// divided among. And of a number of iterations all that lies behind the reserve
// is done.
func TestNothingTwice(t *testing.T) {
	share := hyperscale.Share{Lo: 0, Hi: 2, Of: 4, Turn: 1}
	parts := []hyperscale.Share{{Lo: 0, Hi: 1, Of: 4, Turn: 2}, {Lo: 1, Hi: 2, Of: 4, Turn: 2}}
	closed := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 8, To: 8, Over: 700 * time.Millisecond}}}
	for name, load := range map[string]hyperscale.Load{
		"iterations": {Kind: hyperscale.LoadIterations, Iterations: 4000, VUs: 8},
		"each":       {Kind: hyperscale.LoadEach, Iterations: 400, VUs: 8},
		"closed":     closed,
	} {
		for _, divided := range []bool{false, true} {
			tg := newTarget(t)
			reserve := lose(t, tg, load, brief(t, tg.URL, spec.Run{Load: load, Share: share}), 100)
			if reserve == (link.Reserve{}) {
				t.Errorf("%s: no reserve", name)
			}
			before := int(tg.all.Load())
			if !divided {
				finish(t, brief(t, tg.URL, spec.Run{Load: load, Share: share}), process.Start{Number: 1, Again: true, Reserve: reserve})
			} else {
				for _, part := range parts {
					run := spec.Run{Load: load, Share: part, Pass: reserve.Pass}
					if load.Kind == hyperscale.LoadIterations {
						run.Place = schedule.NewIterations(load).Resume(share, reserve.Place, part)
					}
					finish(t, brief(t, tg.URL, run), process.Start{Number: 1})
				}
			}
			tg.mu.Lock()
			for path, n := range tg.hits {
				if n != 1 {
					t.Errorf("%s, divided %v: %s was asked for %d times", name, divided, path, n)
				}
			}
			after := len(tg.hits) - before
			tg.mu.Unlock()
			want := 0
			switch load.Kind {
			case hyperscale.LoadIterations:
				want = 2000 - int(reserve.Place)
			case hyperscale.LoadEach:
				want = 4 * (400 - int(reserve.Pass))
			default:
				want = after // however fast it is
			}
			if after != want || before == 0 {
				t.Errorf("%s, divided %v: %d before, %d after %+v; want %d", name, divided, before, after, reserve, want)
			}
		}
	}
}

// An engine begins exactly what it was granted: first what the schedule lets it
// do unasked, then more.
func TestWaitsForGrant(t *testing.T) {
	for name, load := range map[string]hyperscale.Load{
		"iterations": {Kind: hyperscale.LoadIterations, Iterations: 1000, VUs: 8},
		"each":       {Kind: hyperscale.LoadEach, Iterations: 125, VUs: 8},
	} {
		tg := newTarget(t)
		e := begin(t, config("engine"), process.Setup{}, brief(t, tg.URL, spec.Run{Load: load}))
		next[process.Prepared](t, e)
		e.Start(process.Start{Number: 1})
		asked := ungranted(t, e)
		places, passes := schedule.Ahead(load, hyperscale.Whole)
		if want := places + 8*passes; tg.all.Load() != want || want == 0 {
			t.Errorf("%s: %d iterations before anything was granted; want %d", name, tg.all.Load(), want)
		}
		e.Grant(asked)
		next[process.Ended](t, e)
		if got := tg.all.Load(); got != 1000 || len(tg.hits) != 1000 {
			t.Errorf("%s: %d requests for %d iterations; want 1000", name, got, len(tg.hits))
		}
	}
}

// ungranted lets an engine wait for a while, and gives what it asks for.
func ungranted(t *testing.T, e *engine) link.Reserve {
	t.Helper()
	for {
		e.Beat(0)
		if beat := next[process.Beat](t, e); beat.JobTime >= 1500*time.Millisecond {
			return beat.Reserve
		}
	}
}

// What time virtual users wait to be let go on is not delivered: no other number of a
// closed load tells of it.
func TestTimeOfThoseWhoWaitIsNotDelivered(t *testing.T) {
	tg := newTarget(t)
	load := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 4, To: 4, Over: 2500 * time.Millisecond}}}
	e := begin(t, config("engine"), process.Setup{}, brief(t, tg.URL, spec.Run{Load: load}))
	next[process.Prepared](t, e)
	e.Start(process.Start{Number: 1})
	asked := ungranted(t, e)
	if _, passes := schedule.Ahead(load, hyperscale.Whole); tg.all.Load() != 4*passes {
		t.Errorf("%d iterations before anything was granted; want %d", tg.all.Load(), 4*passes)
	}
	e.Grant(asked)
	next[process.Ended](t, e)
	if got := time.Duration(e.tally.Job().VUTime); got < 3*time.Second || got > 7*time.Second {
		t.Errorf("%v of 10s were delivered, of which up to 6s were waited", got)
	}
}

// An open load goes on with what is due: what was due before is another's, and
// what is too late is missed.
func TestOpenGoesOn(t *testing.T) {
	tg := newTarget(t)
	load := rate(100, 10*time.Second)
	share := hyperscale.Share{Lo: 1, Hi: 2, Of: 2, From: 5 * time.Second, Turn: 3}
	b := brief(t, tg.URL, spec.Run{Load: load, Share: share, MaxLateness: time.Second})
	e := begin(t, config("engine"), process.Setup{}, b)
	next[process.Prepared](t, e)
	// Slots 0 … 999; those of the share from 5 s on are 250. At 8 s those up to 7 s
	// are too late.
	e.Start(process.Start{Number: 1, At: 8 * time.Second})
	next[process.Ended](t, e)
	sel := e.tally.Job()
	if sel.Due != 250 || sel.Missed < 100 || sel.Missed > 140 || sel.Refused != 0 || sel.Slots.Started != 250-sel.Missed {
		t.Errorf("due %d, missed %d, refused %d, started %d", sel.Due, sel.Missed, sel.Refused, sel.Slots.Started)
	}
	tg.mu.Lock()
	defer tg.mu.Unlock()
	for path, n := range tg.hits {
		if n != 1 || len(path) != len("/701") || path < "/701" {
			t.Errorf("%s was asked for %d times", path, n)
		}
	}
}

// Adjustments reach a load that is prepared and one that runs; each window says
// under which it lies.
func TestAdjusts(t *testing.T) {
	tg := newTarget(t)
	first := hyperscale.Adjustment{Number: 3, Workflow: "w", At: 6 * time.Second, Do: hyperscale.AdjustRate, Rate: 200 * hyperscale.PerSecond}
	second := hyperscale.Adjustment{Number: 7, Workflow: "w", At: 7 * time.Second, Do: hyperscale.AdjustRate, Rate: 50 * hyperscale.PerSecond}
	other := hyperscale.Adjustment{Number: 8, Workflow: "other", At: 7 * time.Second, Do: hyperscale.AdjustPause}
	e := begin(t, config("engine"), process.Setup{}, brief(t, tg.URL, spec.Run{Load: rate(100, 3*time.Second)}))
	next[process.Prepared](t, e)
	e.Adjust(spec.Adjustments{List: []hyperscale.Adjustment{first}}.Encode())
	e.Start(process.Start{Number: 1, At: 5 * time.Second, Begin: 5 * time.Second})
	all := spec.Adjustments{List: []hyperscale.Adjustment{first, second, other}}.Encode()
	want := []uint64{0, 3, 7}
	for i := 0; i < len(want); i++ {
		w := next[process.Window](t, e)
		if w.Due != []uint64{100, 200, 50}[i] || w.Adjustment != want[i] || w.From != time.Duration(5+i)*time.Second {
			t.Errorf("window from %v: %d due under %d", w.From, w.Due, w.Adjustment)
		}
		e.tally.Add(w.Window)
		e.Adjust(all)
	}
	next[process.Ended](t, e)
	if due := e.tally.Job().Due; due != 350 {
		t.Errorf("%d due; want 350", due)
	}
}
