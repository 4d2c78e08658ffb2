package route

import (
	"reflect"
	"strings"
	"testing"

	"hyperscale"
)

func TestWishOf(t *testing.T) {
	plan := &hyperscale.Plan{SLO: &hyperscale.SLO{}}
	listed := hyperscale.Across{Datacenters: []string{"a", "b"}}
	for _, test := range []struct {
		name  string
		given hyperscale.Across
		begun bool
		want  Wish
	}{
		{"nothing said", hyperscale.Across{}, false, Wish{}},
		{"a list", listed, false, Wish{Datacenters: []string{"a", "b"}}},
		{"a number", hyperscale.Across{Count: 2}, false, Wish{Count: 2}},
		{"fewer will do", hyperscale.Across{Count: 2, AllowPartial: true}, false, Wish{Count: 2, AllowPartial: true}},
		{"all of it each", hyperscale.Across{Count: 2, Spread: hyperscale.SpreadReplicate}, false, Wish{Count: 2, Replicate: true}},
		{"it runs", listed, true, Wish{Datacenters: []string{"a", "b"}, AllowPartial: true}},
	} {
		test.want.SLO = plan.SLO
		if got := WishOf(test.given, plan, test.begun); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, not %+v", test.name, got, test.want)
		}
	}
}

// Of a load that is replicated each datacenter has the cores that all workflows together
// would have in one.
func TestRepeat(t *testing.T) {
	c := Choice{Chosen: []Part{{"a", 4}, {"b", 2}}}
	got := c.Repeat([]Need{{1, 2}, {1, 2}})
	if want := [][]Part{{{"a", 2}, {"b", 1}}, {{"a", 2}, {"b", 1}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

// A datacenter of the list that is not there when a job begins: it is refused, with the
// reason, unless fewer will do. Of a job that runs what comes later goes on in the rest.
func TestAWantedDatacenterIsNotThere(t *testing.T) {
	dead := fine("b")
	dead.Heard = 0
	known := []Datacenter{fine("a"), dead, fine("c")}
	a, plan := hyperscale.Across{Datacenters: []string{"a", "b"}}, &hyperscale.Plan{}
	choice := func(begun bool) Choice { return choose(Config{}.withDefaults(), WishOf(a, plan, begun), known) }
	if c := choice(false); len(c.Chosen) > 0 || !strings.Contains(c.Refused, "2 datacenters are asked for, and 1 can run it: ") || !strings.Contains(c.Refused, "b: no manager of it is heard") {
		t.Errorf("it runs in %v: %q", c.Chosen, c.Refused)
	}
	if c := choice(true); len(c.Chosen) != 1 || c.Chosen[0].Datacenter != "a" {
		t.Errorf("once it runs it goes on in %v: %q", c.Chosen, c.Refused)
	}
	a.AllowPartial = true
	if c := choice(false); len(c.Chosen) != 1 || c.Chosen[0].Datacenter != "a" || len(c.Notes) != 1 || c.Notes[0].What != "fewer datacenters" {
		t.Errorf("where fewer will do it runs in %v: %q, %v", c.Chosen, c.Refused, c.Notes)
	}
}
