package session

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"hyperscale"
)

// The table of kinds in the documentation and the one in the code are the same.
func TestFaultsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../doc/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{"": true}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z ]+?)(?: N[A-Z]+)?` \\|").FindAllStringSubmatch(string(text), -1) {
		documented[m[1]] = true
	}
	documented["cancelled"] = strings.Contains(string(text), "`cancelled`")
	for code, kind := range faultTexts {
		if !documented[kind] {
			t.Errorf("%d: %q is not documented", code, kind)
		}
		delete(documented, kind)
	}
	for kind := range documented {
		t.Errorf("%q is documented, but no fault", kind)
	}
	if len(faultTexts) != int(NoRow)+1 {
		t.Errorf("%d texts for %d codes", len(faultTexts), NoRow+1)
	}
}

func TestFaultNames(t *testing.T) {
	p := compile(t, planOf(
		get("home", "/", checking(status(200, 200)), capturing("id", hyperscale.CaptureBody, "")),
		get("list", "/{{ id }}", headers("x-id", "{{ id }}"), checking(status(200, 200))),
	), Inputs{})
	tests := map[Fault]string{
		0:                                      "",
		NewFault(Timeout, 0):                   "timeout",
		NewFault(BadStatus, 503):               "status 503",
		NewFault(CheckFailed, 0):               "check home: status",
		NewFault(CheckFailed, 1):               "check list: status",
		NewFault(CheckFailed, 2):               "check",
		NewFault(CaptureFailed, 0):             "capture id",
		NewFault(ConnectionReset, 7):           "connection reset",
		NewFault(999, 0):                       "fault 999",
		p.flow.nodes[1].request.message.badURL: "bad value url",
	}
	tests[NewFault(NoValue, p.values.faults["id"])] = "no value id"
	tests[NewFault(BadValue, p.values.faults["header x-id"])] = "bad value header x-id"
	for fault, want := range tests {
		if got := p.FaultName(fault); got != want {
			t.Errorf("%v: %q, want %q", fault, got, want)
		}
	}
	if f := NewFault(CheckFailed, 65535); f.Code() != CheckFailed || f.Arg() != 65535 {
		t.Errorf("%v %v", f.Code(), f.Arg())
	}
}
