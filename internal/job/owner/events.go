package owner

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// Event is something that happened to the owner of a job.
type Event interface{ event() }

// The events.
type (
	// Begin is the first: the job was accepted, or taken over.
	Begin struct{}

	// Stated: a child said what it holds of this job. Statements come in order,
	// and after one of a higher boot none of a lower.
	Stated struct {
		link.Holder
		Held  []link.Held   // of this job only
		Trip  time.Duration // there and back; 0: unknown
		Fresh bool          // the first since the child attached
	}

	// Lost: a child is not heard any more. Dead says that it, or its way to us,
	// is known to have ended; else it is only silent. Sure: it is the child that did.
	Lost struct {
		link.Holder
		Dead  bool
		Sure  bool          // of Dead
		Since time.Duration // of Dead: since when, on the clock of Step; 0: now
	}

	// Moved: the job has another owner in one of its datacenters, under that epoch there.
	Moved struct {
		From, To hyperscale.NodeID
		Epoch    hyperscale.Epoch
	}

	// Delivered: a window came. It was decoded, and is of this job and of the hold
	// that it is delivered for. Of its holder only the node counts.
	Delivered struct {
		link.Holder
		link.Delivery
		Window *stats.Window
	}

	// Granted answers a want of [Owner.Wants], for all of its workflows.
	Granted struct {
		Want  uint64
		Cores map[string][]link.Cores // by workflow
		Said  []hyperscale.Event      // what people should hear of it
	}

	// Queued: a want waits, and for what.
	Queued struct {
		Want uint64
		link.Waiting
	}

	// Denied: a want will never be granted.
	Denied struct {
		Want   uint64
		Reason string
	}

	// Unbriefed: a Prepare could not be put into words for an engine.
	Unbriefed struct {
		Hold   link.Hold
		Reason string
	}

	// Cancel is a client's wish; the answer follows as [Answer] with its Token.
	Cancel struct {
		Token    uint64
		Workflow string // "": the job
		By       string
	}

	// Adjust is a client's wish to change the load of a running workflow; the answer
	// follows as [Adjusted] with its Token. The same key is the same adjustment.
	// Number and At are filled in. It was checked against the plan.
	Adjust struct {
		Token      uint64
		Key        string
		By         string
		Adjustment hyperscale.Adjustment
	}

	// Ordered is what the parent of the job wants of it: of a part that it gave, or
	// gives with a Prepare. Its epoch is not lower than any that was heard.
	Ordered struct {
		Order   link.Order
		Prepare *Prepare                // of a Prepare; else nil
		Adjust  []hyperscale.Adjustment // of an Adjust: all so far
	}

	// TopHeard: the last word of the job's top owner is so old.
	TopHeard struct{ Age time.Duration }

	// ParentAt says how the parent of the job is reached from now on: over which
	// link, of those whose numbers rise, to the owner of which epoch. What it did not
	// acknowledge goes again. The zero value: it is not reached.
	ParentAt struct {
		Link  uint64
		Epoch hyperscale.Epoch
		Level link.Level // what it can take of windows
	}

	// ParentTells: the parent answers what it was sent.
	ParentTells struct{ Receipt link.Receipt }

	// Saved: everything up to and including that save is durable. Every is how many
	// whole seconds of job time are to lie between the Timed saves from now on, as
	// what all jobs of the node write has it; 0: one. Longer than [LongestEvery] it
	// never is.
	Saved struct {
		Number uint64
		Every  time.Duration
	}

	// Tick: the time that [Owner.Next] told has come. It does no harm at others.
	Tick struct{}
)

func (Begin) event()       {}
func (Stated) event()      {}
func (Lost) event()        {}
func (Moved) event()       {}
func (Delivered) event()   {}
func (Granted) event()     {}
func (Queued) event()      {}
func (Denied) event()      {}
func (Unbriefed) event()   {}
func (Cancel) event()      {}
func (Adjust) event()      {}
func (Ordered) event()     {}
func (TopHeard) event()    {}
func (ParentAt) event()    {}
func (ParentTells) event() {}
func (Saved) event()       {}
func (Tick) event()        {}

// Effect is something that is to be done, in order.
type Effect interface{ effect() }

// The effects.
type (
	// Tell gives a child an order. Of a Prepare and an Adjust the shell makes the
	// brief.
	Tell struct {
		To      link.Holder
		Order   link.Order
		Prepare *Prepare                // of a Prepare; else nil
		Adjust  []hyperscale.Adjustment // of an Adjust: all so far
	}

	// Acknowledge answers a child's deliveries.
	Acknowledge struct {
		To      link.Holder
		Receipt link.Receipt
	}

	// Save is to be made durable as one; then Saved with its number is due. At
	// most one is under way. A save that is not Base is added to those before.
	Save struct {
		Number uint64
		Timed  bool // it comes at its time, after others that something else asked for
		Base   bool
		Record []byte // nil: nothing but events and phase
		Clock  hyperscale.JobTime
		Phase  hyperscale.Phase
		Reason string  // why it waits; or did not complete, once it is over
		Done   float64 // percentage, 0 … 100, whole, never falling
		Events []hyperscale.Event
		// Ended says that the job is over: it is to be finished with the phase, and
		// no save follows unless its parent waits for something yet (Pending).
		Ended, Pending bool
		// Result is the whole of what came of the job, with the first save that says
		// Ended; it comes after the Record.
		Result []byte
	}

	// Deliver sends the parent a window. It was saved before, and never changes.
	Deliver struct{ Delivery link.Delivery }

	// Answer is the answer to a client that asked with the token.
	Answer struct {
		Token  uint64
		Status CancelStatus
	}

	// Adjusted is the answer to a client that wanted to adjust a load. Refused says
	// why not; "": it will be, as the adjustment says.
	Adjusted struct {
		Token      uint64
		Adjustment hyperscale.Adjustment
		Refused    string
	}

	// Show gives watchers the newest numbers each second, and the joints of windows
	// that were saved. Done is of what was saved, too.
	Show struct {
		Progress stats.Progress
		Done     float64
		Windows  []*stats.Window
		First    uint64 // number of the first of them, if the job is [Config.Numbered]
	}

	// Over is the last effect: nothing is left of the job here.
	Over struct{ Phase hyperscale.Phase }
)

func (Tell) effect()        {}
func (Acknowledge) effect() {}
func (Save) effect()        {}
func (Deliver) effect()     {}
func (Answer) effect()      {}
func (Adjusted) effect()    {}
func (Show) effect()        {}
func (Over) effect()        {}

// Prepare says what a child is to make ready.
type Prepare struct {
	Workflow    string
	Load        hyperscale.Load // never a search
	First       hyperscale.Slot // number of the load's first slot
	Warmup      time.Duration
	Graceful    time.Duration
	Use         []hyperscale.Pair
	Share       hyperscale.Share
	Begun       bool // the load has begun, at Begin, and the share goes on with it
	Begin       hyperscale.JobTime
	From        link.Reserve // Begun: places and passes before were others'
	Adjustments []hyperscale.Adjustment

	// Of a part, for a datacenter: parts of one group want cores together, once all
	// are there; 0: it is of none.
	Group uint64
	Parts int
}

// CancelStatus is what became of a wish to cancel.
type CancelStatus string

// The answers to a wish to cancel.
const (
	CancelPending    CancelStatus = "PENDING_CANCELLED"
	AlreadyCancelled CancelStatus = "ALREADY_CANCELLED"
	AlreadyOver      CancelStatus = "ALREADY_COMPLETED"
	CancelUnknown    CancelStatus = "NOT_FOUND" // no such workflow
)

// Want asks for cores: for all its workflows or none.
type Want struct {
	Number    uint64 // the same want has the same number
	Workflows []WantCores
	Exclude   []link.Holder // never these
	Prefer    []hyperscale.NodeID
	OrNever   bool // some refused it for good: it does not wait for more than are there
}

// WantCores is what one workflow wants. The shell knows how many cores a workflow
// has use for; a cover wants as many as the lost share had.
type WantCores struct {
	Workflow string
	Cores    int              // 0: as many as the workflow has use for
	Least    int              // of a cover: fewer are better than none; 0: all or none
	Part     hyperscale.Share // of a job that is led: what of the workflow they are for; Cores are at most as many

	// Of a job that several datacenters run each: which copy wants them, and where it is;
	// "": anywhere, but each copy elsewhere. Else zero.
	Copy int
	At   hyperscale.NodeID
}
