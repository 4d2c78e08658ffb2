package tier

import (
	"testing"
	"testing/synctest"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/stats"
)

func TestFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounts(0)
		c.is("a", hyperscale.Running)
		c.is("b", hyperscale.Running)
		c.is("c", hyperscale.Waiting)
		c.gone("c")
		c.took()
		c.judged(Received{stats.Merged: 2, stats.Broken: 1})
		c.judged(Received{stats.Merged: 3})
		first := c.saving("a", owner.Save{Record: make([]byte, 10)})
		time.Sleep(3 * time.Millisecond)
		second := c.saving("b", owner.Save{Record: make([]byte, 20)})
		time.Sleep(time.Minute)
		if lag := c.figures(time.Now()).Lag; lag != time.Minute+3*time.Millisecond {
			t.Errorf("the oldest save is under way for %v", lag)
		}
		first()
		if lag := c.figures(time.Now()).Lag; lag != time.Minute {
			t.Errorf("the other for %v", lag)
		}
		second()
		quick := c.saving("gone", owner.Save{Record: make([]byte, 5)}) // of a job that is forgotten
		time.Sleep(5 * time.Millisecond)
		quick()

		f := c.figures(time.Now())
		if f.Owned[hyperscale.Running] != 2 || len(f.Owned) != 1 || f.Takeovers != 1 || f.Lag != 0 {
			t.Errorf("got %+v", f)
		}
		if want := (Received{stats.Merged: 5, stats.Broken: 1}); f.Windows != want {
			t.Errorf("windows: %v", f.Windows)
		}
		if f.Saves.Bytes != 35 || f.Saves.Class[2] != 1 || f.Saves.Class[len(SaveBounds)] != 2 {
			t.Errorf("saves: %+v", f.Saves)
		}
	})
}

// A node that may write next to nothing saves a job each 15 s; who watches it sees it
// go on each second, and its end comes at once.
func TestWatchedBetweenSaves(t *testing.T) {
	r := newRig(t, 1, func(c *Config, _ *Deps) { c.SaveBudget = 1 })
	w := r.newChild("w1", 2, longRun)
	a := r.submit(r.client(), planOf("browse"))
	w.holds(link.Running, 1)
	figures := r.stations[0].Ops().Figures
	r.wait(func() bool { return figures().Every == LongestEvery }, "checkpoints are not further apart")
	saves := func() (n uint64) {
		for _, of := range figures().Saves.Class {
			n += of
		}
		return n
	}
	before := saves()
	d := r.watch(r.stations[0], a.Job, 0)
	lives := func() (n int) {
		for _, u := range d.told {
			if _, live := u.(rpc.Live); live {
				n++
			}
		}
		return n
	}
	r.until(d.changes, func() bool { return lives() >= 4 }, "no live numbers are shown")
	if n := saves() - before; n > 1 {
		t.Errorf("%d saves were made meanwhile", n)
	}
	asked := time.Now()
	w.finish()
	r.until(d.changes, func() bool { return d.over }, "the watch does not end")
	if took := time.Since(asked); took > LongestEvery/2 {
		t.Errorf("the end took %v", took)
	}
}
