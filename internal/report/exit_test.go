package report_test

import (
	"testing"

	"hyperscale"
	"hyperscale/internal/report"
)

// A job that ran out of time ends with 97: at its deadline, or because a datacenter was
// never heard again.
func TestExitCodeOfATimeout(t *testing.T) {
	r := shopResult()
	r.Phase = hyperscale.TimedOut
	if code := report.ExitCode(r, false); code != 97 {
		t.Errorf("it ends with %d", code)
	}
}
