package tier

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// fault is a panic that was contained, as an error.
type fault struct {
	what  any    // that was panicked with
	stack string // where
}

// Error says what, without the stack.
func (f *fault) Error() string { return fmt.Sprintf("panicked: %v", f.what) }

// panicked makes an error of what was recovered, and logs it with its stack: it is
// a fault of ours.
func panicked(log *slog.Logger, doing string, what any) *fault {
	f := &fault{what: what, stack: string(debug.Stack())}
	log.Error("a panic was contained", "doing", doing, "panic", fmt.Sprint(what), "stack", f.stack)
	return f
}
