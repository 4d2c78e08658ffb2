package gossip

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"

	"hyperscale"
	"hyperscale/internal/member"
)

// MaxPacket is the most bytes of a gossip packet: what every path carries whole.
const MaxPacket = 1_400

// Config is one member and those it looks for.
type Config struct {
	ID        hyperscale.NodeID
	Boot      hyperscale.Boot // higher at each start; the caller keeps it
	Label     string          // the group, see [Datacenter]; "": none
	Bind      string          // host:port, for UDP and TCP; port 0: any that is free
	Advertise string          // host:port at which others reach it; "": as bound
	Join      []string        // host:port of configured peers; names are looked up anew each time
	Keyring   string          // file of keys, see [ReadKeys]; "": nothing is encrypted
	Meta      []byte          // at most [member.MaxMeta] bytes
	Packet    int             // bytes of a packet; 0: MaxPacket, which is the most
	Timing    Timing          // zero: [LAN]
}

// Timing is how fast the dead are found. Lifeguard stretches it by itself while
// a detector's own machine stalls.
type Timing struct {
	Probe   time.Duration // each member probes another so often
	Answer  time.Duration // and waits so long before it asks others to try
	Suspect time.Duration // the least time between suspicion and death; the most is twice that
	Gossip  time.Duration // news is passed on so often
}

// LAN finds the dead within two to four seconds in a group of a few nodes.
func LAN() Timing {
	return Timing{Probe: 500 * time.Millisecond, Answer: 250 * time.Millisecond, Suspect: 1500 * time.Millisecond, Gossip: 100 * time.Millisecond}
}

// WAN finds the dead within some ten seconds over links with round trips of up
// to half a second.
func WAN() Timing {
	return Timing{Probe: 2 * time.Second, Answer: time.Second, Suspect: 6 * time.Second, Gossip: 250 * time.Millisecond}
}

// Datacenter is the label under which the managers of a datacenter gossip.
func Datacenter(cluster, environment, name string) string {
	return "dc/" + cluster + "." + environment + "/" + name
}

// Gates is the label under which gates gossip.
func Gates(cluster, environment string) string { return "gates/" + cluster + "." + environment }

// check says what can't be right, before anything is opened.
func (c Config) check() error {
	var errs []error
	errs = append(errs, member.CheckID(c.ID), member.CheckMeta(c.Meta))
	if len(c.Label) > memberlist.LabelMaxSize {
		errs = append(errs, fmt.Errorf("the label %.20q… has %d bytes, and at most %d are taken; shorten the names of cluster and datacenter", c.Label, len(c.Label), memberlist.LabelMaxSize))
	}
	if c.Packet > MaxPacket || c.Packet < 0 {
		errs = append(errs, fmt.Errorf("packets of %d bytes may not arrive whole; use at most %d", c.Packet, MaxPacket))
	} else if need, most := c.largest(), cmp.Or(c.Packet, MaxPacket); need > most {
		errs = append(errs, fmt.Errorf("name, label and what the member tells of itself make packets of %d bytes, and they have room for %d; shorten them", need, most))
	}
	_, _, err := split(c.Bind)
	errs = append(errs, err)
	if c.Advertise != "" {
		host, _, err := split(c.Advertise)
		if err == nil && net.ParseIP(host) == nil {
			err = fmt.Errorf("the address to advertise is %q; others need an IP address", c.Advertise)
		}
		errs = append(errs, err)
	}
	for _, peer := range c.Join {
		_, port, err := split(peer)
		if err == nil && port == 0 {
			err = fmt.Errorf("the peer %q has no port", peer)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("gossip: %w", err)
	}
	return nil
}

// around is the most bytes that a packet with the news of a member has beside
// name, label and meta: field names, address, versions, and encryption.
const around = 192

// largest is the size of the largest packet that one member's news makes.
func (c Config) largest() int { return len(nameOf(c.ID, c.Boot)) + len(c.Label) + len(c.Meta) + around }

// split takes a host:port apart.
func split(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%q is no address; expected host:port", address)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q is no address; its port is no number up to 65535", address)
	}
	return host, int(n), nil
}

// timing is the timing, or the default.
func (c Config) timing() Timing {
	if c.Timing == (Timing{}) {
		return LAN()
	}
	return c.Timing
}

// settings puts the configuration into memberlist's terms.
func (c Config) settings(keys *memberlist.Keyring) (*memberlist.Config, error) {
	host, port, _ := split(c.Bind)
	if host == "" {
		host = "0.0.0.0"
	}
	t := c.timing()
	m := memberlist.DefaultLANConfig()
	m.Name, m.Label, m.Keyring = nameOf(c.ID, c.Boot), c.Label, keys
	m.BindAddr, m.BindPort, m.AdvertisePort = host, port, port
	if c.Advertise != "" {
		m.AdvertiseAddr, m.AdvertisePort, _ = split(c.Advertise)
	}
	m.UDPBufferSize = cmp.Or(c.Packet, MaxPacket)
	m.ProbeInterval, m.ProbeTimeout, m.GossipInterval = t.Probe, t.Answer, t.Gossip
	m.SuspicionMult = max(3, int(t.Suspect/max(t.Probe, 1)))
	m.SuspicionMaxTimeoutMult = 2
	m.GossipToTheDeadTime = member.Reap // who is back before finds nothing lost
	m.PushPullInterval = 20 * t.Probe
	m.TCPTimeout = patience
	m.DNSConfigPath = ""
	if ip := net.ParseIP(host); ip == nil {
		return nil, fmt.Errorf("gossip: %q is no address to listen at; expected IP:port", c.Bind)
	}
	return m, nil
}

// patience bounds every exchange over TCP, and with it how long an end takes.
const patience = 2 * time.Second
