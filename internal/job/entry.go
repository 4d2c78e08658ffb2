package job

import (
	"encoding/json"
	"fmt"
	"reflect"

	"hyperscale"
)

// Entry is an event with the job time at which a job was given it. A job is a
// function of its plan and its entries: [Replay] makes it again from them, so
// that only they need to be kept.
type Entry struct {
	At    hyperscale.JobTime
	Event Event
}

// Replay is the job that took these entries, one after the other. What it wanted
// meanwhile was done by whoever gave them first.
func Replay(plan *hyperscale.Plan, entries []Entry) *Job {
	j := New(plan)
	for _, e := range entries {
		j.Step(e.At, e.Event)
	}
	return j
}

// kinds names the events in what is written down. A name never gets another
// meaning.
var kinds = map[string]reflect.Type{
	"start":     reflect.TypeFor[Start](),
	"began":     reflect.TypeFor[LegBegan](),
	"adjusted":  reflect.TypeFor[LegAdjusted](),
	"ended":     reflect.TypeFor[LegEnded](),
	"broken":    reflect.TypeFor[LegBroken](),
	"interrupt": reflect.TypeFor[Interrupt](),
	"cancel":    reflect.TypeFor[Cancel](),
	"threshold": reflect.TypeFor[ThresholdBroken](),
	"abort":     reflect.TypeFor[StepAborted](),
	"lead":      reflect.TypeFor[Lead](),
	"part":      reflect.TypeFor[PartFailed](),
	"owed":      reflect.TypeFor[Owed](),
	"halt":      reflect.TypeFor[Halt](),
	"withdraw":  reflect.TypeFor[Withdraw](),
	"over":      reflect.TypeFor[Over](),
	"placed":    reflect.TypeFor[Placed](),
	"tick":      reflect.TypeFor[Tick](),
}

// written is an entry as it is written down.
type written struct {
	At    hyperscale.JobTime
	Kind  string
	Event json.RawMessage `json:",omitempty"`
}

// MarshalJSON writes the entry with the name of its event's kind.
func (e Entry) MarshalJSON() ([]byte, error) {
	for name, kind := range kinds {
		if reflect.TypeOf(e.Event) != kind {
			continue
		}
		body, err := json.Marshal(e.Event)
		if err != nil {
			return nil, err
		}
		return json.Marshal(written{e.At, name, body})
	}
	return nil, fmt.Errorf("write an event of a job: %T has no name", e.Event)
}

// UnmarshalJSON reads what MarshalJSON wrote. Kinds that this version does not
// know are an error.
func (e *Entry) UnmarshalJSON(b []byte) error {
	var w written
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	kind, ok := kinds[w.Kind]
	if !ok {
		return fmt.Errorf("read an event of a job: no kind %q", w.Kind)
	}
	value := reflect.New(kind)
	if err := json.Unmarshal(w.Event, value.Interface()); err != nil {
		return fmt.Errorf("read an event of a job: %w", err)
	}
	e.At, e.Event = w.At, value.Elem().Interface().(Event)
	return nil
}
