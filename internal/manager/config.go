package manager

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"hyperscale"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/store/etcdstore"
)

// Config is what a manager is made of.
type Config struct {
	Name             hyperscale.NodeID
	Cluster, Env, DC string
	Version          string

	At   Addresses
	Data string   // directory of this node alone
	Join []string // gossip addresses of other managers

	// Expect is how many managers there are to be, at the first start; 0: this one
	// alone or, with Join, as many as there are: it joins those that run.
	Expect int

	Certificates *identity.Source // nil: loopback only
	Keyring      string           // file of gossip keys; "": not encrypted
	Store        Store
}

// Addresses are where a manager is reached, host:port.
type Addresses struct {
	Listen string // gRPC; "": 127.0.0.1:7400
	HTTP   string // metrics and health; "": 127.0.0.1:7401; "off": not at all
	Gossip string // UDP and TCP; "": 127.0.0.1:7402
	Store  string // the other members of the store; "": 127.0.0.1:7403

	Advertise string // host at which others reach all of these; "": as listened at
}

// Store is what a manager's store is made of. The zero value is an embedded one.
type Store struct {
	Peers   map[string]string // first start: names of all managers and the store address of each; nil: by Config.Expect
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

// self is who the manager is.
func (c Config) self() identity.ID {
	return identity.ID{Cluster: c.Cluster, Env: c.Env, Role: identity.Manager, DC: c.DC, Node: c.Name}
}

// check lists all that is wrong.
func (c Config) check() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	refuse(c.Name == "", "a manager needs a name, its own in the cluster (--name)")
	refuse(c.DC == "", "a manager needs the name of its datacenter (--dc)")
	refuse(c.Data == "", "a manager needs a data directory of its own (--data)")
	if c.Name != "" && c.DC != "" {
		errs = append(errs, c.self().Check())
	}
	if c.Certificates != nil {
		is := c.Certificates.ID()
		refuse(is != c.self(), "the certificate is that of %s, and this is %s: give --cluster, --environment, --dc and --name as they are in it", is, c.self())
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
	peers := c.Store.Peers
	refuse(peers != nil && peers[string(c.Name)] == "", "--peers does not name this manager, %s", c.Name)
	refuse(peers != nil && c.Expect != 0, "--peers names all managers: --expect is not needed beside it")
	refuse(c.Expect > 1 && len(c.Join) == 0, "--expect %d needs --join with the gossip address of at least one other manager", c.Expect)
	refuse(c.Expect == 1 && len(c.Join) > 0, "--expect 1 is a manager that begins alone: leave --join out, or --expect to join managers that run")
	refuse(c.Expect < 0 || c.Expect > 1 && c.Expect%2 == 0, "--expect %d: an even number of managers survives no more deaths than one less; use 1, 3 or 5", c.Expect)
	refuse(c.Store.Restore != "" && (c.Expect > 1 || len(c.Join) > 0 || peers != nil),
		"--restore begins a cluster of one manager: leave --expect, --peers and --join out, and let the others --join it with empty directories")
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
			errs = append(errs, fmt.Errorf("%s %s: without %s a manager listens on loopback only; hyperscale certs makes them", a.flag, a.address, a.needs))
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
