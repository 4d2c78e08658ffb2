//go:build !linux

package engine

import (
	"time"

	"hyperscale"
	"hyperscale/internal/engine/portable"
	"hyperscale/internal/engine/wire"
)

// general is the one driver of a lane where there is no epoll.
const (
	general = iota
	drivers
)

// network is a lane's sockets: the portable driver.
type network struct {
	lane    *lane
	bell    chan struct{}
	drivers [drivers]wire.Driver
}

func newNetwork(l *lane) (*network, error) {
	n := &network{lane: l, bell: make(chan struct{}, 1)}
	n.drivers[general] = portable.New(l.portable())
	return n, nil
}

// enter is called on the lane's thread, first.
func (n *network) enter() {}

// driver is the index of the driver that carries requests of this transport.
func (n *network) driver(*hyperscale.Transport) int { return general }

// of is the driver that carries f.
func (n *network) of(*flight) wire.Driver { return n.drivers[general] }

// wake makes wait return. It may be called from any goroutine.
func (n *network) wake() {
	select {
	case n.bell <- struct{}{}:
	default:
	}
}

// write has nothing to do: the portable driver sends at once.
func (n *network) write() {}

// wait waits until the time given or a wake.
func (n *network) wait(until hyperscale.JobTime) {
	select {
	case <-n.bell:
		return
	default:
	}
	n.lane.idle = true
	d := until - n.lane.tick()
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-n.bell:
	case <-t.C:
	}
}

// open is the number of connections.
func (n *network) open() int { return n.drivers[general].Open() }

func (n *network) close() {
	for _, d := range n.drivers {
		d.Close()
	}
}
