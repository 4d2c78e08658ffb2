package stats

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// What datacenters did adds up to the whole, bit for bit, whatever windows come, in
// whatever order, with slots that go from one datacenter to another and owners that
// change.
func TestDatacentersAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		whole, joints := NewTally(), NewJoints()
		at, parts := map[hyperscale.Share]string{}, map[string]*Tally{"a": NewTotals(), "b": NewTotals(), "c": NewTotals()}
		where := func(s hyperscale.Share) string {
			if at[s] == "" {
				at[s] = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "where")
			}
			return at[s]
		}
		commit := func() {
			for _, j := range joints.Cut() {
				whole.AddJoint(j)
				parts[where(j.ID.Share)].AddJoint(j)
			}
		}
		for h.now < 8 {
			h.second(func(w *Window) {
				if whole.Marks().Receive(w) == Merged {
					joints.Add(w, w.ID.Share)
				}
			}, func(workflow string, s hyperscale.Share, l Losses) {
				if w := whole.Marks().Close(workflow, s, l); w != nil {
					joints.Add(w, s)
				}
			})
			commit()
			if name := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "read again"); name != "" {
				again, err := DecodeTotals(parts[name].AppendBinary(nil))
				if err != nil {
					t.Fatal(err)
				}
				parts[name] = again
			}
		}
		list := []*Tally{parts["a"], parts["b"], parts["c"]}
		if d := Unequal(whole, list); len(d) > 0 {
			t.Fatal(d)
		}
		addUp(t, whole, list)
	})
}

// addUp fails unless all that the parts hold makes the whole.
func addUp(t *rapid.T, whole *Tally, parts []*Tally) {
	t.Helper()
	watched := nodes{}
	for _, p := range parts {
		for _, name := range p.nodes.names() {
			watched.at(name).add(p.nodes[name])
		}
	}
	if !bytes.Equal(watched.append(nil), whole.nodes.append(nil)) {
		t.Fatal("what is known of nodes differs")
	}
	for _, name := range whole.Workflows() {
		var sum work
		for _, p := range parts {
			w := p.works[name]
			if w == nil {
				continue
			}
			if len(w.course.slots) > 0 || sum.warmup.Merge(&w.warmup) != nil || sum.measured.Merge(&w.measured) != nil {
				t.Fatal("a part has a course, or does not fit")
			}
			for i, n := range w.answers {
				sum.answers = append(sum.answers, make([]uint64, max(i+1-len(sum.answers), 0))...)
				sum.answers[i] += n
			}
			sum.load.addAll(w.load)
			from := w.moments.each()
			for i, s := range sum.moments.each() {
				s.addAll(*from[i])
			}
		}
		sum.course = whole.works[name].course
		if !bytes.Equal(sum.append(nil), whole.works[name].append(nil)) {
			t.Fatalf("%s differs:\n%+v\n%+v", name, sum.measured.Slots, whole.works[name].measured.Slots)
		}
	}
}

// Counts that do not add up are named.
func TestUnequalDatacenters(t *testing.T) {
	whole, part := NewTally(), NewTotals()
	for i := range 2 {
		w := counted(share1(int64(i), 2), 1, 1, second(0), 3)
		whole.Add(w)
		if i == 0 {
			part.AddJoint(w)
		}
	}
	got := Unequal(whole, []*Tally{part})
	if len(got) != 1 || !strings.HasPrefix(got[0], "browse: all datacenters together and the job differ: slots") {
		t.Error(got)
	}
	if got := Unequal(whole, nil); len(got) != 1 {
		t.Error(got)
	}
	if got := Unequal(part, []*Tally{part}); got != nil {
		t.Error(got)
	}
}

// Whose a node is goes by its name.
func TestInPlace(t *testing.T) {
	for node, want := range map[string]bool{"eu": true, "eu/w1": true, "eu2": false, "us/eu": false, "": false} {
		if InPlace(node, "eu") != want {
			t.Error(node)
		}
	}
}

// What a job over many datacenters costs beside the same job in one stays small: what
// is kept of each is as much after an hour as after a minute.
func TestTotalsDoNotGrow(t *testing.T) {
	size := func(seconds int) int {
		totals := NewTotals()
		for i := range seconds {
			from := time.Duration(i) * time.Second
			w := counted(share1(0, 1), uint64(i+1), uint64(i+1), Interval{From: from, To: from + time.Second}, 3)
			totals.AddJoint(w)
		}
		return len(totals.AppendBinary(nil))
	}
	if short, long := size(60), size(3600); long > short+200 {
		t.Errorf("%d bytes after a minute, %d after an hour", short, long)
	}
}

// Many datacenters of one result have no more memory together than one has.
func TestManyDatacentersAreBounded(t *testing.T) {
	tally := NewTotals()
	tally.AddJoint(counted(share1(0, 1), 1, 1, second(0), 3))
	r := Result{Tally: NewTally(), Distributed: Distributed{Datacenters: slices.Repeat([]DatacenterResult{{Name: "a", Tally: tally}}, 3)}}
	b, err := r.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeResult(nil, b)
	if err != nil || len(got.Datacenters) != 3 || !Same(got.Datacenters[2].Tally, tally) {
		t.Fatal(err, len(got.Datacenters))
	}
	var spent Result
	text := bytes.SplitN(b, []byte("{"), 2)[1]
	text = append([]byte("{"), text[:bytes.LastIndexByte(text, '}')+1]...)
	if err := spent.read(text, &reader{octaves: 1}); err == nil || !strings.Contains(fmt.Sprint(err), "datacenter a") {
		t.Error(err)
	}
}
