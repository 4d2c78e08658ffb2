package member

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

func tell(events []Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, fmt.Sprintf("%v %s#%d %s", e.Kind, e.ID, e.Boot, e.Meta))
	}
	return all
}

// TestRoster walks the table in the comment of Roster, and more than one step
// between two looks.
func TestRoster(t *testing.T) {
	heard := func(boot hyperscale.Boot, meta string) func(*Roster) {
		return func(r *Roster) { r.Heard(Member{ID: "a", Boot: boot, Meta: []byte(meta)}) }
	}
	gone := func(boot hyperscale.Boot, leaves bool) func(*Roster) {
		return func(r *Roster) { r.Gone(time.Minute, "a", boot, leaves) }
	}
	reap := func(r *Roster) { r.Reap(time.Minute + Reap) }
	soon := func(r *Roster) { r.Reap(time.Minute + Reap - 1) }
	type steps []func(*Roster)
	tests := []struct {
		name   string
		before steps // told before
		then   steps
		want   []string
		alive  int
		len    int
	}{
		{"unknown, heard", nil, steps{heard(5, "x")}, []string{"joined a#5 x"}, 1, 1},
		{"unknown, gone", nil, steps{gone(5, false)}, nil, 0, 0},
		{"unknown, left", nil, steps{gone(5, true)}, nil, 0, 0},
		{"alive, heard", steps{heard(5, "x")}, steps{heard(5, "x")}, nil, 1, 1},
		{"alive, tells otherwise", steps{heard(5, "x")}, steps{heard(5, "y")}, []string{"updated a#5 y"}, 1, 1},
		{"alive, higher boot", steps{heard(5, "x")}, steps{heard(6, "x")}, []string{"joined a#6 x"}, 2, 2},
		{"alive, and another of its name leaves", steps{heard(5, "x")}, steps{heard(6, "y"), gone(6, true)}, nil, 1, 2},
		{"alive, lower boot", steps{heard(5, "x")}, steps{heard(4, "y")}, []string{"joined a#4 y"}, 2, 2},
		{"alive, gone", steps{heard(5, "x")}, steps{gone(5, false)}, []string{"dead a#5 x"}, 0, 1},
		{"alive, lower boot gone", steps{heard(5, "x")}, steps{gone(4, false)}, nil, 1, 1},
		{"alive, left", steps{heard(5, "x")}, steps{gone(5, true)}, []string{"left a#5 x"}, 0, 1},
		{"alive, time", steps{heard(5, "x")}, steps{reap}, nil, 1, 1},
		{"dead, heard", steps{heard(5, "x"), gone(5, false)}, steps{heard(5, "x")}, []string{"joined a#5 x"}, 1, 1},
		{"dead, higher boot", steps{heard(5, "x"), gone(5, false)}, steps{heard(6, "x")}, []string{"joined a#6 x"}, 1, 2},
		{"dead, gone", steps{heard(5, "x"), gone(5, false)}, steps{gone(5, false)}, nil, 0, 1},
		{"dead, left", steps{heard(5, "x"), gone(5, false)}, steps{gone(5, true)}, nil, 0, 1},
		{"dead, not long", steps{heard(5, "x"), gone(5, false)}, steps{soon}, nil, 0, 1},
		{"dead, long", steps{heard(5, "x"), gone(5, false)}, steps{reap}, []string{"reaped a#5 x"}, 0, 0},
		{"left, heard", steps{heard(5, "x"), gone(5, true)}, steps{heard(5, "x")}, nil, 0, 1},
		{"left, higher boot", steps{heard(5, "x"), gone(5, true)}, steps{heard(6, "x")}, []string{"joined a#6 x"}, 1, 2},
		{"left, gone", steps{heard(5, "x"), gone(5, true)}, steps{gone(5, false)}, nil, 0, 1},
		{"left, long", steps{heard(5, "x"), gone(5, true)}, steps{reap}, []string{"reaped a#5 x"}, 0, 0},
		{"dead and back", steps{heard(5, "x")}, steps{gone(5, false), heard(5, "x")}, nil, 1, 1},
		{"dead and back otherwise", steps{heard(5, "x")}, steps{gone(5, false), heard(5, "y")}, []string{"updated a#5 y"}, 1, 1},
		{"restarted and gone", steps{heard(5, "x")}, steps{heard(6, "x"), gone(5, false), gone(6, true)}, []string{"dead a#5 x"}, 0, 2},
		{"never seen alive", nil, steps{heard(5, "x"), gone(5, false)}, nil, 0, 1},
		{"never seen at all", nil, steps{heard(5, "x"), gone(5, false), reap}, nil, 0, 0},
		{"gone for long, in one", steps{heard(5, "x")}, steps{gone(5, false), reap}, []string{"dead a#5 x", "reaped a#5 x"}, 0, 0},
		{"long gone, and back before it was told", steps{heard(5, "x"), gone(5, false)}, steps{reap, heard(5, "x")}, []string{"joined a#5 x"}, 1, 1},
	}
	for _, test := range tests {
		var r Roster
		for _, step := range test.before {
			step(&r)
			r.Take()
		}
		for _, step := range test.then {
			step(&r)
		}
		if got := tell(r.Take()); !slices.Equal(got, test.want) {
			t.Errorf("%s: told %q, not %q", test.name, got, test.want)
		}
		if len(r.Alive()) != test.alive || r.Len() != test.len {
			t.Errorf("%s: %d alive of %d known", test.name, len(r.Alive()), r.Len())
		}
		if again := r.Take(); again != nil {
			t.Errorf("%s: told again: %q", test.name, tell(again))
		}
	}
}

// However seldom anybody looks, who listens knows in the end who is alive, with
// which boot, and hears of each only what can follow.
func TestListenersKnowWhoIsAlive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Roster
		model := make(map[start]Member)
		left := make(map[start]bool)
		now := time.Duration(0)
		take := func() {
			for _, e := range r.Take() {
				_, in := model[e.start()]
				switch e.Kind {
				case Joined:
					if in || left[e.start()] {
						t.Fatalf("joined again: %v", e)
					}
					model[e.start()] = e.Member
				case Updated:
					if !in {
						t.Fatalf("updated without joining: %v", e)
					}
					model[e.start()] = e.Member
				case Dead, Left:
					if !in {
						t.Fatalf("gone without joining: %v", e)
					}
					if e.Kind == Left {
						left[e.start()] = true
					}
					delete(model, e.start())
				case Reaped:
					if in {
						t.Fatalf("reaped alive: %v", e)
					}
					delete(left, e.start())
				}
			}
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 90).Draw(t, "pause")) * time.Second
			id := rapid.SampledFrom([]hyperscale.NodeID{"a", "b", "c"}).Draw(t, "id")
			boot := hyperscale.Boot(rapid.IntRange(1, 3).Draw(t, "boot"))
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				r.Heard(Member{ID: id, Boot: boot, Meta: []byte{byte(rapid.IntRange(0, 1).Draw(t, "meta"))}})
			case 2:
				r.Gone(now, id, boot, rapid.Bool().Draw(t, "leaves"))
			case 3:
				r.Reap(now)
			case 4:
				take()
			}
		}
		take()
		for _, m := range r.Alive() {
			if known, in := model[m.start()]; !in || string(known.Meta) != string(m.Meta) {
				t.Fatalf("%v is alive, and was told as %v", m, known)
			}
			delete(model, m.start())
		}
		if len(model) > 0 {
			t.Fatalf("told alive, and gone: %v", model)
		}
	})
}
