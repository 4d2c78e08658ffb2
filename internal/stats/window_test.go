package stats

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// However slots are divided into shares, lanes and windows, however the windows
// of different shares interleave, and whichever are sent twice or joined on the
// way: the tally is what one lane would have counted in one window.
func TestSumsOverWindowsAreTotals(t *testing.T) {
	layout := testLayout()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(anyHappening(), 0, 60).Draw(t, "happenings")
		shares := rapid.IntRange(1, 4).Draw(t, "shares")
		lanes := rapid.IntRange(1, 3).Draw(t, "lanes")
		whole := NewRecord(layout)
		queues := make([][]*Window, shares)
		streams := make([]*Stream, shares)
		for i := range streams {
			streams[i] = NewStream("browse", share1(int64(i), int64(shares)))
		}
		seconds := rapid.IntRange(1, 5).Draw(t, "seconds")
		for sec := range seconds {
			records := make([][]*Record, shares)
			for i := range records {
				for range lanes {
					records[i] = append(records[i], NewRecord(layout))
				}
			}
			for i, h := range all {
				if i%seconds != sec {
					continue
				}
				h.record(whole)
				h.record(records[rapid.IntRange(0, shares-1).Draw(t, "share")][rapid.IntRange(0, lanes-1).Draw(t, "lane")])
			}
			for i, s := range streams {
				iv := second(sec)
				iv.Stretch = Stretch(min(sec, 2))
				if sec == seconds-1 {
					queues[i] = append(queues[i], s.Last(iv, records[i], Readings{}))
				} else {
					queues[i] = append(queues[i], s.Cut(iv, records[i], Readings{}))
				}
			}
		}
		tally := deliver(t, queues)
		var got Sums
		got.Merge(&tally.works["browse"].warmup)
		got.Merge(&tally.works["browse"].measured)
		want := Cut(WindowID{Seq: 1}, Interval{}, []*Record{whole}, Readings{})
		if sumBytes(&got) != sumBytes(&want.Sums) {
			t.Fatalf("tally\n%+v\nis not\n%+v", got, want.Sums)
		}
		if broken := Identities(tally); len(broken) > 0 {
			t.Fatal(broken)
		}
		courseAddsUp(t, tally)
	})
}

// deliver adds the windows of several turns to a tally in some interleaving,
// encoded, some joined and some sent twice.
func deliver(t *rapid.T, queues [][]*Window) *Tally {
	tally := NewTally()
	for slices.ContainsFunc(queues, func(q []*Window) bool { return len(q) > 0 }) {
		i := rapid.IntRange(0, len(queues)-1).Draw(t, "turn")
		if len(queues[i]) == 0 {
			continue
		}
		w := passOn(t, queues[i][0])
		queues[i] = queues[i][1:]
		if len(queues[i]) > 0 && rapid.Bool().Draw(t, "join") && w.MergeAdjacent(queues[i][0]) {
			queues[i] = queues[i][1:]
			w = passOn(t, w)
		}
		if r := tally.Add(w); r != Merged {
			t.Fatalf("window %d: receipt %d", w.ID.Seq, r)
		}
		if rapid.Bool().Draw(t, "again") {
			if r := tally.Add(w); r != Duplicate {
				t.Fatalf("window %d again: receipt %d", w.ID.Seq, r)
			}
		}
	}
	return tally
}

// courseAddsUp demands that the points of every course add up to the totals.
func courseAddsUp(t *rapid.T, tally *Tally) {
	var slots Slots
	for _, p := range tally.Course("browse") {
		slots.add(p.Slots)
	}
	if want := tally.Workflow("browse").Slots; slots != want {
		t.Fatalf("points hold %+v, total is %+v", slots, want)
	}
	for _, step := range tally.Steps("browse") {
		var requests Requests
		var response Histogram
		for p := range tally.StepCourse("browse", step) {
			requests.add(p.Requests)
			response.Merge(p.Response)
		}
		sel := tally.Step("browse", step)
		want := sel.Sample.Response.Clone()
		want.Merge(&tally.works["browse"].warmupOf(step).OKResponse)
		want.Merge(&tally.works["browse"].warmupOf(step).OtherResponse)
		if requests != sel.Requests || !bytes.Equal(bin(&response), bin(want)) {
			t.Fatalf("%s: points hold %+v, total is %+v", step, requests, sel.Requests)
		}
	}
}

// warmupOf is the warm-up's part of a step; empty when there was none.
func (w *work) warmupOf(step string) *StepSums {
	for i := range w.warmup.Steps {
		if w.warmup.Steps[i].Name == step {
			return &w.warmup.Steps[i]
		}
	}
	return new(StepSums)
}

func TestRecordResetIsEmpty(t *testing.T) {
	r := NewRecord(testLayout())
	for kind := range 9 {
		happening{kind: kind, response: time.Millisecond, status: 200, fault: 3}.record(r)
	}
	r.Reset()
	got := Cut(WindowID{Seq: 1}, Interval{}, []*Record{r}, Readings{})
	want := Cut(WindowID{Seq: 1}, Interval{}, []*Record{NewRecord(testLayout())}, Readings{})
	if sumBytes(&got.Sums) != sumBytes(&want.Sums) {
		t.Errorf("after Reset: %+v", got.Sums)
	}
}

// Counting a request allocates nothing once each of its kinds was seen, even
// across a reset.
func TestCountingAllocatesNothing(t *testing.T) {
	r := NewRecord(testLayout())
	count := func() {
		for _, kind := range []int{0, 1, 2, 3, 4, 5, 7, 8} {
			h := happening{kind: kind, response: time.Millisecond, status: 200, fault: 3}
			h.record(r)
		}
	}
	// The model makes its sample text, which a lane is given; leave it out.
	count()
	r.Reset()
	count()
	s := &r.Steps[0]
	if n := testing.AllocsPerRun(100, func() {
		s.Status(200)
		s.Status(503)
		s.Fault(3, "sample")
		s.Check(1, false)
		s.Answered(false, time.Millisecond, time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// What was started in one window and ended in another is in flight between.
func TestInFlightAtTheEnd(t *testing.T) {
	stream := NewStream("browse", hyperscale.Whole)
	cut := func(started, ended uint64, at int) *Window {
		r := NewRecord(testLayout())
		r.Slots.Started, r.Completed = started, ended
		r.Steps[0].Requests.Started, r.Steps[0].OK = 2*started, 2*ended
		r.Steps[1].Requests.Started = 7 // a group
		return stream.Cut(second(at), []*Record{r}, Readings{})
	}
	first, next := cut(5, 2, 0), cut(1, 3, 1)
	if first.InFlight != (Flight{3, 6}) || next.InFlight != (Flight{1, 2}) {
		t.Errorf("%+v, %+v", first.InFlight, next.InFlight)
	}
	if got := passOn(t, first).InFlight; got != first.InFlight {
		t.Errorf("became %+v", got)
	}
	if !first.MergeAdjacent(next) || first.InFlight != (Flight{1, 2}) {
		t.Errorf("joined: %+v", first.InFlight)
	}
}

func TestMergeAdjacentRefuses(t *testing.T) {
	base := func() *Window {
		w := Cut(WindowID{Workflow: "browse", Share: hyperscale.Whole, Seq: 3}, second(3), []*Record{NewRecord(testLayout())}, Readings{})
		return w
	}
	next := func(change func(*Window)) *Window {
		w := base()
		w.ID.First, w.ID.Seq, w.Interval = 4, 4, second(4)
		change(w)
		return w
	}
	for name, n := range map[string]*Window{
		"a gap":            next(func(w *Window) { w.ID.First, w.ID.Seq = 5, 5 }),
		"the same":         next(func(w *Window) { w.ID.First, w.ID.Seq = 3, 3 }),
		"another turn":     next(func(w *Window) { w.ID.Share.Turn = 2 }),
		"another share":    next(func(w *Window) { w.ID.Share.Of = 2 }),
		"another workflow": next(func(w *Window) { w.ID.Workflow = "search" }),
		"another stretch":  next(func(w *Window) { w.Stretch = InGrace }),
		"an adjustment":    next(func(w *Window) { w.Adjustment = 1 }),
		"another plan":     next(func(w *Window) { w.Steps[0].Name = "away" }),
	} {
		w := base()
		if w.MergeAdjacent(n) || w.ID.Seq != 3 || w.To != 4*time.Second {
			t.Errorf("%s was joined", name)
		}
	}
	w := base()
	if !w.MergeAdjacent(next(func(*Window) {})) || w.ID.First != 3 || w.ID.Seq != 4 || w.To != 5*time.Second {
		t.Errorf("neighbours were not joined: %+v", w.ID)
	}
	last := next(func(w *Window) { w.Final = true })
	if last.MergeAdjacent(next(func(w *Window) { w.ID.First, w.ID.Seq = 5, 5 })) {
		t.Error("something was joined to the last window")
	}
}

func TestKindsKeepTheSameOfAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Uint32Range(0, 800), 0, 300).Draw(t, "faults")
		other := rapid.Permutation(list).Draw(t, "other order")
		var a, b Kinds
		for i := range list {
			a.Add(Kind{faultName(list[i]), 1, strings.Repeat("x", int(list[i]%9))})
		}
		parts := make([]Kinds, 4)
		for i := range other {
			parts[i%4].Add(Kind{faultName(other[i]), 1, strings.Repeat("x", int(other[i]%9))})
		}
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3}).Draw(t, "merge order") {
			b.Merge(&parts[i])
		}
		if string(a.append(nil)) != string(b.append(nil)) {
			t.Fatalf("%v\nis not\n%v", a.List(), b.List())
		}
		if a.Total() != uint64(len(list)) || len(a.kinds) > MaxKinds {
			t.Fatalf("%d of %d in %d kinds", a.Total(), len(list), len(a.kinds))
		}
	})
}

// Transport errors are kept before those whose number a target can inflate.
func TestKindsOrder(t *testing.T) {
	var k Kinds
	for code := range 200 {
		k.Add(Kind{Text: faultName(uint32(100 + code)), Count: 1})
	}
	k.Add(Kind{"timeout", 7, "after 10s"})
	k.Add(Kind{OtherKind, 2, ""})
	list := k.List()
	if len(list) != MaxKinds+1 || list[0] != (Kind{"timeout", 7, "after 10s"}) || list[MaxKinds] != (Kind{OtherKind, 139, ""}) {
		t.Errorf("%d kinds: %v", len(list), list)
	}
}

func TestSamplesAreClipped(t *testing.T) {
	var k Kinds
	k.Add(Kind{"tls", 1, strings.Repeat("é", 300) + "\xff"})
	if s := k.List()[0].Sample; s != strings.Repeat("é", 100) {
		t.Errorf("%d bytes: %q", len(s), s)
	}
	k.Add(Kind{"tls", 1, "bad \xff byte"})
	if s := k.List()[0].Sample; s != "bad \uFFFD byte" {
		t.Errorf("%q", s)
	}
}

// sampleWindow is a window with something everywhere.
func sampleWindow() *Window {
	r := NewRecord(testLayout())
	for kind := range 9 {
		happening{kind: kind, response: 3 * time.Millisecond, late: 20 * time.Microsecond, status: 200, fault: 503}.record(r)
	}
	s := NewStream("browse", hyperscale.Share{Lo: 2, Hi: 3, Of: 7, From: time.Second, Turn: 4})
	return s.Last(second(0), []*Record{r}, Readings{Node: "w1", Lanes: 2, Watched: time.Second, CPU: 5e8,
		Saturated: time.Second, GCPause: 1e6, GCs: 3, RunDelay: 2e6, ClockStep: 1e6, RSS: 50 << 20,
		Descriptors: 70, DescriptorCap: 1024, Ports: 64, PortCap: 28000})
}

func TestWindowCodec(t *testing.T) {
	w := sampleWindow()
	w.Adjustment = 9
	got := passOn(t, w)
	if got.ID != w.ID || got.Interval != w.Interval || got.Watch != w.Watch || !got.Final || got.Adjustment != 9 {
		t.Errorf("%+v became %+v", w, got)
	}
	if d := got.Totals.differs(&w.Totals); d != "" {
		t.Error(d)
	}
	if !bytes.Equal(got.AppendBinary(nil), w.AppendBinary(nil)) {
		t.Error("other bytes the second time")
	}
}

func TestDecodeWindowRefuses(t *testing.T) {
	changed := func(change func(*Window)) []byte {
		w := sampleWindow()
		change(w)
		return w.AppendBinary(nil)
	}
	good := sampleWindow().AppendBinary(nil)
	for i := range good {
		if _, err := DecodeWindow(good[:i]); err == nil {
			t.Fatalf("taken though cut after %d of %d bytes", i, len(good))
		}
	}
	for name, b := range map[string][]byte{
		"left over":       append(bytes.Clone(good), 0),
		"other format":    append([]byte{2}, good[1:]...),
		"too long":        make([]byte, MaxWindowBytes+1),
		"no share":        changed(func(w *Window) { w.ID.Share.Of = 2 }),
		"number 0":        changed(func(w *Window) { w.ID.First = 0 }),
		"first after seq": changed(func(w *Window) { w.ID.First = 2 }),
		"backwards":       changed(func(w *Window) { w.From = 3 * time.Second }),
		"far future":      changed(func(w *Window) { w.To = maxJobTime + 1 }),
		"negative time":   changed(func(w *Window) { w.From = -1 }),
		"stretch":         changed(func(w *Window) { w.Stretch = 3 }),
		"long name":       changed(func(w *Window) { w.ID.Workflow = strings.Repeat("x", maxText+1) }),
		"status twice":    changed(func(w *Window) { w.Steps[0].Statuses = []StatusCount{{200, 1}, {200, 1}} }),
		"status 1000":     changed(func(w *Window) { w.Steps[0].Statuses = []StatusCount{{1000, 1}} }),
		"status of none":  changed(func(w *Window) { w.Steps[0].Statuses = []StatusCount{{200, 0}} }),
		"kinds unsorted":  changed(func(w *Window) { w.Steps[0].Errors.kinds = []Kind{{"b", 1, ""}, {"a", 1, ""}} }),
		"kind of others":  changed(func(w *Window) { w.Steps[0].Errors.kinds = []Kind{{OtherKind, 1, ""}} }),
		"long sample":     changed(func(w *Window) { w.Steps[0].Errors.kinds = []Kind{{"a", 1, strings.Repeat("x", 201)}} }),
		"negative VUTime": changed(func(w *Window) { w.VUTime = -1 }),
	} {
		if _, err := DecodeWindow(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// A few bytes must not ask for more memory than a plan has reason to.
func TestDecodeWindowBoundsMemory(t *testing.T) {
	w := Cut(WindowID{Workflow: "w", Share: hyperscale.Whole, Seq: 1}, second(0), nil, Readings{})
	step := StepSums{}
	for o := range octaves {
		step.Service.Record(time.Duration(1500) << o)
	}
	for range 5000 {
		w.Steps = append(w.Steps, step) // they share the buckets
	}
	if _, err := DecodeWindow(w.AppendBinary(nil)); err == nil || !strings.Contains(err.Error(), "too many buckets") {
		t.Errorf("error %v", err)
	}
}

func FuzzDecodeWindow(f *testing.F) {
	f.Add(sampleWindow().AppendBinary(nil))
	f.Add(Cut(WindowID{Workflow: "w", Share: hyperscale.Whole, Seq: 1}, second(0), nil, Readings{}).AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := DecodeWindow(b)
		if err != nil {
			return
		}
		again, err := DecodeWindow(w.AppendBinary(nil))
		if err != nil || !bytes.Equal(again.AppendBinary(nil), w.AppendBinary(nil)) {
			t.Fatalf("read back: %v", err)
		}
		tally := NewTally()
		tally.Add(w)
		watch := NewWatch([]hyperscale.Threshold{{Metric: hyperscale.MetricRate, Op: ">", Over: time.Second}})
		watch.Add(w)
		watch.Step(min(w.To, time.Minute), tally)
		Judge(tally, []LoadFacts{{Workflow: w.ID.Workflow, Kind: hyperscale.LoadOpen}}, nil, Limits{})
		if _, err := json.Marshal(w); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWindowJSON(t *testing.T) {
	b, err := json.Marshal(sampleWindow())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Workflow   string
		Turn       int
		Seq        [2]int
		InFlight   map[string]int `json:"in_flight"`
		Stretch    string
		Iterations map[string]int
		Lateness   map[string]*float64 `json:"lateness_ms"`
		Steps      []struct {
			Name     string
			Requests map[string]int
			Status   map[string]int
			Errors   map[string]int
			Response map[string]*float64 `json:"response_ms"`
			Checks   map[string]map[string]int
		}
		Generator map[string]any
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	home, order := got.Steps[0], got.Steps[2]
	if got.Workflow != "browse" || got.Turn != 4 || got.Seq != [2]int{1, 1} || got.Stretch != "load" || got.Iterations["due"] != 9 {
		t.Errorf("%s", b)
	}
	if home.Requests["timed_out"] != 1 || home.Status["200"] != 2 || home.Errors["check home: 503"] != 2 || home.Checks["home: status"]["failed"] != 1 {
		t.Errorf("%+v", home)
	}
	if v := home.Response["p50"]; v == nil || math.Abs(*v-3.02) > 0.02 {
		t.Errorf("p50 %v", v)
	}
	if v, there := order.Response["p50"]; v != nil || !there {
		t.Error("a quantile of nothing is not null")
	}
	if got.Generator["node"] != "w1" {
		t.Errorf("generator %v", got.Generator)
	}
}
