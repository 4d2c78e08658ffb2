package account

import (
	"encoding/json"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/stats"
)

// Joint counts a joint of windows that were received elsewhere, of the given datacenter;
// "": of none.
func (a *Account) Joint(w *stats.Window, place string) {
	a.Tally.AddJoint(w)
	if place != "" {
		a.places.of(place).tally.AddJoint(w)
	}
	a.Rules.Add(w)
	if f := a.flow(w.ID.Workflow); f.probe != nil {
		f.probe.AddJoint(w)
	}
	a.live.add(w)
}

// written is an account as it is written down.
type written struct {
	Tally, Rules []byte
	Flows        []writtenFlow
	Places       []writtenPlace `json:",omitzero"`
	Marks        []stats.Mark
	Causes       []stats.Cause
	Losses       []stats.Loss
	Adjustments  []hyperscale.Adjustment
	Stop         stats.Stop
	Second       hyperscale.JobTime
	Rates        []float64
	Warnings     []string
	Stopping     string
}

type writtenFlow struct {
	Planned, Waived time.Duration
	Probes          []stats.Probe
	Probe           []byte // nil: no search
	Lowered         []Lowering
}

// MarshalJSON writes the whole account down, but for what live views are shown of
// the second under way.
func (a *Account) MarshalJSON() ([]byte, error) {
	w := written{
		Tally: a.Tally.AppendBinary(nil), Rules: a.Rules.AppendBinary(nil),
		Marks: a.marks, Causes: a.causes, Losses: a.losses, Adjustments: a.adjustments, Stop: a.stop,
		Second: a.live.second, Rates: a.live.rates, Warnings: a.live.warnings, Stopping: a.live.stopping,
	}
	for _, f := range a.flows {
		wf := writtenFlow{Planned: f.planned, Waived: f.waived, Probes: f.probes, Lowered: f.lowered}
		if f.probe != nil {
			wf.Probe = f.probe.AppendBinary(nil)
		}
		w.Flows = append(w.Flows, wf)
	}
	w.Places = a.places.written()
	return json.Marshal(w)
}

// Read is the account of the plan that was written down.
func Read(plan *hyperscale.Plan, text []byte) (*Account, error) {
	a := New(plan)
	if err := a.read(text); err != nil {
		return nil, fmt.Errorf("read the account of %s: %w", plan.Name, err)
	}
	return a, nil
}

func (a *Account) read(text []byte) (err error) {
	var w written
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	if len(w.Flows) != len(a.flows) {
		return fmt.Errorf("it is of %d workflows, not of %d", len(w.Flows), len(a.flows))
	}
	if a.Tally, err = stats.DecodeTally(w.Tally); err != nil {
		return err
	}
	if a.Rules, err = stats.DecodeWatch(a.plan.Thresholds, w.Rules); err != nil {
		return err
	}
	a.marks, a.causes, a.losses, a.stop = w.Marks, w.Causes, w.Losses, w.Stop
	a.adjustments = w.Adjustments
	a.live.second, a.live.rates, a.live.warnings, a.live.stopping = w.Second, w.Rates, w.Warnings, w.Stopping
	for i, f := range a.flows {
		wf := &w.Flows[i]
		f.planned, f.waived, f.probes, f.lowered = wf.Planned, wf.Waived, wf.Probes, wf.Lowered
		if wf.Probe == nil {
			continue
		}
		if f.probe, err = stats.DecodeTally(wf.Probe); err != nil {
			return err
		}
	}
	return a.places.read(w.Places)
}
