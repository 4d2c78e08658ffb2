package cli

import (
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// World is all that commands touch of the system they run on, files and the
// network aside.
type World struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Env            []string // NAME=value
	Terminal       Terminal
	// Signals begins to deliver interrupts and terminations; stop ends that.
	Signals func() (signals <-chan os.Signal, stop func())
	// Exit ends the process at once.
	Exit func(code int)
}

// Terminal says which of the three streams are terminals. The zero value is
// none.
type Terminal struct {
	In, Out, Err bool
	Width        func() int // of the terminal in cells; nil or 0: unknown
}

// OS is the world as it is.
func OS() World {
	is := func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
	return World{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Env: os.Environ(),
		Terminal: Terminal{
			In: is(os.Stdin), Out: is(os.Stdout), Err: is(os.Stderr),
			Width: func() int {
				width, _, err := term.GetSize(int(os.Stdout.Fd()))
				if err != nil {
					return 0
				}
				return width
			},
		},
		Signals: signals,
		Exit:    os.Exit,
	}
}

// signals also takes in SIGPIPE, so that a reader of our output which goes away
// makes writing fail and does not end a run that others depend on.
func signals() (<-chan os.Signal, func()) {
	all := make(chan os.Signal, 4)
	signal.Notify(all, os.Interrupt, syscall.SIGTERM)
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	return all, func() {
		signal.Stop(all)
		signal.Stop(pipe)
	}
}

// env looks an environment variable up.
func (w World) env(name string) (string, bool) {
	for i := len(w.Env) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(w.Env[i], name+"="); ok {
			return value, true
		}
	}
	return "", false
}
