package stats

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// history is a run as its owner sees it: windows of several turns on their way,
// one of which ends in the middle and is covered.
type history struct {
	*rapid.T
	now     int // the second of job time
	holders []*holder
}

// holder cuts the windows of one turn. What it has cut and not delivered waits.
type holder struct {
	*Stream
	node    string
	rec     *Record
	waiting []*Window
	lost    bool
}

// newHistory begins a run with three holders of each of two workflows.
func newHistory(t *rapid.T) *history {
	h := &history{T: t}
	for i := range 6 {
		workflow := []string{"browse", "search"}[i%2]
		h.holders = append(h.holders, newHolder(workflow, share1(int64(i/2), 3), fmt.Sprint("w", i/2)))
	}
	return h
}

func newHolder(workflow string, share hyperscale.Share, node string) *holder {
	return &holder{Stream: NewStream(workflow, share), node: node, rec: NewRecord(testLayout())}
}

// cut lets a holder make the window of the second that is over, or some shorter
// ones, and at times join two that wait.
func (h *history) cut(o *holder, last bool) {
	from := time.Duration(h.now) * time.Second
	stretch := []Stretch{InWarmup, InLoad, InLoad, InLoad, InLoad, InGrace}[min(h.now, 5)]
	parts := []Interval{{from, from + time.Second, stretch}}
	if rapid.Bool().Draw(h.T, "two") {
		begin := rapid.SampledFrom([]time.Duration{300, 500}).Draw(h.T, "begin") * time.Millisecond
		parts = []Interval{{from, from + 300*time.Millisecond, stretch}, {from + begin, from + time.Second, stretch}}
	}
	for i, iv := range parts {
		o.rec.Reset()
		for _, what := range rapid.SliceOfN(anyHappening(), 0, 3).Draw(h.T, "happenings") {
			what.record(o.rec)
		}
		if open := uint64(rapid.IntRange(0, 2).Draw(h.T, "open")); !last {
			o.rec.Due += 2 * open
			o.rec.Slots.Started += open
			o.rec.Steps[0].Requests.Started += open
		}
		w := Cut(WindowID{}, iv, []*Record{o.rec}, h.readings(o))
		w.Adjustment = uint64(h.now / 3)
		o.Take(w, last && i == len(parts)-1)
		o.waiting = append(o.waiting, w)
	}
	if n := len(o.waiting); n > 1 && rapid.IntRange(0, 3).Draw(h.T, "merge") == 0 && o.waiting[n-2].MergeAdjacent(o.waiting[n-1]) {
		o.waiting = o.waiting[:n-1]
	}
}

// readings are what self-watch read, if anything.
func (h *history) readings(o *holder) Readings {
	if rapid.Bool().Draw(h.T, "unwatched") {
		return Readings{}
	}
	return Readings{
		Node: o.node, Lanes: 2, Watched: time.Second, RSS: uint64(rapid.IntRange(1, 9).Draw(h.T, "rss")),
		Saturated: rapid.SampledFrom([]time.Duration{0, 200 * time.Millisecond, time.Second}).Draw(h.T, "saturated"),
		ClockStep: time.Duration(rapid.IntRange(0, 2).Draw(h.T, "step")) * time.Millisecond,
	}
}

// second lets a second pass; each holder delivers some of what it has.
func (h *history) second(deliver func(*Window), closed func(workflow string, s hyperscale.Share, l Losses)) {
	end := h.now == 7
	for _, o := range h.holders {
		if !o.lost || rapid.Bool().Draw(h.T, "silent") {
			h.cut(o, end)
		}
	}
	h.now++
	for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6}).Draw(h.T, "order") {
		if i >= len(h.holders) {
			continue
		}
		o := h.holders[i]
		n := len(o.waiting)
		if !end {
			n = rapid.IntRange(0, n).Draw(h.T, "delivered")
		}
		for _, w := range o.waiting[:n] {
			deliver(w)
		}
		o.waiting = o.waiting[n:]
	}
	if h.now == 3 {
		h.lose(h.holders[2])
	}
	if h.now == 6 || h.now == 4 && rapid.IntRange(0, 3).Draw(h.T, "died") == 0 {
		closed("browse", h.holders[2].Share(), Losses{Interval: Interval{From: 3 * time.Second, To: 5 * time.Second}, Lost: 3, Missed: 4})
	}
}

// lose ends a holder; another holds its slots from the fifth second on.
func (h *history) lose(o *holder) {
	o.lost = true
	s := o.Share()
	s.Turn, s.From = 2, 5*time.Second
	h.holders = append(h.holders, newHolder("browse", s, "w9"))
}

// rules are thresholds of every sort.
var rules = []hyperscale.Threshold{
	{Metric: hyperscale.MetricQuantile, Quantile: 90, Op: "<", Value: 1e6, Over: 2 * time.Second},
	{Metric: hyperscale.MetricRate, Op: ">", Value: 3, Over: time.Second, Workflow: "browse"},
	{Metric: hyperscale.MetricMax, Of: hyperscale.Lateness, Op: "<", Value: 1e6, Over: 3 * time.Second, Workflow: "search"},
	{Metric: hyperscale.MetricErrors, Op: "<", Value: 0.2, Over: time.Second, Workflow: "browse", Step: "home", Abort: true, After: 2 * time.Second},
	{Metric: hyperscale.MetricErrors, Op: "<", Value: 0.3, Abort: true},
}

// owner counts windows by way of joints, and keeps what a checkpoint would.
type owner struct {
	tally   *Tally
	watch   *Watch
	joints  *Joints
	base    [2][]byte // tally with marks, watch
	records [][]byte  // joints and changes of marks, since
	nows    []hyperscale.JobTime
}

func newOwner() *owner {
	o := &owner{tally: NewTally(), watch: NewWatch(rules), joints: NewJoints()}
	o.rebase()
	return o
}

func (o *owner) rebase() {
	o.base = [2][]byte{o.tally.AppendBinary(nil), o.watch.AppendBinary(nil)}
	o.records, o.nows = nil, nil
}

func (o *owner) add(w *Window) Receipt {
	r := o.tally.Marks().Receive(w)
	if r == Merged {
		o.joints.Add(w, hyperscale.Share{})
	}
	return r
}

// commit counts the joints, judges up to now and records all of it.
func (o *owner) commit(now hyperscale.JobTime) {
	for _, j := range o.joints.Cut() {
		o.records = append(o.records, j.AppendBinary(nil))
		o.nows = append(o.nows, 0)
		o.tally.AddJoint(j)
		o.watch.Add(j)
	}
	o.watch.Step(now, o.tally)
	o.records = append(o.records, o.tally.Marks().AppendChange(nil))
	o.nows = append(o.nows, now)
}

// restored is the owner as its base and records give it.
func (o *owner) restored(t *rapid.T) *owner {
	n := &owner{joints: NewJoints()}
	var err error
	if n.tally, err = DecodeTally(o.base[0]); err != nil {
		t.Fatal(err)
	}
	if n.watch, err = DecodeWatch(rules, o.base[1]); err != nil {
		t.Fatal(err)
	}
	for i, b := range o.records {
		if now := o.nows[i]; now > 0 {
			if err := n.tally.Marks().Apply(b); err != nil {
				t.Fatal(err)
			}
			n.watch.Step(now, n.tally)
			continue
		}
		j, err := DecodeJoint(b)
		if err != nil {
			t.Fatal(err)
		}
		n.tally.AddJoint(j)
		n.watch.Add(j)
	}
	return n
}

// same fails unless both came to the same, bit for bit.
func (o *owner) same(t *rapid.T, tally *Tally, watch *Watch) {
	t.Helper()
	if !bytes.Equal(o.tally.AppendBinary(nil), tally.AppendBinary(nil)) {
		t.Fatalf("tallies differ:\n%+v\n%+v", o.tally.Job().Slots, tally.Job().Slots)
	}
	if !bytes.Equal(o.watch.AppendBinary(nil), watch.AppendBinary(nil)) {
		t.Fatalf("thresholds differ:\n%+v\n%+v", o.watch.Results(o.tally), watch.Results(tally))
	}
}

// Whatever windows come, in whatever order: joints of them count as they do, base
// and records give the same state as never having been encoded, and nothing is
// missing from the identities.
func TestJointsCountAsTheirWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		tally, watch, o := NewTally(), NewWatch(rules), newOwner()
		for h.now < 8 {
			h.second(func(w *Window) {
				r := tally.Add(w)
				if r == Merged {
					watch.Add(w)
				}
				if got := o.add(passOn(t, w)); got != r {
					t.Fatalf("receipt %d by way of joints, %d without", got, r)
				}
			}, func(workflow string, s hyperscale.Share, l Losses) {
				if w := tally.Close(workflow, s, l); w != nil {
					watch.Add(w)
					o.joints.Add(o.tally.Marks().Close(workflow, s, l), hyperscale.Share{})
				}
			})
			if h.now < 8 && rapid.Bool().Draw(t, "no commit") {
				continue
			}
			now := time.Duration(max(h.now-rapid.IntRange(0, 2).Draw(t, "behind"), 1)) * time.Second
			o.commit(now)
			watch.Step(now, tally)
			o.same(t, tally, watch)
			switch rapid.IntRange(0, 3).Draw(t, "then") {
			case 0:
				o = o.restored(t)
				o.same(t, tally, watch)
				o.rebase()
			case 1:
				o.rebase()
			}
		}
		o.watch.Finish(9 * time.Second)
		watch.Finish(9 * time.Second)
		o.restoredIs(t, tally)
		if got, want := fmt.Sprint(o.watch.Results(o.tally)), fmt.Sprint(watch.Results(tally)); got != want {
			t.Fatalf("%s\n%s", got, want)
		}
		if got := sumOf(o.tally); got != sumOf(tally) {
			t.Fatal("courses or generator differ")
		}
	})
}

// restoredIs fails unless what was recorded gives the tally.
func (o *owner) restoredIs(t *rapid.T, tally *Tally) {
	t.Helper()
	if !bytes.Equal(o.restored(t).tally.AppendBinary(nil), tally.AppendBinary(nil)) {
		t.Fatal("base and records give another tally")
	}
}

// sumOf is all that is read of a tally by others, as text.
func sumOf(t *Tally) string {
	s := fmt.Sprint(t.Generator(), t.Nodes(), Judge(t, []LoadFacts{{Workflow: "browse", Kind: hyperscale.LoadOpen}}, nil, Limits{}))
	for _, name := range t.Workflows() {
		s += fmt.Sprint(t.Course(name), t.Workflow(name).Sample.Time, t.Workflow(name).Sample.Answers)
		for p := range t.StepCourse(name, "home") {
			s += fmt.Sprint(p.Requests, p.Response.Sum(), p.Response.Quantile(50))
		}
	}
	return s
}
