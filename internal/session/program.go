package session

import (
	"time"

	"hyperscale"
)

// Program is one workflow, compiled: what its sessions share. It never changes
// after Wall was set and may be used by any number of goroutines.
type Program struct {
	Steps   []StepInfo // every step of the workflow, nested ones after the one that holds them; index = Effect.Step
	Origins []*Origin  // those known before the start, in order of use

	CheckNames   []string // arguments of CheckFailed: `home: status`
	CaptureNames []string // arguments of CaptureFailed: variables
	ValueNames   []string // arguments of NoValue, BadValue and NoRow

	// Wall is the clock of `now` templates and of cookies' Expires. It is set
	// before the first Step or not at all; nil stands at the Unix epoch.
	Wall func() time.Time

	flow      flowPlan
	values    valuePlan
	source    hyperscale.Source
	bySlot    bool // the template `iteration` is the slot, not the pass
	keepJar   bool
	manySends bool // cookies of one answer may go with another request
	exports   []export
	timeout   time.Duration // of LongestIteration
	pauses    time.Duration
}

// export is a variable that the workflow exports; ref is -1 when no step gives it.
type export struct {
	name string
	ref  int32
}

// StepInfo names one step.
type StepInfo struct {
	Name   string
	Kind   hyperscale.StepKind
	Group  bool     // it is counted by Listed effects
	Checks []string // as shown: `home: status`; in the order of Effect.Checks
	Tags   []hyperscale.Pair
}

// Inputs is what a workflow needs beside the plan.
type Inputs struct {
	Rows map[string]Rows // by the name of the data set
	// Use holds the variables that the workflow uses of earlier ones, by local
	// name. One that is missing has no value.
	Use       map[string]Value
	UserAgent string // "": hyperscale
}

// Rows is the content of a data set. Sessions of all lanes share it.
type Rows interface {
	// Len is the number of rows.
	Len() int64
	// Row appends the values of row n, 0 ≤ n < Len, in the order of the set's
	// columns to dst.
	Row(n int64, dst []string) ([]string, error)
}

// Value is the value of a variable.
type Value struct {
	Text string
	JSON bool // Text is JSON other than a string, as it was captured: a number, true, an object …
}
