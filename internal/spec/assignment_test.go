package spec_test

import (
	"reflect"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/spec"
)

// assignment is one of a test.
func assignment() *spec.Assignment {
	return &spec.Assignment{Spec: []byte("the plan"), Origin: []byte("{}"), Part: spec.Part{
		Workflow: "browse", Begun: true, Begin: time.Second, Group: 2, Parts: 3,
		Run: spec.Run{
			Share: hyperscale.Share{Lo: 2, Hi: 5, Of: 9, From: 4 * time.Second, Turn: 7},
			Load: hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
				{From: int64(hyperscale.PerSecond), To: int64(hyperscale.PerSecond), Over: time.Minute},
			}},
			First: 8, Warmup: time.Second, Graceful: time.Second, Use: []hyperscale.Pair{{Name: "token", Value: "x"}}, Place: 3,
			Adjustments: []hyperscale.Adjustment{{Number: 1, Workflow: "browse", Do: hyperscale.AdjustPause}},
		},
	}}
}

func TestAssignmentsComeBack(t *testing.T) {
	a := assignment()
	if got, err := spec.DecodeAssignment(a.Encode()); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v, %v", got, err)
	}
	for what, spoil := range map[string]func(*spec.Assignment){
		"no submission":           func(a *spec.Assignment) { a.Spec = nil },
		"no workflow":             func(a *spec.Assignment) { a.Workflow = "" },
		"no share":                func(a *spec.Assignment) { a.Share = hyperscale.Share{} },
		"a beginning before time": func(a *spec.Assignment) { a.Begin = -1 },
		"fewer than no parts":     func(a *spec.Assignment) { a.Parts = -1 },
		"a search":                func(a *spec.Assignment) { a.Load = hyperscale.Load{Kind: hyperscale.LoadSearch} },
		"an adjustment twice":     func(a *spec.Assignment) { a.Adjustments = append(a.Adjustments, a.Adjustments...) },
	} {
		a := assignment()
		spoil(a)
		if got, err := spec.DecodeAssignment(a.Encode()); err == nil {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

func FuzzDecodeAssignment(f *testing.F) {
	f.Add(assignment().Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := spec.DecodeAssignment(b); err == nil && string(a.Encode()) != string(b) {
			t.Errorf("%q became %q", b, a.Encode())
		}
	})
}
