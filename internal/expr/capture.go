package expr

import (
	"regexp"
	"slices"
	"strings"
)

// A CaptureKind says where a capture looks.
type CaptureKind uint8

const (
	// CaptureJSON takes the first match of a path in the body.
	CaptureJSON CaptureKind = iota
	// CaptureRegex takes the first group of a pattern's first match in the
	// body, or the match when the pattern has no group.
	CaptureRegex
	// CaptureHeader takes a header of the answer.
	CaptureHeader
	// CaptureCookie takes a cookie.
	CaptureCookie
	// CaptureStatus takes the status code.
	CaptureStatus
	// CaptureBody takes the whole body.
	CaptureBody
)

// captureKinds are the kinds as they are written, by their number.
var captureKinds = [...]string{"json", "regex", "header", "cookie", "status", "body"}

// String gives the kind as it is written.
func (k CaptureKind) String() string { return captureKinds[k] }

// A Capture says what a step takes from its answer. It is safe for concurrent
// use.
type Capture struct {
	kind     CaptureKind
	arg      string
	path     *JSONPath      // of CaptureJSON
	pattern  *regexp.Regexp // of CaptureRegex
	fallback *string
}

// ParseCapture reads a capture with its default. Of a pattern's text the last
// " | " begins the default; a pattern that holds one itself is written as
// {regex: …, default: …} and goes through [NewCapture]. The error is a
// [SyntaxError].
func ParseCapture(text string) (*Capture, error) {
	c := cursor{text: text}
	c.blanks()
	start := c.pos
	word, _ := c.word()
	kind := slices.Index(captureKinds[:], word)
	if kind < 0 || !c.end() && !isBlank(c.text[c.pos]) {
		c.pos = start
		return nil, c.noCapture(word)
	}
	c.blanks()
	capture := &Capture{kind: CaptureKind(kind)}
	if err := c.captureArgument(capture); err != nil {
		return nil, err
	}
	return capture, c.captureDefault(capture)
}

// NewCapture makes a capture of the kind with this name. The argument is taken
// as it is; status and body have none, "". The default is nil without one. The
// error is a [SyntaxError] with the offset in arg.
func NewCapture(kind, arg string, fallback *string) (*Capture, error) {
	c := cursor{text: arg}
	n := slices.Index(captureKinds[:], kind)
	if n < 0 {
		return nil, c.noCapture(kind)
	}
	capture := &Capture{kind: CaptureKind(n), fallback: fallback}
	var err error
	if capture.kind == CaptureRegex {
		err = c.pattern(capture, len(arg))
	} else {
		err = c.captureArgument(capture)
	}
	if err == nil && c.trailing() {
		err = c.fault(c.pos, c.token()+" after "+kind, "the end")
	}
	if err != nil {
		return nil, err
	}
	return capture, nil
}

// noCapture makes the error for what names no kind of capture.
func (c *cursor) noCapture(word string) error {
	shown := c.token()
	if word != "" {
		shown = quote(word)
	}
	err := c.fault(c.pos, shown+" is no capture", "json PATH, regex RE, header NAME, cookie NAME, status or body")
	err.Meant = Nearest(word, captureKinds[:])
	if c.has("$") {
		err.Meant = "json " + strings.Trim(c.token(), `"`)
	}
	return err
}

// captureArgument reads what follows the kind, without the default.
func (c *cursor) captureArgument(capture *Capture) error {
	start := c.pos
	var err error
	switch capture.kind {
	case CaptureJSON:
		capture.path, err = c.jsonPath()
	case CaptureRegex:
		return c.pattern(capture, lastBar(c.text, start))
	case CaptureHeader, CaptureCookie:
		for !c.end() && !isBlank(c.text[c.pos]) {
			c.pos++
		}
		if c.pos == start || c.text[start:c.pos] == "|" {
			return c.fault(start, capture.kind.String()+" without a name", capture.kind.String()+" NAME")
		}
	}
	capture.arg = c.text[start:c.pos]
	return err
}

// pattern reads a regular expression that ends at end or the blanks before it.
func (c *cursor) pattern(capture *Capture, end int) (err error) {
	capture.arg = strings.TrimRight(c.text[c.pos:end], " \t\r\n")
	if capture.arg == "" {
		return c.fault(c.pos, "regex without a pattern", "regex RE")
	}
	capture.pattern, err = compile(capture.arg, c.pos)
	c.pos = end
	return err
}

// lastBar gives the offset of the last | from start on that stands between
// blanks or between a blank and the end; the length of text if there is none.
func lastBar(text string, start int) int {
	for i := len(text) - 1; i >= start; i-- {
		if text[i] == '|' && isBlank(text[i-1]) && (i+1 == len(text) || isBlank(text[i+1])) {
			return i
		}
	}
	return len(text)
}

// captureDefault reads | and the default, if there is one.
func (c *cursor) captureDefault(capture *Capture) error {
	c.blanks()
	blank := c.pos > 0 && isBlank(c.text[c.pos-1])
	bar := c.pos
	switch {
	case c.end():
		return nil
	case !blank || !c.take("|") || !c.end() && !isBlank(c.text[c.pos]):
		c.pos = bar
		if capture.kind == CaptureJSON {
			return c.noSegment()
		}
		return c.fault(bar, c.token()+" after "+capture.kind.String(), `" | " and a default, or the end`)
	}
	c.blanks()
	text := strings.TrimRight(c.rest(), " \t\r\n")
	if c.isQuote() {
		var err error
		if text, err = c.quoted(); err != nil || c.trailing() {
			return orAfterQuotes(c, err)
		}
	}
	capture.fallback = &text
	return nil
}

// Kind says where the capture looks.
func (c *Capture) Kind() CaptureKind { return c.kind }

// Arg is the path, the pattern, or the name of the header or cookie, as written.
func (c *Capture) Arg() string { return c.arg }

// Default is what a capture that finds nothing takes.
func (c *Capture) Default() (text string, ok bool) {
	if c.fallback == nil {
		return "", false
	}
	return *c.fallback, true
}

// String gives the capture in full.
func (c *Capture) String() string {
	text := c.kind.String()
	if c.arg != "" {
		text += " " + c.arg
	}
	if c.fallback != nil {
		text += " | " + quote(*c.fallback)
	}
	return text
}

// NeedsBody reports whether the body must be kept for the capture.
func (c *Capture) NeedsBody() bool {
	return c.kind == CaptureJSON || c.kind == CaptureRegex || c.kind == CaptureBody
}

// Find gives what the capture takes from the body: a part of body, with its
// kind when it is JSON, which [AppendJSONText] turns into text; otherwise kind
// is JSONNothing and raw is the text. It gives nothing for the kinds that do
// not look into the body, and does not apply the default.
func (c *Capture) Find(body []byte) (raw []byte, kind JSONKind, ok bool) {
	switch c.kind {
	case CaptureJSON:
		return c.path.Find(body)
	case CaptureBody:
		return body, JSONNothing, true
	case CaptureRegex:
		at := c.pattern.FindSubmatchIndex(body)
		group := 0
		if len(at) > 2 {
			group = 2
		}
		if at == nil || at[group] < 0 {
			return nil, JSONNothing, false
		}
		return body[at[group]:at[group+1]], JSONNothing, true
	}
	return nil, JSONNothing, false
}
