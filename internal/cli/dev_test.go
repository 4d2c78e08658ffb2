package cli

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// A second cluster of a machine finds ports of its own, unless it was told which.
func TestASecondClusterFindsPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f := devFlags{managers: 1, listen: taken.Addr().String()}
	first := taken.Addr().(*net.TCPAddr).Port
	if first > 64_000 {
		t.Skip("there are no ports beyond it")
	}
	at, err := f.settle()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(f.listen)
	got, _ := strconv.Atoi(port)
	if got <= first || (got-first)%devApart != 0 || at(0, 3) != net.JoinHostPort("127.0.0.1", strconv.Itoa(got+3)) {
		t.Errorf("beside port %d it listens at %s, its store at %s", first, f.listen, at(0, 3))
	}
	f = devFlags{managers: 1, listen: taken.Addr().String(), chosen: true}
	if _, err := f.settle(); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("at a place that was named and is taken: %v", err)
	}
}
