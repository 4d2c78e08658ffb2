package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// distributed is what only a run on several machines has, and the timeline.
func distributed(r *stats.Result) Distributed {
	d := Distributed{
		Workers: []Worker{}, Datacenters: []Datacenter{}, Timeline: timeline(r.Timeline),
		Losses: []Loss{}, Unreported: r.Unreported(), Skew: seconds(r.Skew),
	}
	for i := range r.Workers {
		d.Workers = append(d.Workers, worker(&r.Workers[i], len(r.Datacenters) == 0))
	}
	for _, l := range r.Losses {
		d.Losses = append(d.Losses, Loss{named(l.Node), l.Workflow, seconds(l.From), seconds(l.To), l.Lost, l.Missed, l.Requests})
	}
	return d
}

// worker is what one did; counted says whether it is known what it held.
func worker(w *stats.WorkerResult, counted bool) Worker {
	return Worker{
		Node: w.Node, Requests: knownIf(counted, float64(w.Requests)), Lanes: w.Readings.Lanes, Machine: machine(w.Readings), Holds: holds(w.Holds),
	}
}

func holds(list []stats.HoldResult) []Hold {
	out := []Hold{}
	for _, h := range list {
		s := h.Share
		out = append(out, Hold{
			Workflow: h.Workflow, Lo: s.Lo, Hi: s.Hi, Of: s.Of, Turn: uint64(s.Turn),
			From: seconds(s.From), Reach: seconds(h.Reach), Slots: h.Slots, Requests: h.Requests, Lost: h.Lost,
		})
	}
	return out
}

// lost is how many did not end by themselves of what was held.
func lost(list []Hold) int64 {
	var n int64
	for _, h := range list {
		if h.Lost {
			n++
		}
	}
	return n
}

// unreported says how many requests may be missing from the accounts.
func unreported(n uint64) string {
	if n > math.MaxInt64 {
		return "nobody can say how many requests of lost slots are not in these counts"
	}
	return fmt.Sprintf("at most %s of lost slots are not in these counts", hyperscale.Plural(n, "request"))
}

// mostWorkers is how many workers the summary for people lists.
const mostWorkers = 20

// printWorkers writes what each worker did.
func printWorkers(p *printer) {
	all := p.s.Workers
	if len(all) == 0 {
		return
	}
	table := show.Table{Head: []string{"worker", "requests", "lanes", "CPU", "memory", "saturated", "turns", "lost"}}
	below := len(p.s.Datacenters) > 0 // then nobody here knows what each of them held
	if below {
		table.Head = slices.Delete(table.Head[:6], 1, 2)
	}
	for i := range all[:min(len(all), mostWorkers)] {
		w := &all[i]
		row := []string{
			show.Clean(w.Node), hyperscale.Count(uint64(w.Requests.Value)), hyperscale.Count(w.Lanes), partOf(w.CPU, w.Watched),
			bytesOf(w.RSS), partOf(w.Saturated, w.Watched), hyperscale.Count(len(w.Holds)), hyperscale.Count(lost(w.Holds)),
		}
		if below {
			row = slices.Delete(row[:6], 1, 2)
		}
		table.Rows = append(table.Rows, row)
	}
	p.table(table)
	if skew := p.s.Skew; skew > 0 {
		p.labelled("start", fmt.Sprintf("workers began within %s of the moment meant, as far as could be measured", show.Duration(time.Duration(skew*float64(time.Second)))))
		p.gap()
	}
	if more := len(all) - mostWorkers; more > 0 {
		p.labelled("", fmt.Sprintf("… and %s, all in the JSON summary", hyperscale.Plural(more, "more worker")))
		p.gap()
	}
}

// partOf writes seconds as a share of those that were watched.
func partOf(n Number, watched float64) string {
	if !n.Known || watched <= 0 {
		return show.Nothing
	}
	return show.Percent(n.Value / watched)
}

// bytesOf writes a number of bytes.
func bytesOf(n Number) string {
	if !n.Known {
		return show.Nothing
	}
	return show.Bytes(int64(n.Value))
}
