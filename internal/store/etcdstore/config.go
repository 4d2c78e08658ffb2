package etcdstore

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"

	"hyperscale/internal/store"
)

// Config describes a member. Members of one cluster share Cluster, Prefix,
// Heartbeat, Election, History and Quota.
type Config struct {
	Name    string // of the member, its own in its cluster
	Dir     string // data directory, its own on this machine; made if it is not there
	Listen  string // URL at which other members are heard: http://127.0.0.1:7403, or https:// with TLS
	Address string // URL at which others reach it; "": Listen

	// Initial has the addresses of all members by name, this one too. It matters
	// to an empty directory only. Without Join it begins a cluster: whoever gives
	// it has heard of every member that its directory is empty. With Join it is
	// what Invite said.
	Initial map[string]string
	Join    bool

	Cluster string // name of the cluster, so that none joins another; "": hyperscale
	Prefix  string // of all keys; "": DefaultPrefix
	TLS     TLS

	Heartbeat time.Duration // 0: 100 ms; between distant places 250 ms
	Election  time.Duration // 0: ten heartbeats
	History   time.Duration // what is overwritten can be read for so long at least; 0: 1 min
	Quota     int64         // bytes that the data may take; 0: 256 MiB
	Reserve   int64         // bytes that must stay free on the disk; 0: 32 MiB
	SlowDisk  time.Duration // a write that takes longer ends the node; 0: 10 s
}

// TLS is how members know each other: files in PEM, read again for each
// connection. The zero value is no TLS.
type TLS struct {
	Certificate, Key string
	Authority        string // who signs the members' certificates
	// Names are those of which a member's certificate has one, as DNS names; others'
	// certificates must have none. Empty: the authority signs for members only.
	Names []string
}

// Deps is what a member is handed.
type Deps struct {
	Log *slog.Logger // nil: nothing is logged
}

func (c Config) withDefaults() Config {
	orString := func(s *string, or string) {
		if *s == "" {
			*s = or
		}
	}
	orString(&c.Address, c.Listen)
	orString(&c.Cluster, "hyperscale")
	orString(&c.Prefix, DefaultPrefix)
	orTime := func(d *time.Duration, or time.Duration) {
		if *d == 0 {
			*d = or
		}
	}
	orTime(&c.Heartbeat, 100*time.Millisecond)
	orTime(&c.Election, 10*c.Heartbeat)
	orTime(&c.History, time.Minute)
	orTime(&c.SlowDisk, 10*time.Second)
	if c.Quota == 0 {
		c.Quota = 256 << 20
	}
	if c.Reserve == 0 {
		c.Reserve = reserve
	}
	return c
}

// Validate says all that is wrong with a member's description: [store.ErrInvalid].
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	refuse(c.Name == "" || strings.ContainsAny(c.Name, ",= "), "name %q: want one without comma, space and =", c.Name)
	refuse(c.Dir == "", "no data directory")
	_, err := parsePeer(c.Listen)
	refuse(err != nil, "listen: %w", err)
	_, err = parsePeer(c.Address)
	refuse(err != nil, "address: %w", err)
	for name, address := range c.Initial {
		_, err := parsePeer(address)
		refuse(err != nil, "initial member %s: %w", name, err)
	}
	mine, listed := c.Initial[c.Name]
	refuse(len(c.Initial) > 0 && !listed, "the initial members are without %q", c.Name)
	refuse(listed && mine != c.Address, "%q is %s among the initial members, and %s itself", c.Name, mine, c.Address)
	refuse(len(c.Prefix) > longestPrefix, "prefix %q is longer than %d bytes", c.Prefix, longestPrefix)
	refuse(c.Heartbeat < 10*time.Millisecond, "heartbeat %v is below 10ms", c.Heartbeat)
	refuse(c.Election < 5*c.Heartbeat, "election %v is below five heartbeats", c.Election)
	refuse(c.Election > 50*time.Second, "election %v is above 50s", c.Election)
	refuse(c.History < time.Second, "history %v is below 1s", c.History)
	refuse(c.Quota < 1<<20, "quota of %d bytes is below 1 MiB", c.Quota)
	refuse(c.Reserve < 0 || c.SlowDisk < 0, "reserve and slow disk are not below zero")
	files := []string{c.TLS.Certificate, c.TLS.Key, c.TLS.Authority}
	refuse(slices.Contains(files, "") != (c.TLS.empty()), "TLS wants certificate, key and authority")
	refuse(strings.HasPrefix(c.Listen, "https:") == c.TLS.empty(), "https with TLS, http without: listen is %s", c.Listen)
	if len(faults) > 0 {
		return fmt.Errorf("store member %q: %w: %w", c.Name, store.ErrInvalid, errors.Join(faults...))
	}
	return nil
}

func (t TLS) empty() bool { return t.Certificate == "" && t.Key == "" && t.Authority == "" }

func (t TLS) info() transport.TLSInfo {
	if t.empty() {
		return transport.TLSInfo{}
	}
	info := transport.TLSInfo{
		CertFile: t.Certificate, KeyFile: t.Key, TrustedCAFile: t.Authority, ClientCertAuth: true,
		AllowedHostnames: t.Names,
		// Who a member is its name says, not from where it calls.
		SkipClientSANVerify: true,
	}
	if len(t.Names) > 0 {
		info.ServerName = t.Names[0]
	}
	return info
}

func parsePeer(text string) (url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return url.URL{}, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Port() == "" || u.Path != "" || u.RawQuery != "" {
		return url.URL{}, fmt.Errorf("%q is not http://HOST:PORT or https://HOST:PORT", text)
	}
	return *u, nil
}

// initialCluster writes members as etcd reads them.
func initialCluster(members map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		parts = append(parts, name+"="+members[name])
	}
	return strings.Join(parts, ",")
}

// etcd gives the configuration of the embedded server: no port for clients, no
// gateway, nothing for browsers.
func (c Config) etcd(log *zapLog) (*embed.Config, error) {
	e := embed.NewConfig()
	e.Name, e.Dir = c.Name, dataDir(c.Dir)
	listen, err := parsePeer(c.Listen)
	if err != nil {
		return nil, err
	}
	address, err := parsePeer(c.Address)
	if err != nil {
		return nil, err
	}
	e.ListenPeerUrls, e.AdvertisePeerUrls = []url.URL{listen}, []url.URL{address}
	// Nothing listens to clients. But etcd takes a member that names no address for
	// one that never was, and would let it in again with its directory wiped.
	e.ListenClientUrls, e.AdvertiseClientUrls = nil, []url.URL{address}
	e.InitialCluster, e.InitialClusterToken = initialCluster(c.Initial), c.Cluster
	if len(c.Initial) == 0 {
		e.InitialCluster = c.Name + "=" + c.Address
	}
	if c.Join {
		e.ClusterState = embed.ClusterStateFlagExisting
	}
	e.TickMs, e.ElectionMs = uint(c.Heartbeat.Milliseconds()), uint(c.Election.Milliseconds())
	e.PeerTLSInfo = c.TLS.info()
	e.EnableGRPCGateway, e.CORS = false, map[string]struct{}{}
	e.QuotaBackendBytes = c.Quota
	e.AutoCompactionMode, e.AutoCompactionRetention = embed.CompactorModePeriodic, c.History.String()
	// Checkpoints are large: few of them are kept in memory for members that lag.
	e.SnapshotCount, e.SnapshotCatchUpEntries = 2000, 1000
	e.WatchProgressNotifyInterval = 10 * time.Second
	e.ZapLoggerBuilder = embed.NewZapLoggerBuilder(log.logger())
	return e, nil
}
