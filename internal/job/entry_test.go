package job

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A job made again from what was written down of it goes on like the first one.
func TestReplayGoesOnTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := drawPlan(t)
		w := &watcher{t: t, plan: plan, job: New(plan), wake: never, legs: map[string]int{}, ended: nil}
		entries := []Entry{{0, Start{}}}
		w.job.Step(0, Start{})
		for range rapid.IntRange(0, 30).Draw(t, "events") {
			w.now += time.Duration(rapid.IntRange(0, 8).Draw(t, "later")) * time.Second
			for i := range w.job.list {
				w.legs[w.job.list[i].w.Name] = w.job.list[i].leg.number
			}
			ev := w.drawEvent()
			w.job.Step(w.now, ev)
			entries = append(entries, Entry{w.now, ev})
		}
		text, err := json.Marshal(entries)
		if err != nil {
			t.Fatal(err)
		}
		var read []Entry
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		again := Replay(plan, read)
		w.now += time.Second
		if a, b := w.job.Step(w.now, Interrupt{}), again.Step(w.now, Interrupt{}); !reflect.DeepEqual(a, b) {
			t.Fatalf("the first job wants %v, the one made again %v", a, b)
		}
	})
}

// Every kind of event can be written down.
func TestEntriesKnowEveryEvent(t *testing.T) {
	for _, ev := range []Event{
		Start{}, LegBegan{Workflow: "w", Leg: 2, At: 3}, LegAdjusted{Workflow: "w", Length: -1}, LegEnded{Workflow: "w"}, LegBroken{Reason: "r"},
		Interrupt{}, Cancel{By: "anna"}, ThresholdBroken{Threshold: "t"}, StepAborted{Step: "s"}, Tick{},
		PartFailed{Workflow: "w", Reason: "r", AtOnce: true}, Owed{Parts: 2, Unheard: "fra", Excused: true},
	} {
		text, err := json.Marshal(Entry{5, ev})
		if err != nil {
			t.Fatal(err)
		}
		var back Entry
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, Entry{5, ev}) {
			t.Errorf("%s reads back as %+v, %v", text, back, err)
		}
	}
}
