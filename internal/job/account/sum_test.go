package account

import (
	"testing"

	"hyperscale"
	"hyperscale/internal/stats"
)

// A bound that was lowered is a cause in the verdict once it has refused a slot.
func TestLoweredIsACause(t *testing.T) {
	w := hyperscale.Workflow{Name: "w", Load: hyperscale.Load{Kind: hyperscale.LoadOpen}}
	a := New(&hyperscale.Plan{Workflows: []hyperscale.Workflow{w}})
	f := a.flow("w")
	if c := f.limited(stats.Slots{Due: 100, Missed: 1, Refused: 1}); c != nil {
		t.Errorf("nothing was lowered: %+v", c)
	}
	if how := (Lowering{"w", "w2", "w: lowered"}); !a.Lowered(how) || a.Lowered(how) {
		t.Error("a lowering is news once")
	}
	if c := f.limited(stats.Slots{Due: 100}); c != nil {
		t.Errorf("it refused nothing: %+v", c)
	}
	if c := f.limited(stats.Slots{Due: 100, Missed: 6, Refused: 6}); len(c) != 1 || c[0].State != stats.Invalid {
		t.Errorf("it refused 6 of 100 slots: %+v", c)
	}
	if c := f.limited(stats.Slots{Due: 100, Missed: 1, Refused: 1}); len(c) != 1 || c[0].State != stats.Degraded || c[0].What != "w: lowered" || c[0].Node != "w2" {
		t.Errorf("it refused a slot: %+v", c)
	}
	f.Load.Kind = hyperscale.LoadSearch
	if c := f.limited(stats.Slots{Due: 100, Missed: 6, Refused: 6}); len(c) != 1 || c[0].State != stats.Valid {
		t.Errorf("a search goes on until something gives way: %+v", c)
	}
}
