package agent

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// Event is something that happened to a worker.
type Event interface{ event() }

// The events. Engine names one that a [StartEngine] started; what comes of one
// that was let go is ignored. Each engine is told of by one EngineDied, or by an
// EngineRefused or EngineEnded before it, also when it was killed.
type (
	// Linked: the connection to a manager stands.
	Linked struct {
		Manager hyperscale.NodeID
		Boot    hyperscale.Boot
	}

	// Unlinked: it does no more.
	Unlinked struct{ Manager hyperscale.NodeID }

	// Told is what came over the link to a manager: its own, or what it passes on.
	Told struct {
		By        hyperscale.NodeID
		Down      link.Down
		Cancelled link.Cancelled // with a Stop: whose proof was shown, and is good, so that it is obeyed whoever gives it
	}

	// EnginePrepared: it waits for its start. Lowered says how the bound of arrivals
	// in progress was lowered to what there is room for; "": it was not.
	EnginePrepared struct {
		Engine  uint64
		Lowered string
	}

	// EngineRefused: it can't run the share here, and is gone.
	EngineRefused struct {
		Engine uint64
		Reason string
	}

	// EngineWindow is what it did; the agent may keep the window. Its share and
	// numbers do not matter. With Final it is the engine's last.
	EngineWindow struct {
		Engine uint64
		Window *stats.Window
	}

	// EngineBeat answers a Beat.
	EngineBeat struct {
		Engine  uint64
		Reserve link.Reserve
	}

	// EngineAborted: a step with on-error: abort failed.
	EngineAborted struct {
		Engine uint64
		Step   string
	}

	// EngineEnded: nothing is in flight any more, the last window came before. Alone:
	// it ended its load by itself, for it had heard nothing for too long.
	EngineEnded struct {
		Engine uint64
		Ending link.Ending
		Alone  bool
	}

	// EngineDied: the process is gone.
	EngineDied struct {
		Engine uint64
		Reason string // in words
	}

	// Fares is how the node fares; it goes up with the next statement.
	Fares struct{ Vitals link.Vitals }

	// Drain: take nothing new, finish what is held, and say when that is done.
	Drain struct{}

	// Tick: the time of the last Wake has come. It does no harm at other times.
	Tick struct{}
)

func (Linked) event()         {}
func (Unlinked) event()       {}
func (Told) event()           {}
func (EnginePrepared) event() {}
func (EngineRefused) event()  {}
func (EngineWindow) event()   {}
func (EngineBeat) event()     {}
func (EngineAborted) event()  {}
func (EngineEnded) event()    {}
func (EngineDied) event()     {}
func (Fares) event()          {}
func (Drain) event()          {}
func (Tick) event()           {}

// Effect is something that is to be done. Effects are to be carried out in order.
type Effect interface{ effect() }

// The effects.
type (
	// StartEngine starts a process that makes ready to run the share.
	StartEngine struct {
		Engine uint64 // never used before
		Hold   link.Hold
		Brief  []byte
		Cores  int
	}

	// ToEngine tells an engine something.
	ToEngine struct {
		Engine  uint64
		Command Command
	}

	// KillEngine ends an engine's process at once, if it is still there.
	KillEngine struct{ Engine uint64 }

	// Tell says something to a manager that is linked: a [link.Statement], a
	// [link.Fenced] or a [link.Delivery].
	Tell struct {
		To hyperscale.NodeID
		Up link.Up
	}

	// Wake asks for a Tick at the time given. It replaces the one before.
	Wake struct{ At time.Duration }

	// Drained: the worker drains, and holds nothing any more.
	Drained struct{}
)

func (StartEngine) effect() {}
func (ToEngine) effect()    {}
func (KillEngine) effect()  {}
func (Tell) effect()        {}
func (Wake) effect()        {}
func (Drained) effect()     {}

// Do is what an engine is told to do.
type Do int

// The commands. An engine that hears none for as long as autonomy lasts stops by
// itself.
const (
	Start  Do = iota // run the share: Number, At, In; after a death also Again, From, Reserve
	Stop             // start nothing more; what was started may finish Within
	Cut              // interrupt what is in flight
	Adjust           // go on as Brief says from job time At on, as adjustment Number
	Beat             // the agent lives; say the reserve
	Grant            // this Reserve was stated: it may be reached up to
)

// Command is what an engine is told.
type Command struct {
	Do      Do
	Number  uint64             // Start, Adjust
	Begin   hyperscale.JobTime // Start: when the load begins by its schedule
	At      hyperscale.JobTime // Start: job time at the moment meant. Adjust: from then on
	In      time.Duration      // Start: that moment, counted from now; below zero: it has passed
	Again   bool               // Start: another engine ran the share before
	From    hyperscale.JobTime // Start, Again: slots due earlier are not this engine's
	Reserve link.Reserve       // Start, Again: none before it is this engine's. Grant
	Within  time.Duration      // Stop
	Brief   []byte             // Adjust
	Until   hyperscale.JobTime // Start, Beat: nothing begins, or goes on, from then on; 0: no such time
}
