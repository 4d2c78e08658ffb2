package plan

import (
	"encoding/json"
	"io"
	"slices"

	"hyperscale"
	"hyperscale/internal/schedule"
)

// ExplanationSchema names the form of an [Explanation] as JSON.
const ExplanationSchema = "hyperscale.plan/1"

// Explanation is what a plan will do, as `hyperscale plan` shows it: as text and
// as JSON. Times are in seconds, rates per second; what cannot be known before
// the run is null.
type Explanation struct {
	Schema     string         `json:"schema"`
	Plan       string         `json:"plan"`
	Target     string         `json:"target"`
	Seed       uint64         `json:"seed"`
	DeadlineS  float64        `json:"deadline_s"`
	Workflows  []ExplainedRun `json:"workflows"`
	Data       []ExplainedSet `json:"data"`
	Thresholds []string       `json:"thresholds"`
	Machine    ExplainedNeeds `json:"machine"`
	Problems   []Problem      `json:"problems"`
	Values     []Effective    `json:"values"`
}

// ExplainedRun is what one workflow will do.
type ExplainedRun struct {
	Name        string          `json:"name"`
	Kind        string          `json:"kind"` // closed, open, iterations, each, search, once
	Load        string          `json:"load"` // in words
	After       []string        `json:"after"`
	Requests    int             `json:"requests"`      // of one iteration at most, repeats and redirects left out
	Slots       *int64          `json:"slots"`         // due iterations, where that is known
	VUSeconds   *float64        `json:"vu_seconds"`    // of a closed load
	PeakRate    *float64        `json:"peak_rate"`     // of an open load or a search
	VUs         *int64          `json:"vus"`           // the most at once; of an open load see max_in_flight
	InFlight    *ExplainedBound `json:"max_in_flight"` // of an open load or a search
	Connections int64           `json:"connections"`   // at most
	WarmupS     float64         `json:"warmup_s"`
	GracefulS   float64         `json:"graceful_s"`
	Timeline    *ExplainedTimes `json:"timeline"`
}

// ExplainedBound is a bound of arrivals in progress and where it is from.
type ExplainedBound struct {
	Value   int64  `json:"value"`
	Source  string `json:"source"`            // plan or default
	Lowered int64  `json:"lowered,omitempty"` // what the default would be if there were room
}

// Span is when a workflow runs by the plan. It has the fields of the job's span
// of that name, which can be converted to it.
type Span struct {
	Workflow               string
	Start, End             hyperscale.JobTime // if no workflow before it needs grace
	LatestStart, LatestEnd hyperscale.JobTime // if all grace is used up
	Open                   bool               // it takes as long as its work does; times are the earliest
}

// ExplainedTimes is a Span in seconds.
type ExplainedTimes struct {
	StartS       float64 `json:"start_s"`
	EndS         float64 `json:"end_s"`
	LatestStartS float64 `json:"latest_start_s"`
	LatestEndS   float64 `json:"latest_end_s"`
	Open         bool    `json:"open"`
}

// ExplainedSet is a data set and who reads it.
type ExplainedSet struct {
	Name    string   `json:"name"`
	Path    string   `json:"path"`
	Pick    string   `json:"pick"`
	Rows    int64    `json:"rows"`
	Columns []string `json:"columns"`
	UsedBy  []string `json:"used_by"`
	Needed  *int64   `json:"needed"` // rows, where each is used once and the number is known
}

// Problem is something that will not fit, or will not go as it looks.
type Problem struct {
	Workflow string `json:"workflow"` // "": the whole plan
	What     string `json:"what"`
	Refused  bool   `json:"refused"` // a run would not start
}

// Explain says what a plan will do on a machine with these limits. Spans are
// the plan's timeline; without them workflows are taken to run all at once.
func Explain(l *Loaded, limits Limits, spans []Span) *Explanation {
	p := l.Plan
	e := &Explanation{
		Schema: ExplanationSchema, Plan: p.Name, Target: p.Target, Seed: p.Seed, DeadlineS: p.Deadline.Seconds(),
		Workflows: []ExplainedRun{}, Data: []ExplainedSet{}, Thresholds: []string{}, Problems: []Problem{}, Values: slices.Clone(l.values),
	}
	for i := range e.Values {
		if e.Values[i].Name == "deadline" { // the default is the caller's, who knows how long a job takes
			e.Values[i].Value = hyperscale.FormatDuration(p.Deadline)
		}
	}
	needs := Needs(p, limits)
	for i := range p.Workflows {
		e.Workflows = append(e.Workflows, explainRun(p, &p.Workflows[i], needs[i], spanOf(spans, p.Workflows[i].Name)))
	}
	for i := range p.Data {
		e.Data = append(e.Data, l.explainSet(&p.Data[i]))
	}
	for _, t := range p.Thresholds {
		e.Thresholds = append(e.Thresholds, t.Text)
	}
	e.Machine = explainNeeds(l, limits, needs, spans)
	e.Problems = append(e.Problems, problems(l, limits, needs, spans, e.Machine)...)
	return e
}

// JSON writes the explanation as one object in one line, its texts as they are:
// < and & stay so.
func (e *Explanation) JSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(e)
}

// spanOf finds the span of a workflow; nil if there is none.
func spanOf(spans []Span, workflow string) *Span {
	i := slices.IndexFunc(spans, func(s Span) bool { return s.Workflow == workflow })
	if i < 0 {
		return nil
	}
	return &spans[i]
}

// explainRun explains one workflow.
func explainRun(p *hyperscale.Plan, w *hyperscale.Workflow, n Need, span *Span) ExplainedRun {
	run := ExplainedRun{
		Name: w.Name, Kind: kindNames[w.Load.Kind], Load: describeLoad(w.Load), After: []string{},
		Requests: requestsOf(w.Steps), Connections: n.Connections, WarmupS: w.Warmup.Seconds(), GracefulS: w.Graceful.Seconds(),
	}
	for _, d := range w.After {
		name := d.Workflow
		if d.Always {
			name += " (always)"
		}
		run.After = append(run.After, name)
	}
	if slots, known := schedule.Slots(w.Load, hyperscale.NewSource(p.Seed, w.Name)); known {
		run.Slots = &slots
	}
	switch w.Load.Kind {
	case hyperscale.LoadOpen, hyperscale.LoadSearch:
		rate := schedule.Peak(w.Load).Float()
		run.PeakRate = &rate
		run.InFlight = &ExplainedBound{Value: n.VUs, Source: "plan", Lowered: n.Lowered}
		if !n.Given {
			run.InFlight.Source = "default"
		}
	case hyperscale.LoadClosed:
		users := schedule.NewUsers(w.Load)
		seconds := users.Planned(hyperscale.Whole, users.End()).Seconds()
		run.VUSeconds, run.VUs = &seconds, &n.VUs
	default:
		run.VUs = &n.VUs
	}
	if span != nil {
		run.Timeline = &ExplainedTimes{span.Start.Seconds(), span.End.Seconds(), span.LatestStart.Seconds(), span.LatestEnd.Seconds(), span.Open}
	}
	return run
}

// requestsOf is how many requests one iteration sends at most.
func requestsOf(steps []hyperscale.Step) int {
	n := 0
	for i := range steps {
		s := &steps[i]
		n += requestsOf(s.Steps)
		most := 0
		for _, c := range s.Choices {
			most = max(most, requestsOf(c.Steps))
		}
		n += most
		if s.Kind == hyperscale.StepRequest {
			n++
		}
	}
	return n
}

// explainSet explains a data set.
func (l *Loaded) explainSet(d *hyperscale.DataSet) ExplainedSet {
	set := ExplainedSet{Name: d.Name, Path: d.Path, Pick: string(d.Pick), Rows: d.Rows, Columns: d.Columns, UsedBy: []string{}}
	for i := range l.Plan.Workflows {
		w := &l.Plan.Workflows[i]
		if !slices.Contains(l.uses[w.Name], d.Name) {
			continue
		}
		set.UsedBy = append(set.UsedBy, w.Name)
		switch slots, known := schedule.Slots(w.Load, hyperscale.NewSource(l.Plan.Seed, w.Name)); {
		case d.Pick == hyperscale.PickUnique && known:
			set.Needed = &slots
		case d.Pick == hyperscale.PickByVU:
			vus := schedule.NewUsers(w.Load).Peak()
			set.Needed = &vus
		}
	}
	return set
}
