package gossip

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
)

// transport is memberlist's own, but its connections end with ctx: else what
// memberlist waits for in the middle of an exchange would outlive Run.
type transport struct {
	*memberlist.NetTransport
	ctx     context.Context // of Run
	streams chan net.Conn
}

// tries is how often a port that is free for TCP is looked for until it is free
// for UDP as well.
const tries = 10

// listen opens the sockets that the settings name, and settles the port if they
// leave it open.
func listen(ctx context.Context, settings *memberlist.Config) (*transport, error) {
	var last error
	for try := 0; try == 0 || try < tries && settings.BindPort == 0; try++ {
		opened, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{settings.BindAddr}, BindPort: settings.BindPort, Logger: settings.Logger,
		})
		if err == nil {
			if settings.AdvertisePort == 0 {
				settings.AdvertisePort = opened.GetAutoBindPort()
			}
			return &transport{opened, ctx, make(chan net.Conn)}, nil
		}
		last = err
	}
	return nil, fmt.Errorf("gossip: listening at %s: %w", net.JoinHostPort(settings.BindAddr, strconv.Itoa(settings.BindPort)), last)
}

// forward hands connections from others to memberlist until stopped is closed,
// which is after the listeners have ended.
func (t *transport) forward(stopped <-chan struct{}) {
	for {
		select {
		case <-stopped:
			return
		case conn := <-t.NetTransport.StreamCh():
			select {
			case t.streams <- t.tie(conn):
			case <-t.ctx.Done():
				_ = conn.Close()
			}
		}
	}
}

// StreamCh is where memberlist gets connections from others.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

// DialTimeout connects to another member.
func (t *transport) DialTimeout(address string, timeout time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: timeout}
	conn, err := dialer.DialContext(t.ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return t.tie(conn), nil
}

// DialAddressTimeout connects to another member.
func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(a.Addr, timeout)
}

// tie closes a connection when ctx ends.
func (t *transport) tie(conn net.Conn) net.Conn {
	return tied{conn, context.AfterFunc(t.ctx, func() { _ = conn.Close() })}
}

// tied is a connection that ends with a context.
type tied struct {
	net.Conn
	untie func() bool
}

// Close closes the connection.
func (c tied) Close() error {
	c.untie()
	return c.Conn.Close()
}
