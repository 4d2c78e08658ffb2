package node

import (
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/route"
)

// Event is something that happened to a node.
type Event interface{ event() }

// The events.
type (
	// Attached: a child's stream of beats stands. Conn is higher than of any before.
	Attached struct {
		Child hyperscale.NodeID
		Conn  uint64
	}

	// Detached: it does no more. What is told of an older Conn is ignored.
	Detached struct {
		Child hyperscale.NodeID
		Conn  uint64
	}

	// Said is what a child said on that stream: a [link.Statement] or [link.Fenced].
	Said struct {
		Child hyperscale.NodeID
		Conn  uint64
		Up    link.Up
	}

	// Delivered: a window of a child came on its stream of windows. It is a beat,
	// too.
	Delivered struct{ Child hyperscale.NodeID }

	// PeerUp and PeerDown: the talk with another manager stands, or does no more.
	PeerUp   struct{ Node hyperscale.NodeID }
	PeerDown struct{ Node hyperscale.NodeID }

	// PeerSaid is what another manager said.
	PeerSaid struct {
		Node hyperscale.NodeID
		Said link.Said
	}

	// JobHere: this node owns the job from now on. Holders are those who held parts
	// of it when it was taken.
	JobHere struct {
		Job     hyperscale.JobID
		Epoch   hyperscale.Epoch
		Holders []link.Holder
		Led     bool // by a parent: how old its words are is told as JobTop
	}
	// JobTop: the last word of the top owner of a job here is so old.
	JobTop struct {
		Job hyperscale.JobID
		Age time.Duration
	}

	// JobGone: it does no more.
	JobGone struct{ Job hyperscale.JobID }

	// JobTells is an order of a job's owner.
	JobTells struct {
		Job   hyperscale.JobID
		To    link.Holder
		Order link.Order
	}

	// JobAnswers is what a job's owner answers to windows.
	JobAnswers struct {
		Job     hyperscale.JobID
		To      link.Holder
		Receipt link.Receipt
	}

	// JobWants is all that a job wants and runs now.
	JobWants struct {
		Job    hyperscale.JobID
		Wants  []link.Want // Queued is filled in here
		Runs   []link.Run
		Wishes []route.Wish // at a gate: where each of Wants may run; Held is filled in here
	}

	// Placer: that node gives out the cores; "": nobody does.
	Placer struct{ Node hyperscale.NodeID }

	// Parents: these are the nodes of the tier that are there, this one too.
	Parents struct{ All []link.Parent }

	// Presses: how much windows the node can take.
	Presses struct{ Level link.Level }

	// Moved: a job has another owner in its datacenter, under that epoch there.
	Moved struct {
		Job      hyperscale.JobID
		From, To hyperscale.NodeID // managers
		Epoch    hyperscale.Epoch
	}

	// Surveyed is something that the router of a gate is to know of datacenters.
	Surveyed struct{ Event route.Event }

	// Tick lets time pass: ten times a second.
	Tick struct{}
)

func (Attached) event()   {}
func (Detached) event()   {}
func (Said) event()       {}
func (Delivered) event()  {}
func (PeerUp) event()     {}
func (PeerDown) event()   {}
func (PeerSaid) event()   {}
func (JobHere) event()    {}
func (JobTop) event()     {}
func (JobGone) event()    {}
func (JobTells) event()   {}
func (JobAnswers) event() {}
func (Parents) event()    {}
func (JobWants) event()   {}
func (Placer) event()     {}
func (Presses) event()    {}
func (Moved) event()      {}
func (Surveyed) event()   {}
func (Tick) event()       {}

// Effect is something that is to be done, in order.
type Effect interface{ effect() }

// The effects.
type (
	// ToChild says something to a child on its stream.
	ToChild struct {
		Child hyperscale.NodeID
		Conn  uint64
		Down  link.Down
	}

	// HangUp ends a child's stream, which dials anew.
	HangUp struct {
		Child  hyperscale.NodeID
		Conn   uint64
		Reason string
	}

	// ToPeer says something to another manager.
	ToPeer struct {
		Node hyperscale.NodeID
		Said link.Said
	}

	// ToJob gives the owner of a job here an event.
	ToJob struct {
		Job   hyperscale.JobID
		Event owner.Event
	}

	// Unclaimed: a child holds something of a job of which no owner was heard. If
	// it is over, or never was, the child is to drop it.
	Unclaimed struct {
		Child hyperscale.NodeID
		Job   hyperscale.JobID
	}

	// Relayed: a window of a child came through another manager.
	Relayed struct {
		Worker   link.Holder
		By       hyperscale.NodeID
		Delivery link.Delivery
	}

	// Fenced: a child heard of a higher epoch of a job that this node owns.
	Fenced struct {
		Job     hyperscale.JobID
		Highest hyperscale.Epoch
	}

	// Noted is what the router of a gate found that those should read who run it.
	Noted struct{ route.Note }

	// Offered: another manager asks to take a job over from it.
	Offered struct {
		From  hyperscale.NodeID
		Offer link.Offer
	}

	// Took answers an offer that this node made.
	Took struct {
		From  hyperscale.NodeID
		Taken link.Taken
	}
)

func (ToChild) effect()   {}
func (HangUp) effect()    {}
func (ToPeer) effect()    {}
func (ToJob) effect()     {}
func (Unclaimed) effect() {}
func (Relayed) effect()   {}
func (Fenced) effect()    {}
func (Noted) effect()     {}
func (Offered) effect()   {}
func (Took) effect()      {}

// Child is a child as the node sees it, for people.
type Child struct {
	link.Holder
	Cores, Free int
	Draining    bool
	State       string        // alive, suspect, dead, left or draining
	Heard       bool          // it is not given up
	Age         time.Duration // of its last statement
	Health      string
	Jobs        int
	Vitals      link.Vitals
}
