package account

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/schedule"
	"hyperscale/internal/stats"
)

// Account is what is known of one run. It belongs to one goroutine.
type Account struct {
	Tally *stats.Tally
	Rules *stats.Watch

	plan        *hyperscale.Plan
	flows       []*flow // in the plan's order
	places      places  // none: the job was given to no gate
	marks       []stats.Mark
	causes      []stats.Cause
	losses      []stats.Loss
	adjustments []hyperscale.Adjustment
	stop        stats.Stop
	live        live
}

// New is the account of a run of the plan that has not begun.
func New(plan *hyperscale.Plan) *Account {
	a := &Account{plan: plan, places: places{flows: len(plan.Workflows)}, Tally: stats.NewTally(), Rules: stats.NewWatch(plan.Thresholds)}
	spans := job.Timeline(plan)
	for i := range plan.Workflows {
		a.flows = append(a.flows, newFlow(&plan.Workflows[i], spans[i].End-spans[i].Start))
	}
	return a
}

// flow is the account of one workflow.
type flow struct {
	*hyperscale.Workflow
	length  hyperscale.JobTime // of a timed load
	groups  map[string]bool    // its requests and groups, and which of them are groups
	planned time.Duration      // VU-time promised so far by closed legs
	waived  time.Duration      // of that: after VUs that ended as the plan wished
	probes  []stats.Probe
	probe   *stats.Tally // of a search: windows of the probe under way; else nil
	lowered []Lowering
}

func newFlow(w *hyperscale.Workflow, length hyperscale.JobTime) *flow {
	f := &flow{Workflow: w, length: length, groups: map[string]bool{}}
	f.list(w.Steps)
	if w.Load.Kind == hyperscale.LoadSearch {
		f.probe = stats.NewTally()
	}
	return f
}

// list notes the requests and groups among the steps.
func (f *flow) list(steps []hyperscale.Step) {
	for i := range steps {
		s := &steps[i]
		if s.Kind == hyperscale.StepRequest || s.Kind == hyperscale.StepGroup {
			f.groups[s.Name] = s.Kind == hyperscale.StepGroup
		}
		f.list(s.Steps)
		for _, c := range s.Choices {
			f.list(c.Steps)
		}
	}
}

func (a *Account) flow(workflow string) *flow {
	for _, f := range a.flows {
		if f.Name == workflow {
			return f
		}
	}
	panic("account: no workflow " + workflow)
}

// Merge counts a window that is next in its turn, and says what became of it.
func (a *Account) Merge(w *stats.Window) stats.Receipt {
	receipt := a.Tally.Add(w)
	if receipt == stats.Merged {
		a.Rules.Add(w)
		if f := a.flow(w.ID.Workflow); f.probe != nil {
			f.probe.Add(w)
		}
	}
	a.live.add(w)
	return receipt
}

// Judge lets thresholds with abort speak at the end of a second of job time. It
// gives the texts of those that end the job.
func (a *Account) Judge(second hyperscale.JobTime) []string {
	var fired []string
	for _, i := range a.Rules.Step(second, a.Tally) {
		text := a.plan.Thresholds[i].Text
		a.stop.Aborted = "threshold " + text
		fired = append(fired, text)
	}
	return fired
}

// Aborted notes that a step's on-error: abort fired.
func (a *Account) Aborted(workflow, step string) {
	a.stop.OnError, a.stop.Aborted = true, "on-error: abort of "+workflow+"/"+step
}

// Lowering says that a node has no room for a workflow's max-in-flight.
type Lowering struct {
	Workflow string
	Node     string // "": this machine
	How      string // in words
}

// Lowered notes a lowering; it is false if that was known.
func (a *Account) Lowered(l Lowering) bool {
	f := a.flow(l.Workflow)
	if slices.Contains(f.lowered, l) {
		return false
	}
	f.lowered = append(f.lowered, l)
	return true
}

// Adjusted notes that a load was changed by hand.
func (a *Account) Adjusted(by hyperscale.Adjustment) { a.adjustments = append(a.adjustments, by) }

// changes are those of a workflow's load, which began then.
func (a *Account) changes(workflow string, begin hyperscale.JobTime) []schedule.Change {
	return schedule.Changes(a.adjustments, workflow, begin)
}

// Loss notes what was lost with a holder.
func (a *Account) Loss(l stats.Loss) { a.losses = append(a.losses, l) }

// Lost is what was lost of a workflow with holders.
func (a *Account) Lost(workflow string) []stats.Loss {
	var list []stats.Loss
	for _, l := range a.losses {
		if l.Workflow == workflow {
			list = append(list, l)
		}
	}
	return list
}

// Cause notes a cause of the verdict that windows do not tell.
func (a *Account) Cause(c stats.Cause) { a.causes = append(a.causes, c) }

// Mark puts what the job marks on the timeline.
func (a *Account) Mark(m job.Mark) {
	what := string(m.What)
	if m.Workflow != "" {
		what = m.Workflow + " " + what
	}
	detail := m.Detail
	if m.Place != "" {
		detail = strings.TrimSuffix(m.Place+": "+detail, ": ")
	}
	a.marks = append(a.marks, stats.Mark{At: m.At, What: what, Detail: detail})
	if m.Workflow != "" {
		return
	}
	switch m.What {
	case job.Interrupted:
		a.stop.Interrupted = true
		a.live.stopping = "interrupted"
	case job.Deadline:
		a.stop.Deadline = true
		a.live.stopping = "deadline"
	case job.Aborted:
		a.live.stopping = "aborted"
	case job.Cancelled:
		a.live.stopping = "cancelled"
	}
}

// Leg is a leg that has ended.
type Leg struct {
	Workflow    string
	Number      int
	Load        hyperscale.Load
	Share       hyperscale.Share // what was run of it: the whole, unless the user asked for a part
	Begin       hyperscale.JobTime
	End         hyperscale.JobTime // now
	Stopped     hyperscale.JobTime // when its load ended
	Failed      bool               // without load: the iteration failed
	Interrupted bool               // … or was cut
	Reason      string
	Exports     []hyperscale.Pair
	NoRows      int64
	Waived      time.Duration
	Parts       []Part `json:",omitzero"` // of it, where it was given to datacenters
}

// Ended books a leg that has ended and gives what the job is to be told of it.
func (a *Account) Ended(l Leg) job.LegEnded {
	f := a.flow(l.Workflow)
	if l.NoRows > 0 {
		a.Cause(stats.Cause{
			State: stats.Degraded, From: l.Begin, To: l.End,
			What: fmt.Sprintf("%s: %s ended because a data set with unique rows had none left", l.Workflow, hyperscale.Plural(l.NoRows, "virtual user")),
		})
	}
	changes := a.changes(l.Workflow, l.Begin)
	f.planned += plannedVU(l, l.Share, l.Stopped, changes)
	f.waived += l.Waived
	a.places.promised(slices.Index(a.flows, f), l, changes)
	ev := job.LegEnded{Workflow: l.Workflow, Leg: l.Number, Failed: l.Failed || l.Interrupted, Reason: l.Reason, Exports: l.Exports}
	if l.Interrupted {
		ev.Reason = "its iteration was cut"
	}
	if f.probe != nil {
		ev.Probe = f.probed(l)
		f.probe = stats.NewTally()
	}
	return ev
}
