package seat

import (
	"fmt"
	"testing"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
)

// TestWishes: where what a job of a gate wants may run follows from its options, and from
// what it is for.
func TestWishes(t *testing.T) {
	plan := &hyperscale.Plan{Workflows: []hyperscale.Workflow{
		{Name: "once", Load: hyperscale.Load{Kind: hyperscale.LoadOnce}},
		{Name: "load", Load: hyperscale.Load{Kind: hyperscale.LoadClosed}},
	}}
	across := hyperscale.Across{Datacenters: []string{"a", "b"}, Count: 2}
	s := New(Config{Plan: plan, Across: &across}, owner.New(owner.Config{Plan: plan}))
	want := func(names ...string) (w owner.Want, l link.Want) {
		for _, name := range names {
			w.Workflows = append(w.Workflows, owner.WantCores{Workflow: name})
			l.Workflows = append(l.Workflows, link.WorkflowCores{Workflow: name, Least: 1, Most: 3})
		}
		return w, l
	}
	is := func(w owner.Want, l link.Want, text string) {
		t.Helper()
		wish := s.wishOf(w, l)
		got := fmt.Sprintf("%v %d, %d–%d cores, not %v, before %v, cover %v", wish.Datacenters, wish.Count, wish.Least, wish.Most, wish.Excluded, wish.Current, wish.Cover)
		if got != text {
			t.Errorf("%v: %s, want %s", l, got, text)
		}
	}
	w, l := want("once")
	is(w, l, "[a b] 1, 1–3 cores, not [], before [], cover false")
	w, l = want("once", "load")
	is(w, l, "[a b] 2, 2–6 cores, not [], before [], cover false")
	w, l = want("load")
	w.Workflows[0].Cores = 3
	l.Exclude, l.Prefer = []link.Holder{{Node: "a", Boot: 1}}, []hyperscale.NodeID{"a", "b"}
	is(w, l, "[a b] 2, 1–3 cores, not [a], before [a b], cover true")
	s.cfg.Across = &hyperscale.Across{Count: 2, Spread: hyperscale.SpreadReplicate, AllowPartial: true}
	w, l = want("once")
	w.Workflows = []owner.WantCores{{Workflow: "once", Copy: 1}, {Workflow: "once", Copy: 2}}
	is(w, l, "[] 2, 1–3 cores, not [], before [], cover false")
	if got := s.wantOf(w, Room{Workers: 4, Cores: 8}).Workflows; len(got) != 1 {
		t.Errorf("each datacenter has the cores of %v", got)
	}
	w.Workflows[0].At = "b"
	is(w, l, "[] 2, 1–3 cores, not [], before [b], cover false")
	w.Workflows = w.Workflows[:1]
	is(w, l, "[b] 0, 1–3 cores, not [], before [], cover false")
	s.cfg.Across = &hyperscale.Across{}
	w, l = want("once")
	is(w, l, "[] 0, 1–3 cores, not [], before [], cover false")
}
