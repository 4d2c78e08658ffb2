package report_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
	"hyperscale/internal/testkit"
)

// golden compares text with a file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	testkit.Golden(t, filepath.Join("testdata", name), got)
}

func text(t *testing.T, o report.TextOptions) string {
	t.Helper()
	var b strings.Builder
	if err := report.Text(&b, report.Summarise(shopResult(), report.Options{ExitCode: 99}), o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	golden(t, "summary.txt", text(t, report.TextOptions{Theme: show.NewTheme(false)}))
}

func TestTextFitsItsWidth(t *testing.T) {
	for _, width := range []int{40, 50, 80, 100, 132} {
		for _, colour := range []bool{false, true} {
			for line := range strings.Lines(text(t, report.TextOptions{Width: width, Theme: show.NewTheme(colour)})) {
				if n := show.Width(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%d cells in a line of at most %d: %q", n, width, line)
				}
			}
		}
	}
}

func TestTextIsSafeToPrint(t *testing.T) {
	got := text(t, report.TextOptions{Theme: show.NewTheme(false)})
	unsafe := strings.IndexFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\n' })
	if unsafe >= 0 || !strings.Contains(got, `out of\nstock`) {
		t.Errorf("control character at %d of\n%s", unsafe, got)
	}
}

// refused is a run that ended within its first second: nobody watched the machine,
// and the target refused every connection.
func refused() *stats.Result {
	record := stats.NewRecord(layout("main", stats.StepLayout{Name: "GET /"}))
	record.Slots = stats.Slots{Due: 3, Started: 3, Failed: 3}
	s := &record.Steps[0]
	s.Started, s.Failed = 3, 3
	for range 3 {
		s.Fault(1, "")
	}
	tally := stats.NewTally()
	iv := stats.Interval{To: 100 * time.Millisecond}
	tally.Add(stats.NewStream("main", hyperscale.Whole).Last(iv, []*stats.Record{record}, stats.Readings{}))
	return &stats.Result{
		Plan: &hyperscale.Plan{Name: "main"}, Phase: hyperscale.Completed, Elapsed: 100 * time.Millisecond,
		Tally: tally, Verdict: stats.Verdict{State: stats.Valid}, Generator: stats.Generator{Readings: stats.Readings{Lanes: 2}},
	}
}

func TestTextOfARunWithoutAnswers(t *testing.T) {
	var b strings.Builder
	if err := report.Text(&b, report.Summarise(refused(), report.Options{ExitCode: 1}), report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	if !strings.Contains(got, "not one request was answered") {
		t.Errorf("nothing says why the exit code is 1:\n%s", got)
	}
	if strings.Contains(got, "CPU 0") || !strings.Contains(got, "too short a run") {
		t.Errorf("figures of a machine that was not watched:\n%s", got)
	}
	if shop := text(t, report.TextOptions{}); strings.Contains(shop, "not one request") {
		t.Errorf("a run with answers is said to have none:\n%s", shop)
	}
}

func TestTextSaysWhatLimitedASearch(t *testing.T) {
	for by, want := range map[string]string{
		"to":           "800/s, the highest that the plan allows (to)",
		"condition":    "800/s, limited by the condition",
		"this machine": "800/s, limited by this machine",
		"":             "800/s, and the search did not come to its end",
	} {
		r := refused()
		r.Workflows = []stats.WorkflowResult{{Name: "main", Search: &stats.SearchResult{Rate: 800, LimitedBy: by}}}
		var b strings.Builder
		if err := report.Text(&b, report.Summarise(r, report.Options{}), report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}

// "its iteration failed" alone sends people to search for what is known.
func TestTextSaysWhyAWorkflowFailed(t *testing.T) {
	r := shopResult()
	r.Workflows[1].Phase, r.Workflows[1].Failure = hyperscale.Failed, "its iteration failed"
	if got := report.Summarise(r, report.Options{}).Workflows[1].Value.Why; !strings.HasPrefix(got, "its iteration failed: ") || !strings.Contains(got, "timeout") {
		t.Errorf("got %q", got)
	}
	r.Workflows[1].Failure = "step POST /cart of a shop with a long path failed (on-error: abort)"
	if got := report.Summarise(r, report.Options{}).Workflows[1].Value.Why; !strings.Contains(got, "abort): ") || !strings.Contains(got, "timeout") {
		t.Errorf("got %q", got)
	}
}

// What never ran did not fail after a time, and a cause within one second is at one
// time.
func TestTextOfTimesWithoutLength(t *testing.T) {
	r := refused()
	r.Elapsed, r.Phase = 0, hyperscale.Cancelled
	r.Verdict = stats.Verdict{State: stats.Degraded, Causes: []stats.Cause{
		{State: stats.Degraded, What: "one", From: 1200 * time.Millisecond, To: 1900 * time.Millisecond},
		{State: stats.Degraded, What: "two", From: 1200 * time.Millisecond, To: 3 * time.Second},
	}}
	var b strings.Builder
	if err := report.Text(&b, report.Summarise(r, report.Options{}), report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cancelled before anything ran\n", "one (0:01)\n", "two (0:01 – 0:03)\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}
