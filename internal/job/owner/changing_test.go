package owner

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
)

// TestChangesMakeTheState: whatever becomes of who holds what, a base and the
// changes since make the same of it.
func TestChangesMakeTheState(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		st, read := &state{Turns: map[string]hyperscale.Turn{}}, &state{}
		for step := range 40 {
			for range r.IntN(4) {
				alter(r, st)
			}
			whole := step == 0 || r.IntN(15) == 0
			text := mustJSON(st.changes(whole))
			var c change
			if err := json.Unmarshal(text, &c); err != nil {
				t.Fatal(err)
			}
			if whole {
				read = &state{}
			}
			if err := read.apply(c); err != nil {
				t.Fatalf("seed %d step %d: %v", seed, step, err)
			}
			if got, want := plain(read), plain(st); got != want {
				t.Fatalf("seed %d step %d: read\n%s\nwant\n%s\nof %s", seed, step, got, want, text)
			}
		}
	}
}

func plain(st *state) string { return strings.ReplaceAll(string(mustJSON(st)), ":[]", ":null") }

// alter does to a state one of the things that owners do.
func alter(r *rand.Rand, st *state) {
	if len(st.Legs) == 0 || r.IntN(8) == 0 {
		st.Legs = append(st.Legs, &leg{Leg: job.StartLeg{Workflow: string(rune('a' + r.IntN(3))), Leg: r.IntN(100)}})
		return
	}
	at := r.IntN(len(st.Legs))
	l := st.Legs[at]
	switch r.IntN(10) {
	case 0:
		st.Legs = append(st.Legs[:at], st.Legs[at+1:]...)
	case 1:
		l.Stage, l.Want, l.Stop = running, r.Uint64N(100), &halt{At: 1}
	case 2:
		l.divide(nil)
	case 3, 4:
		l.divide(append(l.Shares, dealt(r, st)))
	case 5: // a cover
		if n := len(l.Shares); n > 0 {
			i := r.IntN(n)
			l.lack(&hole{lost: lost{Share: l.Shares[i].Share, Fence: never}})
			parts := append([]*share{dealt(r, st)}, l.Shares[i+1:]...)
			l.divide(append(l.Shares[:i:i], parts...))
		}
	case 6:
		if n := len(l.Holes); n > 0 {
			i := r.IntN(n)
			l.Holes = append(l.Holes[:i:i], l.Holes[i+1:]...)
			l.divide(l.Shares)
		}
	case 7:
		for _, x := range l.Holes {
			x.Closed, x.alive = x.Closed || r.IntN(2) == 0, true
		}
	default:
		for _, s := range l.Shares {
			if r.IntN(4) == 0 {
				s.Started, s.seen, s.Reserve.Place = true, true, s.Reserve.Place+1
				s.Ending = &link.Ending{NoRows: r.Int64N(5)}
			}
		}
	}
}

func dealt(r *rand.Rand, st *state) *share {
	s := &share{kept: kept{Share: hyperscale.Share{Hi: 1, Of: 1, Turn: hyperscale.Turn(r.IntN(1000))}, Cores: 1}}
	st.Given = append(st.Given, given{turn: turn{"a", s.Share}, Node: "w"})
	return s
}

// TestChangeIsSmall: of thousands of shares only what is different is saved.
func TestChangeIsSmall(t *testing.T) {
	st := &state{}
	l := &leg{}
	for i := range int64(10_000) {
		l.Shares = append(l.Shares, &share{kept: kept{Share: hyperscale.Share{Lo: i, Hi: i + 1, Of: 10_000, Turn: 1}}})
	}
	st.Legs = []*leg{l}
	st.changes(true)
	if text := mustJSON(st.changes(false)); len(text) > 300 {
		t.Errorf("nothing changed: %d bytes", len(text))
	}
	l.Shares[5000].Started = true
	l.divide(append(l.Shares[:7000:7000], l.Shares[7001:]...))
	if text := mustJSON(st.changes(false)); len(text) > 500 {
		t.Errorf("two changed: %d bytes: %s", len(text), text)
	}
}

// TestChangeOfAnotherState: what does not follow from what was read is refused.
func TestChangeOfAnotherState(t *testing.T) {
	leg1 := []legChange{{Leg: &job.StartLeg{Workflow: "a"}, Shares: []edit[kept]{{Put: &kept{Cores: 1}}}}}
	for name, c := range map[string]change{
		"a leg that is not there":     {Legs: []legChange{{Was: 2}}},
		"a new leg of nothing":        {Legs: []legChange{{}}},
		"more shares than there are":  {Legs: []legChange{{Was: 1, Shares: []edit[kept]{{Keep: 2}}}}},
		"more go than there are":      {Legs: []legChange{{Was: 1, Shares: []edit[kept]{{Keep: 1, Skip: 1}}}}},
		"fewer than none":             {Legs: []legChange{{Was: 1, Shares: []edit[kept]{{Skip: -1}}}}},
		"a hole where there are none": {Legs: []legChange{{Was: 1, Holes: []edit[lost]{{Keep: 1}}}}},
	} {
		st := &state{}
		if err := st.apply(change{Legs: leg1}); err != nil {
			t.Fatal(err)
		}
		if err := st.apply(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
