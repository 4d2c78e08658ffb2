package spec_test

import (
	"reflect"
	"testing"

	"hyperscale"
	"hyperscale/internal/spec"
)

// An outline is what the whole brief says, without its rows.
func TestOutline(t *testing.T) {
	plan, rows := sample()
	flow, err := spec.Cut(plan, "browse", rows)
	if err != nil {
		t.Fatal(err)
	}
	b, err := flow.Brief(spec.Run{Share: hyperscale.Whole, Lanes: 2, Load: plan.Workflows[1].Load})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := spec.DecodeBrief(b)
	if err != nil {
		t.Fatal(err)
	}
	p, run, err := spec.Outline(b)
	if err != nil || !reflect.DeepEqual(p, whole.Plan) || !reflect.DeepEqual(run, whole.Run) {
		t.Errorf("%v: %+v %+v", err, p, run)
	}
	for _, bad := range [][]byte{nil, {7}, b[:5]} {
		if _, _, err := spec.Outline(bad); err == nil {
			t.Errorf("%v is read", bad)
		}
	}
}
