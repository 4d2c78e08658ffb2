package plan_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"hyperscale"

	"hyperscale/internal/plan"
	"hyperscale/internal/testkit"
)

// transcripts plays a file of plans: each is a YAML text, a line "----", and
// what comes of it.
func transcripts(t *testing.T, file string, play func(text string) string) {
	t.Helper()
	all, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var written []string
	for block := range strings.SplitSeq(strings.TrimSpace(string(all)), "\n====\n") {
		text, want, _ := strings.Cut(block+"\n", "----\n")
		want = strings.TrimSpace(want)
		got := strings.TrimSpace(play(text))
		if got != want && !testkit.Update() {
			t.Errorf("%s\ngot:\n%s\nwant:\n%s", text, got, want)
		}
		written = append(written, strings.TrimSpace(text+"----\n"+got))
	}
	if testkit.Update() {
		if err := os.WriteFile(file, []byte(strings.Join(written, "\n====\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// readText reads a plan whose files are in testdata/reader.
func readText(text string, settings ...plan.Setting) (*plan.Loaded, error) {
	env := map[string]string{"HOST": "shop.example", "EMPTY": "", "URL": "http://y/x"}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	return plan.Read("plan.yaml", strings.NewReader(text), plan.Options{Dir: "testdata/reader", Env: lookup, Settings: settings})
}

// TestFaults plays testdata/faults.txt: what is said of bad plans.
func TestFaults(t *testing.T) {
	transcripts(t, "testdata/faults.txt", func(text string) string {
		l, err := readText(text)
		if err != nil {
			return err.Error()
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		return "no fault"
	})
}

// TestPlans plays testdata/plans.txt: what becomes of good plans. The transport
// is told where it is not that of a request without options.
func TestPlans(t *testing.T) {
	usual := usualTransport(t)
	transcripts(t, "testdata/plans.txt", func(text string) string {
		l, err := readText(text)
		if err != nil {
			return err.Error()
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		return strings.ReplaceAll(dump(l.Plan), usual, "")
	})
}

// usualTransport is the transport of a request without options, as it is dumped.
func usualTransport(t *testing.T) string {
	l, err := readText("workflows: {a: {steps: [{get: http://x/}]}}")
	if err != nil {
		t.Fatal(err)
	}
	tr := l.Plan.Workflows[0].Steps[0].Request.Transport
	if tr.Timeout != 10*time.Second || tr.Redirects != 10 || tr.HTTP != 1 || tr.Connections != hyperscale.ConnPerVU || tr.MaxBody != 1<<20 {
		t.Errorf("defaults: %+v", tr)
	}
	return " Transport:{" + dump(tr) + "}"
}
