package report

import (
	"fmt"
	"strconv"
	"strings"

	"hyperscale"
	"hyperscale/internal/show"
)

// scope is one row of the tables: the job, a workflow or a step.
type scope struct {
	name  string
	t     *Totals
	group bool
}

// scopes lists the rows: each workflow with its steps below it, in one row
// where it has only one; and first the whole job where it has several.
func (p *printer) scopes() []scope {
	var rows []scope
	if len(p.s.Workflows) > 1 {
		rows = append(rows, scope{name: "all", t: &p.s.Totals})
	}
	for i := range p.s.Workflows {
		w := &p.s.Workflows[i]
		if w.Value.Phase == string(hyperscale.Skipped) {
			continue
		}
		name, steps := show.Clean(w.Name), w.Value.Steps
		if len(steps) == 1 {
			rows = append(rows, scope{name + "/" + show.Clean(steps[0].Name), &steps[0].Value.Totals, steps[0].Value.Group})
			continue
		}
		rows = append(rows, scope{name: name, t: &w.Value.Totals})
		for j := range steps {
			rows = append(rows, scope{"  " + show.Clean(steps[j].Name), &steps[j].Value.Totals, steps[j].Value.Group})
		}
	}
	return rows
}

// requests is the table of counts.
func (p *printer) requests() {
	table := show.Table{Head: []string{"", "requests", "rate", "errors", "received", "sent"}}
	for _, row := range p.scopes() {
		rate := show.Nothing
		if row.t.Rate.Known && row.t.Requests.Started > 1 { // of one request there is no rate
			rate = show.Rate(row.t.Rate.Value)
		}
		r := row.t.Requests
		cells := []string{
			row.name, hyperscale.Count(r.Started), rate,
			show.Ratio(int64(r.Failed+r.TimedOut), int64(r.OK+r.Failed+r.TimedOut)),
			show.Bytes(int64(row.t.BytesIn)), show.Bytes(int64(row.t.BytesOut)),
		}
		if row.group {
			cells[0], cells[4], cells[5] = cells[0]+" (passes)", "", ""
		}
		table.Rows = append(table.Rows, cells)
	}
	p.table(table)
}

// responses is the tables of response and service time.
func (p *printer) responses() {
	p.times("response time", p.scopes(), func(t *Totals) *Spread { return &t.Response })
	p.times("service time", p.scopes(), func(t *Totals) *Spread { return &t.Service })
}

// times writes a table of durations, in pieces where the percentages asked for
// do not fit beside each other.
func (p *printer) times(title string, rows []scope, of func(*Totals) *Spread) {
	columns := []string{"mean"}
	for _, q := range p.Percents {
		columns = append(columns, quantileName(q))
	}
	columns = append(columns, "max")
	fit := max(1, (p.Width-16)/8)
	for len(columns) > 0 {
		n := min(fit, len(columns))
		p.timesOf(title, columns[:n], rows, of)
		columns = columns[n:]
	}
}

func (p *printer) timesOf(title string, columns []string, rows []scope, of func(*Totals) *Spread) {
	table := show.Table{Head: append([]string{title}, columns...), Least: 6}
	for _, row := range rows {
		spread := of(row.t)
		if spread.Count == 0 {
			continue
		}
		cells := []string{row.name}
		for _, c := range columns {
			cells = append(cells, figure(spread, c))
		}
		table.Rows = append(table.Rows, cells)
	}
	if len(table.Rows) > 0 {
		p.table(table)
	}
}

// figure is the named figure of a spread that is not empty.
func figure(s *Spread, name string) string {
	switch name {
	case "mean":
		return show.Duration(s.Mean)
	case "max":
		return show.Duration(s.Max)
	}
	percent, err := strconv.ParseFloat(strings.TrimPrefix(name, "p"), 64)
	if v, ok := s.At(percent); ok && err == nil {
		return show.Duration(v)
	}
	return show.Nothing
}

func (p *printer) answers() {
	t := &p.s.Totals
	var codes []string
	for _, s := range t.Status {
		paint := p.Theme.Good
		if s.Name >= "400" {
			paint = p.Theme.Bad
		}
		codes = append(codes, paint(s.Name)+" × "+hyperscale.Count(s.Value))
	}
	if len(codes) > 0 {
		p.lines("status", show.Flow(codes, "   ", p.Width-label))
	}
	per := ""
	if s := p.s.Elapsed.Value; s > 0 {
		per = fmt.Sprintf(" (%s/s in, %s/s out)", show.Bytes(int64(float64(t.BytesIn)/s)), show.Bytes(int64(float64(t.BytesOut)/s)))
	}
	p.labelled("bytes", fmt.Sprintf("%s in, %s out%s", show.Bytes(int64(t.BytesIn)), show.Bytes(int64(t.BytesOut)), per))
}

// errors lists the kinds with their counts and a sample.
func (p *printer) errors() {
	t := &p.s.Totals
	p.kinds("errors", t.Errors)
	p.kinds("not sent", t.StepErrors)
}

// kindsShown is how many kinds of errors are listed.
const kindsShown = 20

func (p *printer) kinds(name string, kinds Named[uint64]) {
	for i, kind := range kinds {
		if i == kindsShown {
			p.labelled("", p.Theme.Faint(fmt.Sprintf("and %d more kinds, all in -o json", len(kinds)-i)))
			return
		}
		text := p.Theme.Bad(hyperscale.Count(kind.Value)) + " × " + show.Clean(kind.Name)
		if sample := p.sample(kind.Name); sample != "" {
			text += p.Theme.Faint("  " + show.Clean(sample))
		}
		p.labelled(name, text)
		name = ""
	}
}

func (p *printer) sample(kind string) string {
	for _, s := range p.s.Totals.Samples {
		if s.Name == kind {
			return s.Value
		}
	}
	return ""
}

// checks says how many passed, and names those that did not always.
func (p *printer) checks() {
	var passed, failed uint64
	for _, c := range p.s.Totals.Checks {
		passed, failed = passed+c.Value.Passed, failed+c.Value.Failed
	}
	if passed+failed == 0 {
		return
	}
	p.labelled("checks", fmt.Sprintf("%s of %s passed (%s)", hyperscale.Count(passed), hyperscale.Count(passed+failed),
		show.Ratio(int64(passed), int64(passed+failed))))
	for _, c := range p.s.Totals.Checks {
		if c.Value.Failed > 0 {
			p.labelled("", p.Theme.Bad("✗")+" "+show.Clean(c.Name)+": "+
				fmt.Sprintf("%s passed, %s failed", hyperscale.Count(c.Value.Passed), hyperscale.Count(c.Value.Failed)))
		}
	}
}

// phases is the table of the parts of service time.
func (p *printer) phases() {
	t := p.s.Totals.Phases
	table := show.Table{Head: []string{"phases", "count", "mean", "p50", "p95", "p99", "max"}}
	for _, row := range []struct {
		name   string
		spread *Spread
	}{{"connect", &t.Connect}, {"TLS", &t.TLS}, {"first byte", &t.FirstByte}, {"transfer", &t.Transfer}} {
		if row.spread.Count == 0 {
			continue
		}
		cells := []string{row.name, hyperscale.Count(row.spread.Count)}
		for _, name := range table.Head[2:] {
			cells = append(cells, figure(row.spread, name))
		}
		table.Rows = append(table.Rows, cells)
	}
	p.gap()
	if len(table.Rows) > 0 {
		p.table(table)
	}
}

// machine says what the load cost.
func (p *printer) machine() {
	g := p.s.Generator
	if late := p.s.Totals.Lateness; late.Count > 0 {
		p.labelled("lateness", fmt.Sprintf("p50 %s · p99 %s · max %s: the generator's own delay",
			figure(late, "p50"), figure(late, "p99"), figure(late, "max")))
	}
	facts := append([]string{hyperscale.Plural(g.Lanes, "lane")}, watched(g.Machine)...)
	p.lines("generator", show.Flow(facts, " · ", p.Width-label))
	p.gap()
}

// watched says what self-watch read, if it read anything.
func watched(g Machine) []string {
	if g.Watched <= 0 {
		return []string{"too short a run to watch this machine in"}
	}
	facts := []string{"CPU " + share(g.CPU.Value, g.Watched, " of one core")}
	if g.RSS.Known {
		facts = append(facts, "memory "+show.Bytes(int64(g.RSS.Value)))
	}
	if g.GCs.Value > 0 {
		facts = append(facts, fmt.Sprintf("%s (%s)", hyperscale.Plural(int64(g.GCs.Value), "garbage collection"), shownMillis(g.GCPause)))
	}
	facts = append(facts, "waited for a CPU "+shownMillis(g.RunDelay))
	if g.Saturated.Value > 0 {
		facts = append(facts, "saturated "+share(g.Saturated.Value, g.Watched, " of the time"))
	} else {
		facts = append(facts, "never saturated")
	}
	if g.DescriptorCap.Known {
		facts = append(facts, used("descriptors", g.Descriptors, g.DescriptorCap))
	}
	if g.PortCap.Known && g.Ports.Value > 0 {
		facts = append(facts, used("ports", g.Ports, g.PortCap))
	}
	return facts
}

// used writes how many there were of those allowed.
func used(what string, n, allowed Number) string {
	return fmt.Sprintf("%s %s of %s", what, hyperscale.Count(int64(n.Value)), hyperscale.Count(int64(allowed.Value)))
}

// share writes part and its share of whole.
func share(part, whole float64, of string) string {
	text := shownSeconds(part)
	if whole > 0 {
		text += " (" + show.Percent(part/whole) + of + ")"
	}
	return text
}
