package station

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/member/gossip"
	"hyperscale/internal/own"
	"hyperscale/internal/reporter/sink"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/store/etcdstore"
	"hyperscale/internal/tier"
)

// Config is what a node is made of, as who runs it says.
type Config struct {
	Self    identity.ID
	Version string

	At   Addresses
	Data string   // directory of this node alone
	Join []string // gossip addresses of others of its tier

	// Expect is how many of them there are to be, at the first start; 0: this one
	// alone or, with Join, as many as there are: it joins those that run.
	Expect int

	Certificates *identity.Source // nil: loopback only
	Keyring      string           // file of gossip keys; "": not encrypted
	Secrets      sink.Secrets     // of reporters; see [sink.Bound]; nil: none
	Store        Store
}

// Kind is what sets the nodes of one tier apart from those of another.
type Kind struct {
	Children identity.Role // who attaches
	Pool     string        // label of the tier's gossip
	Store    string        // name of the tier's store
	Pace     Pace

	// Beside runs for as long as the node serves, until ctx ends: what looks up to a tier
	// above. Nil: there is none.
	Beside func(ctx context.Context, in Inside) error
}

// Inside is what runs beside a node's tier needs of it.
type Inside struct {
	Boot     hyperscale.Boot
	Tier     *tier.Tier
	Dialing  rpc.Dialing // as this node calls others
	Log      *slog.Logger
	Vitals   func() link.Vitals
	Draining func() bool // whether it takes nothing new
}

// Pace is how fast nodes find out about each other, and write. The zero value is for
// those that are in one place.
type Pace struct {
	Gossip    gossip.Timing
	Heartbeat time.Duration // of the store's members, who elect after ten; 0: 100 ms
	Session   own.SessionConfig
}

// Addresses are where a node is reached, host:port.
type Addresses struct {
	Listen string // gRPC; "": 127.0.0.1:7400
	HTTP   string // metrics and health; "": 127.0.0.1:7401; "off": not at all
	Gossip string // UDP and TCP; "": 127.0.0.1:7402
	Store  string // the other members of the store; "": 127.0.0.1:7403

	Advertise string // host at which others reach all of these; "": as listened at
}

// Store is what a node's store is made of. The zero value is an embedded one.
type Store struct {
	Peers   map[string]string // first start: names of all nodes and the store address of each; nil: by Config.Expect
	TLS     etcdstore.TLS     // among the members; zero: none, and loopback only
	Restore string            // file of a snapshot that a new cluster begins with; "": with nothing

	External  string      // etcd://HOST:PORT,…; "": embedded
	ClientTLS *tls.Config // towards an external one; nil: none
	Owned     bool        // nobody else uses the external one: it is compacted
}

// off is an address that is not listened at.
const off = "off"

// complete fills in the defaults.
func (c Config) complete() Config {
	c.At.Listen = cmp.Or(c.At.Listen, "127.0.0.1:7400")
	c.At.HTTP = cmp.Or(c.At.HTTP, "127.0.0.1:7401")
	c.At.Gossip = cmp.Or(c.At.Gossip, "127.0.0.1:7402")
	c.At.Store = cmp.Or(c.At.Store, "127.0.0.1:7403")
	return c
}

// check lists all that is wrong.
func (c Config) check() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	role, placed := c.Self.Role, c.Self.Role == identity.Manager
	refuse(c.Self.Node == "", "a %s needs a name, its own in the cluster (--name)", role)
	refuse(placed && c.Self.DC == "", "a %s needs the name of its datacenter (--dc)", role)
	refuse(c.Data == "", "a %s needs a data directory of its own (--data)", role)
	if c.Self.Node != "" && (c.Self.DC != "" || !placed) {
		errs = append(errs, c.Self.Check())
	}
	if c.Certificates != nil {
		is, dc := c.Certificates.ID(), ""
		if placed {
			dc = ", --dc"
		}
		refuse(is != c.Self, "the certificate is that of %s, and this is %s: give --cluster, --environment%s and --name as they are in it", is, c.Self, dc)
	}
	refuse(c.Store.External != "" && (c.Store.Restore != "" || c.Store.Peers != nil), "--store names an external store: --restore and --peers are for embedded ones")
	refuse(c.Store.Owned && c.Store.External == "", "--store-owned is for an external store, which --store names")
	errs = append(errs, c.checkBeginning(), c.checkAddresses())
	return errors.Join(errs...)
}

// checkBeginning says what is wrong with how the first start is meant.
func (c Config) checkBeginning() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	peers, role := c.Store.Peers, c.Self.Role
	refuse(peers != nil && peers[string(c.Self.Node)] == "", "--peers does not name this %s, %s", role, c.Self.Node)
	refuse(peers != nil && c.Expect != 0, "--peers names all of them: --expect is not needed beside it")
	refuse(c.Expect > 1 && len(c.Join) == 0, "--expect %d needs --join with the gossip address of at least one other %s", c.Expect, role)
	refuse(c.Expect == 1 && len(c.Join) > 0, "--expect 1 is a %[1]s that begins alone: leave --join out, or --expect to join %[1]ss that run", role)
	refuse(c.Expect < 0 || c.Expect > 1 && c.Expect%2 == 0, "--expect %d: an even number of %ss survives no more deaths than one less; use 1, 3 or 5", c.Expect, role)
	refuse(c.Store.Restore != "" && (c.Expect > 1 || len(c.Join) > 0 || peers != nil),
		"--restore begins a cluster of one %s: leave --expect, --peers and --join out, and let the others --join it with empty directories", role)
	return errors.Join(errs...)
}

// checkAddresses keeps on loopback what nothing protects.
func (c Config) checkAddresses() error {
	var errs []error
	for _, a := range []struct {
		flag, address, needs string
		safe                 bool
	}{
		{"--listen", c.At.Listen, "certificates (--cert, --key-file and --ca)", c.Certificates != nil},
		{"--gossip", c.At.Gossip, "certificates (--cert, --key-file and --ca)", c.Certificates != nil},
		{"--store-listen", c.At.Store, "certificates of the store (--store-cert, --store-key and --store-ca)", c.Store.TLS.Certificate != "" || c.Store.External != ""},
	} {
		host, _, err := net.SplitHostPort(a.address)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s %s; expected HOST:PORT", a.flag, a.address))
		case !a.safe && !loopback(host):
			errs = append(errs, fmt.Errorf("%s %s: without %s a %s listens on loopback only; hyperscale certs makes them", a.flag, a.address, a.needs, c.Self.Role))
		}
	}
	for _, join := range c.Join {
		if host, port, err := net.SplitHostPort(join); err != nil || host == "" || port == "" {
			errs = append(errs, fmt.Errorf("--join %s; expected HOST:PORT, the gossip address of another %s", join, c.Self.Role))
		}
	}
	if _, _, err := net.SplitHostPort(c.At.HTTP); err != nil && c.At.HTTP != off {
		errs = append(errs, fmt.Errorf("--http %s; expected HOST:PORT, or off", c.At.HTTP))
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
