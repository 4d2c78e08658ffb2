package job

import "hyperscale"

// Event is something that happened to a job.
type Event interface{ event() }

// The events. Those of a leg that is not running are ignored.
type (
	// Start begins the job; its time is the job time that everything counts from.
	Start struct{}

	// LegBegan: the leg's load begins at the job time given. Whoever runs legs says
	// so once of each; until then the leg waits for machines and no time of it runs.
	LegBegan struct {
		Workflow string
		Leg      int
		At       hyperscale.JobTime
		Length   hyperscale.JobTime `json:",omitempty"` // of a load that was changed by hand before, as in [LegAdjusted]; 0: none was
	}

	// LegAdjusted: the load of the leg was changed by hand and is over so long after
	// it began; below zero: it is paused, and nothing tells when it will be.
	LegAdjusted struct {
		Workflow string
		Leg      int
		Length   hyperscale.JobTime
		What     string // in words
	}

	// LegEnded: nothing of the leg is in flight any more.
	LegEnded struct {
		Workflow string
		Leg      int
		Failed   bool              // without load: the iteration failed, or was cut
		Reason   string            // of that, in words; "" if there is nothing to say
		Exports  []hyperscale.Pair // without load: the values found, of Workflow.Export
		Probe    Verdict           // of a probe
	}

	// LegBroken: the generator could not run the leg, or go on with it.
	LegBroken struct {
		Workflow string
		Leg      int
		Reason   string
	}

	// PartFailed: the leg is run in parts, and one has failed: so will its workflow, once
	// the leg has ended, and the job. AtOnce: all ends now.
	PartFailed struct {
		Workflow string
		Leg      int
		Reason   string
		AtOnce   bool
	}

	// Owed: so many who ran parts have yet to tell all that they did, and the job is not
	// over before. Unheard are those that nobody waits for any more, in words: without
	// all of it a job has not completed, unless it is Excused. It stands until the next.
	Owed struct {
		Parts   int
		Unheard string
		Excused bool
	}

	// Interrupt: the user wants an end (Ctrl-C, SIGTERM, q, cancel). The first one
	// lets what was started finish; the next one does not.
	Interrupt struct{}

	// Cancel ends one workflow before its time, with all that depend on it, or with
	// "" the whole job. What was started may finish. Once more changes nothing.
	Cancel struct {
		Workflow string
		By       string // who wants it, in words; "": nobody is named
		Shown    bool   // those who run it were shown it, and stopped before it was heard of here
	}

	// ThresholdBroken: a threshold with abort was breached for as long as it says.
	ThresholdBroken struct{ Threshold string }

	// StepAborted: a step with on-error: abort failed.
	StepAborted struct{ Workflow, Step string }

	// Lead: the parent of a [Led] job gives it a leg, of which it starts the load. Of
	// the leg's numbers only First counts.
	Lead struct{ Leg StartLeg }
	// Halt: the parent wants a leg ended before its time. What was started may finish
	// Within that time, or with Cut is interrupted.
	Halt struct {
		Workflow string
		Leg      int
		Within   hyperscale.JobTime
		Cut      bool
	}
	// Withdraw: the parent wants nothing of a leg any more.
	Withdraw struct {
		Workflow string
		Leg      int
	}
	// Over: the parent says that the job is over, and how.
	Over struct {
		Phase  hyperscale.Phase
		Reason string
	}
	// Placed: a copy of the job was given to a datacenter, which has all of it from now on;
	// see [Copies].
	Placed struct {
		Copy  int
		Place string
	}

	// Tick: the time of the last Wake has come. It does no harm at other times.
	Tick struct{}
)

func (Start) event()           {}
func (LegBegan) event()        {}
func (LegAdjusted) event()     {}
func (LegEnded) event()        {}
func (LegBroken) event()       {}
func (PartFailed) event()      {}
func (Owed) event()            {}
func (Interrupt) event()       {}
func (Cancel) event()          {}
func (ThresholdBroken) event() {}
func (StepAborted) event()     {}
func (Lead) event()            {}
func (Halt) event()            {}
func (Withdraw) event()        {}
func (Over) event()            {}
func (Placed) event()          {}
func (Tick) event()            {}

// abortedElsewhere: a step with on-error: abort failed in another copy.
type abortedElsewhere struct{ reason string }

func (abortedElsewhere) event() {}

// Verdict is how a probe of a search went.
type Verdict struct {
	Held   bool // the condition did
	Driven bool // the generator could drive the probe as its load says
}

// Effect is something that is to be done. Effects are to be carried out in order.
type Effect interface{ effect() }

// The effects.
type (
	// StartLeg starts a workflow, or the next probe of its search. Each StartLeg is
	// answered by LegBegan and one LegEnded, or by LegBroken at any time. The leg
	// ends by itself when its load is over and what it started has finished; CutLeg
	// comes when grace has passed.
	StartLeg struct {
		Workflow string
		Leg      int             // from 1, of the workflow: rises with each probe
		Load     hyperscale.Load // never a search
		First    hyperscale.Slot // number of the load's first slot
		Warmup   hyperscale.JobTime
		Graceful hyperscale.JobTime
		Use      []hyperscale.Pair // the variables of Workflow.Use by their local names

		// Of a [Led] job: what of the load's slots is to be run, and where in it that
		// begins which has no time. The zero values: all, from the beginning.
		Part        hyperscale.Share
		Place, Pass int64
		Group       uint64 // legs of one group want machines together …
		Parts       int    // … of which there are so many

		Copy int `json:",omitzero"` // of [Copies]: which; else 0
	}

	// StopLeg ends a leg's load before its time: nothing more is started, and what
	// was started may finish Within that time. CutLeg comes when it has passed.
	StopLeg struct {
		Workflow string
		Leg      int
		Within   hyperscale.JobTime
	}

	// CutLeg interrupts what a leg still has in flight.
	CutLeg struct {
		Workflow string
		Leg      int
	}

	// Wake asks for a Tick at the time given. It replaces the one before.
	Wake struct{ At hyperscale.JobTime }

	// Mark is for the timeline.
	Mark struct {
		At       hyperscale.JobTime
		What     What
		Workflow string // "": the whole job
		Detail   string // in words; "" if What says all
		Place    string // of [Copies], and of one workflow: who has the copy; else ""
	}

	// Finish is the last effect: the job is over.
	Finish struct{ Result Result }
)

func (StartLeg) effect() {}
func (StopLeg) effect()  {}
func (CutLeg) effect()   {}
func (Wake) effect()     {}
func (Mark) effect()     {}
func (Finish) effect()   {}

// What is a kind of mark on the timeline.
type What string

// The marks. All but the last four are of one workflow.
const (
	Started   What = "started"
	Stage     What = "stage"     // another stage of its load begins
	Probe     What = "probe"     // a probe of its search begins
	Found     What = "found"     // its search has ended
	LoadOver  What = "load over" // it starts nothing more
	Cut       What = "cut"       // its grace has passed
	Adjusted  What = "adjusted"  // its load was changed by hand
	Ended     What = "ended"     // completed
	Failed    What = "failed"
	Skipped   What = "skipped"
	Cancelled What = "cancelled" // before its own end; also of the whole job

	Interrupted What = "interrupted"
	Aborted     What = "aborted"
	Deadline    What = "deadline"
	CutShort    What = "cut short" // interrupted again, or the time for finishing has passed
)

// Result is how a job ended. The exit code follows from it: 105 if Interrupted,
// 97 if PastDeadline, 107 if BrokenOff, and 1 if it is Failed for another reason
// than Breached; else thresholds and verdict decide.
type Result struct {
	Phase        hyperscale.Phase // Completed, Failed, Cancelled or TimedOut
	Reason       string           // why it did not complete, in words
	Ended        hyperscale.JobTime
	Interrupted  bool
	PastDeadline bool
	BrokenOff    bool // a workflow without load failed, or on-error: abort fired
	Breached     bool // a threshold with abort ended it
	Workflows    []Outcome
}

// Outcome is how one workflow of a job ended, or where it stands.
type Outcome struct {
	Workflow string
	Phase    hyperscale.Phase
	Reason   string             // why it did not complete, in words
	Started  hyperscale.JobTime // 0 if it never was
	Ended    hyperscale.JobTime // when it reached its terminal phase
	Search   *Finding           // of a search that has begun
	Copies   int                // of [Copies]: how many there are …
	Active   int                // … and in how many of them it runs now
}
