package rpc

import (
	"context"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// Jobs is what a gate or manager does for those who use its cluster. Errors are
// [Error]s; a node that does not own the job answers NotOwner with the owner's
// address. Methods are called by many goroutines at once.
type Jobs interface {
	// Submit takes a job in and makes it durable before it answers. The same key
	// of the same caller is the same job.
	Submit(context.Context, Caller, Submission) (Accepted, error)

	// Get tells how a job fares.
	Get(context.Context, Caller, hyperscale.JobID) (Status, error)

	// List tells of the jobs that are remembered, the newest first.
	List(context.Context, Caller, Query) ([]Status, error)

	// Watch sends a snapshot at once and then updates, in order, until the job
	// has ended and all its events were sent, ctx ends or send fails. Send blocks
	// while the watcher is slow.
	Watch(ctx context.Context, who Caller, job hyperscale.JobID, after uint64, send func(Update) error) error

	// Cancel ends a job or one of its workflows.
	Cancel(context.Context, Caller, Cancellation) (CancelStatus, error)

	// Adjust stores an adjustment and gives it back with its number and time.
	Adjust(ctx context.Context, who Caller, job hyperscale.JobID, key string, a hyperscale.Adjustment) (hyperscale.Adjustment, error)

	// Result gives what a finished job found, at most [MaxWhole] bytes.
	Result(context.Context, Caller, hyperscale.JobID) ([]byte, error)
}

// Cluster is what a gate or manager tells of its tier.
type Cluster interface {
	// Members tells of all nodes of the tier and their children.
	Members(context.Context, Caller) ([]Member, error)

	// Drain lets a node finish or hand over what it has and take nothing new. It
	// returns once that is under way.
	Drain(context.Context, Caller, hyperscale.NodeID) error
}

// Submission is a job handed in.
type Submission struct {
	Key  string // makes it idempotent; never empty
	Name string // for people
	Options
	Spec []byte // opaque; at most [MaxWhole] bytes
}

// Options are how a job is run, beside what its plan says.
type Options struct {
	Priority  link.Priority
	Exclusive bool          // nothing else runs beside it
	Cores     int           // over all workers; 0: as many as the load asks for
	OneHolder bool          // no slot is given to another before its holder must have stopped
	Deadline  time.Duration // of the whole job; 0: by the plan
	Tags      []hyperscale.Pair
	Reporters []string // told what the job does, by its owner: each NAME=ADDRESS
	Across    hyperscale.Across
}

// Accepted says that a submission is durable.
type Accepted struct {
	Job     hyperscale.JobID
	Owner   hyperscale.NodeID
	Address string // of the owner
	Epoch   hyperscale.Epoch
	Again   bool // the key was known, and this is the job that it made
}

// Query chooses jobs to list.
type Query struct {
	Active bool // only those that have not ended
	Limit  int  // 0: by the server's
}

// Status is how a job fares.
type Status struct {
	Job       hyperscale.JobID
	Name      string
	Phase     hyperscale.Phase
	Reason    string // of the phase, in words
	Owner     hyperscale.NodeID
	Address   string // of the owner
	Epoch     hyperscale.Epoch
	Submitted time.Time // for people only
	Elapsed   hyperscale.JobTime
	Percent   float64 // 0 … 100, whole; never falls
	Totals    Totals
	Workflows []WorkflowStatus
	Tags      []hyperscale.Pair // of the submission
}

// WorkflowStatus is how a workflow fares.
type WorkflowStatus struct {
	Name    string
	Phase   hyperscale.Phase
	Percent float64
	Cores   int // that hold a share of it now
	Totals  Totals
	Waiting link.Waiting // for cores; zero: it does not
}

// Totals counts slots and requests as the accounting does.
type Totals struct {
	Due, Missed, Started, Completed, Failed, Interrupted, Lost int64
	Requests                                                   RequestTotals
}

// RequestTotals counts requests.
type RequestTotals struct {
	Started, OK, Failed, TimedOut, Cancelled, Lost int64
}

// Update is one thing that a watcher hears: a [hyperscale.Event], wrapped as
// [Happened], a [Live], a [Window] or a [Snapshot].
type Update interface{ update() }

// Happened is an event of the job: each is heard exactly once, in order.
type Happened struct{ hyperscale.Event }

// Live is the job's progress now, as a JSON document that is stored nowhere. A
// newer one replaces those before.
type Live struct{ Progress []byte }

// Window is a merged window of results, as stats encodes it.
type Window struct{ Data []byte }

// Snapshot is the job's state as a whole. Truncated: events between the number
// asked for and the next that follows are gone.
type Snapshot struct {
	Status    Status
	Truncated bool
}

func (Happened) update() {}
func (Live) update()     {}
func (Window) update()   {}
func (Snapshot) update() {}

// Cancellation asks for a job's end.
type Cancellation struct {
	Job      hyperscale.JobID
	Workflow string      // "": the whole job
	Reason   string      // for people
	Proof    *link.Proof // that the client wants it; nil: none was given. Filled in by [Conn.Cancel]
}

// CancelStatus is what a cancellation came to.
type CancelStatus string

// What a cancellation may come to.
const (
	CancelledNow     CancelStatus = "CANCELLED"
	PendingCancelled CancelStatus = "PENDING_CANCELLED" // workers have yet to confirm
	AlreadyCancelled CancelStatus = "ALREADY_CANCELLED"
	AlreadyCompleted CancelStatus = "ALREADY_COMPLETED"
	NothingToCancel  CancelStatus = "NOT_FOUND"
)

// Member is a node of the cluster as another sees it.
type Member struct {
	Node        hyperscale.NodeID
	Boot        hyperscale.Boot
	Role        string // gate, manager or worker
	Datacenter  string
	Address     string
	Version     string
	State       string // alive, suspect, dead, left or draining
	Cores, Free int    // of workers
	JobsOwned   int    // of managers and gates
	StoreLeader bool
}
