package tier

import (
	"testing"
	"testing/synctest"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
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
