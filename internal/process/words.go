package process

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// words keeps the last lines that a process says on standard error, of a panic
// the first, and logs all.
type words struct {
	log      *slog.Logger // nil: nobody reads it
	mu       sync.Mutex
	lines    []string
	panicked bool
	rest     []byte // of a line that has not ended
}

// Bounds of last words.
const (
	mostLines   = 20
	longestLine = 1000
)

// Write takes what the process says.
func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, b...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			w.rest = w.rest[:min(len(w.rest), longestLine)] // what more there is of the line is dropped
			return len(b), nil
		}
		w.line(string(line[:min(len(line), longestLine)]))
		w.rest = rest
	}
}

// line keeps a line. A panic begins with what it is; its stack may be long.
func (w *words) line(text string) {
	if w.log != nil {
		w.log.Warn("an engine says", "text", text)
	}
	if !w.panicked && (strings.HasPrefix(text, "panic:") || strings.HasPrefix(text, "fatal error:")) {
		w.panicked, w.lines = true, nil
	}
	w.lines = append(w.lines, text)
	if len(w.lines) <= mostLines {
		return
	}
	if w.panicked {
		w.lines = w.lines[:mostLines]
	} else {
		w.lines = w.lines[1:]
	}
}

// last gives the last words.
func (w *words) last() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.line(string(w.rest))
		w.rest = nil
	}
	return slices.Clone(w.lines)
}
