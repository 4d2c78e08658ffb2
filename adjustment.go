package hyperscale

// Adjustment changes the load of a running workflow. Adjustments of a job are
// numbered from 1 and stored before anybody hears of them, so that the schedule
// stays a function of the plan and its adjustments.
type Adjustment struct {
	Number   uint64
	Workflow string
	At       JobTime // from then on: at least two seconds after it was stored
	Do       AdjustKind
	Rate     Rate  // AdjustRate: the level from then on, in place of what the stages say
	VUs      int64 // AdjustVUs: likewise
}

// AdjustKind says what an adjustment does.
type AdjustKind string

// The kinds of adjustments. After a pause nothing becomes due until the load is
// resumed, which goes on with its schedule where it was paused.
const (
	AdjustRate   AdjustKind = "rate"
	AdjustVUs    AdjustKind = "vus"
	AdjustPause  AdjustKind = "pause"
	AdjustResume AdjustKind = "resume"
)
