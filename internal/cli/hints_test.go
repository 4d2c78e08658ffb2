package cli

import (
	"strings"
	"testing"

	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
	"hyperscale/internal/show"
)

func TestWhatIsMeantByAWrongWord(t *testing.T) {
	for line, want := range map[string]string{
		"help":                   "did you mean: hyperscale --help",
		"help run":               "did you mean: hyperscale run --help",
		"rnu":                    "did you mean: hyperscale run",
		"run ftp://localhost/":   "ftp://localhost/ is no URL that can be tested; expected http://",
		"run localhost:8080":     "did you mean the URL http://localhost:8080",
		"run no/such/plan.yaml":  "`hyperscale new no/such/plan.yaml` would begin one",
		"http://localhost:8080/": "did you mean: hyperscale run http://localhost:8080/",
	} {
		w := newTestWorld()
		if code := w.run(strings.Fields(line)...); code != codeRefused || !strings.Contains(w.err.String(), want) {
			t.Errorf("%s: code %d, %q; want %q", line, code, w.err.String(), want)
		}
	}
}

// What the system says about a failure often begins with the words of its kind.
func TestATraceSaysAFaultOnce(t *testing.T) {
	program := new(session.Program)
	for _, code := range []session.FaultCode{session.ConnectionRefused, session.TLSFailed, session.NameNotResolved} {
		fault := session.NewFault(code, 0)
		kind := program.FaultName(fault)
		var b strings.Builder
		newTracer(&b, show.NewTheme(false)).fault(&b, &wire.Exchange{Fault: fault, Text: "connect: " + kind})
		if got, want := b.String(), "! connect: "+kind+"\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		b.Reset()
		newTracer(&b, show.NewTheme(false)).fault(&b, &wire.Exchange{Fault: fault, Text: "why"})
		if got, want := b.String(), "! "+kind+": why\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
