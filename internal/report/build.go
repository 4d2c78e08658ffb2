package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// DefaultPercents are the quantiles that every summary has.
func DefaultPercents() []float64 { return []float64{50, 75, 90, 95, 99, 99.9, 99.99} }

// Options are what a summary says that the result does not.
type Options struct {
	ExitCode int
	// Percents are quantiles wanted besides the default ones.
	Percents []float64
}

// Summarise makes the summary of a result.
func Summarise(r *stats.Result, o Options) *Summary {
	b := builder{result: r, tally: r.Tally, percents: percents(o.Percents)}
	s := &Summary{
		Schema:      Schema,
		About:       About{r.Plan.Name, tags(r.Plan.Tags)},
		Job:         named(string(r.Job)),
		Phase:       string(r.Phase),
		Submitted:   moment(r.Submitted),
		Started:     moment(r.Started),
		Elapsed:     known(seconds(r.Elapsed)),
		Passed:      Passed(r.Thresholds),
		ExitCode:    o.ExitCode,
		Skipped:     []string{},
		Verdict:     verdict(r.Verdict, r.Tally),
		Thresholds:  []Threshold{},
		Generator:   generator(r),
		Distributed: distributed(r),
	}
	for i := range r.Datacenters {
		s.Datacenters = append(s.Datacenters, b.datacenter(&r.Datacenters[i]))
	}
	for _, t := range r.Thresholds {
		s.Thresholds = append(s.Thresholds, threshold(t))
	}
	var planned []time.Duration
	for _, w := range r.Workflows {
		planned = append(planned, w.PlannedVU)
	}
	s.Totals = b.totals(r.Tally.Job(), inAll(planned))
	for i := range r.Workflows {
		w := &r.Workflows[i]
		if w.Phase == hyperscale.Skipped {
			s.Skipped = append(s.Skipped, w.Name)
		}
		s.Workflows = append(s.Workflows, Entry[Workflow]{w.Name, b.workflow(w)})
	}
	return s
}

// moment is a time to the millisecond; nil: there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.Round(time.Millisecond)
	return &t
}

// Passed reports whether every threshold passed; without any it is true.
func Passed(results []stats.ThresholdResult) bool {
	return !slices.ContainsFunc(results, func(t stats.ThresholdResult) bool { return !t.Passed })
}

// percents joins the quantiles asked for with the default ones.
func percents(more []float64) []float64 {
	all := append(DefaultPercents(), more...)
	slices.Sort(all)
	return slices.Compact(all)
}

// tags are labels as outputs carry them.
func tags(pairs []hyperscale.Pair) Tags {
	var out Tags
	for _, t := range pairs {
		out = append(out, Entry[string]{t.Name, t.Value})
	}
	return out
}

// stepTags are the labels of a step's own.
func stepTags(s *hyperscale.Step) Tags {
	if s.Request == nil {
		return nil
	}
	return tags(s.Request.Tags)
}

// named is nil for no name.
func named(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// StateOf is the verdict on a run; "" where nothing was due, so that there is nothing
// to judge.
func StateOf(r *stats.Result) State { return stateOf(r.Verdict, r.Tally) }

func stateOf(v stats.Verdict, t *stats.Tally) State {
	all := t.Job()
	if v.State == stats.Valid && all.Slots.Due == 0 && all.Requests.Started == 0 {
		return ""
	}
	return State(v.State.String())
}

func verdict(v stats.Verdict, t *stats.Tally) Verdict {
	out := Verdict{State: stateOf(v, t), Causes: []Cause{}}
	for _, c := range v.Causes {
		if c.State != stats.Valid {
			out.Causes = append(out.Causes, Cause{c.What, named(c.Node), seconds(c.From), seconds(c.To)})
		}
	}
	return out
}

func threshold(t stats.ThresholdResult) Threshold {
	value, shown := t.Value, show.Nothing
	if t.Sampled {
		shown = Figure(&t.Threshold, t.Value)
	}
	if inNanoseconds(&t.Threshold) {
		value /= float64(time.Millisecond)
	}
	return Threshold{Text: t.Threshold.Text, Value: knownIf(t.Sampled, value), Passed: t.Passed, shown: shown}
}

// inNanoseconds reports whether the threshold judges a duration.
func inNanoseconds(t *hyperscale.Threshold) bool {
	switch t.Metric {
	case hyperscale.MetricQuantile, hyperscale.MetricMean, hyperscale.MetricMin, hyperscale.MetricMax, hyperscale.MetricStddev:
		return true
	}
	return false
}

// Figure writes a value of the threshold's metric for people.
func Figure(t *hyperscale.Threshold, value float64) string {
	switch t.Metric {
	case hyperscale.MetricErrors, hyperscale.MetricMissed, hyperscale.MetricChecks:
		return show.Percent(value)
	case hyperscale.MetricRate:
		return show.Rate(value)
	case hyperscale.MetricBytes:
		return show.Bytes(int64(value))
	case hyperscale.MetricFailures:
		return hyperscale.Count(int64(value))
	}
	return show.Duration(time.Duration(value))
}

func timeline(marks []stats.Mark) []Mark {
	out := []Mark{}
	for _, m := range marks {
		out = append(out, Mark{seconds(m.At), m.What, m.Detail})
	}
	return out
}

func generator(r *stats.Result) Generator {
	g := r.Generator
	out := Generator{Version: g.Version, OS: g.OS, Arch: g.Arch, Lanes: g.Lanes, Notes: []string{}}
	for _, c := range r.Verdict.Causes {
		if c.State == stats.Valid {
			out.Notes = append(out.Notes, c.What)
		}
	}
	out.Machine = machine(g.Readings)
	return out
}

// machine is what self-watch read.
func machine(g stats.Readings) Machine {
	seen := g.Watched > 0
	return Machine{
		CPU:         knownIf(seen, seconds(g.CPU)),
		RSS:         knownIf(g.RSS > 0, float64(g.RSS)),
		GCPause:     knownIf(seen, millis(g.GCPause)),
		GCs:         knownIf(seen, float64(g.GCs)),
		RunDelay:    knownIf(seen, millis(g.RunDelay)),
		Watched:     seconds(g.Watched),
		Saturated:   knownIf(seen, seconds(g.Saturated)),
		ClockStep:   knownIf(seen, millis(g.ClockStep)),
		Descriptors: knownIf(seen, float64(g.Descriptors)), DescriptorCap: knownIf(g.DescriptorCap > 0, float64(g.DescriptorCap)),
		Ports: knownIf(seen, float64(g.Ports)), PortCap: knownIf(g.PortCap > 0, float64(g.PortCap)),
	}
}

// builder makes the figures of scopes: of the whole job, or of what one datacenter did.
type builder struct {
	result   *stats.Result
	tally    *stats.Tally
	percents []float64
}

func inAll(list []time.Duration) time.Duration {
	var all time.Duration
	for _, d := range list {
		all += d
	}
	return all
}

func (b builder) spread(h *stats.Histogram) Spread { return spreadOf(h, b.percents) }

func (b builder) workflow(w *stats.WorkflowResult) Workflow {
	p := b.portion(w.Name, w.PlannedVU)
	return Workflow{
		Totals: p.Totals,
		Phase:  string(w.Phase),
		Why:    cmp.Or(w.Skipped, b.failure(w)),
		Warmup: p.Warmup,
		Search: search(w.Search),
		Steps:  p.Steps,
	}
}

// portion is the figures of a workflow, as far as this tally has them.
func (b builder) portion(workflow string, plannedVU time.Duration) Portion {
	p := Portion{Totals: b.totals(b.tally.Workflow(workflow), plannedVU)}
	if planned := b.planned(workflow); planned != nil {
		if planned.Warmup > 0 {
			warm := b.tally.Warmup(workflow)
			p.Warmup = &Warmup{requests(warm.Requests), b.spread(&warm.Sample.Response)}
		}
		p.Steps = b.steps(workflow, planned.Steps)
	}
	return p
}

// failure is why a workflow failed, with the most frequent error of the step that
// it names, else of the workflow.
func (b builder) failure(w *stats.WorkflowResult) string {
	step, ofStep := strings.CutPrefix(w.Failure, "step ")
	step, aborted := strings.CutSuffix(step, " failed (on-error: abort)")
	figures := b.tally.Workflow(w.Name)
	switch {
	case ofStep && aborted:
		figures = b.tally.Step(w.Name, step)
	case w.Failure != "its iteration failed":
		return w.Failure
	}
	for _, k := range []*stats.Kinds{&figures.Errors, &figures.StepErrors} {
		if all := kinds(k); len(all) > 0 {
			return w.Failure + ": " + all[0].Name
		}
	}
	return w.Failure
}

func (b builder) planned(workflow string) *hyperscale.Workflow {
	for i := range b.result.Plan.Workflows {
		if w := &b.result.Plan.Workflows[i]; w.Name == workflow {
			return w
		}
	}
	return nil
}

// steps gives the figures of requests and groups in the plan's order, and of
// any other step that failed.
func (b builder) steps(workflow string, steps []hyperscale.Step) Named[Step] {
	var out Named[Step]
	for i := range steps {
		s := &steps[i]
		figures := b.tally.Step(workflow, s.Name)
		group := s.Kind == hyperscale.StepGroup
		if group || s.Kind == hyperscale.StepRequest || figures.Faulted > 0 {
			out = append(out, Entry[Step]{s.Name, b.step(s, figures)})
		}
		out = append(out, b.steps(workflow, s.Steps)...)
		for _, c := range s.Choices {
			out = append(out, b.steps(workflow, c.Steps)...)
		}
	}
	return out
}

func (b builder) step(planned *hyperscale.Step, s *stats.Selection) Step {
	t := b.totals(s, 0)
	t.Iterations, t.VUSeconds, t.Lateness, t.Phases = nil, nil, nil, nil
	return Step{
		Totals: t, Tags: stepTags(planned), Skipped: s.Skipped, Group: planned.Kind == hyperscale.StepGroup,
	}
}

func (b builder) totals(s *stats.Selection, plannedVU time.Duration) Totals {
	sample := &s.Sample
	lateness := b.spread(&sample.Lateness)
	return Totals{
		Iterations: iterations(s.Slots),
		VUSeconds:  &VUSeconds{knownIf(plannedVU > 0, seconds(plannedVU)), known(seconds(s.Slots.VUTime))},
		Requests:   requests(s.Requests),
		Rate:       knownIf(sample.Time > 0, sample.Rate()),
		BytesIn:    s.BytesIn,
		BytesOut:   s.BytesOut,
		Status:     statuses(s.Statuses),
		Errors:     kinds(&s.Errors),
		Samples:    samples(&s.Errors, &s.StepErrors),
		StepErrors: kinds(&s.StepErrors),
		Checks:     checks(s.Checks),
		Times: Times{
			Response: b.spread(&sample.Response),
			Service:  b.spread(&sample.Service),
			OK:       b.spread(&sample.OK),
			Lateness: &lateness,
			Phases: &Phases{
				b.spread(&sample.Phases.Connect), b.spread(&sample.Phases.TLS),
				b.spread(&sample.Phases.FirstByte), b.spread(&sample.Phases.Transfer),
			},
		},
	}
}

func iterations(s stats.Slots) *Iterations {
	return &Iterations{
		Due: s.Due, Missed: s.Missed, Started: s.Started,
		Completed: s.Completed, Failed: s.Failed, Interrupted: s.Interrupted, Lost: s.Lost,
	}
}

func requests(r stats.Requests) Requests {
	return Requests{r.Started, r.OK, r.Failed, r.TimedOut, r.Cancelled, r.Lost}
}

func statuses(list []stats.StatusCount) Named[uint64] {
	var out Named[uint64]
	for _, s := range list {
		out = append(out, Entry[uint64]{strconv.Itoa(s.Code), s.Count})
	}
	return out
}

// kinds lists errors, the most frequent first.
func kinds(k *stats.Kinds) Named[uint64] {
	var out Named[uint64]
	for _, kind := range k.List() {
		out = append(out, Entry[uint64]{kind.Text, kind.Count})
	}
	slices.SortStableFunc(out, func(a, b Entry[uint64]) int { return cmp.Compare(b.Value, a.Value) })
	return out
}

func samples(sets ...*stats.Kinds) Named[string] {
	var out Named[string]
	for _, k := range sets {
		for _, kind := range k.List() {
			if kind.Sample != "" {
				out = append(out, Entry[string]{kind.Text, kind.Sample})
			}
		}
	}
	return out
}

func checks(list []stats.CheckCount) Named[Outcome] {
	var out Named[Outcome]
	for _, c := range list {
		out = append(out, Entry[Outcome]{c.Name, Outcome{c.Passed, c.Failed}})
	}
	return out
}

func search(s *stats.SearchResult) *Search {
	if s == nil {
		return nil
	}
	out := &Search{Rate: knownIf(s.Rate > 0, s.Rate), LimitedBy: s.LimitedBy, Probes: []Probe{}}
	for _, p := range s.Probes {
		has := p.Response.Count > 0
		out.Probes = append(out.Probes, Probe{
			Rate: p.Rate, From: seconds(p.From), To: seconds(p.To), Met: p.Met, Cause: p.Cause, Errors: p.Errors,
			P50: knownIf(has, millis(p.Response.P50)), P95: knownIf(has, millis(p.Response.P95)), P99: knownIf(has, millis(p.Response.P99)),
		})
	}
	return out
}
