package hyperscale

// JobID names one submission of a plan to a cluster. A local run has none.
type JobID string

// Epoch rises by one each time the owner of a job changes. Every order carries
// it and lower ones are refused: it is the fencing token.
type Epoch uint64

// Turn rises by one each time a share's slots go to another holder. Windows are
// named (share, turn, sequence) and judged by turn.
type Turn uint64

// Phase is where a job, or one workflow of it, is in its life.
type Phase string

// The phases. The last four are terminal for jobs; a workflow that was never
// started because a dependency failed is Skipped.
const (
	Waiting   Phase = "WAITING"   // not yet started
	Running   Phase = "RUNNING"   // starts slots
	Finishing Phase = "FINISHING" // starts nothing more; what was started may finish
	Completed Phase = "COMPLETED"
	Failed    Phase = "FAILED"
	Cancelled Phase = "CANCELLED"
	TimedOut  Phase = "TIMEOUT"
	Skipped   Phase = "SKIPPED"
)

// Terminal reports whether nothing follows the phase.
func (p Phase) Terminal() bool {
	switch p {
	case Completed, Failed, Cancelled, TimedOut, Skipped:
		return true
	}
	return false
}
