package hyperscale

import "time"

// Request is what a request step sends and what it wants of the answer. Every
// string may be a template unless its comment says otherwise.
type Request struct {
	Method     string
	URL        string // a path below the plan's target, or an absolute URL
	Params     []Pair
	Headers    []Pair
	Cookies    []Pair
	BasicAuth  *Pair  // user and password; nil: none
	BearerAuth string // token; "": none
	Body       Body
	Compress   bool // send the body gzip-compressed
	Transport  Transport
	Tags       []Pair // carried to outputs; constant
	Checks     []Check
	Captures   []Capture
}

// BodyKind tells the kinds of request bodies apart.
type BodyKind int

// The kinds of bodies.
const (
	BodyNone BodyKind = iota
	BodyJSON
	BodyForm
	BodyMultipart
	BodyText
	BodyFile
)

// Body is the content of a request.
type Body struct {
	Kind   BodyKind
	JSON   string // BodyJSON: the document as JSON text; its strings are templates
	Fields []Field
	Text   string // BodyText
	File   File   // BodyFile
}

// Field is one field of a form or multipart body.
type Field struct {
	Name  string
	Value string // ignored when File has a path
	File  File   // multipart only; zero: none
}

// File is content that the plan's reader loaded from beside the plan.
type File struct {
	Path    string // as written in the plan; not a template
	Type    string // media type; "": by the path's ending
	Content []byte // never changed once read
}

// ConnPolicy says how long a connection is used, and by whom.
type ConnPolicy string

// The connection policies.
const (
	ConnPerVU        ConnPolicy = "per-vu"
	ConnShared       ConnPolicy = "shared"
	ConnPerIteration ConnPolicy = "per-iteration"
	ConnPerRequest   ConnPolicy = "per-request"
)

// Transport is how a request travels. It is complete: the reader fills in
// defaults. Nothing in it is a template.
type Transport struct {
	Timeout     time.Duration // name lookup to last byte
	Redirects   int           // most hops followed; 0: a 3xx is the answer
	HTTP        int           // 1 or 2
	TLS         TLS
	Connections ConnPolicy
	MaxBody     int64  // bytes of a decompressed body that are kept for captures and checks
	Proxy       string // URL; "": none
	Resolve     []Pair // host → address, in place of name lookup
}

// TLS is how the target's identity is checked and ours is shown. The zero value
// trusts the system's roots and sends no certificate.
type TLS struct {
	Insecure   bool   // accept any certificate
	CA         []byte // PEM; nil: the system's roots
	Cert, Key  []byte // PEM; nil: none
	ServerName string // "": the URL's host
	Min        string // "1.2" or "1.3"; "": 1.2
}

// CaptureKind says where a captured value comes from.
type CaptureKind string

// Where values are captured from.
const (
	CaptureJSON   CaptureKind = "json"
	CaptureRegex  CaptureKind = "regex"
	CaptureHeader CaptureKind = "header"
	CaptureCookie CaptureKind = "cookie"
	CaptureStatus CaptureKind = "status"
	CaptureBody   CaptureKind = "body"
)

// Capture takes a value out of an answer into a variable.
type Capture struct {
	Name    string
	Kind    CaptureKind
	Arg     string  // path, expression or name; constant
	Default *string // nil: a missing value fails the request
}

// CheckKind says what a check looks at.
type CheckKind string

// What checks look at. The four of the body compare its text; CheckJSON the
// value at a path.
const (
	CheckStatus      CheckKind = "status"
	CheckTime        CheckKind = "time"
	CheckSize        CheckKind = "size"
	CheckContains    CheckKind = "contains"
	CheckNotContains CheckKind = "not-contains"
	CheckEquals      CheckKind = "equals"
	CheckMatches     CheckKind = "matches"
	CheckJSON        CheckKind = "json"
	CheckHeader      CheckKind = "header"
)

// Check is one leaf of a step's checks.
type Check struct {
	Kind     CheckKind
	Name     string        // as shown: "status", `body contains "ok"`
	Arg      string        // JSON path or header name; constant
	Op       string        // == != < <= > >= contains matches; header: "present" or ==
	Value    string        // what it is compared with, a template
	Number   int64         // CheckTime in nanoseconds, CheckSize in bytes
	Statuses []StatusRange // CheckStatus: any of these
}

// StatusRange is the answer codes Lo … Hi, both included.
type StatusRange struct{ Lo, Hi int }
