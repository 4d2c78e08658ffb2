package session

import "strconv"

// faultTexts are the texts of the fault codes, before their argument. The table
// in doc/errors.md says the same.
var faultTexts = [...]string{
	NoFault:            "",
	NameNotResolved:    "name not resolved",
	ConnectionRefused:  "connection refused",
	ConnectionReset:    "connection reset",
	ConnectionTimeout:  "connection timeout",
	NoLocalPort:        "no local port",
	NoDescriptor:       "no descriptor",
	TLSFailed:          "tls",
	ClosedBeforeAnswer: "closed before answer",
	AnswerCutShort:     "answer cut short",
	MalformedAnswer:    "malformed answer",
	HeaderTooLarge:     "header too large",
	BodyTooLarge:       "body too large",
	TooManyRedirects:   "too many redirects",
	Timeout:            "timeout",
	BadStatus:          "status",
	CheckFailed:        "check",
	CaptureFailed:      "capture",
	NoValue:            "no value",
	Cut:                "cancelled",
	ConnectFailed:      "connect failed",
	SendFailed:         "connection failed",
	BadValue:           "bad value",
	NoRow:              "no data row",
}

// FaultName is the text of the fault as reports show it: "connection refused",
// "status 503", "check home: status", "no value id". No fault has no text.
func (p *Program) FaultName(f Fault) string {
	code := f.Code()
	if int(code) >= len(faultTexts) {
		return "fault " + strconv.Itoa(int(code))
	}
	text := faultTexts[code]
	switch code {
	case BadStatus:
		return text + " " + strconv.Itoa(f.Arg())
	case CheckFailed:
		return text + nameAt(p.CheckNames, f.Arg())
	case CaptureFailed:
		return text + nameAt(p.CaptureNames, f.Arg())
	case NoValue, BadValue, NoRow:
		return text + nameAt(p.ValueNames, f.Arg())
	}
	return text
}

// nameAt gives a blank and the name, or nothing when there is no such name.
func nameAt(names []string, i int) string {
	if i >= len(names) {
		return ""
	}
	return " " + names[i]
}
