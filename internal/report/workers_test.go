package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// shared is the sample run on two workers, one of which was lost on the way.
func shared() *stats.Result {
	r := shopResult()
	r.Job = "01J"
	first := hyperscale.Share{Lo: 0, Hi: 1, Of: 2, Turn: 1}
	second := hyperscale.Share{Lo: 1, Hi: 2, Of: 2, Turn: 1}
	cover := hyperscale.Share{Lo: 1, Hi: 2, Of: 2, Turn: 2, From: 3 * time.Second}
	watched := stats.Readings{Lanes: 2, Watched: 4 * time.Second, CPU: 3 * time.Second, Saturated: time.Second, RSS: 45_000_000}
	r.Skew = 1200 * time.Microsecond
	r.Workers = []stats.WorkerResult{
		{Node: "eu-w1", Readings: watched, Requests: 41, Holds: []stats.HoldResult{
			{Workflow: "browse", Share: first, Slots: 15, Requests: 30, Reach: 4 * time.Second},
			{Workflow: "browse", Share: cover, Slots: 5, Requests: 11, Reach: 4 * time.Second},
		}},
		{Node: "eu-w2\x1b[2J", Requests: 20, Holds: []stats.HoldResult{
			{Workflow: "browse", Share: second, Slots: 10, Requests: 20, Reach: 2 * time.Second, Lost: true},
		}},
	}
	r.Losses = []stats.Loss{{Node: "eu-w2", Workflow: "browse", From: 2 * time.Second, To: 3 * time.Second, Lost: 5, Missed: 3, Requests: 1210}}
	r.Verdict.Causes = append(stats.LossCauses(r.Losses), r.Verdict.Causes...)
	return r
}

func TestTextOfWorkers(t *testing.T) {
	var b strings.Builder
	if err := report.Text(&b, report.Summarise(shared(), report.Options{}), report.TextOptions{Theme: show.NewTheme(false)}); err != nil {
		t.Fatal(err)
	}
	golden(t, "workers.txt", b.String())
	for _, want := range []string{"at most 1,210 requests of lost slots are not in these counts", ", on eu-w2 (0:02 – 0:03)"} {
		if got := strings.Join(strings.Fields(b.String()), " "); !strings.Contains(got, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestJSONOfWorkers(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteJSON(&b, report.Summarise(shared(), report.Options{})); err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	var part bytes.Buffer
	for _, key := range []string{"job", "workers", "losses", "requests_not_counted_at_most"} {
		fmt.Fprintf(&part, "%s: %s\n", key, all[key])
	}
	golden(t, "workers.json", part.String())
}

// However many were lost, the summary for people stays short.
func TestTextOfManyWorkers(t *testing.T) {
	r := shared()
	for i := range 500 {
		r.Workers = append(r.Workers, stats.WorkerResult{Node: fmt.Sprint("w", i)})
		r.Losses = append(r.Losses, stats.Loss{Node: fmt.Sprint("w", i), Workflow: "browse", Requests: math.MaxUint64})
	}
	r.Verdict.Causes = stats.LossCauses(r.Losses)
	for i, width := range []int{40, 80, 40} {
		var b strings.Builder
		theme := show.NewTheme(i == 2)
		if err := report.Text(&b, report.Summarise(r, report.Options{}), report.TextOptions{Width: width, Theme: theme}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := show.Width(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("%d cells in a line of at most %d: %q", n, width, line)
			}
		}
		if i == 2 {
			continue
		}
		got := strings.Join(strings.Fields(b.String()), " ")
		for _, want := range []string{"and 485 more causes", "and 482 more workers", "nobody can say how many requests"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in:\n%s", want, b.String())
			}
		}
		if n := strings.Count(b.String(), "\n"); n > 260 {
			t.Errorf("%d lines", n)
		}
	}
}
