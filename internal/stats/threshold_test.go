package stats

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// act is what happened in one second of a scenario: so many requests that were
// ok, failed or were left in flight, each ok one taking the given time.
type act struct {
	ok, failed, hung int
	took             time.Duration
	stretch          Stretch
	workflow         string // "": browse
}

// play cuts one window per second of the scenario, from job time 0, gives each
// to tally and watch, and steps the watch. It tells when which thresholds fired.
func play(watch *Watch, acts []act) (tally *Tally, fired map[int]int) {
	tally, fired = NewTally(), map[int]int{}
	seq := map[string]uint64{}
	for i, a := range acts {
		name := a.workflow
		if name == "" {
			name = "browse"
		}
		seq[name]++
		iv := second(i)
		iv.Stretch = a.stretch
		w := Cut(WindowID{Workflow: name, Share: hyperscale.Whole, Seq: seq[name]}, iv, []*Record{a.record()}, Readings{})
		tally.Add(w)
		watch.Add(w)
		for _, rule := range watch.Step(iv.To, tally) {
			fired[rule] = i + 1
		}
	}
	watch.Finish(time.Duration(len(acts)) * time.Second)
	return tally, fired
}

// record is what a lane would have counted.
func (a act) record() *Record {
	r := NewRecord(testLayout())
	took := a.took
	if took == 0 {
		took = 10 * time.Millisecond
	}
	for range a.ok {
		happening{kind: 0, response: took, late: time.Millisecond, status: 200}.record(r)
	}
	for range a.failed {
		happening{kind: 1, response: took, late: time.Millisecond, status: 500, fault: 100}.record(r)
	}
	r.Steps[0].Requests.Started += uint64(a.hung)
	return r
}

// repeat is n times the same second.
func repeat(n int, a act) []act { return slices.Repeat([]act{a}, n) }

// Every metric over one and the same sample.
func TestMetrics(t *testing.T) {
	watch := NewWatch(nil)
	tally, _ := play(watch, []act{
		{ok: 90, took: time.Second, stretch: InWarmup},
		{ok: 8, failed: 2, took: 10 * time.Millisecond},
		{ok: 10, took: 30 * time.Millisecond},
		{failed: 1, took: 100 * time.Millisecond, stretch: InGrace},
	})
	ms := float64(time.Millisecond)
	for _, c := range []struct {
		th   hyperscale.Threshold
		want float64
		ok   bool
	}{
		{hyperscale.Threshold{Metric: "p", Quantile: 100}, 101 * ms, true},
		{hyperscale.Threshold{Metric: "p", Quantile: 50}, 31 * ms, true},
		{hyperscale.Threshold{Metric: "p", Quantile: 40}, 11 * ms, true},
		{hyperscale.Threshold{Metric: "p", Quantile: 50, Of: "service"}, 30 * ms, true},
		{hyperscale.Threshold{Metric: "max", Of: "lateness"}, ms, true},
		{hyperscale.Threshold{Metric: "min"}, 11 * ms, true},
		{hyperscale.Threshold{Metric: "mean", Of: "service"}, (10*10 + 10*30 + 100) * ms / 21, true},
		{hyperscale.Threshold{Metric: "stddev", Of: "lateness"}, 0, true},
		{hyperscale.Threshold{Metric: "errors"}, 3. / 21, true},
		{hyperscale.Threshold{Metric: "failures"}, 3, true},
		{hyperscale.Threshold{Metric: "checks"}, 39. / 42, true},
		{hyperscale.Threshold{Metric: "missed"}, 0, true},
		{hyperscale.Threshold{Metric: "rate"}, 10, true},
		{hyperscale.Threshold{Metric: "bytes"}, 1800, true},
		{hyperscale.Threshold{Metric: "errors", Workflow: "browse", Step: "home"}, 3. / 21, true},
		{hyperscale.Threshold{Metric: "errors", Workflow: "browse", Step: "order"}, 0, false},
		{hyperscale.Threshold{Metric: "failures", Workflow: "browse", Step: "order"}, 0, false},
		{hyperscale.Threshold{Metric: "rate", Workflow: "browse", Step: "order"}, 0, false},
		{hyperscale.Threshold{Metric: "p", Quantile: 50, Workflow: "search"}, 0, false},
		{hyperscale.Threshold{Metric: "missed", Workflow: "search"}, 0, false},
	} {
		c.th.Op = "<="
		c.th.Value = c.want * 1.004
		res := NewWatch([]hyperscale.Threshold{c.th}).Results(tally)[0]
		if res.Sampled != c.ok || res.Passed != c.ok || math.Abs(res.Value-c.want) > 0.004*c.want {
			t.Errorf("%+v: %v, sampled %v, passed %v; want %v, %v", c.th, res.Value, res.Sampled, res.Passed, c.want, c.ok)
		}
	}
}

func TestOperators(t *testing.T) {
	for op, want := range map[string][3]bool{ // value below, at, above
		"<": {true, false, false}, "<=": {true, true, false}, ">": {false, false, true},
		">=": {false, true, true}, "==": {false, true, false}, "!=": {true, false, true},
	} {
		th := &hyperscale.Threshold{Op: op, Value: 2}
		for i, v := range []float64{1, 2, 3} {
			if Holds(th, v) != want[i] {
				t.Errorf("%v %s 2 is not %v", v, op, want[i])
			}
		}
	}
	for op, worst := range map[string]float64{"<": 9, "<=": 9, ">": 1, ">=": 1, "==": 9, "!=": 3} {
		th := &hyperscale.Threshold{Op: op, Value: 2.5}
		got := 1.
		for _, v := range []float64{3, 9} {
			if worse(th, v, got) {
				got = v
			}
		}
		if got != worst {
			t.Errorf("the worst of 1, 3, 9 for %s 2.5 is %v, want %v", op, got, worst)
		}
	}
}

// No sample at all is a failure, whatever the condition.
func TestNoSampleFails(t *testing.T) {
	ths := []hyperscale.Threshold{
		{Metric: "errors", Op: "<", Value: 1}, {Metric: "failures", Op: "==", Value: 0},
		{Metric: "rate", Op: "<", Value: 1}, {Metric: "p", Quantile: 99, Op: "<", Value: 1e9},
		{Metric: "errors", Op: "<", Value: 1, Over: time.Second},
		{Metric: "errors", Op: "<", Value: 1, Over: 30 * time.Second}, // never a full length
	}
	for i, acts := range [][]act{nil, repeat(5, act{ok: 3})} {
		watch := NewWatch(ths)
		tally, _ := play(watch, acts)
		for n, res := range watch.Results(tally) {
			if want := i == 1 && n < 5; res.Sampled != want || !want && res.Passed {
				t.Errorf("run %d, threshold %d: %+v", i, n, res)
			}
		}
	}
}

// With over, one bad length among many good ones fails, and its value and time
// are told.
func TestOverIsJudgedEachSecond(t *testing.T) {
	watch := NewWatch([]hyperscale.Threshold{
		{Metric: "errors", Op: "<", Value: 0.2, Over: 2 * time.Second},
		{Metric: "errors", Op: "<", Value: 0.2, Over: 10 * time.Second},
		{Metric: "errors", Op: "<", Value: 0.2},
		{Metric: "max", Op: "<", Value: 50e6, Over: 1500 * time.Millisecond}, // counts as 2 s
		{Metric: "min", Op: ">", Value: 5e6, Over: 2 * time.Second},
	})
	acts := slices.Concat(repeat(8, act{ok: 10}), []act{{ok: 5, failed: 5, took: 60 * time.Millisecond}}, repeat(11, act{ok: 10}))
	tally, fired := play(watch, acts)
	res := watch.Results(tally)
	for i, want := range []struct {
		passed   bool
		value    float64
		from, to time.Duration
	}{
		{false, 0.25, 7 * time.Second, 9 * time.Second},
		{true, 0.05, 0, 10 * time.Second},
		{true, 5. / 200, 0, 20 * time.Second},
		{false, 61e6, 7 * time.Second, 9 * time.Second},
		{true, 11e6, 0, 2 * time.Second},
	} {
		if r := res[i]; r.Passed != want.passed || math.Abs(r.Value-want.value) > 1e-9 || r.From != want.from || r.To != want.to {
			t.Errorf("threshold %d: passed %v, %v in %v…%v", i, r.Passed, r.Value, r.From, r.To)
		}
	}
	if len(fired) > 0 {
		t.Errorf("fired without abort: %v", fired)
	}
}

// The first length judged is the first full one after the warm-up.
func TestOverBeginsAfterTheWarmup(t *testing.T) {
	watch := NewWatch([]hyperscale.Threshold{{Metric: "errors", Op: "<", Value: 0.1, Over: 3 * time.Second}})
	acts := slices.Concat(repeat(4, act{failed: 10, stretch: InWarmup}), repeat(2, act{ok: 10}))
	tally, _ := play(watch, acts)
	if r := watch.Results(tally)[0]; r.Sampled {
		t.Errorf("judged before a full length was measured: %+v", r)
	}
	watch = NewWatch([]hyperscale.Threshold{{Metric: "errors", Op: "<", Value: 0.1, Over: 3 * time.Second}})
	tally, _ = play(watch, append(acts, act{ok: 9, failed: 1}))
	if r := watch.Results(tally)[0]; !r.Passed || r.From != 4*time.Second {
		t.Errorf("%+v", r)
	}
}

// A rate is judged only where the length lies wholly in scheduled time; an
// outage, when nothing is answered but requests wait, is a rate of zero; time
// in which nothing was to be done is not judged.
func TestRateOver(t *testing.T) {
	th := []hyperscale.Threshold{{Metric: "rate", Op: ">=", Value: 10, Over: 2 * time.Second}}
	for name, c := range map[string]struct {
		acts  []act
		pass  bool
		value float64
	}{
		"steady":         {repeat(5, act{ok: 10}), true, 10},
		"slow end":       {slices.Concat(repeat(5, act{ok: 10}), repeat(3, act{ok: 1, stretch: InGrace})), true, 10},
		"short end":      {slices.Concat(repeat(4, act{ok: 15}), []act{{ok: 8}}, repeat(3, act{stretch: InGrace})), true, 11.5},
		"outage":         {slices.Concat(repeat(5, act{ok: 10, hung: 1}), repeat(3, act{})), false, 0},
		"nothing due":    {slices.Concat(repeat(5, act{ok: 10}), repeat(3, act{}), repeat(3, act{ok: 10})), false, 5},
		"nothing at all": {repeat(9, act{}), false, 0},
	} {
		watch := NewWatch(th)
		tally, _ := play(watch, c.acts)
		if r := watch.Results(tally)[0]; r.Passed != c.pass || r.Value != c.value || r.Sampled != (name != "nothing at all") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Lengths without a sample neither pass nor fail.
func TestEmptyLengthsAreSkipped(t *testing.T) {
	watch := NewWatch([]hyperscale.Threshold{
		{Metric: "p", Quantile: 99, Op: "<", Value: 1e9, Over: time.Second},
		{Metric: "errors", Op: "<", Value: 0.5, Over: time.Second},
		{Metric: "failures", Op: "<", Value: 1, Over: time.Second},
	})
	tally, _ := play(watch, slices.Concat(repeat(2, act{ok: 1}), repeat(5, act{}), repeat(2, act{ok: 1})))
	for i, r := range watch.Results(tally) {
		if !r.Passed {
			t.Errorf("threshold %d: %+v", i, r)
		}
	}
}

// A scope is judged by its own windows alone, and only until its end.
func TestOverOfAScope(t *testing.T) {
	other := act{ok: 1, failed: 9, workflow: "search"}
	ths := []hyperscale.Threshold{
		{Workflow: "browse", Metric: "errors", Op: "<", Value: 0.1, Over: 2 * time.Second},
		{Workflow: "browse", Step: "home", Metric: "errors", Op: "<", Value: 0.1, Over: 2 * time.Second},
		{Workflow: "browse", Step: "order", Metric: "errors", Op: "<", Value: 0.1, Over: 2 * time.Second},
		{Workflow: "browse", Metric: "rate", Op: ">=", Value: 5, Over: 2 * time.Second},
		{Metric: "errors", Op: "<", Value: 0.1, Over: 2 * time.Second},
	}
	watch := NewWatch(ths)
	tally, _ := play(watch, slices.Concat(repeat(3, other), repeat(4, act{ok: 5}), repeat(5, other)))
	got := []bool{}
	for _, r := range watch.Results(tally) {
		got = append(got, r.Passed)
	}
	if !slices.Equal(got, []bool{true, true, false, true, false}) {
		t.Errorf("passed: %v", got)
	}
}

// Abort fires once the threshold was breached without a break for `after`.
func TestAbort(t *testing.T) {
	bad, good, empty := act{ok: 5, failed: 5}, act{ok: 10}, act{}
	over := hyperscale.Threshold{Metric: "errors", Op: "<", Value: 0.3, Over: time.Second, Abort: true}
	late := over
	late.After = 3 * time.Second
	total := hyperscale.Threshold{Metric: "errors", Op: "<", Value: 0.3, Abort: true}
	for name, c := range map[string]struct {
		acts []act
		want map[int]int // threshold → second in which it fires
	}{
		"never":       {repeat(6, good), map[int]int{}},
		"at once":     {slices.Concat(repeat(2, good), repeat(1, bad), repeat(3, good)), map[int]int{0: 3}},
		"for long":    {slices.Concat(repeat(2, good), repeat(5, bad)), map[int]int{0: 3, 1: 6, 2: 5}},
		"with breaks": {slices.Concat(repeat(3, bad), repeat(9, good), repeat(3, bad)), map[int]int{0: 1, 2: 1}},
		"with silence": {slices.Concat(repeat(3, bad), repeat(2, empty), repeat(1, bad)),
			map[int]int{0: 1, 1: 6, 2: 1}},
	} {
		watch := NewWatch([]hyperscale.Threshold{over, late, total})
		tally, fired := play(watch, c.acts)
		if len(fired) != len(c.want) {
			t.Errorf("%s: fired %v, want %v", name, fired, c.want)
		}
		for i, r := range watch.Results(tally) {
			if fired[i] != c.want[i] || r.Aborted != (c.want[i] > 0) || r.Aborted && r.Passed {
				t.Errorf("%s: threshold %d fired at %d, want %d: %+v", name, i, fired[i], c.want[i], r)
			}
		}
	}
}

// The value of a total that ended the job is the one that did, though what came
// after might have mended it.
func TestAbortKeepsItsValue(t *testing.T) {
	watch := NewWatch([]hyperscale.Threshold{{Metric: "errors", Op: "<", Value: 0.3, Abort: true}})
	tally, _ := play(watch, slices.Concat(repeat(1, act{ok: 5, failed: 5}), repeat(9, act{ok: 10})))
	if r := watch.Results(tally)[0]; r.Passed || !r.Aborted || r.Value != 0.5 {
		t.Errorf("%+v", r)
	}
}

// Windows of several shares fall into the same seconds, and one that comes late
// still counts in the lengths that are to be judged.
func TestOverJoinsShares(t *testing.T) {
	watch := NewWatch([]hyperscale.Threshold{{Metric: "failures", Op: "<", Value: 100, Over: 3 * time.Second}})
	tally := NewTally()
	add := func(share int64, sec int) {
		seq := tally.Marks().Mark("browse", share1(share, 2)) + 1
		w := Cut(WindowID{Workflow: "browse", Share: share1(share, 2), Seq: seq}, second(sec), []*Record{act{failed: 10}.record()}, Readings{})
		tally.Add(w)
		watch.Add(w)
	}
	for sec := range 4 {
		add(0, sec)
	}
	add(1, 0)
	add(1, 1)
	watch.Step(3*time.Second, tally) // share 1 has not told of second 3
	if r := watch.Results(tally)[0]; r.Value != 50 {
		t.Errorf("after 3 s: %+v", r)
	}
	add(1, 2)
	add(1, 3)
	watch.Step(4*time.Second, tally)
	watch.Finish(4 * time.Second)
	if r := watch.Results(tally)[0]; r.Value != 60 || r.From != time.Second {
		t.Errorf("after 4 s: %+v", r)
	}
	if n := len(watch.rules[0].slide.ticks); n > 3 {
		t.Errorf("%d seconds are kept", n)
	}
}

// The worst value is that of the worst length, each made from nothing but its
// own windows, whatever came late or in between.
func TestSlideAgainstEachLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		th := hyperscale.Threshold{
			Metric:   rapid.SampledFrom([]hyperscale.Metric{"p", "min", "max", "mean", "stddev"}).Draw(t, "metric"),
			Of:       rapid.SampledFrom([]hyperscale.Durations{"", "service", "lateness"}).Draw(t, "of"),
			Quantile: 90, Op: rapid.SampledFrom([]string{"<", ">"}).Draw(t, "op"), Value: 1e9,
			Over: time.Duration(rapid.IntRange(1, 4).Draw(t, "length")) * time.Second,
		}
		watch, tally := NewWatch([]hyperscale.Threshold{th}), NewTally()
		seconds := rapid.IntRange(1, 9).Draw(t, "seconds")
		bySecond := make([]Sample, seconds)
		var late []*Window
		for sec := range seconds {
			for i := range int64(2) {
				r := NewRecord(testLayout())
				for _, h := range rapid.SliceOfN(anyHappening(), 0, 4).Draw(t, "happenings") {
					h.record(r)
				}
				w := Cut(WindowID{Workflow: "browse", Share: share1(i, 2), Seq: uint64(sec) + 1}, second(sec), []*Record{r}, Readings{})
				bySecond[sec].Add(w)
				if i == 1 {
					late = append(late, w) // of which the watch hears a second late
				} else {
					watch.Add(w)
				}
			}
			if sec > 0 {
				watch.Add(late[sec-1])
				watch.Step(time.Duration(sec)*time.Second, tally)
			}
		}
		watch.Add(late[seconds-1])
		watch.Finish(time.Duration(seconds) * time.Second)
		got := watch.Results(tally)[0]
		want := worstLength(&th, bySecond)
		if got.Sampled != want.Sampled || got.Value != want.Value || got.From != want.From || got.Passed != want.Passed {
			t.Fatalf("%+v\nwant %+v", got, want)
		}
	})
}

// worstLength finds the worst length by summing up every one afresh.
func worstLength(th *hyperscale.Threshold, seconds []Sample) ThresholdResult {
	worst := ThresholdResult{Passed: true}
	length := int(th.Over / time.Second)
	for from := range max(len(seconds)-length+1, 0) {
		var s Sample
		for i := range length {
			o := &seconds[from+i]
			s.Counts.add(&o.Counts)
			s.Response.Merge(&o.Response)
			s.Service.Merge(&o.Service)
			s.Lateness.Merge(&o.Lateness)
		}
		v, ok := s.Value(th)
		if !ok {
			continue
		}
		worst.Passed = worst.Passed && Holds(th, v)
		if !worst.Sampled || worse(th, v, worst.Value) {
			worst.Value, worst.Sampled, worst.From = v, true, time.Duration(from)*time.Second
		}
	}
	worst.Passed = worst.Passed && worst.Sampled
	return worst
}

// A window that comes after its second was judged counts in the lengths still
// to be judged, and leaves with its second.
func TestOverTakesWhatComesLate(t *testing.T) {
	watch, tally := NewWatch([]hyperscale.Threshold{{Metric: "mean", Of: "service", Op: "<", Value: 1e9, Over: 3 * time.Second}}), NewTally()
	add := func(sec int, took time.Duration) {
		watch.Add(Cut(WindowID{Workflow: "browse", Seq: 1}, second(sec), []*Record{act{ok: 1, took: took}.record()}, Readings{}))
	}
	value := func(sec int) time.Duration {
		watch.Step(time.Duration(sec)*time.Second, tally)
		v := watch.Results(tally)[0].Value
		watch.rules[0].worst = ThresholdResult{}
		return time.Duration(v)
	}
	for sec := range 3 {
		add(sec, 10*time.Millisecond)
	}
	first := value(3)
	add(2, 30*time.Millisecond) // late, by two seconds
	add(0, time.Minute)         // too late for any length
	add(3, 20*time.Millisecond)
	second := value(4)
	for sec := 4; sec < 7; sec++ {
		add(sec, 40*time.Millisecond)
	}
	value(6)
	third := value(7)
	if first != 10*time.Millisecond || second != 17500*time.Microsecond || third != 40*time.Millisecond {
		t.Errorf("%v, %v, %v", first, second, third)
	}
}
