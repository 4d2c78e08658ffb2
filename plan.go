package hyperscale

import "time"

// Plan is a test: workflows with their loads and steps, data and thresholds. It
// is pure data, complete (every default is filled in, every option resolved to
// the step it counts for) and never changes once read.
type Plan struct {
	Name       string
	Target     string        // template: base URL of steps that give a path only
	Seed       uint64        // of every draw
	Deadline   time.Duration // of the whole job; above zero
	SLO        *SLO          // nil: none
	Env        []Pair        // the environment variables that templates use, as read at the client
	Vars       []Pair        // name → template, in file order
	Data       []DataSet
	Workflows  []Workflow // in file order, names unique
	Thresholds []Threshold
	Tags       []Pair // carried to outputs
}

// Pair is a name with its value; lists of pairs keep the file's order.
type Pair struct{ Name, Value string }

// SLO says where a job may run: what the target promises seen from a datacenter.
type SLO struct {
	Latency time.Duration
	Rate    Rate
}

// Pick is how rows of a data set are given to iterations.
type Pick string

// The ways of picking rows: by slot number and beginning again, by slot number
// and never twice, by draw, and one fixed row for every virtual user.
const (
	PickShared Pick = "shared"
	PickUnique Pick = "unique"
	PickRandom Pick = "random"
	PickByVU   Pick = "by-vu"
)

// DataSet is a named table that iterations take rows from.
type DataSet struct {
	Name    string
	Format  string // csv or json
	Path    string // as resolved from the plan's place
	Pick    Pick
	Columns []string
	Rows    int64
}

// Workflow is a named part of a plan: a load and a DAG of steps.
type Workflow struct {
	Name     string
	After    []Dependency
	Use      []Use
	Export   []string
	Load     Load
	Warmup   time.Duration // first part of the schedule that durations, rates and thresholds leave out
	Graceful time.Duration // how long started iterations may go on after the load's end
	KeepJar  bool          // cookies stay from one iteration to the next (closed only)
	Steps    []Step
}

// Dependency makes a workflow start after another ended: well, or Always.
type Dependency struct {
	Workflow string
	Always   bool
}

// Use gives a workflow a variable that another one exported.
type Use struct{ Local, Workflow, Name string }

// OnError is what follows when a step failed.
type OnError string

// What may follow a failed step: the next step; the end of the iteration; the
// end of the virtual user; the end of the job.
const (
	OnErrorContinue OnError = "continue"
	OnErrorStop     OnError = "stop"
	OnErrorStopVU   OnError = "stop-vu"
	OnErrorAbort    OnError = "abort"
)

// StepKind tells the actions apart.
type StepKind int

// The kinds of steps.
const (
	StepRequest StepKind = iota
	StepPause
	StepSet
	StepGroup
	StepParallel
	StepChoose
)

// Step is one action of a virtual user.
type Step struct {
	Name    string // unique in the workflow
	Kind    StepKind
	Needs   []int   // indexes in the same list of the steps that must have ended or been skipped
	When    string  // condition; "": always
	Once    bool    // only in a VU's first iteration under each holder
	OnError OnError // resolved: never empty
	Request *Request
	Pause   Pause
	Set     []Pair   // name → template
	Steps   []Step   // of a group or parallel
	Repeat  int64    // group: passes; 0: one
	Until   string   // group: ends the passes once it holds; "": never
	Choices []Choice // of a choose
}

// Choice is one branch of a choose, drawn by weight.
type Choice struct {
	Weight int64
	Steps  []Step
}

// PauseKind is the distribution of a pause.
type PauseKind int

// The distributions of pauses.
const (
	PauseFixed       PauseKind = iota // always Min
	PauseUniform                      // between Min and Max
	PauseExponential                  // with mean Min
)

// Pause is how long a pause step waits.
type Pause struct {
	Kind     PauseKind
	Min, Max time.Duration
}

// Longest is the longest that the pause is expected to take: of an exponential
// one, the time that 999 in 1 000 stay below.
func (p Pause) Longest() time.Duration {
	switch p.Kind {
	case PauseUniform:
		return p.Max
	case PauseExponential:
		return time.Duration(6.91 * float64(p.Min))
	}
	return p.Min
}
