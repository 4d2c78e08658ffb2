package report

import (
	"hyperscale"
	"hyperscale/internal/stats"
)

// The exit codes that a result can ask for.
const (
	exitOther       = 1
	exitDegraded    = 90
	exitInvalid     = 91
	exitDeadline    = 97
	exitThresholds  = 99
	exitInterrupted = 105
	exitFailed      = 107
)

// ExitCode is the exit code that a result alone asks for; 0: all is well. Strict says
// that a DEGRADED verdict is not.
func ExitCode(r *stats.Result, strict bool) int {
	switch {
	case r.Stop.Interrupted:
		return exitInterrupted
	case r.Stop.Deadline, r.Phase == hyperscale.TimedOut, r.Phase == hyperscale.Cancelled && r.Stop.Aborted == "":
		return exitDeadline
	case r.Stop.OnError || setupFailed(r):
		return exitFailed
	case !Passed(r.Thresholds):
		return exitThresholds
	case r.Verdict.State == stats.Invalid:
		return exitInvalid
	case r.Verdict.State == stats.Degraded && strict:
		return exitDegraded
	case nothingAnswered(r) || r.Phase != hyperscale.Completed:
		return exitOther
	}
	return 0
}

// setupFailed reports whether a workflow without load failed.
func setupFailed(r *stats.Result) bool {
	once := make(map[string]bool)
	for i := range r.Plan.Workflows {
		once[r.Plan.Workflows[i].Name] = r.Plan.Workflows[i].Load.Kind == hyperscale.LoadOnce
	}
	for _, w := range r.Workflows {
		if w.Phase == hyperscale.Failed && once[w.Name] {
			return true
		}
	}
	return false
}

// nothingAnswered reports whether requests were to be sent and not one was
// answered.
func nothingAnswered(r *stats.Result) bool {
	for i := range r.Plan.Workflows {
		if hasRequest(r.Plan.Workflows[i].Steps) {
			return len(r.Tally.Job().Statuses) == 0
		}
	}
	return false
}

func hasRequest(steps []hyperscale.Step) bool {
	for i := range steps {
		s := &steps[i]
		if s.Kind == hyperscale.StepRequest || hasRequest(s.Steps) {
			return true
		}
		for _, c := range s.Choices {
			if hasRequest(c.Steps) {
				return true
			}
		}
	}
	return false
}
