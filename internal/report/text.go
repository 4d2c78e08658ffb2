package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/show"
)

// TextOptions say how the text summary is laid out.
type TextOptions struct {
	Width int        // cells of a line; 0: 80
	Theme show.Theme // zero: without colours
	// Percents are the quantiles of the tables, rising; nil: 50, 90, 95, 99, 99.9.
	Percents []float64
	// Brief leaves out what says nothing about a run of a few requests.
	Brief bool
}

// Text writes the summary for people: what decides first, then whether it can
// be trusted, then the figures.
func Text(w io.Writer, s *Summary, o TextOptions) error {
	if o.Width <= 0 {
		o.Width = 80
	}
	if o.Theme.Good == nil {
		o.Theme = show.NewTheme(false)
	}
	if o.Percents == nil {
		o.Percents = []float64{50, 90, 95, 99, 99.9}
	}
	p := &printer{TextOptions: o, s: s}
	sections := []func(){
		p.title, p.thresholds, p.verdict, p.accounts, p.searches, p.requests, p.responses, p.answers,
		p.errors, p.checks, p.phases, func() { printDatacenters(p) }, p.machine, func() { printWorkers(p) }, p.meaning,
	}
	if o.Brief {
		sections = []func(){p.title, p.accounts, p.answers, p.errors, p.checks}
	}
	for _, section := range sections {
		section()
	}
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

// label is the room for the words at the left of a line.
const label = 12

// printer writes one summary; sections that have nothing to say write nothing.
type printer struct {
	TextOptions
	s *Summary
	b strings.Builder
}

// line writes one line.
func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(&p.b, format, args...)
	p.b.WriteByte('\n')
}

// labelled writes text under a label, wrapped beside it.
func (p *printer) labelled(name, text string) {
	p.lines(name, show.Wrap(text, p.Width-label))
}

// lines writes lines beside a label.
func (p *printer) lines(name string, lines []string) {
	for i, part := range lines {
		if i > 0 {
			name = ""
		}
		p.line("%s%s", p.Theme.Faint(show.Left(name, label)), part)
	}
}

// gap writes an empty line between sections.
func (p *printer) gap() { p.line("") }

func (p *printer) title() {
	took := "before anything ran"
	if p.s.Elapsed.Value > 0 {
		took = "after " + shownSeconds(p.s.Elapsed.Value)
	}
	phase := strings.ToLower(p.s.Phase)
	switch hyperscale.Phase(p.s.Phase) {
	case hyperscale.Completed:
		phase = p.Theme.Good(phase)
	default:
		phase = p.Theme.Bad(phase)
	}
	name := p.Theme.Strong(show.Fit(show.Clean(p.s.Plan), p.Width-30))
	p.line("%s  %s %s", name, phase, p.Theme.Faint(took))
	for _, w := range p.s.Workflows {
		if w.Value.Why != "" {
			p.labelled("", p.Theme.Bad(strings.ToLower(w.Value.Phase))+" "+show.Clean(w.Name)+": "+show.Clean(w.Value.Why))
		}
	}
	if p.s.Totals.unanswered() {
		p.labelled("", p.Theme.Bad("not one request was answered"))
	}
	p.gap()
}

func (p *printer) thresholds() {
	if len(p.s.Thresholds) == 0 {
		return
	}
	for _, t := range p.s.Thresholds {
		mark, paint := "✓", p.Theme.Good
		if !t.Passed {
			mark, paint = "✗", p.Theme.Bad
		}
		shown := t.shown
		if !t.Value.Known {
			shown = "no sample"
		}
		room := p.Width - 2 - show.Width(shown) - 2
		text := show.Fit(show.Clean(t.Text), room)
		p.line("%s %s  %s", paint(mark), show.Left(text, room), paint(shown))
	}
	p.gap()
}

func (p *printer) verdict() {
	v := p.s.Verdict
	paint, means := p.Theme.Good, "the generator did what the plan asked"
	switch v.State {
	case "DEGRADED":
		paint, means = p.Theme.Warn, "read the figures with this in mind:"
	case "INVALID":
		paint, means = p.Theme.Bad, "the generator did not do what the plan asked; trust no figure"
	case "":
		paint, means = p.Theme.Warn, "nothing was asked of the generator: it ended before anything was due"
	}
	verdict := cmp.Or(string(v.State), "no verdict")
	for i, line := range show.Wrap(means, p.Width-label) {
		state := verdict
		if i > 0 {
			state = ""
		}
		p.line("%s%s", paint(show.Left(state, label)), line)
	}
	for _, c := range v.Causes[:min(len(v.Causes), mostCauses)] {
		p.labelled("", "• "+show.Clean(cause(c)))
	}
	if more := len(v.Causes) - mostCauses; more > 0 {
		p.labelled("", fmt.Sprintf("… and %s, all in the JSON summary", hyperscale.Plural(more, "more cause")))
	}
	for _, note := range p.s.Generator.Notes {
		p.labelled("", "note: "+show.Clean(note))
	}
	p.gap()
}

// mostCauses is how many causes of a verdict are written out; the worst come
// first.
const mostCauses = 16

func cause(c Cause) string {
	text := c.What
	if c.Node != nil {
		text += ", on " + *c.Node
	}
	if c.To > c.From {
		text += " (" + interval(c.From, c.To) + ")"
	}
	return text
}

// interval is between two job times given in seconds; one that has no length in whole
// seconds is one time.
func interval(from, to float64) string {
	if clock(from) == clock(to) {
		return clock(from)
	}
	return clock(from) + " – " + clock(to)
}

// clock is a job time given in seconds.
func clock(s float64) string { return show.Clock(time.Duration(s * float64(time.Second))) }

// accounts writes the identities: nothing may be missing from them.
func (p *printer) accounts() {
	i, r := p.s.Totals.Iterations, p.s.Totals.Requests
	p.labelled("iterations", sum(i.Due, "due", part{i.Started, "started"}, part{i.Missed, "missed"}))
	p.labelled("", sum(i.Started, "started", part{i.Completed, "completed"}, part{i.Failed, "failed"},
		part{i.Interrupted, "interrupted"}, part{i.Lost, "lost"}))
	p.labelled("requests", sum(r.Started, "started", part{r.OK, "ok"}, part{r.Failed, "failed"},
		part{r.TimedOut, "timed out"}, part{r.Cancelled, "cancelled"}, part{r.Lost, "lost"}))
	if n := p.s.Unreported; n > 0 {
		p.labelled("", p.Theme.Warn(unreported(n)))
	}
	if planned, delivered := p.vuSeconds(); planned > 0 {
		p.labelled("VU time", fmt.Sprintf("%s planned, %s delivered", shownSeconds(planned), shownSeconds(delivered)))
	}
	p.gap()
}

// vuSeconds sums up the loads that promise VU-time.
func (p *printer) vuSeconds() (planned, delivered float64) {
	for _, w := range p.s.Workflows {
		if vu := w.Value.VUSeconds; vu.Planned.Known {
			planned, delivered = planned+vu.Planned.Value, delivered+vu.Delivered.Value
		}
	}
	return planned, delivered
}

func shownSeconds(s float64) string { return show.Duration(time.Duration(s * float64(time.Second))) }

// part is one summand of an account.
type part struct {
	n    uint64
	name string
}

// sum writes "5 started = 4 ok + 1 failed"; of what rarely happens, only what
// did.
func sum(total uint64, name string, parts ...part) string {
	var terms []string
	for i, p := range parts {
		if p.n > 0 || i < 2 {
			terms = append(terms, hyperscale.Count(p.n)+" "+p.name)
		}
	}
	return hyperscale.Count(total) + " " + name + " = " + strings.Join(terms, " + ")
}

func (p *printer) searches() {
	for _, w := range p.s.Workflows {
		if s := w.Value.Search; s != nil {
			p.search(w.Name, s)
		}
	}
}

func (p *printer) search(workflow string, s *Search) {
	found := "no rate met the condition"
	if s.Rate.Known {
		found = p.Theme.Strong(show.Rate(s.Rate.Value))
	}
	p.labelled("search", fmt.Sprintf("%s: %s, %s", show.Clean(workflow), found, limit(s.LimitedBy)))
	table := show.Table{Head: []string{"probe", "p50", "p95", "p99", "errors", "met"}}
	for _, probe := range s.Probes {
		met := "✓"
		if !probe.Met {
			met = show.Clean(probe.Cause)
		}
		table.Rows = append(table.Rows, []string{
			show.Rate(probe.Rate), shownMillis(probe.P50), shownMillis(probe.P95), shownMillis(probe.P99),
			show.Percent(probe.Errors), show.Fit(met, 28),
		})
	}
	p.table(table)
}

// limit says in words why a search found no higher rate.
func limit(by string) string {
	switch by {
	case "":
		return "and the search did not come to its end"
	case "to":
		return "the highest that the plan allows (to)"
	case "condition":
		return "limited by the condition"
	}
	return "limited by " + show.Clean(by)
}

func shownMillis(n Number) string {
	if !n.Known {
		return show.Nothing
	}
	return show.Duration(time.Duration(n.Value * float64(time.Millisecond)))
}

// table writes a table, its head faint, with an empty line after it. What does
// not fit beside the names follows in a table of its own.
func (p *printer) table(t show.Table) {
	if n := t.Fitting(p.Width); n < len(t.Head) {
		rest := t.Columns(n, len(t.Head))
		p.table(t.Columns(1, n))
		p.table(rest)
		return
	}
	for i, line := range t.Lines(p.Width) {
		if i == 0 {
			line = p.Theme.Faint(line)
		}
		p.line("%s", line)
	}
	p.gap()
}

// meaning is the one sentence without which the two times are misread.
func (p *printer) meaning() {
	text := "Response time counts from when a request was due by the plan, so it includes any wait that a slow" +
		" target causes; service time counts from when it was sent."
	for _, line := range show.Wrap(text, p.Width) {
		p.line("%s", p.Theme.Faint(line))
	}
}
