package client

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/rpc"
	"hyperscale/internal/testkit"
)

// The transcript has what each attempt came to, with the time since the call
// began, and after the arrow what is done next. Who was asked is the first of those
// to try, or who stands after "at".
func TestCourses(t *testing.T) {
	const name = "testdata/courses.txt"
	script, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	begin := time.Unix(0, 0)
	var c *course
	var at string // who is asked
	for lines := bufio.NewScanner(bytes.NewReader(script)); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), " -> ")
		words := strings.Fields(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			fmt.Fprintln(&out, line)
		case words[0] == "begin":
			c = &course{nodes: strings.Split(words[1], ","), until: begin.Add(10 * time.Second)}
			owner := ""
			if len(words) > 2 {
				owner = words[2]
			}
			next := c.first(owner)
			at = next.addresses[0]
			fmt.Fprintf(&out, "%s -> %s\n", line, next)
		default:
			after, err := time.ParseDuration(words[0])
			if err != nil {
				t.Fatal(err)
			}
			if what, where, is := strings.Cut(line, " at "); is {
				words, at = strings.Fields(what), where
			}
			if words[1] == "nobody" {
				at = ""
			}
			next := c.after(begin.Add(after), 0.5, at, outcome(t, words[1:]))
			if at = ""; !next.end {
				at = next.addresses[0]
			}
			fmt.Fprintf(&out, "%s -> %s\n", line, next)
		}
	}
	testkit.Golden(t, name, out.String())
}

func outcome(t *testing.T, words []string) error {
	e := &rpc.Error{}
	switch words[0] {
	case "ok":
		return nil
	case "gone", "nobody":
		e.Kind = rpc.Unavailable
	case "not-owner":
		if e.Kind = rpc.NotOwner; len(words) > 1 {
			e.Address = words[1]
		}
	case "busy":
		e.Kind = rpc.Overloaded
		var err error
		if e.Retry, err = time.ParseDuration(words[1]); err != nil {
			t.Fatal(err)
		}
	case "invalid":
		e.Kind = rpc.Invalid
	default:
		t.Fatalf("what is %q", words)
	}
	return fmt.Errorf("in the test: %w", e)
}

func (s step) String() string {
	if s.end {
		return "the end"
	}
	text := "ask " + strings.Join(s.addresses, ",")
	if s.owner != "" {
		text += ", owner " + s.owner
	}
	if s.wait > 0 {
		text = fmt.Sprintf("after %s %s", s.wait, text)
	}
	return text
}
