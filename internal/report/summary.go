package report

import (
	"encoding/json"
	"time"
)

// Schema names the layout of the JSON summary. Fields may be added under the
// same name; none is ever removed or given another meaning.
const Schema = "hyperscale.summary/1"

// Summary is what a run came to, as people and programs read it. In JSON
// durations are in milliseconds where the name ends in _ms and in seconds where
// it ends in _s, times are RFC 3339, and what is not known is null.
type Summary struct {
	Schema string `json:"schema"`
	About
	Job         *string         `json:"job"` // null in a local run
	Phase       string          `json:"phase"`
	Submitted   *time.Time      `json:"submitted"` // null in a local run
	Started     *time.Time      `json:"started"`   // job time 0; null if it never began
	Elapsed     Number          `json:"elapsed_s"`
	Passed      bool            `json:"passed"` // every threshold; true without any
	ExitCode    int             `json:"exit_code"`
	Skipped     []string        `json:"skipped"` // workflows that were never started
	Verdict     Verdict         `json:"verdict"`
	Thresholds  []Threshold     `json:"thresholds"`
	Totals      Totals          `json:"totals"`
	Workflows   Named[Workflow] `json:"workflows"` // in the plan's order
	Generator   Generator       `json:"generator"`
	Distributed                 // of clusters; empty in a local run
}

// Ended is the wall clock at the end of the run; of one that never began, when it was
// submitted.
func (s *Summary) Ended() time.Time {
	switch {
	case s.Started != nil:
		return s.Started.Add(time.Duration(s.Elapsed.Value * float64(time.Second)))
	case s.Submitted != nil:
		return *s.Submitted
	}
	return time.Time{}
}

// About names a run.
type About struct {
	Plan string `json:"plan"`
	Tags Tags   `json:"tags"` // in the plan's order
}

// Distributed is what only a run on several machines has, and the timeline.
type Distributed struct {
	Workers     []Worker     `json:"workers"`     // by name; those of a datacenter as "datacenter/worker"
	Datacenters []Datacenter `json:"datacenters"` // by name; none where no gate was asked
	Timeline    []Mark       `json:"timeline"`
	Losses      []Loss       `json:"losses"` // by time
	// Unreported is how many requests at most are in no count: those of lost
	// slots, stray ones included.
	Unreported uint64 `json:"requests_not_counted_at_most"`
	// Skew is how far the clock of a worker was at most beside that of the job when
	// it began; 0: a local run.
	Skew float64 `json:"start_skew_s"`
}

// Worker is what one worker did, and what the load cost its machine.
type Worker struct {
	Node     string `json:"node"`
	Requests Number `json:"requests_started"` // as far as it could tell; null in a datacenter below gates
	Lanes    int    `json:"lanes"`
	Machine
	Holds []Hold `json:"holds"` // by workflow, share and turn
}

// Datacenter is what one datacenter did. The counts of all add up to those of the job.
type Datacenter struct {
	Name      string         `json:"name"`
	Verdict   Verdict        `json:"verdict"` // on what it was given alone
	Totals    Totals         `json:"totals"`
	Workflows Named[Portion] `json:"workflows"` // in the plan's order; those that it told of
	Workers   int            `json:"workers"`   // that told of themselves
	Lanes     int            `json:"lanes"`
	Machine
	Parts []Hold `json:"parts"` // of the load, by workflow, share and turn
}

// Portion is the figures of what one datacenter did of a workflow.
type Portion struct {
	Totals
	Warmup *Warmup     `json:"warmup"`
	Steps  Named[Step] `json:"steps"` // in the plan's order
}

// Hold is what a worker, or a datacenter, held for a while: the slots whose number modulo Of lies
// in [Lo, Hi), under a turn, due from some job time on.
type Hold struct {
	Workflow string  `json:"workflow"`
	Lo       int64   `json:"lo"`
	Hi       int64   `json:"hi"`
	Of       int64   `json:"of"`
	Turn     uint64  `json:"turn"`
	From     float64 `json:"from_s"`
	Reach    float64 `json:"reach_s"` // up to here it told what it did
	Slots    uint64  `json:"slots_started"`
	Requests uint64  `json:"requests_started"`
	Lost     bool    `json:"lost"` // it did not end by itself
}

// Loss is a stretch in which a worker was gone and nobody can tell all it did.
type Loss struct {
	Node     *string `json:"node"` // null: unknown
	Workflow string  `json:"workflow"`
	From     float64 `json:"from_s"`
	To       float64 `json:"to_s"`
	Lost     uint64  `json:"lost"`   // iterations
	Missed   uint64  `json:"missed"` // slots
	Requests uint64  `json:"requests_not_counted_at_most"`
}

// Verdict says whether the generator did what the plan asked, and if not, why.
type Verdict struct {
	State  State   `json:"state"`
	Causes []Cause `json:"causes"`
}

// State is VALID, DEGRADED or INVALID; "", which is null in JSON: nothing was asked of
// the generator, for the run ended before anything was due. What nobody asked for was
// not done well.
type State string

// MarshalJSON implements [json.Marshaler].
func (s State) MarshalJSON() ([]byte, error) { return json.Marshal(named(string(s))) }

// Cause is one reason of a verdict, with its stretch of job time.
type Cause struct {
	What string  `json:"what"`
	Node *string `json:"node"` // null: all of it, or this machine
	From float64 `json:"from_s"`
	To   float64 `json:"to_s"`
}

// Threshold is a condition with the value that it was judged by: milliseconds,
// a share of 0 … 1, a number, answers per second, or bytes. Null: nothing was
// there to judge, which fails.
type Threshold struct {
	Text   string `json:"text"`
	Value  Number `json:"value"`
	Passed bool   `json:"passed"`

	shown string // the value as people read it
}

// Mark is something that happened during the run.
type Mark struct {
	At     float64 `json:"at_s"`
	What   string  `json:"what"`
	Detail string  `json:"detail"`
}

// Totals are the figures of a job, of a workflow or of a step. Counts are of
// everything; rates and durations leave out the warm-up. A step has no
// iterations, VU-time, lateness or phases: null.
type Totals struct {
	Iterations *Iterations    `json:"iterations"`
	VUSeconds  *VUSeconds     `json:"vu_seconds"`
	Requests   Requests       `json:"requests"`
	Rate       Number         `json:"rate_per_s"`
	BytesIn    uint64         `json:"bytes_in"`
	BytesOut   uint64         `json:"bytes_out"`
	Status     Named[uint64]  `json:"status"`
	Errors     Errors         `json:"errors"`
	Samples    Named[string]  `json:"error_samples"`
	StepErrors Named[uint64]  `json:"step_errors"` // nothing was sent: outside the requests
	Checks     Named[Outcome] `json:"checks"`
	Times
}

// unanswered reports whether requests were sent and not one got an answer.
func (t *Totals) unanswered() bool { return t.Requests.Started > 0 && len(t.Status) == 0 }

// Tags are the labels that a plan (tags) or --tag gives a run.
type Tags = Named[string]

// Errors counts failed and timed-out requests by kind, the most frequent first.
type Errors = Named[uint64]

// Times are the durations of [Totals].
type Times struct {
	Response Spread  `json:"response_ms"`
	Service  Spread  `json:"service_ms"`
	OK       Spread  `json:"ok_ms"`
	Lateness *Spread `json:"lateness_ms"`
	Phases   *Phases `json:"phases_ms"`
}

// Phases are the parts of service time.
type Phases struct {
	Connect   Spread `json:"connect"`
	TLS       Spread `json:"tls"`
	FirstByte Spread `json:"first_byte"`
	Transfer  Spread `json:"transfer"`
}

// Iterations counts slots: due = started + missed and
// started = completed + failed + interrupted + lost.
type Iterations struct {
	Due         uint64 `json:"due"`
	Missed      uint64 `json:"missed"`
	Started     uint64 `json:"started"`
	Completed   uint64 `json:"completed"`
	Failed      uint64 `json:"failed"`
	Interrupted uint64 `json:"interrupted"`
	Lost        uint64 `json:"lost"`
}

// VUSeconds is VU-time: planned by the schedule of closed loads (null in
// others), and delivered.
type VUSeconds struct {
	Planned   Number `json:"planned"`
	Delivered Number `json:"delivered"`
}

// Requests counts requests:
// started = ok + failed + timed_out + cancelled + lost.
type Requests struct {
	Started   uint64 `json:"started"`
	OK        uint64 `json:"ok"`
	Failed    uint64 `json:"failed"`
	TimedOut  uint64 `json:"timed_out"`
	Cancelled uint64 `json:"cancelled"`
	Lost      uint64 `json:"lost"`
}

// Outcome counts how often a check passed and failed.
type Outcome struct {
	Passed uint64 `json:"passed"`
	Failed uint64 `json:"failed"`
}

// Workflow is the figures of one workflow.
type Workflow struct {
	Totals
	Phase  string      `json:"phase"`
	Why    string      `json:"why"` // it was skipped or failed; "": neither
	Warmup *Warmup     `json:"warmup"`
	Search *Search     `json:"search"`
	Steps  Named[Step] `json:"steps"` // in the plan's order
}

// Warmup is what a workflow's warm-up came to.
type Warmup struct {
	Requests Requests `json:"requests"`
	Response Spread   `json:"response_ms"`
}

// Search is what a search load found. A rate of null: no probe met the
// condition.
type Search struct {
	Rate      Number  `json:"rate"`
	LimitedBy string  `json:"limited_by"`
	Probes    []Probe `json:"probes"`
}

// Probe is one probe of a search.
type Probe struct {
	Rate   float64 `json:"rate"`
	From   float64 `json:"from_s"`
	To     float64 `json:"to_s"`
	Met    bool    `json:"met"`
	Cause  string  `json:"cause"` // what did not hold; "" when met
	P50    Number  `json:"p50_ms"`
	P95    Number  `json:"p95_ms"`
	P99    Number  `json:"p99_ms"`
	Errors float64 `json:"errors"` // share of requests
}

// Step is the figures of one step. Of a group the requests are its passes, and
// they are in no sum.
type Step struct {
	Totals
	Tags    Tags   `json:"tags"`    // of its own, beside those of the plan
	Skipped uint64 `json:"skipped"` // how often it was passed over
	Group   bool   `json:"group"`
}

// Generator is what the load cost the machine that made it; 0 is unknown for
// what comes from its system.
type Generator struct {
	Version string   `json:"version"`
	OS      string   `json:"os"`
	Arch    string   `json:"arch"`
	Lanes   int      `json:"lanes"`
	Notes   []string `json:"notes"` // what leaves the verdict as it is
	Machine
}

// Machine is what self-watch read, a second at a time: of a run that ended before
// the first second was over, nothing is known.
type Machine struct {
	CPU           Number  `json:"cpu_s"`
	RSS           Number  `json:"rss_bytes"`
	GCPause       Number  `json:"gc_pause_ms"`
	GCs           Number  `json:"gcs"`
	RunDelay      Number  `json:"run_delay_ms"`
	Watched       float64 `json:"watched_s"`
	Saturated     Number  `json:"saturated_s"`
	ClockStep     Number  `json:"clock_step_ms"`
	Descriptors   Number  `json:"descriptors"`
	DescriptorCap Number  `json:"descriptors_allowed"`
	Ports         Number  `json:"ports"`
	PortCap       Number  `json:"ports_allowed"`
}
