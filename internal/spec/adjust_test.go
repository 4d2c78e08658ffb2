package spec_test

import (
	"reflect"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/spec"
)

func TestAdjustmentsComeBack(t *testing.T) {
	a := spec.Adjustments{List: []hyperscale.Adjustment{
		{Number: 1, Workflow: "w", At: time.Second, Do: hyperscale.AdjustRate, Rate: 5},
		{Number: 4, Workflow: "w", At: time.Minute, Do: hyperscale.AdjustPause},
	}}
	if got, err := spec.DecodeAdjustments(a.Encode()); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v, %v", got, err)
	}
	a.List[1].Number = 1
	if _, err := spec.DecodeAdjustments(a.Encode()); err == nil {
		t.Error("a number twice was taken")
	}
	a.List = []hyperscale.Adjustment{{Number: 1, Rate: -1}}
	if _, err := spec.DecodeAdjustments(a.Encode()); err == nil {
		t.Error("a rate below zero was taken")
	}
}

func TestFits(t *testing.T) {
	p, _ := sample()
	closed := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 1, To: 1, Over: time.Second}}}
	p.Workflows = append(p.Workflows, hyperscale.Workflow{Name: "users", Load: closed})
	p.Data[1].Pick = hyperscale.PickByVU // 3 rows
	for _, tc := range []struct {
		a    hyperscale.Adjustment
		fits bool
	}{
		{hyperscale.Adjustment{Workflow: "browse", Do: hyperscale.AdjustRate, Rate: 5}, true},
		{hyperscale.Adjustment{Workflow: "browse", Do: hyperscale.AdjustVUs, VUs: 5}, false},
		{hyperscale.Adjustment{Workflow: "users", Do: hyperscale.AdjustVUs, VUs: 3}, true},
		{hyperscale.Adjustment{Workflow: "users", Do: hyperscale.AdjustVUs, VUs: 4}, false},
		{hyperscale.Adjustment{Workflow: "users", Do: hyperscale.AdjustVUs, VUs: 1, At: -1}, false},
		{hyperscale.Adjustment{Workflow: "login", Do: hyperscale.AdjustPause}, false},
		{hyperscale.Adjustment{Workflow: "nobody", Do: hyperscale.AdjustPause}, false},
	} {
		if err := spec.Fits(p, tc.a); (err == nil) != tc.fits {
			t.Errorf("%+v: %v", tc.a, err)
		}
	}
}

func FuzzDecodeAdjustments(f *testing.F) {
	f.Add(spec.Adjustments{List: []hyperscale.Adjustment{{Number: 1, Workflow: "w", Do: hyperscale.AdjustPause}}}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := spec.DecodeAdjustments(b); err == nil && string(a.Encode()) != string(b) {
			t.Errorf("%q became %q", b, a.Encode())
		}
	})
}
