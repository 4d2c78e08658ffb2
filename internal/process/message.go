package process

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/spec/pack"
	"hyperscale/internal/stats"
)

// Message is what an engine tells: one of the types below.
type Message interface{ message() }

// The messages of an engine.
type (
	// Prepared: all is ready for the start. Lowered says how the bound of arrivals
	// in progress was lowered to what this machine allows; "": it was not.
	Prepared struct{ Lowered string }

	// Refused: the share can't be run here; the process is gone.
	Refused struct{ Reason string }

	// Window is what was done in one interval; numbers count from 1 in each
	// process.
	Window struct{ *stats.Window }

	// Beat tells how far a load of virtual users is going to come. Nothing at or
	// beyond the reserve begins before more was told, and nothing beyond the one
	// granted. The engine answers each beat with one, and sends more by itself.
	Beat struct {
		JobTime hyperscale.JobTime
		Reserve link.Reserve
	}

	// Aborted: a step with on-error: abort failed. It is told once.
	Aborted struct{ Step string }

	// Ended: the last window came before; the process is gone. Alone says that it ended
	// its load by itself, for it had heard nothing for too long.
	Ended struct {
		link.Ending
		Alone bool
	}
)

func (Prepared) message() {}
func (Refused) message()  {}
func (Window) message()   {}
func (Beat) message()     {}
func (Aborted) message()  {}
func (Ended) message()    {}

// Setup is what the node adds to a brief.
type Setup struct {
	Node     hyperscale.NodeID // whose the readings of the windows are
	Demo     string            // URL of the demo target, for plans with target: demo; "": there is none here
	Autonomy time.Duration     // without a word for so long the engine stops by itself; 0: never
	Targets  []string          // where connections may be opened, as package dial reads it; nil: see there
}

// Start begins the load. Times are job times.
type Start struct {
	Number uint64             // of the start that job time counts from
	Begin  hyperscale.JobTime // of the load by its schedule; it may have passed
	At     hyperscale.JobTime // at the moment meant
	In     time.Duration      // that moment, from now; below zero: it has passed

	// Again: another engine ran the share before, under the same turn. Slots due before
	// From or before the reserve are not this one's; virtual users begin nothing before
	// more is granted.
	Again   bool
	From    hyperscale.JobTime
	Reserve link.Reserve

	Until hyperscale.JobTime // see [Process.Beat]
}

// order is what an engine is told after its brief.
type order struct {
	kind    kind
	start   Start
	within  time.Duration
	reserve link.Reserve
	until   hyperscale.JobTime
	adjust  []byte
	came    time.Time
}

// stop is the body of sayStop.
type stop struct{ Within time.Duration }

// beat is the body of sayBeat.
type beat struct{ Until hyperscale.JobTime }

// orderMemory bounds what an order takes.
const orderMemory = 1 << 20

// readOrder reads an order that came at the given time.
func readOrder(k kind, body []byte, came time.Time) (order, error) {
	o := order{kind: k, came: came}
	switch k {
	case sayStart:
		return o, pack.Decode(body, &o.start, orderMemory)
	case sayStop:
		var s stop
		err := pack.Decode(body, &s, orderMemory)
		o.within = s.Within
		return o, err
	case sayGrant:
		return o, pack.Decode(body, &o.reserve, orderMemory)
	case sayAdjust:
		o.adjust = body
		return o, nil
	case sayBeat:
		var b beat
		err := pack.Decode(body, &b, orderMemory)
		o.until = b.Until
		return o, err
	case sayCut:
		return o, nil
	}
	return o, fmt.Errorf("an order of kind %d", k)
}

// appendBrief joins setup and brief to the body of sayBrief.
func appendBrief(setup Setup, brief []byte) []byte {
	packed := pack.Append(nil, setup)
	b := binary.AppendUvarint(nil, uint64(len(packed)))
	return append(append(b, packed...), brief...)
}

// readBrief takes apart what appendBrief joined.
func readBrief(body []byte) (Setup, []byte, error) {
	n, size := binary.Uvarint(body)
	if size <= 0 || n > uint64(len(body)-size) {
		return Setup{}, nil, errors.New("a brief that was cut short")
	}
	var setup Setup
	packed, brief := body[size:size+int(n)], body[size+int(n):]
	err := pack.Decode(packed, &setup, orderMemory)
	return setup, brief, err
}

// readMessage reads what an engine tells. Its windows are bounded by themselves.
func readMessage(k kind, body []byte) (Message, error) {
	switch k {
	case tellPrepared:
		return decoded[Prepared](body)
	case tellRefused:
		return decoded[Refused](body)
	case tellBeat:
		return decoded[Beat](body)
	case tellAborted:
		return decoded[Aborted](body)
	case tellEnded:
		return decoded[Ended](body)
	case tellWindow:
		w, err := stats.DecodeWindow(body)
		return Window{w}, err
	}
	return nil, fmt.Errorf("a message of kind %d", k)
}

// endingMemory bounds what a message that is no window takes: exported values
// are whole texts.
const endingMemory = 64 << 20

func decoded[T Message](body []byte) (Message, error) {
	var m T
	err := pack.Decode(body, &m, endingMemory)
	return m, err
}
