package stats

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// counted is a window with so many ok requests and slots, of one lane.
func counted(share hyperscale.Share, first, seq uint64, iv Interval, n int) *Window {
	r := NewRecord(testLayout())
	for range n {
		happening{response: time.Millisecond, late: time.Microsecond, status: 200}.record(r)
	}
	return Cut(WindowID{Workflow: "browse", Share: share, First: first, Seq: seq}, iv, []*Record{r}, Readings{})
}

// The rules of receiving, one turn: what is at or below the mark is a
// duplicate, what is not next is a gap, what is partly known is broken.
func TestReceiving(t *testing.T) {
	tally := NewTally()
	for i, c := range []struct {
		first, seq uint64
		final      bool
		want       Receipt
		mark       uint64
	}{
		{2, 2, false, Gap, 0},
		{1, 1, false, Merged, 1},
		{1, 1, false, Duplicate, 1},
		{3, 4, false, Gap, 1},
		{2, 3, false, Merged, 3},
		{2, 3, false, Duplicate, 3},
		{3, 3, false, Duplicate, 3},
		{3, 4, false, Broken, 3},
		{0, 4, false, Broken, 3},
		{5, 4, false, Broken, 3},
		{4, 4, true, Merged, 4},
		{4, 4, true, Duplicate, 4},
		{5, 5, false, Broken, 4},
	} {
		w := counted(hyperscale.Whole, 1, c.seq, second(i), 1)
		w.ID.First = c.first
		if w.Final = c.final; c.final {
			var l Ledger
			for range 3 {
				l.add(&w.Sums)
			}
			w.Totals = l
		}
		if got := tally.Add(w); got != c.want || tally.Marks().Mark("browse", hyperscale.Whole) != c.mark {
			t.Errorf("window %d…%d: receipt %d, mark %d; want %d, %d", c.first, c.seq, got,
				tally.Marks().Mark("browse", hyperscale.Whole), c.want, c.mark)
		}
	}
	if n := tally.Workflow("browse").Requests.OK; n != 3 {
		t.Errorf("%d counted, want 3", n)
	}
	broken := Identities(tally)
	if len(broken) != 4 {
		t.Errorf("4 windows of a broken child, complaints: %q", broken)
	}
}

// The totals that the last window carries must be the sum of all.
func TestTotalsOfATurnAreCompared(t *testing.T) {
	for _, wrong := range []bool{false, true} {
		tally, stream := NewTally(), NewStream("browse", hyperscale.Whole)
		rec := NewRecord(testLayout())
		happening{response: time.Millisecond, status: 200}.record(rec)
		tally.Add(stream.Cut(second(0), []*Record{rec}, Readings{}))
		last := stream.Last(second(1), []*Record{rec}, Readings{})
		if wrong {
			last.Totals.Steps[0].Responses++
		}
		tally.Add(last)
		broken := Identities(tally)
		if wrong != (len(broken) == 1 && strings.Contains(broken[0], "totals of browse [0,1)/1 turn 0 differ")) {
			t.Errorf("wrong %v: %q", wrong, broken)
		}
		if v := Judge(tally, nil, nil, Limits{}); (v.State == Invalid) != wrong {
			t.Errorf("wrong %v: %v", wrong, v)
		}
	}
}

// Once a higher turn holds slots, windows of a lower one are kept apart.
func TestStrayWindows(t *testing.T) {
	old := hyperscale.Share{Lo: 0, Hi: 2, Of: 4, Turn: 1}
	cover := hyperscale.Share{Lo: 1, Hi: 2, Of: 4, From: 2 * time.Second, Turn: 2}
	other := hyperscale.Share{Lo: 2, Hi: 4, Of: 4, Turn: 1}
	tally := NewTally()
	for _, c := range []struct {
		share hyperscale.Share
		seq   uint64
		want  Receipt
	}{
		{old, 1, Merged}, {other, 1, Merged}, {cover, 1, Merged},
		{old, 2, Stray}, {old, 2, Duplicate}, {old, 4, Gap}, {old, 3, Stray},
		{other, 2, Merged}, {cover, 2, Merged},
	} {
		if got := tally.Add(counted(c.share, c.seq, c.seq, second(int(c.seq)), 1)); got != c.want {
			t.Errorf("%v %d: receipt %d, want %d", c.share, c.seq, got, c.want)
		}
	}
	if n, stray := tally.Workflow("browse").Requests.OK, tally.Stray("browse").Steps[0].OK; n != 5 || stray != 2 {
		t.Errorf("%d counted, %d stray; want 5, 2", n, stray)
	}
	late := NewTally()
	late.Marks().Expect("browse", cover)
	for i, want := range []Receipt{Merged, Merged, Stray} {
		seq := uint64(i + 1)
		if got := late.Add(counted(old, seq, seq, second(i), 1)); got != want {
			t.Errorf("window %d of a turn known to be covered: receipt %d, want %d", seq, got, want)
		}
	}
	if s := late.Stray("search"); s.Slots.Due != 0 {
		t.Errorf("stray of another workflow: %+v", s)
	}
}

// Two shares overlap exactly if some slot is held by both, whatever the
// divisions that they are parts of.
func TestOverlap(t *testing.T) {
	shares := rapid.Custom(func(t *rapid.T) hyperscale.Share {
		of := rapid.Int64Range(1, 24).Draw(t, "of")
		lo := rapid.Int64Range(0, of-1).Draw(t, "lo")
		return hyperscale.Share{Lo: lo, Hi: rapid.Int64Range(lo+1, of).Draw(t, "hi"), Of: of}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := shares.Draw(t, "a"), shares.Draw(t, "b")
		want := false
		for i := range hyperscale.Slot(a.Of * b.Of) {
			want = want || a.Holds(i) && b.Holds(i)
		}
		if got := idOf("w", a).overlaps(idOf("w", b)); got != want {
			t.Fatalf("%v and %v: %v, want %v", a, b, got, want)
		}
	})
	if idOf("v", hyperscale.Whole).overlaps(idOf("w", hyperscale.Whole)) {
		t.Error("shares of two workflows overlap")
	}
}

// A window of nothing tells of no steps; those that follow do.
func TestEmptyWindowFirst(t *testing.T) {
	tally := NewTally()
	tally.Add(Cut(WindowID{Workflow: "browse", Share: hyperscale.Whole, Seq: 1}, second(0), nil, Readings{}))
	for range tally.StepCourse("browse", "home") {
		t.Error("a point of a step that nobody told of")
	}
	if got := tally.Add(counted(hyperscale.Whole, 2, 2, second(1), 3)); got != Merged || tally.Job().Requests.OK != 3 {
		t.Errorf("receipt %d, %d ok", got, tally.Job().Requests.OK)
	}
}

func TestWindowOfAnotherPlanIsRefused(t *testing.T) {
	tally := NewTally()
	tally.Add(counted(hyperscale.Whole, 1, 1, second(0), 1))
	for name, change := range map[string]func(*Window){
		"steps":  func(w *Window) { w.Steps = w.Steps[:2] },
		"name":   func(w *Window) { w.Steps[0].Name = "away" },
		"checks": func(w *Window) { w.Steps[0].Checks[1].Name = "home: size" },
	} {
		for _, stretch := range []Stretch{InLoad, InWarmup} {
			w := counted(hyperscale.Whole, 2, 2, second(1), 1)
			w.Stretch = stretch
			change(w)
			if got := tally.Add(w); got != Broken {
				t.Errorf("%s: receipt %d", name, got)
			}
		}
	}
	if n := tally.Workflow("browse").Requests.OK; n != 1 {
		t.Errorf("%d counted", n)
	}
}

// Counts include the warm-up, times and rates leave it out, and the rate also
// leaves out the time after the load's end.
func TestWarmupAndGrace(t *testing.T) {
	tally := NewTally()
	for i, c := range []struct {
		from, to time.Duration
		stretch  Stretch
		n        int
	}{
		{0, 1500 * time.Millisecond, InWarmup, 7},
		{1500 * time.Millisecond, 2 * time.Second, InLoad, 10},
		{2 * time.Second, 4 * time.Second, InLoad, 40},
		{4 * time.Second, 9 * time.Second, InGrace, 3},
	} {
		tally.Add(counted(hyperscale.Whole, uint64(i+1), uint64(i+1), Interval{c.from, c.to, c.stretch}, c.n))
	}
	for name, s := range map[string]*Selection{
		"job": tally.Job(), "workflow": tally.Workflow("browse"), "step": tally.Step("browse", "home"),
	} {
		if s.Requests.OK != 60 || s.Sample.Requests.OK != 53 || s.Sample.Response.Count() != 53 {
			t.Errorf("%s: %d ok, %d of them measured, %d timed", name, s.Requests.OK, s.Sample.Requests.OK, s.Sample.Response.Count())
		}
		if s.Sample.Time != 2500*time.Millisecond || s.Sample.Answers != 50 || s.Sample.Rate() != 20 {
			t.Errorf("%s: %d answers in %v", name, s.Sample.Answers, s.Sample.Time)
		}
		if s.Checks[0] != (CheckCount{"home: status", 60, 0}) || s.Statuses[0] != (StatusCount{200, 60}) {
			t.Errorf("%s: checks %v, statuses %v", name, s.Checks, s.Statuses)
		}
	}
	if w := tally.Warmup("browse"); w.Requests.OK != 7 || w.Sample.Response.Count() != 7 || w.Slots.Due != 7 {
		t.Errorf("warm-up: %+v", w.Requests)
	}
	var probe Sample
	probe.Add(counted(hyperscale.Whole, 1, 1, Interval{2 * time.Second, 4 * time.Second, InLoad}, 8))
	probe.Add(counted(hyperscale.Whole, 2, 2, Interval{4 * time.Second, 5 * time.Second, InGrace}, 2))
	if probe.Requests.OK != 10 || probe.Rate() != 4 {
		t.Errorf("a sample made from windows: %d ok, %v/s", probe.Requests.OK, probe.Rate())
	}
}

// Rates are counts over the union of the shares' intervals, not sums of rates.
func TestRateOverTheUnion(t *testing.T) {
	tally := NewTally()
	for i := range 2 {
		share := share1(int64(i), 2)
		tally.Add(counted(share, 1, 1, Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+2) * time.Second}, 30))
	}
	if s := tally.Job().Sample; s.Time != 3*time.Second || s.Rate() != 20 {
		t.Errorf("%v/s over %v", s.Rate(), s.Time)
	}
}

// A group has figures of its own and adds nothing to any sum.
func TestGroupsAddNoRequests(t *testing.T) {
	tally := NewTally()
	r := NewRecord(testLayout())
	happening{kind: 8, response: time.Second}.record(r)
	happening{kind: 0, response: time.Millisecond, status: 200}.record(r)
	tally.Add(Cut(WindowID{Workflow: "browse", Share: hyperscale.Whole, Seq: 1}, second(0), []*Record{r}, Readings{}))
	if s := tally.Job(); s.Requests.Started != 1 || s.Sample.Response.Count() != 1 || s.Sample.Answers != 1 {
		t.Errorf("job: %+v", s.Requests)
	}
	if s := tally.Step("browse", "visit"); s.Requests.OK != 1 || s.Sample.Response.Max() != time.Second {
		t.Errorf("group: %+v", s.Requests)
	}
	if s := tally.Step("browse", "nowhere"); s.Requests != (Requests{}) {
		t.Errorf("no such step: %+v", s.Requests)
	}
	if s := tally.Workflow("nowhere"); s.Slots != (Slots{}) {
		t.Errorf("no such workflow: %+v", s.Slots)
	}
}

func TestInFlightIsWhatHasNotEnded(t *testing.T) {
	s := Slots{Started: 10, Completed: 3, Failed: 2, Interrupted: 1, Lost: 1}
	r := Requests{Started: 10, OK: 3, Failed: 2, TimedOut: 1, Cancelled: 1, Lost: 1}
	if s.InFlight() != 3 || r.InFlight() != 2 || (Requests{OK: 1}).InFlight() != 0 {
		t.Errorf("in flight: %d iterations, %d requests", s.InFlight(), r.InFlight())
	}
}

// The longer the run, the wider the points; memory stays.
func TestCourseIsBounded(t *testing.T) {
	tally := NewTally()
	var before, after runtime.MemStats
	const seconds = 20_000
	for i := range seconds {
		tally.Add(counted(hyperscale.Whole, uint64(i+1), uint64(i+1), second(i), 1+i%3))
		if i == 1300 {
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	points := tally.Course("browse")
	if len(points) > MaxPoints || points[0].To != 64*time.Second || len(points) != seconds/64+1 {
		t.Errorf("%d points, the first until %v", len(points), points[0].To)
	}
	var due uint64
	for i, p := range points {
		due += p.Due
		if p.From != time.Duration(i)*64*time.Second {
			t.Fatalf("point %d from %v", i, p.From)
		}
	}
	if got := tally.Slots("browse"); got != tally.Workflow("browse").Slots {
		t.Errorf("slots alone: %+v", got)
	}
	if due != tally.Workflow("browse").Slots.Due {
		t.Errorf("points hold %d slots", due)
	}
	var response Histogram
	for p := range tally.StepCourse("browse", "home") {
		if p.Response.Count() != p.OK {
			t.Fatalf("point %v holds %d times of %d requests", p.From, p.Response.Count(), p.OK)
		}
		response.Merge(p.Response)
	}
	if !bytes.Equal(bin(&response), bin(&tally.Job().Sample.Response)) {
		t.Error("the points' times are not those of the total")
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("%d bytes more after %d seconds", grown, seconds)
	}
	runtime.KeepAlive(tally)
}

func TestSpansAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a, b spans
		var inA, inB [64]bool
		put := func(s *spans, in *[64]bool, name string) {
			for range rapid.IntRange(0, 12).Draw(t, name) {
				from := rapid.IntRange(0, 63).Draw(t, "from")
				to := rapid.IntRange(0, 63).Draw(t, "to")
				s.add(time.Duration(from), time.Duration(to))
				for i := from; i < to; i++ {
					in[i] = true
				}
			}
		}
		put(&a, &inA, "a")
		put(&b, &inB, "b")
		both := a.within(b)
		for i := range 64 {
			if a.holds(i) != inA[i] || both.holds(i) != (inA[i] && inB[i]) {
				t.Fatalf("%d: %v within %v is %v", i, a, b, both)
			}
		}
		if !slices.IsSortedFunc(a, func(x, y Span) int { return int(x.To - y.From) }) {
			t.Fatalf("not in order or not apart: %v", a)
		}
	})
}

// holds reports whether moment i is in the set.
func (s spans) holds(i int) bool {
	return slices.ContainsFunc(s, func(p Span) bool { return p.From <= time.Duration(i) && time.Duration(i) < p.To })
}

func TestSpansAreBounded(t *testing.T) {
	var s spans
	for i := range 2 * maxSpans {
		s.add(time.Duration(10*i), time.Duration(10*i+5))
	}
	if len(s) != maxSpans || s.bounds() != (Span{0, time.Duration(20*maxSpans - 5)}) {
		t.Errorf("%d spans within %v", len(s), s.bounds())
	}
}

func TestReadingsOfSeveralNodes(t *testing.T) {
	tally := NewTally()
	for i, node := range []string{"a", "b"} {
		for n := range 2 {
			w := counted(share1(int64(i), 2), uint64(n+1), uint64(n+1), second(n), 1)
			w.Watch = Readings{Node: node, Lanes: 2, Watched: time.Second, CPU: time.Second, RSS: uint64(10 + n), GCs: 1,
				ClockStep: time.Duration(i+n) * time.Millisecond}
			tally.Add(w)
		}
	}
	want := Readings{Lanes: 4, Watched: 4 * time.Second, CPU: 4 * time.Second, RSS: 22, GCs: 4, ClockStep: 2 * time.Millisecond}
	if got := tally.Generator(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if nodes := tally.Nodes(); len(nodes) != 2 || nodes[1].Node != "b" || nodes[1].RSS != 11 {
		t.Errorf("%+v", nodes)
	}
}

func TestGlance(t *testing.T) {
	w := counted(hyperscale.Whole, 1, 1, second(0), 30)
	w.Missed += 2
	w.Steps[0].Requests.Failed += 10
	now := Glance(time.Second, w)
	if now.Rate != 30 || now.Errors != 0.25 || now.Missed != 2 || now.Response.Count != 30 || now.Lateness != time.Microsecond {
		t.Errorf("%+v", now)
	}
	if now := Glance(0); now != (Now{}) {
		t.Errorf("of nothing: %+v", now)
	}
}
