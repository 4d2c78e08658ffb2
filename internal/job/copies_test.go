package job

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// twins are a job in copies and the same copies as jobs of their own.
type twins struct {
	t      *rapid.T
	now    hyperscale.JobTime
	copies *Copies
	jobs   []*Job
	over   []*Result
	legs   []StartLeg // that run, as the copies name them
	wake   hyperscale.JobTime
	end    *Result
}

// wanted is what a copy's own job wants done, as text; what is of all is left out.
func (w *twins) wanted(i int, effects []Effect) (list []string) {
	for _, e := range effects {
		switch e := e.(type) {
		case Wake:
		case Finish:
			w.over[i] = &e.Result
		case Mark:
			if e.Workflow != "" {
				list = append(list, fmt.Sprint(i, e.What, e.Workflow, e.At, e.Detail))
			}
		default:
			list = append(list, fmt.Sprintf("%d %T %+v", i, e, e))
		}
	}
	return list
}

// told is the same of what the copies want.
func (w *twins) told(effects []Effect) []string {
	each := make([][]Effect, len(w.jobs))
	for _, e := range effects {
		switch e := e.(type) {
		case StartLeg:
			w.legs = append(w.legs, e)
			i, own := (e.Leg-1)%len(w.jobs), (e.Leg-1)/len(w.jobs)+1
			if e.Copy != i+1 {
				w.t.Fatalf("leg %d is of copy %d", e.Leg, e.Copy)
			}
			e.Leg, e.Copy = own, 0
			each[i] = append(each[i], e)
		case StopLeg:
			i := (e.Leg - 1) % len(w.jobs)
			e.Leg = (e.Leg-1)/len(w.jobs) + 1
			each[i] = append(each[i], e)
		case CutLeg:
			i := (e.Leg - 1) % len(w.jobs)
			e.Leg = (e.Leg-1)/len(w.jobs) + 1
			each[i] = append(each[i], e)
		case Mark:
			if e.Workflow != "" {
				i := slices.Index(places[:], e.Place)
				e.Place = ""
				each[i] = append(each[i], e)
			}
		case Wake:
			w.wake = e.At
		case Finish:
			w.end = &e.Result
		}
	}
	var list []string
	for i := range each {
		list = append(list, w.wanted(i, each[i])...)
	}
	return list
}

var places = [...]string{"eu", "us", "ap"}

// all gives an event to every copy; one to that of the leg alone.
func (w *twins) all(ev Event) {
	var want []string
	for i, j := range w.jobs {
		want = append(want, w.wanted(i, j.Step(w.now, ev))...)
	}
	w.same(ev, want)
}

func (w *twins) one(leg StartLeg, of func(leg int) Event) {
	i := leg.Copy - 1
	want := w.wanted(i, w.jobs[i].Step(w.now, of((leg.Leg-1)/len(w.jobs)+1)))
	w.same(of(leg.Leg), want)
}

func (w *twins) same(ev Event, want []string) {
	if _, tick := ev.(Tick); tick {
		w.wake = never
	}
	if got := w.told(w.copies.Step(w.now, ev)); !slices.Equal(got, want) {
		w.t.Fatalf("%T %+v:\n%q\n%q", ev, ev, got, want)
	}
	next := never
	for i, j := range w.jobs {
		if w.over[i] == nil {
			next = min(next, j.next())
		}
	}
	if w.end == nil && w.wake > next {
		w.t.Fatalf("at %v the next tick is due at %v, and %v was asked for", w.now, next, w.wake)
	}
	if over := !slices.Contains(w.over, nil); over != (w.end != nil) {
		w.t.Fatalf("over %v: %+v", over, w.end)
	}
}

// Each copy does what it would do alone, whatever happens to the others, and the job is
// over with the last of them, as the worst of them ended.
func TestCopiesAreJobs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan, n := drawPlan(t), rapid.IntRange(1, 3).Draw(t, "copies")
		w := &twins{t: t, copies: NewCopies(plan, n), over: make([]*Result, n), wake: never}
		for i := range n {
			w.jobs = append(w.jobs, NewParted(plan))
			if len(w.copies.Step(0, Placed{Copy: i + 1, Place: places[i]})) > 0 {
				t.Fatal("something follows from a place")
			}
		}
		w.all(Start{})
		for range 200 {
			if w.end != nil {
				break
			}
			w.happens()
		}
		if w.end == nil {
			return
		}
		worst := w.over[0].Phase
		for _, r := range w.over {
			if rank(r.Phase) > rank(worst) {
				worst = r.Phase
			}
		}
		if w.end.Phase != worst || w.copies.Phase() != worst || w.copies.Step(w.now, Tick{}) != nil {
			t.Fatalf("%s of %s", w.end.Phase, worst)
		}
		for i, o := range w.end.Workflows {
			if !o.Phase.Terminal() || o.Active > 0 || o.Ended < w.over[0].Workflows[i].Ended {
				t.Fatalf("%+v", o)
			}
		}
	})
}

// happens lets something happen.
func (w *twins) happens() {
	what := rapid.IntRange(0, 20).Draw(w.t, "what")
	switch {
	case what == 20:
		w.all(Cancel{By: "ann"})
	case what == 19:
		w.all(ThresholdBroken{Threshold: "x"})
	case what == 18:
		w.all(Cancel{Workflow: "w0"})
	case what == 17:
		w.all(Owed{Parts: rapid.IntRange(0, 1).Draw(w.t, "owed")})
	case what == 16 && len(w.legs) > 0:
		leg := w.legs[0]
		w.one(leg, func(number int) Event { return PartFailed{Workflow: leg.Workflow, Leg: number, Reason: "x"} })
	case what < 10 && len(w.legs) > 0:
		i := rapid.IntRange(0, len(w.legs)-1).Draw(w.t, "leg")
		leg := w.legs[i]
		w.one(leg, func(number int) Event { return LegBegan{Workflow: leg.Workflow, Leg: number, At: w.now} })
		if what < 5 {
			w.legs = slices.Delete(w.legs, i, i+1)
			failed := rapid.IntRange(0, 4).Draw(w.t, "failed") == 0
			w.one(leg, func(number int) Event {
				return LegEnded{Workflow: leg.Workflow, Leg: number, Failed: failed, Exports: []hyperscale.Pair{{Name: "x", Value: "1"}}}
			})
		}
	case w.wake == never:
		w.now += time.Second
	default:
		w.now = max(w.now, min(w.wake, w.now+5*time.Second))
		if w.now >= w.wake || rapid.Bool().Draw(w.t, "early") {
			w.all(Tick{})
		}
	}
}

// two is a job of two copies whose first workflow runs, and whose second waits for it.
func two(t *testing.T) *Copies {
	plan := readPlan(t, []string{"a: load=open:10/10s", "b: after=a load=open:10/10s"})
	c := NewCopies(plan, 2)
	c.Step(0, Placed{Copy: 1, Place: "eu"})
	c.Step(0, Placed{Copy: 2, Place: "us"})
	c.Step(0, Start{})
	for _, leg := range []int{1, 2} {
		c.Step(0, LegBegan{Workflow: "a", Leg: leg})
	}
	return c
}

// Where all copies together stand.
func TestCopiesTogether(t *testing.T) {
	c := two(t)
	c.Step(10*time.Second, Tick{})
	c.Step(11*time.Second, LegEnded{Workflow: "a", Leg: 1})
	all := c.Workflows()
	if a := all[0]; a.Phase != hyperscale.Finishing || a.Active != 1 || a.Copies != 2 || a.Ended != 0 {
		t.Errorf("%+v", a)
	}
	if b := all[1]; b.Phase != hyperscale.Running || b.Active != 1 {
		t.Errorf("%+v", b)
	}
	if !c.Waits("b", 1) || c.Waits("b", 2) || c.Phase() != hyperscale.Running || c.Place(2) != "us" {
		t.Error("only the first copy has begun the second workflow")
	}
	c.Step(12*time.Second, LegBroken{Workflow: "a", Leg: 2, Reason: "no room"})
	if a := c.Workflows()[0]; a.Phase != hyperscale.Failed || a.Reason != "us: no room" || a.Ended != 12*time.Second {
		t.Errorf("%+v", a)
	}
	effects := c.Step(20*time.Second, LegEnded{Workflow: "b", Leg: 1})
	over, ok := effects[len(effects)-1].(Finish)
	if !ok || over.Result.Phase != hyperscale.Failed || over.Result.Reason != "us: a failed: no room" || over.Result.Ended != 20*time.Second {
		t.Errorf("%+v", effects)
	}
}

// What ends the job ends all copies, though the workflow whose step it was runs in one
// alone; and it is told once.
func TestAStepEndsAllCopies(t *testing.T) {
	c := two(t)
	c.Step(10*time.Second, Tick{})
	c.Step(10*time.Second, LegEnded{Workflow: "a", Leg: 2})
	aborted, cut := 0, []int(nil)
	for _, e := range c.Step(11*time.Second, StepAborted{Workflow: "b", Step: "GET /"}) {
		switch e := e.(type) {
		case Mark:
			if e.What == Aborted {
				aborted++
			}
		case CutLeg:
			cut = append(cut, e.Leg)
		}
	}
	if aborted != 1 || !slices.Equal(cut, []int{2, 1}) {
		t.Errorf("told %d times, cut %v", aborted, cut)
	}
}

// What each would do alike is refused of none but where copies would do the same thing
// twice that may be done once, or find different things.
func TestCopyable(t *testing.T) {
	plan := readPlan(t, []string{"a: load=open:10/10s"})
	if why := Copyable(plan); why != "" {
		t.Error(why)
	}
	plan.Data = []hyperscale.DataSet{{Name: "users", Pick: hyperscale.PickUnique}}
	if why := Copyable(plan); why == "" {
		t.Error("each would use the rows")
	}
	if why := Copyable(readPlan(t, []string{"a: load=search:1-10/10s"})); why == "" {
		t.Error("each would find another rate")
	}
}

// A place is written down as what happened.
func TestPlacedIsWritten(t *testing.T) {
	want := Entry{At: 5, Event: Placed{Copy: 2, Place: "us"}}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Entry
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Error(err, got)
	}
}
