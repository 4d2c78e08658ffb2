package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"hyperscale/internal/plan"
	"hyperscale/internal/report"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// The exit codes. Where several hold, the first of this list is it.
const (
	codeRefused     = 104 // bad plan, flags, configuration or preflight
	codeInterrupted = 105 // Ctrl-C, SIGTERM, q
	codeDeadline    = 97  // cancelled, or past the job's deadline
	codeFailed      = 107 // a workflow without load failed, or on-error: abort fired
	codeThresholds  = 99
	codeInvalid     = 91
	codeDegraded    = 90 // with --strict
	codeNoContact   = 98 // contact with the cluster lost
	codeOther       = 1  // output not written, nothing answered, anything else
)

// refusal is an error of what the user gave: nothing was begun.
type refusal struct{ error }

// Unwrap gives the cause.
func (r refusal) Unwrap() error { return r.error }

// refuse makes a refusal.
func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

// refused makes an error a refusal; nil stays nil.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return refusal{err}
}

// errInterrupted says that the user ended what had not begun to send.
var errInterrupted = errors.New("interrupted")

// outcome is what a command came to.
type outcome struct {
	err    error         // nil: it did what it was asked
	result *stats.Result // of a run that started; else nil
	strict bool          // DEGRADED is no success
}

// exitCode is the one place where what happened becomes an exit code.
func exitCode(o outcome) int {
	if errors.As(o.err, new(refusal)) {
		return codeRefused
	}
	if errors.Is(o.err, errInterrupted) {
		return codeInterrupted
	}
	if errors.As(o.err, new(errNoContact)) {
		return codeNoContact
	}
	if o.result != nil {
		if code := report.ExitCode(o.result, o.strict); code != 0 {
			return code
		}
	}
	if o.err != nil {
		return codeOther
	}
	return 0
}

// complaint is an error as --json writes it: one object a line.
type complaint struct {
	Error  string `json:"error"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// complain writes an error for people or for programs. That it cannot be
// written is not reported: there is nowhere left to do so.
func complain(w io.Writer, err error, asJSON bool) {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		for _, c := range complaints(err) {
			_ = e.Encode(c)
		}
		return
	}
	prefix := "hyperscale: "
	if errors.As(err, new(plan.Faults)) {
		prefix = "" // each line begins with its place
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, _ = fmt.Fprintln(w, prefix+show.Clean(line))
	}
}

// complaints gives each fault of a plan, or the error itself.
func complaints(err error) []complaint {
	var faults plan.Faults
	if !errors.As(err, &faults) {
		return []complaint{{Error: err.Error()}}
	}
	var all []complaint
	for _, f := range faults {
		all = append(all, complaint{f.Message(), f.File, f.Pos.Line, f.Pos.Col})
	}
	return all
}
