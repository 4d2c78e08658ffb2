// Package wire is the contract between a lane, which decides when what is sent
// and records how it went, and the drivers, which carry it.
package wire

import (
	"time"

	"hyperscale"
	"hyperscale/internal/session"
)

// Driver carries exchanges for one lane. It is called from the lane's thread
// only, never blocks, resends nothing and sends nothing but what it was given.
type Driver interface {
	// Send takes x in hand: on an idle connection that x's policy and owner
	// allow, else on a new one. Each x that was sent and not cancelled is handed
	// back exactly once, from within the lane's wait, with its results filled in.
	Send(x *Exchange)
	// Cancel gives x up and resets its connection; x is not handed back. It tells
	// how far x had come. An x that already ended is left alone.
	Cancel(x *Exchange) Stage
	// Release closes the connections that o still owns: its VU or, with the policy
	// per-iteration, its iteration has ended. o may be used again afterwards.
	Release(o *Owner, policy hyperscale.ConnPolicy)
	// Open is the number of connections that are open or being opened.
	Open() int
	// Close resets every connection. When it returns no goroutine and no
	// descriptor of the driver is left.
	Close()
}

// Owner is the virtual user that connections belong to. Its content is the
// driver's. The zero value owns nothing.
type Owner struct{ Conns any }

// Stage is how far an exchange has come.
type Stage uint8

// The stages of an exchange.
const (
	Idle       Stage = iota // not sent, or ended
	Resolving               // waits for the name
	Connecting              // TCP
	Securing                // TLS
	Sending                 // the request is not wholly written
	Waiting                 // no byte of the answer was seen
	Receiving
)

// Exchange is one request on its way and, when it is handed back, how it went.
// It belongs to the lane, which may use it again after that.
type Exchange struct {
	Request *session.Request
	Owner   *Owner

	// The results. Fault is zero when Answer is complete; the slices in Answer
	// are valid until the lane's next wait. Answer's Start and End are set by the
	// driver from the lane's clock: when Send was called, and when the last byte
	// was read.
	Answer   session.Answer
	Fault    session.Fault
	Text     string // of Fault: a sample of the cause in words; "" when the fault says all
	BytesIn  int64  // of HTTP: headers and body as received, before TLS
	BytesOut int64
	Phases   Phases

	Stage Stage // kept by the driver
	Conn  any   // the driver's
	Lane  any   // the lane's
}

// Phases are the parts of an exchange's service time. Connect and TLS are
// negative when the exchange used a connection that was already open;
// FirstByte and Transfer when the answer never began.
type Phases struct {
	Connect   time.Duration // name known → connected
	TLS       time.Duration // connected → handshake over
	FirstByte time.Duration // request in hand on an open connection → first byte of the answer
	Transfer  time.Duration // first byte → last byte
}

// Clock tells job time. It is monotonic and cheap.
type Clock func() hyperscale.JobTime
