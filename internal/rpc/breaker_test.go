package rpc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/testkit"

	"pgregory.net/rapid"
)

// The transcript has one question or event a line, with the time before it, and
// after the arrow what the breaker said:
//
//	5s call a -> permitted, closed
func TestBreakerTranscript(t *testing.T) {
	const name = "testdata/breaker.txt"
	script, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	b, permits := new(Breaker), map[string]Permit{}
	for lines := bufio.NewScanner(bytes.NewReader(script)); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), " -> ")
		if line == "" || strings.HasPrefix(line, "#") {
			if strings.HasPrefix(line, "# ") {
				b, permits = new(Breaker), map[string]Permit{}
			}
			fmt.Fprintln(&out, line)
			continue
		}
		fmt.Fprintf(&out, "%s -> %s\n", line, breakerStep(t, b, permits, strings.Fields(line)))
	}
	testkit.Golden(t, name, out.String())
}

func breakerStep(t *testing.T, b *Breaker, permits map[string]Permit, words []string) string {
	after, err := time.ParseDuration(words[0])
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, 0).Add(after)
	said := ""
	switch words[1] {
	case "call":
		p, ok := b.Ask(now)
		if said = "refused, "; ok {
			said, permits[words[2]] = "permitted, ", p
		}
	case "ok":
		b.Done(now, permits[words[2]], Succeeded)
	case "fails":
		b.Done(now, permits[words[2]], Failed)
	case "given-up":
		b.Done(now, permits[words[2]], GivenUp)
	case "fault":
		b.Fault(now)
	default:
		t.Fatalf("what is %q", words)
	}
	return said + b.State().String()
}

// Whatever happens, a closed breaker permits every call, an open one none before
// its pause is over, and a half-open one a single call at a time.
func TestBreakerKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Breaker
		now := time.Unix(0, 0)
		var open []Permit
		var paused time.Time
		trying := 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 8000).Draw(t, "ms")) * time.Millisecond)
			before := b.State()
			switch what := rapid.IntRange(0, 4).Draw(t, "what"); {
			case what <= 1:
				p, ok := b.Ask(now)
				if before == BreakerClosed && !ok {
					t.Fatal("a closed breaker refused")
				}
				if before == BreakerOpen && ok != (now.Sub(paused) >= 10*time.Second) {
					t.Fatalf("%s after it opened or last failed: permitted is %v", now.Sub(paused), ok)
				}
				if ok {
					open = append(open, p)
				}
			case what == 2:
				b.Fault(now)
			case len(open) > 0:
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				b.Done(now, open[i], Outcome(rapid.IntRange(0, 2).Draw(t, "outcome")))
				open = append(open[:i], open[i+1:]...)
			}
			if b.State() == BreakerOpen && (before != BreakerOpen || b.since == now) {
				paused = now
			}
			trying = 0
			for _, p := range open {
				if b.State() == BreakerHalfOpen && p.change == b.change {
					trying++
				}
			}
			if trying > 1 {
				t.Fatalf("%d calls try a half-open breaker", trying)
			}
		}
	})
}

func TestOutcomes(t *testing.T) {
	want := map[Kind]Outcome{Unavailable: Failed, OutOfTime: Failed, Internal: Failed, Cancelled: GivenUp}
	for _, e := range errorSamples() {
		if got := OutcomeOf(e); got != want[e.Kind] {
			t.Errorf("%s says %d of the peer", e.Kind, got)
		}
	}
	if OutcomeOf(nil) != Succeeded || OutcomeOf(errors.New("?")) != Failed {
		t.Error("no error, or one of nobody")
	}
}
