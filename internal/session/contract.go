package session

import (
	"time"

	"hyperscale"
)

// Time is job time, as sessions and lanes reckon it.
type Time = hyperscale.JobTime

// EventKind tells what happened to a session.
type EventKind uint8

// The events. A session that is idle takes Begin; one that runs takes the rest.
const (
	Begin     EventKind = iota // an iteration: Iteration is set
	Answered                   // the request ID has its complete answer: Answer is set
	Broken                     // the request ID ended without one: Fault and Text are set
	Woken                      // the wait ID is over
	Interrupt                  // end now: every request in flight is cut, none is answered any more
)

// Event is something that happened to a session.
type Event struct {
	Kind      EventKind
	Fault     Fault      // Broken
	ID        int32      // Answered, Broken, Woken: as given by the Send or Wait
	Iteration *Iteration // Begin; read during Step only
	Answer    *Answer    // Answered; read during Step only
	Text      string     // Broken: a sample of the cause in words
}

// Iteration says which pass over the steps begins.
type Iteration struct {
	Slot hyperscale.Slot // the draws' slot: arrival, VU or iteration number
	Pass int64           // loop number of a closed VU or of each; else 0
	VU   int64           // number of the virtual user, as the template `vu` shows it
	Row  int64           // the number that shared and unique data rows are taken by
	Due  Time            // when it should have begun
}

// Answer is a complete answer. Head and Body are only valid during Step.
type Answer struct {
	Status      int
	Head        []byte // header lines, each with its CRLF; in HTTP/1 form whatever the protocol was
	Body        []byte // at most Request.Keep bytes as received (still compressed)
	BodySize    int64  // length of the body as received
	TooLarge    bool   // the body went on beyond Request.Keep while it was being kept
	SetsCookie  bool   // Head has a Set-Cookie
	HasLocation bool   // Head has a Location
	HasEncoding bool   // Head has a Content-Encoding
	Start, End  Time   // End − Start is the service time
}

// EffectKind tells what a session wants done.
type EffectKind uint8

// The effects. They are to be carried out in order.
const (
	Send    EffectKind = iota // send Request at once; remember ID, Step and At (its due time)
	Wait                      // send Woken with ID at At
	Ended                     // the request ID of Step is over: record Outcome, Fault and checks
	Listed                    // a group ended: count Step with duration At, Outcome OK or Failed
	Faulted                   // Step ended with a fault of its own (no value NAME), nothing was sent
	Passed                    // Step was skipped
	Done                      // the iteration is over: Outcome and Stop are set
)

// Outcome is how a request, a group or an iteration ended.
type Outcome uint8

// The outcomes. Interrupted is of iterations only.
const (
	OK Outcome = iota
	Failed
	TimedOut
	Cancelled
	Interrupted
)

// Stop is how far the end of an iteration reaches.
type Stop uint8

// The reaches of an end.
const (
	StopNothing Stop = iota // the virtual user goes on
	StopVU                  // it ends: stop-vu, or no data row was left
	StopJob                 // on-error: abort
)

// Effect is one thing that a session wants done.
type Effect struct {
	Kind    EffectKind
	Outcome Outcome
	Stop    Stop  // Done; Ended and Faulted: StopJob as soon as on-error: abort fires, though other requests may be in flight
	Fault   Fault // Ended, Faulted: the first cause; zero when all is well. Done: NoRow or zero
	ID      int32 // Send, Wait, Ended
	Step    int32 // index in Program.Steps
	At      Time  // Send: due; Wait: until; Listed: duration
	Request *Request
	// Checks holds, for Ended, the outcome of each check of the step in order;
	// nil when there was no answer to check. Valid until the session's next Step.
	Checks []bool
	Text   string // Ended, Faulted: a sample of the fault in words; "" when the name says all
}

// Request is what goes out. A request whose parts are constant is made once and
// shared by all sessions; any other belongs to its session and is valid until
// its Ended effect. Both are read only.
type Request struct {
	Origin   *Origin
	Head     []byte // request line and header lines with the empty line, in HTTP/1.1 form; the target is absolute when a proxy carries plain http
	Body     []byte
	Timeout  time.Duration // from the engine's start of it to the last byte
	Keep     int64         // bytes of the answer's body to keep; 0: count and drop
	KeepHead bool          // the session reads Answer.Head
	NoBody   bool          // the answer has no body whatever its header says (HEAD)
}

// Origin is where requests go and how. Origins of constant URLs are made once
// per program and may be compared by address; others by Key.
//
// Of Transport only what a connection depends on counts, and is in Key: HTTP,
// TLS, Connections, Proxy, Resolve. The rest is in each Request.
type Origin struct {
	Key       string // scheme, host, port and transport options: equal for equal origins
	Scheme    string // http or https
	Host      string // name or address, without brackets
	Port      string
	Transport *hyperscale.Transport
}

// Fault is a kind of error with its argument, small enough to be counted in the
// hot path. The zero value is no fault. Its name is Program.FaultName.
type Fault uint32

// FaultCode is the first half of a Fault.
type FaultCode uint16

// The fault codes; the text of each is in the table of 05-truth and doc/errors.
const (
	NoFault FaultCode = iota
	NameNotResolved
	ConnectionRefused
	ConnectionReset
	ConnectionTimeout // connecting took longer than the request's timeout
	NoLocalPort
	NoDescriptor
	TLSFailed
	ClosedBeforeAnswer
	AnswerCutShort
	MalformedAnswer
	HeaderTooLarge
	BodyTooLarge
	TooManyRedirects
	Timeout
	BadStatus     // argument: the status
	CheckFailed   // argument: index in Program.CheckNames
	CaptureFailed // argument: index in Program.CaptureNames
	NoValue       // argument: index in Program.ValueNames; a step's error, not a request's
	Cut           // the request was cancelled: counted as such, under no kind
	ConnectFailed // any other failure to connect
	SendFailed    // any other failure on an open connection
	BadValue      // argument: index in Program.ValueNames; a step's error: a value that can't stand where it should go, such as a line break in a header
	NoRow         // argument: index in Program.ValueNames (the data set); of Done: the virtual user got no row and the iteration never began
)

// NewFault joins a code with its argument.
func NewFault(code FaultCode, arg int) Fault { return Fault(code)<<16 | Fault(uint16(arg)) }

// Code is the kind of the fault.
func (f Fault) Code() FaultCode { return FaultCode(f >> 16) }

// Arg is the fault's argument; 0 when its code has none.
func (f Fault) Arg() int { return int(uint16(f)) }
