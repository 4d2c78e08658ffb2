package dial

import (
	"net"
	"net/netip"
	"strconv"
)

// State says what is known of a name.
type State uint8

// The states of a name.
const (
	Unknown State = iota // not looked up yet; Wait tells when it has been
	Known                // there is an address
	Missing              // there is none: Why says why
)

// Name is one lane's hand on the name of a host. It is for one goroutine.
type Name struct {
	names *Names
	host  *host          // nil: nothing to look up
	fixed netip.AddrPort // valid: the one address
	port  uint16
	turn  uint32
	why   string

	forbidden bool // without host: the targets allowed are why there is no address
}

// Next gives the address that is to be used next.
func (n *Name) Next() (netip.AddrPort, State) {
	if n.host == nil {
		if n.fixed.IsValid() {
			return n.fixed, Known
		}
		return netip.AddrPort{}, Missing
	}
	if !n.host.used.Load() && !n.host.used.Swap(true) {
		n.host = n.names.remember(n.host)
	}
	f := n.host.found.Load()
	switch {
	case f == nil:
		return netip.AddrPort{}, Unknown
	case len(f.addrs) == 0:
		return netip.AddrPort{}, Missing
	}
	addr := f.addrs[int(n.turn%uint32(len(f.addrs)))]
	n.turn++
	return netip.AddrPortFrom(addr, n.port), Known
}

// Addresses is how many addresses connections are spread over; 0: none is known.
func (n *Name) Addresses() int {
	if n.host == nil {
		if n.fixed.IsValid() {
			return 1
		}
		return 0
	}
	if f := n.host.found.Load(); f != nil {
		return len(f.addrs)
	}
	return 0
}

// Why says why the name is missing.
func (n *Name) Why() string {
	if n.host == nil {
		return n.why
	}
	if f := n.host.found.Load(); f != nil {
		return f.why
	}
	return ""
}

// Wait calls f once, as soon as the name is no longer Unknown: from the
// goroutine that looked it up, or at once. While Names does not run that is
// never.
func (n *Name) Wait(f func()) {
	if !n.await(f) {
		f()
	}
}

// await queues f if the name has not been looked up.
func (n *Name) await(f func()) bool {
	if n.host == nil {
		return false
	}
	n.names.mu.Lock()
	defer n.names.mu.Unlock()
	if n.host.found.Load() != nil {
		return false
	}
	n.host.waiters = append(n.host.waiters, f)
	return true
}

// ZoneID is the number of the interface that an IPv6 address is scoped to, by
// its name or number; 0 when there is none.
func ZoneID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32)
	return uint32(n)
}
