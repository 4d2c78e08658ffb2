package portable

import (
	"errors"
	"net"
	"testing"
)

// TestLinkCutBeforeItIsOpen: what opens too late is closed at once.
func TestLinkCutBeforeItIsOpen(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	l := newLink()
	l.reset()
	if l.ctx.Err() == nil {
		t.Error("opening goes on")
	}
	if l.hold(ours) {
		t.Error("a link that was cut takes a connection")
	}
	if _, err := ours.Write([]byte("x")); err == nil || !errors.Is(err, net.ErrClosed) && err.Error() != "io: read/write on closed pipe" {
		t.Errorf("the connection is open: %v", err)
	}
	l.reset() // again is nothing
	l.close()
}
