package report

import (
	"fmt"
	"slices"

	"hyperscale"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// datacenter is what one datacenter did.
func (b builder) datacenter(d *stats.DatacenterResult) Datacenter {
	b.tally = d.Tally
	readings := d.Tally.Generator()
	out := Datacenter{
		Name: d.Name, Verdict: verdict(d.Verdict, d.Tally), Totals: b.totals(d.Tally.Job(), inAll(d.PlannedVU)),
		Workers: len(d.Tally.Nodes()), Lanes: readings.Lanes, Machine: machine(readings), Parts: holds(d.Parts),
	}
	told := d.Tally.Workflows()
	for i, w := range b.result.Workflows {
		if slices.Contains(told, w.Name) {
			out.Workflows = append(out.Workflows, Entry[Portion]{w.Name, b.portion(w.Name, d.PlannedVU[i])})
		}
	}
	return out
}

// mostDatacenters is how many the summary for people lists.
const mostDatacenters = 20

// printDatacenters writes what each datacenter did, and how it answered from there; of
// one alone all that is said is its own.
func printDatacenters(p *printer) {
	all := p.s.Datacenters
	if len(all) < 2 {
		return
	}
	listed := all[:min(len(all), mostDatacenters)]
	table := show.Table{Head: []string{"datacenter", "due", "missed", "lost", "requests", "rate", "errors", "verdict"}}
	var rows []scope
	for i := range listed {
		d := &listed[i]
		table.Rows = append(table.Rows, datacenterRow(d, p.Theme))
		rows = append(rows, scope{name: show.Clean(d.Name), t: &d.Totals})
		if len(d.Workflows) < 2 {
			continue
		}
		for j := range d.Workflows {
			w := &d.Workflows[j]
			rows = append(rows, scope{name: "  " + show.Clean(w.Name), t: &w.Value.Totals})
		}
	}
	p.table(table)
	p.times("response time", rows, func(t *Totals) *Spread { return &t.Response })
	if more := len(all) - mostDatacenters; more > 0 {
		p.labelled("", fmt.Sprintf("… and %s, all in the JSON summary", hyperscale.Plural(more, "more datacenter")))
		p.gap()
	}
}

// datacenterRow is the counts of one.
func datacenterRow(d *Datacenter, theme show.Theme) []string {
	n, r, state := d.Totals.Iterations, d.Totals.Requests, show.Nothing
	switch d.Verdict.State {
	case "":
	case "VALID":
		state = theme.Good(string(d.Verdict.State))
	case "DEGRADED":
		state = theme.Warn(string(d.Verdict.State))
	default:
		state = theme.Bad(string(d.Verdict.State))
	}
	return []string{
		show.Clean(d.Name), hyperscale.Count(n.Due), hyperscale.Count(n.Missed), hyperscale.Count(n.Lost), hyperscale.Count(r.Started),
		numberText(d.Totals.Rate), show.Ratio(int64(r.Failed+r.TimedOut), int64(r.OK+r.Failed+r.TimedOut)), state,
	}
}
