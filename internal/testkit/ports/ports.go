// Package ports gives tests ports of loopback that are theirs until they say
// otherwise, whatever other tests run on the machine, in this process or not.
package ports

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports are below those that systems give to outgoing connections: one of those
// could take a port before who is to listen at it does, or while it starts again.
const lowest, highest = 12_000, 32_000

// keeper is an address of loopback that nothing else uses: who listens at a port
// there keeps it from others who ask for it. Where a system has one address of
// loopback only, nothing is kept.
const keeper = "127.77.77.77"

// Taken are ports in a row, at which nothing listened when they were taken.
type Taken struct {
	first int
	kept  []net.Listener
}

// Take takes n ports that follow each other; they are kept until they are given up.
func Take(n int) (*Taken, error) {
	for range 1000 {
		t := &Taken{first: lowest + rand.IntN(highest-lowest-n)}
		if t.keep(n) {
			return t, nil
		}
		t.GiveUp()
	}
	return nil, fmt.Errorf("there are no %d free ports in a row", n)
}

// keep reports whether the ports are this one's.
func (t *Taken) keep(n int) bool {
	for i := range n {
		kept, err := net.Listen("tcp", net.JoinHostPort(keeper, strconv.Itoa(t.first+i)))
		if err == nil {
			t.kept = append(t.kept, kept)
		} else if !missing() {
			return false
		}
		if !free(t.At(i)) {
			return false
		}
	}
	return true
}

// missing reports whether this system has no such address.
func missing() bool {
	l, err := net.Listen("tcp", net.JoinHostPort(keeper, "0"))
	if err == nil {
		_ = l.Close() // nobody came
	}
	return err != nil
}

// free reports whether nothing listens at an address, by TCP and UDP.
func free(at string) bool {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return false
	}
	defer func() { _ = l.Close() }() // nobody came
	u, err := net.ListenPacket("udp", at)
	if err == nil {
		_ = u.Close() // nothing was sent
	}
	return err == nil
}

// At is the address of the i-th port, from 0.
func (t *Taken) At(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(t.first+i)) }

// Port is the number of the i-th port, from 0.
func (t *Taken) Port(i int) int { return t.first + i }

// GiveUp lets others have the ports.
func (t *Taken) GiveUp() {
	for _, l := range t.kept {
		_ = l.Close() // nobody came
	}
	t.kept = nil
}

// Test is the test that wants a port.
type Test interface {
	Helper()
	Fatal(...any)
	Cleanup(func())
}

// One is the address of a port that is a test's until it ends.
func One(t Test) string {
	t.Helper()
	taken, err := Take(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(taken.GiveUp)
	return taken.At(0)
}
