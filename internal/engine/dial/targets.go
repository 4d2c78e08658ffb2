package dial

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"hyperscale/internal/session"
)

// Targets says where connections may be opened. The zero value allows every
// address but the link-local ones and those at which clouds serve metadata; nil
// allows these too.
type Targets struct {
	hosts    []hostRule
	prefixes []prefixRule
}

// hostRule allows what a name resolves to; with inside, the names below it.
type hostRule struct {
	name   string
	inside bool
	port   string // "": any
}

type prefixRule struct {
	netip.Prefix
	port string // "": any
}

// guarded are addresses that answer whoever is on the machine or its network
// with more than a load test should know, or that are nobody's target: link-local
// ones, and those at which clouds serve metadata and credentials. They are allowed
// only when named by address.
func guarded() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("169.254.0.0/16"),     // link-local; metadata of most clouds
		netip.MustParsePrefix("fe80::/10"),          // link-local
		netip.MustParsePrefix("fd00:ec2::/32"),      // AWS
		netip.MustParsePrefix("fd20:ce::254/128"),   // Google
		netip.MustParsePrefix("100.100.100.200/32"), // Alibaba
		netip.MustParsePrefix("168.63.129.16/32"),   // Azure
		netip.MustParsePrefix("192.0.0.192/32"),     // Oracle
	}
}

// embedded are the IPv6 prefixes whose last four bytes are an IPv4 address that
// is reached through them.
func embedded() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("64:ff9b::/96"), // translation
		netip.MustParsePrefix("::/96"),        // an old form of mapped addresses
	}
}

// ParseTargets reads what is allowed: hosts ("shop.example.com", also
// "*.example.com" for all below), addresses and CIDRs, each with ":port" if only
// that one is ("[::1]:80"). Nothing allows everything. The error names every entry
// that is none of these.
func ParseTargets(entries []string) (Targets, error) {
	var t Targets
	var faults []error
	for _, e := range entries {
		if err := t.add(strings.TrimSpace(e)); err != nil {
			faults = append(faults, fmt.Errorf("allowed target %q: %w", e, err))
		}
	}
	return t, errors.Join(faults...)
}

// add reads one entry.
func (t *Targets) add(entry string) error {
	what, port := entry, ""
	if at := strings.LastIndexByte(entry, ':'); at >= 0 && (strings.HasPrefix(entry, "[") || strings.Count(entry, ":") == 1) && !strings.HasSuffix(entry, "]") {
		what, port = entry[:at], entry[at+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("no port %q", port)
		}
	}
	what = strings.TrimSuffix(strings.TrimPrefix(what, "["), "]")
	if strings.Contains(what, "/") {
		p, err := netip.ParsePrefix(what)
		if err != nil {
			return errors.New("it is no CIDR such as 10.0.0.0/8")
		}
		t.prefixes = append(t.prefixes, prefixRule{p.Masked(), port})
		return nil
	}
	if ip, err := netip.ParseAddr(what); err == nil {
		ip = ip.Unmap().WithZone("")
		t.prefixes = append(t.prefixes, prefixRule{netip.PrefixFrom(ip, ip.BitLen()), port})
		return nil
	}
	name, inside := strings.CutPrefix(strings.ToLower(what), "*.")
	if name == "" || strings.ContainsAny(name, "*:/@ []") {
		return errors.New("it is no host, address or CIDR")
	}
	t.hosts = append(t.hosts, hostRule{name, inside, port})
	return nil
}

// allow reports whether an address that the name resolved to may be connected to,
// at the port; a name that is an address itself is "".
func (t *Targets) allow(name string, addr netip.Addr, port string) bool {
	addr = addr.Unmap().WithZone("")
	if t == nil || t.named(addr, port) {
		return true
	}
	if isGuarded(addr) {
		return false
	}
	return t.open() || t.host(name, port) || t.within(addr, port)
}

// open reports whether nothing was said: then all that is not guarded is allowed.
func (t *Targets) open() bool { return t == nil || len(t.hosts) == 0 && len(t.prefixes) == 0 }

// host reports whether a name is allowed.
func (t *Targets) host(name, port string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for _, h := range t.hosts {
		is := name == h.name
		if h.inside {
			is = strings.HasSuffix(name, "."+h.name)
		}
		if is && (h.port == "" || h.port == port) {
			return true
		}
	}
	return false
}

func (t *Targets) within(addr netip.Addr, port string) bool {
	for _, p := range t.prefixes {
		if p.Contains(addr) && (p.port == "" || p.port == port) {
			return true
		}
	}
	return false
}

// named reports whether a guarded address was allowed on purpose: by an entry
// that has guarded addresses only.
func (t *Targets) named(addr netip.Addr, port string) bool {
	for _, p := range t.prefixes {
		on := p.Contains(addr) && (p.port == "" || p.port == port)
		for _, g := range guarded() {
			if on && g.Bits() <= p.Bits() && g.Contains(p.Addr()) {
				return true
			}
		}
	}
	return false
}

// isGuarded reports whether an address is guarded, itself or as what it stands
// for.
func isGuarded(addr netip.Addr) bool {
	for _, p := range embedded() {
		if b := addr.As16(); addr.Is6() && p.Contains(addr) {
			addr = netip.AddrFrom4([4]byte(b[12:]))
		}
	}
	for _, p := range guarded() {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Refused names the origins to which no connection may be opened, by what is
// known of their names; nil: there is none.
func (n *Names) Refused(origins ...*session.Origin) error {
	var errs []error
	for _, o := range origins {
		if name := n.Of(o); name.refused() {
			errs = append(errs, errors.New(name.Why()))
		}
	}
	return errors.Join(errs...)
}

// refused reports whether it is for the targets allowed that there is no address.
func (n *Name) refused() bool {
	if n.host == nil {
		return n.forbidden
	}
	f := n.host.found.Load()
	return f != nil && f.refused
}

// behind is why a proxy may not be asked for the origin's host; "": it may. The
// proxy looks the name up, so that here it is held against what is allowed by name
// or, if it is an address, as one.
func (n *Names) behind(host, port string) string {
	ip, err := netip.ParseAddr(host)
	allowed := n.targets.open() || n.targets.host(host, port)
	if err == nil {
		allowed = n.targets.allow("", ip, port)
	}
	if !allowed {
		return refusal(host)
	}
	return ""
}

// usableOf leaves out the addresses of a host that are not allowed.
func (t *Targets) usableOf(h *host, addrs []netip.Addr) []netip.Addr {
	var allowed []netip.Addr
	for _, a := range addrs {
		if t.allow(h.name, a, h.port) {
			allowed = append(allowed, a)
		}
	}
	return allowed
}

// refusal says that a target is not allowed.
func refusal(host string) string { return host + " is no target that this node allows" }
