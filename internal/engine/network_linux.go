package engine

import (
	"golang.org/x/sys/unix"

	"hyperscale"
	"hyperscale/internal/engine/epoll"
	"hyperscale/internal/engine/portable"
	"hyperscale/internal/engine/wire"
)

// The drivers of a lane.
const (
	fast = iota
	general
	drivers
)

// stride is how many events are received, dealt with and answered together: few
// enough that the target is not kept waiting for the next requests meanwhile.
const stride = 32

// network is a lane's sockets: the epoll driver, and the portable one for what
// the first does not do.
type network struct {
	lane    *lane
	poller  *epoll.Poller
	epoll   *epoll.Driver
	drivers [drivers]wire.Driver
}

func newNetwork(l *lane) (*network, error) {
	p, err := epoll.NewPoller()
	if err != nil {
		return nil, err
	}
	n := &network{lane: l, poller: p}
	n.epoll = epoll.New(p, epoll.Config{
		Names: l.engine.cfg.Names,
		Clock: l.engine.clock,
		Now:   &l.now,
		Done:  l.done,
		Post:  l.post,
	})
	n.drivers = [drivers]wire.Driver{fast: n.epoll, general: portable.New(l.portable())}
	return n, nil
}

// enter is called on the lane's thread, first.
func (n *network) enter() {
	// The default slack of 50 µs would be every slot's lateness.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
}

// driver is the index of the driver that carries requests of this transport.
func (n *network) driver(t *hyperscale.Transport) int {
	if t.HTTP == 2 || t.Proxy != "" {
		return general
	}
	return fast
}

// of is the driver that carries f.
func (n *network) of(f *flight) wire.Driver {
	return n.drivers[n.driver(f.Request.Origin.Transport)]
}

// wake makes wait return. It may be called from any goroutine.
func (n *network) wake() { n.poller.Wake() }

// write sends what was put on open connections since the last time.
func (n *network) write() { n.epoll.Write() }

// wait deals with events until the time given, or with those that are there.
// Whether there are none is asked until it was so once in a window.
func (n *network) wait(until hyperscale.JobTime) {
	if n.epoll.Flush() {
		return
	}
	n.epoll.Write()
	events := n.await(until)
	for from := 0; from < events; from += stride {
		to := min(from+stride, events)
		n.epoll.Receive(from, to)
		for i := from; i < to; i++ {
			n.epoll.Handle(i)
			if n.lane.now >= until {
				until = n.lane.turn() // slots don't wait for the rest of the answers
			}
		}
		n.epoll.Write()
	}
}

// await gives the number of events that have come.
func (n *network) await(until hyperscale.JobTime) int {
	if !n.lane.idle {
		if events := n.poller.Poll(0); events > 0 {
			return events
		}
		n.lane.idle = true
	}
	if until <= n.lane.tick() {
		return n.poller.Poll(0)
	}
	if events := n.poller.Poll(until - n.lane.now); events > 0 {
		return events
	}
	if d := until - n.lane.tick(); d > 0 {
		return n.poller.Wait(d)
	}
	return 0
}

// open is the number of connections.
func (n *network) open() int { return n.epoll.Open() + n.drivers[general].Open() }

func (n *network) close() {
	for _, d := range n.drivers {
		d.Close()
	}
	n.poller.Close()
}
