package session

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/testkit"
)

// A transcript holds blocks of events and, behind ----, the effects that a
// session of the scenario with the file's name gave. Events:
//
//	begin [slot= pass= vu= row= due= at=]
//	answer ID STATUS [start= at= size= body= header= … toolarge]
//	broken ID CODE [at= text=]
//	wake ID [at=]
//	interrupt [at=]
//
// Times are those of the job; without at= it is the time of the event before. A
// value with blanks is quoted as in Go. # begins a comment.
func TestTranscripts(t *testing.T) {
	all := scenarios()
	testkit.Scripts(t, func(t *testing.T, text string) string {
		name := filepath.Base(t.Name())
		s, found := all[name]
		if !found {
			t.Fatal("there is no scenario of this name")
		}
		delete(all, name)
		player := &player{t: t, p: compile(t, s.plan(), s.in)}
		player.p.Init(&player.s)
		return player.play(text)
	})
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Errorf("the scenario %s has no transcript", name)
	}
}

// player feeds a session with what a transcript says.
type player struct {
	t   *testing.T
	p   *Program
	s   Session
	now Time
}

// play gives the transcript with the effects that came.
func (p *player) play(text string) string {
	var b strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteString("\n")
		}
		head, _, hasEffects := strings.Cut(block, "----")
		b.WriteString(strings.TrimRight(head, "\n") + "\n")
		var effects []string
		for _, line := range strings.Split(strings.TrimSpace(head), "\n") {
			if line != "" && !strings.HasPrefix(line, "#") {
				effects = append(effects, p.event(line)...)
			}
		}
		if hasEffects || len(effects) > 0 {
			b.WriteString("----\n" + strings.Join(effects, ""))
		}
	}
	return b.String()
}

// event takes one event.
func (p *player) event(line string) (effects []string) {
	words := fields(p.t, line)
	args := arguments(words)
	if at, ok := args["at"]; ok {
		p.now = duration(p.t, at[0])
	}
	ev := Event{}
	switch words[0] {
	case "begin":
		ev.Kind, ev.Iteration = Begin, p.iteration(args)
	case "answer":
		ev.Kind, ev.ID, ev.Answer = Answered, number(p.t, words[1]), p.answer(words[2], args)
	case "broken":
		ev.Kind, ev.ID, ev.Fault = Broken, number(p.t, words[1]), NewFault(codeOf(p.t, words[2]), 0)
		ev.Text = first(args["text"])
	case "wake":
		ev.Kind, ev.ID = Woken, number(p.t, words[1])
	case "interrupt":
		ev.Kind = Interrupt
	default:
		p.t.Fatalf("no such event: %s", line)
	}
	for _, e := range p.s.Step(p.now, ev, nil) {
		effects = append(effects, p.effect(&e))
	}
	return effects
}

func (p *player) iteration(args map[string][]string) *Iteration {
	it := &Iteration{}
	for name, to := range map[string]*int64{"slot": (*int64)(&it.Slot), "pass": &it.Pass, "vu": &it.VU, "row": &it.Row} {
		if v, ok := args[name]; ok {
			*to = int64(number(p.t, v[0]))
		}
	}
	it.Due = p.now
	if v, ok := args["due"]; ok {
		it.Due = duration(p.t, v[0])
	}
	return it
}

func (p *player) answer(status string, args map[string][]string) *Answer {
	a := &Answer{Status: int(number(p.t, status)), Start: p.now, End: p.now}
	if v, ok := args["start"]; ok {
		a.Start = duration(p.t, v[0])
	}
	_, a.TooLarge = args["toolarge"]
	for _, h := range args["header"] {
		a.Head = append(a.Head, h+"\r\n"...)
		a.SetsCookie = a.SetsCookie || strings.HasPrefix(h, "Set-Cookie")
		a.HasLocation = a.HasLocation || strings.HasPrefix(h, "Location")
		a.HasEncoding = a.HasEncoding || strings.HasPrefix(h, "Content-Encoding")
	}
	a.Body = []byte(first(args["body"]))
	a.BodySize = int64(len(a.Body))
	return a
}

// effect writes one effect.
func (p *player) effect(e *Effect) string {
	var b strings.Builder
	step := ""
	if int(e.Step) < len(p.p.Steps) {
		step = p.p.Steps[e.Step].Name
	}
	switch e.Kind {
	case Send:
		fmt.Fprintf(&b, "send %d %q due=%v %s\n%s", e.ID, step, e.At, showOrigin(e.Request), showMessage(e.Request))
		return b.String()
	case Wait:
		fmt.Fprintf(&b, "wait %d %q until=%v", e.ID, step, e.At)
	case Ended:
		fmt.Fprintf(&b, "ended %d %q %s", e.ID, step, outcomes[e.Outcome])
	case Listed:
		fmt.Fprintf(&b, "listed %q %s took=%v", step, outcomes[e.Outcome], e.At)
	case Faulted:
		fmt.Fprintf(&b, "faulted %q", step)
	case Passed:
		fmt.Fprintf(&b, "passed %q", step)
	case Done:
		fmt.Fprintf(&b, "done %s", outcomes[e.Outcome])
	}
	b.WriteString(p.details(e))
	return b.String() + "\n"
}

// details writes what only some effects have.
func (p *player) details(e *Effect) string {
	var b strings.Builder
	if e.Fault != 0 {
		fmt.Fprintf(&b, " fault=%q", p.p.FaultName(e.Fault))
	}
	if e.Checks != nil {
		b.WriteString(" checks=")
		for _, passed := range e.Checks {
			b.WriteString(map[bool]string{true: "+", false: "-"}[passed])
		}
	}
	if e.Text != "" {
		fmt.Fprintf(&b, " text=%q", e.Text)
	}
	if e.Stop != StopNothing {
		b.WriteString(map[Stop]string{StopVU: " stop-vu", StopJob: " stop-job"}[e.Stop])
	}
	return b.String()
}

var outcomes = map[Outcome]string{OK: "ok", Failed: "failed", TimedOut: "timed-out", Cancelled: "cancelled", Interrupted: "interrupted"}

func showOrigin(r *Request) string {
	return fmt.Sprintf("%s://%s port %s", r.Origin.Scheme, r.Origin.Host, r.Origin.Port)
}

// showMessage shows the lines of a request, its User-Agent left out.
func showMessage(r *Request) string {
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(string(r.Head), "\r\n\r\n"), "\r\n") {
		if line != "User-Agent: hyperscale/test" {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	if len(r.Body) > 0 {
		fmt.Fprintf(&b, "  %q\n", r.Body)
	}
	return b.String()
}

// fields splits a line at blanks; values may be quoted.
func fields(t *testing.T, line string) (words []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " ") {
		end := strings.IndexAny(line, " \"")
		switch {
		case end < 0:
			return append(words, line)
		case line[end] == ' ':
			words, line = append(words, line[:end]), line[end:]
			continue
		}
		quoted, err := strconv.QuotedPrefix(line[end:])
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		text, _ := strconv.Unquote(quoted)
		words, line = append(words, line[:end]+text), line[end+len(quoted):]
	}
	return words
}

// arguments gives the words of the form name=value.
func arguments(words []string) map[string][]string {
	args := map[string][]string{}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		args[name] = append(args[name], value)
	}
	return args
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func duration(t *testing.T, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func number(t *testing.T, text string) int32 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return int32(n)
}

func codeOf(t *testing.T, text string) FaultCode {
	for code, name := range faultTexts {
		if strings.ReplaceAll(name, " ", "-") == text {
			return FaultCode(code)
		}
	}
	t.Fatalf("no such fault: %s", text)
	return 0
}
