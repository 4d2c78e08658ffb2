package child

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// Event is something that happened to a manager.
type Event interface{ event() }

// The events.
type (
	// Linked: the connection to a gate stands.
	Linked struct {
		Parent hyperscale.NodeID
		Boot   hyperscale.Boot
	}

	// Unlinked: it does no more.
	Unlinked struct{ Parent hyperscale.NodeID }

	// Told is what came over the link to a gate: its own, or what it passes on.
	Told struct {
		By   hyperscale.NodeID
		Down link.Down
	}

	// Holds is all that the owner of a led job here has of what its parent gave, now; it
	// comes again whenever that changes, and each second while job time passes. Nil: this
	// node does not own the job any more. Tenure is the epoch under which it does.
	//
	// Of each hold the epoch is the highest that was saved, the silence what is known of
	// it otherwise, as after a takeover; 0: nothing. Job times below zero are of a start
	// that is yet to come.
	Holds struct {
		Job      hyperscale.JobID
		Tenure   hyperscale.Epoch
		Autonomy time.Duration // as [link.Order] has it; 0: two may hold a slot
		Held     []link.Held
	}

	// Ended: the job is over, and nothing of it is kept here any more.
	Ended struct{ Job hyperscale.JobID }

	// Looked answers a [Look]. Over: the job has ended, or never was. Else it lives, or
	// the store does not answer.
	Looked struct {
		Job  hyperscale.JobID
		Over bool
	}

	// Deliver is a window of a job that is owned here. One that can't go is dropped: it
	// goes again by the next [Route].
	Deliver struct{ Delivery link.Delivery }

	// Fares is how the node and its datacenter fare: it goes up with the next statement.
	Fares struct {
		Cores, Free int
		Vitals      link.Vitals
		Capacity    *link.Capacity // nil: unknown
	}

	// Drain: this node takes nothing new.
	Drain struct{}

	// Tick: the time of the last Wake has come. It does no harm at other times.
	Tick struct{}
)

func (Linked) event()   {}
func (Unlinked) event() {}
func (Told) event()     {}
func (Holds) event()    {}
func (Ended) event()    {}
func (Looked) event()   {}
func (Deliver) event()  {}
func (Fares) event()    {}
func (Drain) event()    {}
func (Tick) event()     {}

// Effect is something that is to be done. Effects are to be carried out in order.
type Effect interface{ effect() }

// The effects.
type (
	// Tell says something to a gate that is linked: a [link.Statement], a [link.Fenced]
	// or a [link.Delivery].
	Tell struct {
		To hyperscale.NodeID
		Up link.Up
	}

	// Ordered is an order of the job's owner above: for the owner here; or a Prepare of a
	// job that is not owned here, which is begun then. One with a Proof may be anybody's:
	// the proof is to be checked.
	Ordered struct {
		By    hyperscale.NodeID
		Order link.Order
	}

	// Look asks whether a job is over in this datacenter, or never was there, by a
	// linearizable read. [Looked] is the answer.
	Look struct{ Job hyperscale.JobID }

	// Route says how the owner above of a job here is reached from now on: over which
	// link, of those whose numbers rise, under which epoch, and how much it can take of
	// windows. Link 0: it is not reached.
	Route struct {
		Job   hyperscale.JobID
		Link  uint64
		Epoch hyperscale.Epoch
		Level link.Level
	}

	// Receipted: the owner above answers what was delivered.
	Receipted struct {
		Job     hyperscale.JobID
		Receipt link.Receipt
	}

	// Word: the last word of the job's top owner is so old now. Until the next it grows
	// older with time; before the first nothing is known of it.
	Word struct {
		Job hyperscale.JobID
		Age time.Duration
	}

	// Wake asks for a Tick at the time given. It replaces the one before.
	Wake struct{ At time.Duration }
)

func (Tell) effect()      {}
func (Ordered) effect()   {}
func (Look) effect()      {}
func (Route) effect()     {}
func (Receipted) effect() {}
func (Word) effect()      {}
func (Wake) effect()      {}
