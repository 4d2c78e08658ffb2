package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every help says what the command does, and ends with examples and exit codes.
func TestEveryHelpEndsWithExamplesAndExitCodes(t *testing.T) {
	root := (&app{set: newSettings()}).root()
	for _, c := range append(everyCommand(root), root) {
		if c.Hidden {
			continue
		}
		s := newTestWorld()
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		if code := s.run(args...); code != 0 {
			t.Errorf("%s: code %d", c.Name(), code)
		}
		text := s.out.String()
		examples, exits := strings.Index(text, "\nExamples:\n"), strings.Index(text, "\nExit codes:\n")
		if examples < 0 || exits < examples || !strings.Contains(text[exits:], "104") {
			t.Errorf("%s: help without examples and exit codes at its end:\n%s", c.Name(), text)
		}
		for line := range strings.Lines(text) {
			if n := len([]rune(line)); n > 110 {
				t.Errorf("%s: a line of %d characters in its help: %s", c.Name(), n, line)
			}
		}
	}
}

// everyCommand is all commands below c.
func everyCommand(c *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, below := range c.Commands() {
		all = append(append(all, below), everyCommand(below)...)
	}
	return all
}

// Every example calls a command with flags that it has.
func TestExamplesParse(t *testing.T) {
	root := (&app{set: newSettings()}).root()
	for _, c := range everyCommand(root) {
		for line := range strings.Lines(c.Example) {
			checkExample(t, c, line)
		}
	}
}

func checkExample(t *testing.T, c *cobra.Command, line string) {
	fields := strings.Fields(line)
	if len(fields) < 2 || fields[0] != "hyperscale" {
		return
	}
	c, _, err := c.Root().Find(fields[1:])
	if err != nil {
		t.Errorf("%q: %v", line, err)
		return
	}
	for _, f := range fields[2:] {
		if name, ok := strings.CutPrefix(f, "--"); ok && c.Flags().Lookup(name) == nil && c.InheritedFlags().Lookup(name) == nil {
			t.Errorf("%s has no flag %s: %q", c.Name(), f, line)
		}
	}
}

func TestRootWithoutArgumentsHelps(t *testing.T) {
	s := newTestWorld()
	if code := s.run(); code != 0 || !strings.Contains(s.out.String(), "Commands:") {
		t.Errorf("code %d: %s", code, &s.out)
	}
}
