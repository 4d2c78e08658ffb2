package link

import (
	"fmt"
	"time"

	"hyperscale"
)

// Up is what a child says to a parent on the stream of beats, or beside it: a
// [Statement], a [Fenced] or a [Delivery].
type Up interface{ up() }

// Down is what a parent says to a child: a [Word], an [Order] or a [Receipt].
type Down interface{ down() }

// Said is what two managers of a datacenter say to each other: a [Hello],
// [Wants], [Grants], [Capacity], [Hear], [Heard], [Offer], [Taken] or [Relay].
type Said interface{ said() }

func (Statement) up()  {}
func (Fenced) up()     {}
func (Delivery) up()   {}
func (Word) down()     {}
func (Order) down()    {}
func (Receipt) down()  {}
func (Hello) said()    {}
func (Wants) said()    {}
func (Grants) said()   {}
func (Capacity) said() {}
func (Hear) said()     {}
func (Heard) said()    {}
func (Offer) said()    {}
func (Taken) said()    {}
func (Relay) said()    {}

// Fenced is a child's answer to an order that it refuses, because it heard of a
// higher epoch of the job. Whoever gave the order owns the job no more.
type Fenced struct {
	Node    hyperscale.NodeID
	Job     hyperscale.JobID
	Epoch   hyperscale.Epoch // of the order
	Highest hyperscale.Epoch // heard of the job
}

// Parent is a node that children may attach to.
type Parent struct {
	Node    hyperscale.NodeID
	Address string // host:port
}

// Hello is the first that either manager says when it talks to another.
type Hello struct {
	Node    hyperscale.NodeID
	Boot    hyperscale.Boot
	Version string // of the program; for people only
}

// Wants is what the jobs of one manager want of the datacenter's cores, and what
// they run: the whole of it, which is said again each second, or in between that of
// jobs of which it changed. What is no longer listed of the jobs that it speaks of
// is withdrawn.
type Wants struct {
	Wants []Want
	Runs  []Run
	Only  []hyperscale.JobID // the jobs that it speaks of; none: all of that manager
}

// Run says that a workflow of a job holds cores, or that a job which has begun is
// not over: what a placer can't read off the statements of workers.
type Run struct {
	Job       hyperscale.JobID
	Workflow  string        // "": the job as a whole
	Exclusive bool          // nothing else runs beside the job
	Left      time.Duration // until the plan gives the cores back; 0: unknown
}

// Want asks for the cores of workflows of one job that must be placed together:
// all of them, or none.
type Want struct {
	Job       hyperscale.JobID
	Epoch     hyperscale.Epoch
	Number    uint64 // rises within the job whenever its owner asks anew; the same again repeats
	Workflows []WorkflowCores
	Priority  Priority
	Exclusive bool                // nothing else runs beside the job
	Queued    time.Duration       // how long it has waited, so that a new placer keeps the order
	Length    time.Duration       // for how long the plan holds the cores; 0: unknown
	Exclude   []Holder            // those that failed: never the same boot again
	Prefer    []hyperscale.NodeID // those that hold the plan already
	OrNever   bool                // it does not wait for more workers than are there: the excluded ones will not do
}

// WorkflowCores is how many cores a workflow wants: between Least and Most, as
// many as there are. An exact number is both.
type WorkflowCores struct {
	Workflow    string
	Least, Most int
}

// Priority orders jobs that wait for cores. The zero value is PriorityNormal.
type Priority int

// The priorities. PriorityAuto comes after all others.
const (
	PriorityNormal Priority = iota
	PriorityHigh
	PriorityLow
	PriorityAuto
)

// Holder names one start of a node.
type Holder struct {
	Node hyperscale.NodeID
	Boot hyperscale.Boot
}

// Grants is what the placer gives, refuses or lets wait of what one manager
// wants.
type Grants struct{ Grants []Grant }

// Grant answers a want for one workflow. With Cores it is given, and replaces
// what was given before; with Refused it never will be; else it waits.
type Grant struct {
	Job      hyperscale.JobID
	Epoch    hyperscale.Epoch
	Number   uint64 // of the want
	Workflow string
	Cores    []Cores
	Refused  string        // why, in words; "": not refused
	Waiting  string        // for what, in words; "": does not wait
	Position int           // in the queue, from 1; 0: does not wait
	Expected time.Duration // until there are cores; 0: unknown
}

// Cores is a number of cores of one start of a worker.
type Cores struct {
	Holder
	N int
}

// Hear asks another manager whether it hears a worker that the asker does not.
type Hear struct{ Holder }

// Heard answers: whether, and how long ago its last statement came.
type Heard struct {
	Holder
	Heard bool
	Age   time.Duration
}

// Offer asks a manager to take a job over from the sender, its owner, who goes
// on until it sees itself replaced. Fence is the revision of the owner key that
// the takeover must find.
type Offer struct {
	Job   hyperscale.JobID
	Epoch hyperscale.Epoch // the sender's
	Fence int64
}

// Taken answers an offer. Epoch is the new owner's; 0: refused, with the reason.
type Taken struct {
	Job     hyperscale.JobID
	Epoch   hyperscale.Epoch
	Refused string
}

// Post asks another node to send a request to a web hook of a job, which the owner of
// the job does not reach.
type Post struct {
	Job  hyperscale.JobID
	To   string // the reporter as the submission names it: NAME=ADDRESS
	ID   string // of the request: the same when the same is sent again
	Body []byte
}

// Relay carries what a worker and a manager that do not hear each other have to
// say, through a manager that hears both. Up comes from the worker, Down goes to
// it; one of them is nil.
type Relay struct {
	Worker Holder
	Up     Up
	Down   Down
}

// Waiting says for what somebody waits who wants cores, and where in the queue. The
// zero value waits for nothing.
type Waiting struct {
	Why      string
	Position int           // from 1; 0: not known
	Expected time.Duration // until there are cores; 0: unknown
}

// String says it in words; "": it does not wait.
func (w Waiting) String() string {
	text := w.Why
	if w.Position > 0 {
		text = fmt.Sprintf("number %d in the queue: %s", w.Position, text)
	}
	if w.Expected > 0 {
		text += "; cores are expected in about " + hyperscale.FormatDuration(w.Expected.Round(time.Second))
	}
	return text
}
