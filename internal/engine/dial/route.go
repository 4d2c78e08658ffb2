package dial

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"
)

// reachable leaves out the addresses that are of no use on this machine: of
// several, those without a route, and of those that mean this machine in both
// families, those where nothing listens. When that leaves none, all stay.
func reachable(ctx context.Context, port string, addrs []netip.Addr) []netip.Addr {
	if !mixed(addrs) {
		return addrs
	}
	try := routed
	if !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !a.IsLoopback() }) {
		try = listening
	}
	var out []netip.Addr
	for _, a := range addrs {
		if try(ctx, net.JoinHostPort(a.String(), port)) {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return addrs
	}
	return out
}

// mixed reports whether addrs are of both families.
func mixed(addrs []netip.Addr) bool {
	return slices.ContainsFunc(addrs, netip.Addr.Is4) && slices.ContainsFunc(addrs, netip.Addr.Is6)
}

// routed reports whether the system would know where to send: connecting a UDP
// socket sends nothing.
func routed(ctx context.Context, addr string) bool { return tries(ctx, "udp", addr) }

// listening reports whether something on this machine accepts connections.
func listening(ctx context.Context, addr string) bool { return tries(ctx, "tcp", addr) }

func tries(ctx context.Context, network, addr string) bool {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, network, addr)
	if err == nil {
		_ = c.Close() // only whether it opened was asked
	}
	return err == nil
}
