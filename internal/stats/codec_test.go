package stats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"hyperscale"
)

// fullOwner is an owner that has seen a bit of everything.
func fullOwner() *owner {
	o := newOwner()
	old, cover := share1(0, 2), share1(0, 2)
	cover.Turn, cover.From = 2, 3*time.Second
	for i := range 4 {
		w := sampleWindow()
		w.ID = WindowID{Workflow: "browse", Share: old, First: uint64(i + 1), Seq: uint64(i + 1)}
		w.Interval, w.Final, w.Stretch = second(i), false, Stretch(i%2)
		if o.add(w) == Stray {
			o.tally.Marks().complain("a stray one came")
		}
		o.tally.Marks().Expect("browse", cover)
		if i != 2 {
			o.commit(time.Duration(i+1) * time.Second)
		}
	}
	return o
}

// encodings are what each codec makes of something full, and how it is read and
// made again.
func encodings() map[string]struct {
	full []byte
	read func([]byte) ([]byte, error)
} {
	type encoding = struct {
		full []byte
		read func([]byte) ([]byte, error)
	}
	o := fullOwner()
	o.joints.Add(sampleWindow(), hyperscale.Share{})
	stream := NewStream("browse", share1(0, 2))
	stream.Take(sampleWindow(), false)
	result, err := fullResult(o.tally).AppendBinary(nil)
	if err != nil {
		panic(err)
	}
	return map[string]encoding{
		"joint":  {o.joints.Cut()[0].AppendBinary(nil), again(DecodeJoint)},
		"stream": {stream.AppendBinary(nil), again(DecodeStream)},
		"marks":  {o.tally.Marks().AppendBinary(nil), again(DecodeMarks)},
		"tally":  {o.tally.AppendBinary(nil), again(DecodeTally)},
		"watch": {o.watch.AppendBinary(nil), again(func(b []byte) (*Watch, error) {
			return DecodeWatch(rules, b)
		})},
		"result": {result, func(b []byte) ([]byte, error) {
			r, err := DecodeResult(nil, b)
			if err != nil {
				return nil, err
			}
			return r.AppendBinary(nil)
		}},
	}
}

// again reads with decode and encodes what was read.
func again[T interface{ AppendBinary([]byte) []byte }](decode func([]byte) (T, error)) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		v, err := decode(b)
		if err != nil {
			return nil, err
		}
		return v.AppendBinary(nil), nil
	}
}

// Every codec gives what it was given, and refuses what was cut, what has bytes
// left over and what is of another kind.
func TestCodecs(t *testing.T) {
	all := encodings()
	for name, e := range all {
		got, err := e.read(e.full)
		if err != nil || !bytes.Equal(got, e.full) {
			t.Errorf("%s: %v, %d bytes became %d", name, err, len(e.full), len(got))
		}
		for i := 0; i < len(e.full); i += 1 + len(e.full)/300 {
			if _, err := e.read(e.full[:i]); err == nil {
				t.Fatalf("%s: taken though cut after %d of %d bytes", name, i, len(e.full))
			}
		}
		if _, err := e.read(append(bytes.Clone(e.full), 0)); err == nil {
			t.Errorf("%s: bytes left over were taken", name)
		}
		if _, err := e.read(append([]byte{9}, e.full[1:]...)); err == nil || !strings.Contains(err.Error(), "decode "+name) {
			t.Errorf("%s: other format: %v", name, err)
		}
		for other, o := range all {
			if _, err := e.read(o.full); err == nil && other != name {
				t.Errorf("%s was taken for %s", other, name)
			}
		}
	}
	if _, err := DecodeJoint(sampleWindow().AppendBinary(nil)); err == nil {
		t.Error("a window was taken for a joint")
	}
	if _, err := DecodeWindow(all["joint"].full); err == nil {
		t.Error("a joint without number was taken for a window")
	}
	if _, err := DecodeWatch(rules[:2], all["watch"].full); err == nil {
		t.Error("a watch over other thresholds was taken")
	}
}

// What a joint keeps apart travels with it under a number too.
func TestNumberedJoint(t *testing.T) {
	j := NewJoints()
	for i := range 2 {
		w := counted(share1(int64(i), 2), 1, 1, Interval{From: time.Duration(i+1) * 100 * time.Millisecond, To: time.Duration(i+4) * 100 * time.Millisecond}, 1)
		w.Watch = Readings{Node: fmt.Sprint("w", i), CPU: time.Duration(i + 1)}
		j.Add(w, hyperscale.Share{})
	}
	list := j.Cut()
	if len(list) != 1 || j.Len() != 0 || list[0].From != 100*time.Millisecond || list[0].To != 500*time.Millisecond {
		t.Fatalf("%+v", list)
	}
	part := hyperscale.Share{Lo: 0, Hi: 1, Of: 1, Turn: 7}
	NewStream("browse", part).Take(list[0], true)
	got := passOn(t, list[0])
	if r := got.Readings(); len(r) != 2 || r[1].Node != "w1" || r[1].CPU != 2 || got.ID.Share != part || !got.Final || got.Completed != 2 {
		t.Errorf("%+v", got)
	}
	if b, err := json.Marshal(got); err != nil || !strings.Contains(string(b), `"generators":[{"node":"w0"`) {
		t.Errorf("%v, %s", err, b)
	}
	if r := sampleWindow().Readings(); len(r) != 1 || r[0].Node != "w1" {
		t.Errorf("%+v", r)
	}
}

// Joints that wait for a parent are merged as windows are: counts, job time and
// every node's readings stay.
func TestAdjacentJoints(t *testing.T) {
	apart, merged := NewTally(), NewTally()
	s := NewStream("browse", share1(0, 2))
	var list []*Window
	for i := range 3 {
		w := counted(share1(int64(i), 3), 1, 1, second(2*i), i+1)
		w.Watch = Readings{Node: fmt.Sprint("w", i%2), CPU: 1, Saturated: 100 * time.Millisecond}
		if i < 2 {
			j := NewJoints()
			j.Add(w, hyperscale.Share{})
			w = j.Cut()[0]
		}
		s.Take(w, i == 2)
		apart.Add(w)
		list = append(list, passOn(t, w))
	}
	for _, next := range list[1:] {
		if !list[0].MergeAdjacent(next) {
			t.Fatal("not merged")
		}
	}
	if got := merged.Add(passOn(t, list[0])); got != Merged || len(Identities(merged)) > 0 {
		t.Errorf("receipt %d, %q", got, Identities(merged))
	}
	if a, b := fmt.Sprint(apart.Nodes(), apart.works["browse"].moments), fmt.Sprint(merged.Nodes(), merged.works["browse"].moments); a != b {
		t.Errorf("%s\n%s", a, b)
	}
	if a, b := apart.nodes["w0"], merged.nodes["w0"]; !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
	if a, b := sumBytes(&apart.works["browse"].measured), sumBytes(&merged.works["browse"].measured); a != b {
		t.Error("sums differ")
	}
}

// Large windows are read, larger ones refused.
func TestLargeWindows(t *testing.T) {
	w := sampleWindow()
	step := w.Steps[0]
	for range 6000 {
		w.Steps = append(w.Steps, step)
	}
	sample := strings.Repeat("x", maxSample)
	for i := range w.Steps[3:] {
		s := &w.Steps[i+3]
		s.Errors = Kinds{}
		for k := range 8 {
			s.Errors.Add(Kind{fmt.Sprintf("status %d", 500+k), 1, sample})
		}
	}
	b := w.AppendBinary(nil)
	if len(b) < 8<<20 || len(b) > MaxWindowBytes {
		t.Fatalf("%d bytes", len(b))
	}
	w.Final = false
	if got, err := DecodeWindow(b); err != nil || len(got.Steps) != len(w.Steps) {
		t.Error(err)
	}
}

// A decoder that is used again gives what a new one gives.
func TestDecoderIsUsedAgain(t *testing.T) {
	small := Cut(WindowID{Workflow: "w", Share: hyperscale.Whole, Seq: 1}, second(0), nil, Readings{})
	fewer := counted(hyperscale.Whole, 1, 1, second(0), 2)
	fewer.Steps = fewer.Steps[:1]
	fewer.Steps[0].Checks = fewer.Steps[0].Checks[:1]
	var d Decoder
	for i, w := range []*Window{sampleWindow(), small, sampleWindow(), fewer, fiveSteps(), counted(hyperscale.Whole, 3, 3, second(2), 2), sampleWindow()} {
		b := w.AppendBinary(nil)
		if _, err := d.Window(b[:len(b)*2/3]); err == nil {
			t.Errorf("window %d: taken though cut", i)
		}
		got, err := d.Window(b)
		if err != nil || !bytes.Equal(got.AppendBinary(nil), b) {
			t.Errorf("window %d: %v", i, err)
		}
	}
}

// fullResult is a result with something everywhere.
func fullResult(tally *Tally) *Result {
	return &Result{
		Job: "7", Phase: hyperscale.Completed, Started: time.Date(2026, 11, 27, 12, 0, 0, 5, time.UTC), Elapsed: time.Minute,
		Tally: tally,
		Workflows: []WorkflowResult{{Name: "browse", Phase: hyperscale.Completed, PlannedVU: 5, Search: &SearchResult{
			Rate: 0.1, Probes: []Probe{{Rate: 1.0 / 3, Response: Quantiles{Count: 1}}},
		}}},
		Thresholds: NewWatch(rules).Results(tally),
		Verdict:    Verdict{State: Degraded, Causes: []Cause{{State: Degraded, What: "x", Node: "w1", To: 5}}},
		Timeline:   []Mark{{At: 1, What: "a"}},
		Generator:  Generator{Readings: Readings{Lanes: 2}, Version: "1"},
		Stop:       Stop{Aborted: "y"},
		Losses:     []Loss{{Node: "w1", Workflow: "browse", From: 1, To: 2, Lost: 3, Requests: math.MaxUint64}},
		Distributed: Distributed{Workers: []WorkerResult{{Node: "w1", Readings: Readings{Node: "w1", CPU: 3}, Requests: 4, Holds: []HoldResult{{Workflow: "browse", Share: share1(0, 2), Lost: true}}}}, Datacenters: []DatacenterResult{{
			Name: "eu", Tally: fullTotals(), PlannedVU: []time.Duration{5}, Verdict: Verdict{State: Invalid, Causes: []Cause{{What: "z"}}},
			Parts: []HoldResult{{Workflow: "browse", Share: share1(0, 2), Slots: 3}},
		}}},
	}
}

// fullTotals are totals of something.
func fullTotals() *Tally {
	t := NewTotals()
	t.AddJoint(sampleWindow())
	return t
}

// A result that has travelled is the same, but for the turns in its tally.
func TestResultCodec(t *testing.T) {
	o := fullOwner()
	want := fullResult(o.tally)
	b, err := want.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	plan := &hyperscale.Plan{Name: "p"}
	got, err := DecodeResult(plan, b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Plan != plan || sumOf(got.Tally) == "" || fmt.Sprint(got.Tally.Stray("browse")) != fmt.Sprint(want.Tally.Stray("browse")) {
		t.Errorf("%+v", got)
	}
	if a, b := fmt.Sprint(Identities(got.Tally)), fmt.Sprint(Identities(want.Tally)); a != b {
		t.Errorf("%s\n%s", a, b)
	}
	if !bytes.Equal(got.Tally.append(nil), want.Tally.append(nil)) || got.Unreported() != want.Unreported() {
		t.Error("tallies differ")
	}
	if !Same(got.Datacenters[0].Tally, want.Datacenters[0].Tally) || !got.Datacenters[0].Tally.plain {
		t.Error("what a datacenter did differs")
	}
	got.Plan, got.Tally, want.Tally = nil, nil, nil
	got.Datacenters[0].Tally, want.Datacenters[0].Tally = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v\n%+v", got, want)
	}
	want.Datacenters[0].Tally = fullTotals()
	want.Thresholds[0].Value = math.NaN()
	if _, err := want.AppendBinary(nil); err == nil {
		t.Error("a figure that JSON can't hold was taken")
	}
	want.Thresholds[0].Value, want.Verdict.Causes[0].State = 0, 3
	b, _ = want.AppendBinary(nil)
	if _, err := DecodeResult(plan, b); err == nil {
		t.Error("a verdict that there is not was taken")
	}
}

// A live picture travels as JSON.
func TestProgressAsJSON(t *testing.T) {
	o := fullOwner()
	want := Progress{
		Name: "n", Target: "t", Elapsed: 5, Planned: 6,
		Workflows:  []WorkflowProgress{{Name: "browse", Phase: hyperscale.Running, Done: 0.3, Paused: true, VUs: 4, InFlight: 5, Rate: 1.0 / 3}},
		Now:        Glance(time.Second, sampleWindow()),
		Rates:      []float64{1, 2.5},
		Steps:      []StepProgress{{Workflow: "browse", Step: "home", Group: true, Requests: Requests{Started: 4, BytesIn: 1 << 60}, Response: Quantiles{1, 2, 3, 4, 5}}},
		Thresholds: o.watch.Results(o.tally),
		Warnings:   []string{"w"}, Marks: []Mark{{1, "a", "b"}}, Stopping: "s",
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Progress
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n%+v\n%+v", err, got, want)
	}
}

// fuzz feeds a codec and holds it to giving the same bytes again, and hands what
// it read to use.
func fuzz[T interface{ AppendBinary([]byte) []byte }](f *testing.F, name string, decode func([]byte) (T, error), use func(T)) {
	f.Add(encodings()[name].full)
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := decode(b)
		if err != nil {
			return
		}
		first := v.AppendBinary(nil)
		same, err := decode(first)
		if err != nil || !bytes.Equal(same.AppendBinary(nil), first) {
			t.Fatalf("read back: %v", err)
		}
		use(v)
	})
}

func FuzzDecodeJoint(f *testing.F) {
	fuzz(f, "joint", DecodeJoint, func(w *Window) {
		j, tally, watch := NewJoints(), NewTally(), NewWatch(rules)
		j.Add(w, hyperscale.Share{})
		tally.AddJoint(w)
		watch.Add(w)
		watch.Step(min(w.To, time.Minute), tally)
		sumOf(tally)
	})
}

func FuzzDecodeStream(f *testing.F) {
	fuzz(f, "stream", DecodeStream, func(s *Stream) { s.Died(Losses{Lost: 1}, 0, true) })
}

func FuzzDecodeMarks(f *testing.F) {
	fuzz(f, "marks", DecodeMarks, func(m *Marks) {
		m.StrayRequests()
		for _, s := range m.Turns() {
			m.Receive(counted(s.Share, s.Mark+1, s.Mark+1, second(1), 1))
			m.Close(s.Workflow, s.Share, Losses{Lost: 1})
		}
	})
}

func FuzzDecodeTally(f *testing.F) {
	fuzz(f, "tally", DecodeTally, func(t *Tally) {
		t.Add(counted(share1(1, 9), 1, 1, second(700), 1))
		sumOf(t)
		Identities(t)
		Workers(t, Held(t, func(s Standing) string { return s.Workflow }))
	})
}

func FuzzDecodeWatch(f *testing.F) {
	fuzz(f, "watch", func(b []byte) (*Watch, error) { return DecodeWatch(rules, b) }, func(w *Watch) {
		tally := NewTally()
		tally.Add(sampleWindow())
		w.Add(sampleWindow())
		w.Step(time.Minute, tally)
		w.Results(tally)
	})
}

func FuzzDecodeResult(f *testing.F) {
	f.Add(encodings()["result"].full)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeResult(nil, b)
		if err != nil {
			return
		}
		r.Unreported()
		sumOf(r.Tally)
		if _, err := r.AppendBinary(nil); err != nil {
			t.Fatal(err)
		}
	})
}
