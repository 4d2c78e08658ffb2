//go:build unix

package cluster

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports gives out ports of loopback that nothing listens at, none of them twice:
// datacenters that run at the same time share one. The zero value is ready.
type Ports struct {
	mu    sync.Mutex
	given map[int]bool
}

// take gives n addresses. They are below those that the system gives to outgoing
// connections: a node that is started again must find its own.
func (p *Ports) take(n int) ([]string, error) {
	const lowest, highest = 12_000, 32_000
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.given == nil {
		p.given = map[int]bool{}
	}
	var found []string
	for range 1000 {
		port := lowest + rand.IntN(highest-lowest)
		at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if p.given[port] || !free(at) {
			continue
		}
		p.given[port] = true
		if found = append(found, at); len(found) == n {
			return found, nil
		}
	}
	return nil, errors.New("no free ports")
}

// free reports whether nothing listens at an address.
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
