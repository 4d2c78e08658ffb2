// Package link is what parents and children of a tier say to each other, as
// plain values: the words of the protocol without its wire. A worker is child of
// every manager of its datacenter, a manager of every gate.
//
// What a child holds and how far it is it states as a whole, each second and
// whenever something changed, so that a statement that is lost is made good by
// the next, and a parent that is new learns everything from the first. Orders
// are idempotent: a parent gives one again when a statement shows that it was
// not heard. Only windows are numbered and acknowledged one by one.
package link

import (
	"math"
	"time"

	"hyperscale"
)

// Hold names what a child holds: a share of a workflow of a job, under its turn.
type Hold struct {
	Job      hyperscale.JobID
	Workflow string
	Share    hyperscale.Share
}

// State is how far a child is with what it holds.
//
//	Preparing → Prepared → Running → Ended
//
// Refused and Broken come in place of what follows them; Stopped in place of
// Ended, when no owner was heard for too long. From Running on windows are kept
// until they are acknowledged.
type State int

// The states.
const (
	Preparing State = iota // names are resolved, data is loaded
	Prepared               // waits for its start
	Refused                // can't be run here; nothing is kept
	Running
	Ended   // the last window was cut; the hold goes with its acknowledgement
	Stopped // no owner was heard for too long: a last window was cut that is not final
	Broken  // the engine can't go on; what it told is kept
)

// Held is what a child states of one hold.
type Held struct {
	Hold
	State      State
	Reason     string             // Refused, Broken: why, in words
	ForGood    bool               // Refused: this start of the child will refuse it again
	Start      uint64             // number of the start that its job time counts from; 0: not started
	JobTime    hyperscale.JobTime // now; 0 before the start
	Cut        uint64             // number of the last window cut
	Acked      uint64             // number up to which windows were acknowledged, and are no longer kept
	Reserve    Reserve
	Adjustment uint64           // the last it runs under
	Aborted    string           // the step whose on-error: abort fired; "": none
	Epoch      hyperscale.Epoch // highest heard of the job
	Silence    time.Duration    // since the last word of the job's top owner
	Cancelled  Cancelled        // by a client, with a [Proof]
	Tenure     hyperscale.Epoch // under which whoever states it owns the job in its own tier: of two the higher counts; 0: a worker, which owns none
	Lowered    string           // how the bound of arrivals in progress was lowered to what this node allows; "": it was not
}

// Reserve bounds what a holder of a closed or iterations load may start before
// its next statement, so that another who takes over starts nothing twice: the
// first place in the share (see [hyperscale.Share.At]) that it does not reach,
// and with each the first pass. 0: unknown, or an open load.
type Reserve struct{ Place, Pass int64 }

// Statement is a child's beat: all that it has and holds. One with a lower boot,
// or of the same boot with a lower number, is older and refused.
type Statement struct {
	Node        hyperscale.NodeID
	Boot        hyperscale.Boot
	Seq         uint64 // from 1
	Cores, Free int
	Draining    bool    // takes nothing new
	Stall       float64 // how late its own timers are, as a part of a beat's length; 0: not at all
	Holds       []Held
	Heard       uint64        // number of the last word of this parent; 0: none
	HeardAgo    time.Duration // since it came: with it the parent reckons the round trip
	At          time.Duration // on the child's own clock, for words to tell back; 0: not told
	Vitals      Vitals

	// Of a manager, to gates.
	Datacenter string             // that it is of; "": a worker
	Over       []hyperscale.JobID // jobs that ended there, or that nobody there knows: for a while after it was found
	Capacity   *Capacity          // the last word of the datacenter's placer; nil: none was heard
}

// Capacity is what the placer of a datacenter says of it. Of two the newest counts;
// they are never added up.
type Capacity struct {
	Cores, Free                 int           // of workers that may be given something
	Workers, Unhealthy          int           // known, and of these not heard or not well
	Managers, UnhealthyManagers int           // likewise
	Queued                      int64         // core-seconds that jobs wait for which were not placed yet, about
	Expected                    time.Duration // until one more core is free, after those that are waited for; 0: one is, or nobody knows
	Age                         time.Duration // since the placer said it
}

// Vitals is how a node fares.
type Vitals struct {
	CPU, Memory float64 // part in use, 0 … 1, smoothed
}

// Do is what an order asks for.
type Do int

// The orders.
const (
	Own     Do = iota // the sender owns the job from now on; Hold has the job only
	Prepare           // make ready to run a share: Brief, Cores
	Start             // begin at JobTime In from now, as start Number
	Stop              // start nothing more; what was started may finish Within
	Cut               // interrupt what is in flight
	Drop              // forget it, windows and all; without a workflow: the job is over
	Adjust            // go on as Brief says from JobTime on, as adjustment Number
)

// NoOwner is the epoch of an order that no owner gives: the job is over, or never
// was, and whatever was said of it counts no more.
const NoOwner hyperscale.Epoch = math.MaxInt64

// Order is what a parent wants of a child. Children refuse those of an epoch
// lower than the highest they heard of the job. Given twice it does no more than
// once.
type Order struct {
	Do     Do
	Epoch  hyperscale.Epoch
	Owner  hyperscale.NodeID // who gives it, also when another passes it on
	Hold   Hold
	Cores  int                // Prepare
	Brief  []byte             // Prepare: what to run. Adjust: how
	Number uint64             // Start, Adjust; Prepare: of the last adjustment that Brief has
	Begin  hyperscale.JobTime // Start: when the leg's load begins by its schedule, which may have passed
	At     hyperscale.JobTime // Start: job time at the moment meant. Adjust: from then on. Stop, Cut: now; 0: not known
	In     time.Duration      // Start: that moment, from the receipt of the order
	Within time.Duration      // Stop
	Phase  hyperscale.Phase   // Drop of a whole job: how it ended; "": nobody knows of it
	Reason string             // … and why, in words
	Client string             // Prepare: whose job it is

	// Autonomy, with a Prepare, is of a job that lets no two hold a slot: nothing is
	// begun, and nothing goes on, once so long has passed since the last statement that
	// its owner is known to have heard, whatever happened meanwhile. 0: the job lets
	// them, and the child goes on alone for as long as it is set up to.
	Autonomy time.Duration
	Proof    *Proof // Stop: the client wants it, so that it is obeyed whoever gives it; else nil
}

// Cancelled says which client wanted a load stopped, so that the job's owner hears
// of it who could not be told. The zero value: none.
type Cancelled struct {
	By    string // tenant/name
	Whole bool   // the whole job, not only the workflow
}

// Proof shows that a client wants the load of a job stopped, or of one workflow of
// it: then children obey any parent, also one that owns nothing.
type Proof struct {
	Job       hyperscale.JobID
	Workflow  string   // "": all of the job
	By        string   // the client's identity
	Chain     [][]byte // certificates in DER, the client's first; nil: nobody here has any
	Signature []byte   // by the client's key
}

// Word is a parent's beat.
type Word struct {
	Node    hyperscale.NodeID
	Boot    hyperscale.Boot
	Seq     uint64
	Owns    []Owned // of the jobs that the child holds something of
	Level   Level
	Parents []Parent // the healthy ones, the sender too; nil: unknown
	Drain   bool     // the child is to take nothing new, finish what it holds and go

	// HeardAt is when, by the child's own clock, it made the last statement that the
	// sender heard; 0: it heard none since the link stands.
	HeardAt time.Duration
}

// Owned says that the sender owns a job, and how old its word of the job's top
// owner is.
type Owned struct {
	Job   hyperscale.JobID
	Epoch hyperscale.Epoch
	Age   time.Duration
}

// Level is how much a parent can take of windows.
type Level int

// The levels, and the length of windows that they ask for.
const (
	Normal   Level = iota // 1 s
	Throttle              // 2 s
	Batch                 // 5 s
	Reject                // none: hold and merge
)

// Delivery is a window on its way up.
type Delivery struct {
	Hold   Hold
	Start  uint64 // number of the start that its times count from
	Window []byte // as [hyperscale/internal/stats.Window] encodes it
	Ending *Ending
}

// Ending comes with a turn's last window and says how the load ended.
type Ending struct {
	Failed      bool // without load: the iteration failed, or was cut
	Interrupted bool
	Reason      string            // in words; "": nothing to say
	Exports     []hyperscale.Pair // without load: the values found
	NoRows      int64             // VUs that ended for want of a data row
	Waived      time.Duration     // VU-time after VUs that ended as the plan wished
	Stopped     hyperscale.JobTime
	Cancelled   Cancelled // by a client, with a [Proof], before any owner did
	Losses      []Loss    // of a part: what was lost with holders of it
}

// Loss is what was lost with a holder of a part, as
// [hyperscale/internal/stats.Loss] has it.
type Loss struct {
	Node     string
	Workflow string
	From, To hyperscale.JobTime
	Lost     uint64
	Missed   uint64
	Requests uint64
}

// Receipt answers deliveries of one hold. Whoever gives it has made what it
// acknowledges durable.
type Receipt struct {
	Hold    Hold
	Seq     uint64 // everything up to here is acknowledged
	Again   bool   // something is missing: send again from Seq + 1
	Unknown bool   // there is no such job, or it is over: keep nothing
	Broken  bool   // not what an honest child sends: drop it
	Epoch   hyperscale.Epoch
	Level   Level
	Owner   Parent        // who owns the job now; zero: unknown
	Delay   time.Duration // send no sooner than that; 0: at once
	Reserve Reserve       // of a job that lets no two hold a slot: what was stated and is durable, and may be reached up to
}
