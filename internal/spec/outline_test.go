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

// Whatever the bytes are, an outline is read or refused; of what is a whole brief
// it is read.
func FuzzOutline(f *testing.F) {
	plan, rows := sample()
	flow, err := spec.Cut(plan, "browse", rows)
	if err != nil {
		f.Fatal(err)
	}
	b, err := flow.Brief(spec.Run{Share: hyperscale.Whole, Lanes: 2, Load: plan.Workflows[1].Load})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[:200])
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, err := spec.Outline(b)
		if _, whole := spec.DecodeBrief(b); whole == nil && err != nil {
			t.Errorf("a brief without an outline: %v", err)
		}
	})
}
