package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// spread is the sample run in two datacenters: one logged in and browsed for the first
// seconds, and the other for the last.
func spread() *stats.Result {
	r := shopResult()
	r.Job = "01J"
	eu, us := stats.NewTotals(), stats.NewTotals()
	login := stats.NewStream("login", hyperscale.Whole)
	eu.AddJoint(login.Last(stats.Interval{To: time.Second}, []*stats.Record{loginRecord()}, stats.Readings{Node: "eu/w1", Lanes: 2, Watched: time.Second, CPU: time.Second / 2}))
	browse := stats.NewStream("browse", hyperscale.Whole)
	for i, stretch := range []stats.Stretch{stats.InWarmup, stats.InLoad, stats.InLoad} {
		iv := stats.Interval{From: time.Duration(i+1) * time.Second, To: time.Duration(i+2) * time.Second, Stretch: stretch}
		[]*stats.Tally{eu, eu, us}[i].AddJoint(browse.Cut(iv, []*stats.Record{browseRecord()}, stats.Readings{Node: []string{"eu/w1", "eu/w2", "us/w1"}[i], Lanes: 2}))
	}
	first := hyperscale.Share{Lo: 0, Hi: 1, Of: 1, Turn: 1}
	r.Datacenters = []stats.DatacenterResult{
		{Name: "eu", Tally: eu, PlannedVU: []time.Duration{0, 20 * time.Second, 0}, Parts: []stats.HoldResult{
			{Workflow: "browse", Share: first, Slots: 20, Requests: 40, Reach: 3 * time.Second, Lost: true},
		}},
		{Name: "us\x1b[2J", Tally: us, PlannedVU: []time.Duration{0, 10 * time.Second, 0}, Verdict: stats.Verdict{
			State: stats.Invalid, Causes: []stats.Cause{{State: stats.Invalid, What: "too late", Node: "us/w1", To: time.Second}},
		}},
	}
	for _, name := range []string{"eu/w1", "eu/w2", "us/w1"} {
		r.Workers = append(r.Workers, stats.WorkerResult{Node: name, Readings: stats.Readings{Lanes: 2}})
	}
	return r
}

// textOf is the summary for people.
func textOf(t *testing.T, r *stats.Result, width int) string {
	t.Helper()
	var b strings.Builder
	if err := report.Text(&b, report.Summarise(r, report.Options{}), report.TextOptions{Width: width, Theme: show.NewTheme(false)}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextOfDatacenters(t *testing.T) {
	text := textOf(t, spread(), 80)
	from, to := strings.Index(text, "datacenter "), strings.Index(text, "Response time counts")
	if from < 0 || to < from {
		t.Fatalf("no table in\n%s", text)
	}
	golden(t, "datacenters.txt", text[from:to])
	one := spread()
	one.Datacenters = one.Datacenters[:1]
	if text := textOf(t, one, 80); strings.Contains(text, "datacenter") {
		t.Errorf("one alone is told apart:\n%s", text)
	}
}

func TestTextOfManyDatacenters(t *testing.T) {
	r := spread()
	for i := range 40 {
		d := r.Datacenters[0]
		d.Name = fmt.Sprint("d", i)
		r.Datacenters = append(r.Datacenters, d)
	}
	text := textOf(t, r, 60)
	for line := range strings.Lines(text) {
		if n := show.Width(strings.TrimSuffix(line, "\n")); n > 60 {
			t.Errorf("%d cells: %q", n, line)
		}
	}
	if !strings.Contains(text, "and 22 more datacenters") {
		t.Error(text)
	}
}

func TestJSONOfDatacenters(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteJSON(&b, report.Summarise(spread(), report.Options{})); err != nil {
		t.Fatal(err)
	}
	var s struct {
		Datacenters []struct {
			Name      string
			Workflows map[string]json.RawMessage
			Totals    struct {
				Iterations, Requests map[string]uint64
				VUSeconds            map[string]*float64    `json:"vu_seconds"`
				Response             struct{ Count uint64 } `json:"response_ms"`
			}
			Verdict, Parts json.RawMessage
			Workers, Lanes int
		}
		Workers []map[string]any
		Totals  struct{ Iterations, Requests map[string]uint64 }
	}
	if err := json.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	sum := map[string]uint64{}
	for _, d := range s.Datacenters {
		for what, n := range d.Totals.Iterations {
			sum["iterations "+what] += n
		}
		for what, n := range d.Totals.Requests {
			sum["requests "+what] += n
		}
	}
	for what, n := range s.Totals.Iterations {
		if sum["iterations "+what] != n {
			t.Errorf("%d iterations %s in datacenters, %d in all", sum["iterations "+what], what, n)
		}
	}
	for what, n := range s.Totals.Requests {
		if sum["requests "+what] != n {
			t.Errorf("%d requests %s in datacenters, %d in all", sum["requests "+what], what, n)
		}
	}
	eu, us := s.Datacenters[0], s.Datacenters[1]
	if eu.Name != "eu" || len(eu.Workflows) != 2 || len(us.Workflows) != 1 || us.Workflows["browse"] == nil || eu.Workers != 2 || us.Lanes != 2 {
		t.Errorf("%+v", s.Datacenters)
	}
	if *us.Totals.VUSeconds["planned"] != 10 || us.Totals.Response.Count != 20 {
		t.Errorf("%+v", us.Totals)
	}
	if !strings.Contains(string(eu.Parts), `"lost": true`) || !strings.Contains(string(us.Verdict), "too late") {
		t.Errorf("%s %s", eu.Parts, us.Verdict)
	}
	if n, there := s.Workers[0]["requests_started"]; !there || n != nil {
		t.Errorf("how many requests a worker of a datacenter started is not known here: %v", n)
	}
}

func TestHTMLOfDatacenters(t *testing.T) {
	for _, r := range []*stats.Result{spread(), shopResult()} {
		page := htmlOf(t, r)
		if strings.Contains(page, "<h2>Datacenters</h2>") != (len(r.Datacenters) > 1) {
			t.Error(page)
		}
		if len(r.Datacenters) > 1 && (!strings.Contains(page, "<tr><td>eu<td>21<td>") || !strings.Contains(page, "<tr><td>&nbsp;&nbsp;browse<td>20") || !strings.Contains(page, "too late (us/w1)")) {
			t.Error(page)
		}
	}
}
