package route

import (
	"time"

	"hyperscale"
)

// Event is something that the gate heard or found: [Expected], [Removed], [Manager],
// [Sampled], [Stated], [Observed], [Failed], [Cut], [Healed] or [Tick].
type Event interface{ event() }

// Expected says that there should be such a datacenter: one that is configured, or
// that holds a part of a job. What was never heard is silent from then on.
type Expected struct{ Datacenter string }

// Removed says that there is no such datacenter any more. All that was known of it
// goes.
type Removed struct{ Datacenter string }

// Manager is how a manager stands with the gate now, as a whole.
type Manager struct {
	Datacenter string
	Node       hyperscale.NodeID
	State      State
	Open       bool // the breaker of calls to it
}

// State is how a manager stands.
type State int

// The states. With a manager that is gone all goes that was known of it.
const (
	Silent State = iota // known, and not heard
	Heard
	Ailing // heard, and unhealthy by its own word or by that of others
	Gone
)

// Sampled is one round trip to a manager, as a beat measured it. That of a manager
// which is not known is ignored.
type Sampled struct {
	Datacenter string
	Node       hyperscale.NodeID
	RTT        time.Duration
}

// Stated is what the placer of a datacenter says of its cores, whichever manager
// passed it on. The newest replaces all before it, by the epoch of the placer's hold
// and then by its number; one that is not newer is ignored.
type Stated struct {
	Datacenter string
	Epoch      hyperscale.Epoch
	Seq        uint64
	Age        time.Duration // how old it was when it came; 0: just made
	Capacity
}

// Capacity is what the placer of a datacenter has to give out.
type Capacity struct {
	Cores, Free int
	Workers     int           // that may be given work
	Unhealthy   int           // workers that may not: not heard, or gone
	Queued      time.Duration // work that waits, in core-time: ten cores for a second are 10 s
	Expected    time.Duration // until cores come free for one more; 0: none has to wait, or unknown
}

// Observed is the latency that a job saw in the datacenter: the mean response time
// of what it did there lately.
type Observed struct {
	Datacenter string
	Latency    time.Duration
}

// Failed says that the datacenter failed a job: it refused or broke what others
// would have run.
type Failed struct{ Datacenter string }

// Cut says that a majority of the gates finds the datacenter cut off.
type Cut struct{ Datacenter string }

// Healed takes that back.
type Healed struct{ Datacenter string }

// Tick lets time pass: once a second or so. Here it is seen which datacenter has
// been much worse than which.
type Tick struct{}

func (Expected) event() {}
func (Removed) event()  {}
func (Manager) event()  {}
func (Sampled) event()  {}
func (Stated) event()   {}
func (Observed) event() {}
func (Failed) event()   {}
func (Cut) event()      {}
func (Healed) event()   {}
func (Tick) event()     {}

// Note is something that people should read: in the log, and among the events of
// the jobs that it concerns.
type Note struct {
	What       string // kind: "spillover", "datacenter silent", …
	Datacenter string // whom it is about; "": all
	Detail     string // in words
}
