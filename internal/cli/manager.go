package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/manager"
	"hyperscale/internal/store/etcdstore"
)

func managerCommand(a *app) *cobra.Command {
	var m membership
	cfg := manager.Config{Version: Version}
	var name, peers string
	at, store := &cfg.At, &cfg.Store
	c := &cobra.Command{
		Use: "manager", Short: "Run a manager: it gives the jobs of a datacenter to its workers",
		Long: "Runs one manager of a datacenter until it is interrupted; then it hands over what it owns.\n" +
			"One, three or five of them keep the datacenter's jobs safe: with three, one may die.\n\n" +
			"The first start of several needs --expect and --join, the same number on each, or --peers;\n" +
			"later ones find all in the data directory. With --join alone, an empty directory joins the\n" +
			"managers that run; so does one that was wiped, or is on a new machine, under the old name.\n" +
			"Without certificates it listens on loopback only. More: doc/operations.md.",
		Example: "  hyperscale manager --data /var/lib/hyperscale\n" +
			"  hyperscale manager --name m1 --dc fra --data d1 --expect 3 --join 10.0.0.2:7402 --join 10.0.0.3:7402 \\\n" +
			"      --advertise 10.0.0.1 --listen 0.0.0.0:7400 --gossip 0.0.0.0:7402 --store-listen 0.0.0.0:7403 \\\n" +
			"      --cert node.crt --key-file node.key --ca ca.crt \\\n" +
			"      --store-cert store.crt --store-key store.key --store-ca store-ca.crt --keyring gossip.keys",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if cfg.Certificates, err = m.certificates(a); err != nil {
				return err
			}
			if store.Peers, err = parsePeers(peers); err != nil {
				return refused(err)
			}
			if store.ClientTLS, err = storeClientTLS(store.TLS, store.External); err != nil {
				return err
			}
			cfg.Name, cfg.Cluster, cfg.Env = hyperscale.NodeID(name), m.cluster, m.environment
			return a.runManager(c.Context(), cfg)
		},
	}
	m.add(c)
	f := c.Flags()
	f.StringVar(&name, "name", hostname(), "`NAME` of this manager, its own in the cluster")
	f.StringVar(&cfg.DC, "dc", "dc1", "`NAME` of the datacenter")
	f.StringVar(&cfg.Data, "data", "", "`DIRECTORY` of this manager alone")
	f.StringVar(&at.Listen, "listen", "127.0.0.1:7400", "`ADDRESS` for calls of all others")
	f.StringVar(&at.HTTP, "http", "127.0.0.1:7401", "`ADDRESS` of /metrics and health; off: none")
	f.StringVar(&at.Gossip, "gossip", "127.0.0.1:7402", "`ADDRESS` for gossip, UDP and TCP")
	f.StringVar(&at.Store, "store-listen", "127.0.0.1:7403", "`ADDRESS` for the other members of the store")
	f.StringVar(&at.Advertise, "advertise", "", "`IP` at which others reach this manager (as it listens)")
	f.IntVar(&cfg.Expect, "expect", 0, "first start: `N` managers there are to be: 1, 3 or 5")
	f.StringArrayVar(&cfg.Join, "join", nil, "gossip `ADDRESS` of another manager")
	f.StringVar(&peers, "peers", "", "first start, in place of --expect: store addresses of all, `NAME=URL,…`")
	f.StringVar(&store.TLS.Certificate, "store-cert", "", "`FILE` with the certificate shown to the store's members")
	f.StringVar(&store.TLS.Key, "store-key", "", "`FILE` with its private key")
	f.StringVar(&store.TLS.Authority, "store-ca", "", "`FILE` with the store's authority")
	f.StringVar(&store.External, "store", "", "`etcd://HOST:PORT,…` in place of the embedded store")
	f.BoolVar(&store.Owned, "store-owned", false, "nobody else uses that etcd: its history is compacted")
	f.StringVar(&store.Restore, "restore", "", "`FILE` of a snapshot that a new cluster begins from")
	f.StringVar(&cfg.Keyring, "keyring", "", "`FILE` of keys that gossip is encrypted with")
	exits(c, "0    interrupted: the way it ends", "1    it could not go on; the log says why", "104  bad flags or configuration")
	c.AddCommand(snapshotCommand(a), removeCommand(a))
	return c
}

func removeCommand(a *app) *cobra.Command {
	var data string
	c := &cobra.Command{
		Use: "remove MEMBER", Short: "Take a manager that is gone for good out of the store",
		Long: "Takes a member out of the store, by its name or number, so that it does not count any more:\n" +
			"of a manager that is gone for good and is not replaced, or one that was let in and never\n" +
			"came. It is asked of a manager that runs on this machine, by a socket in its data directory.\n" +
			"A manager that is to be replaced needs none of this: start the new one under its name.",
		Example: "  hyperscale manager remove m3 --data /var/lib/hyperscale",
		Args:    func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a member of the store") },
		RunE: func(c *cobra.Command, args []string) error {
			if data == "" {
				return refuse("--data names the data directory of a manager that runs on this machine")
			}
			return manager.Remove(c.Context(), data, args[0])
		},
	}
	c.Flags().StringVar(&data, "data", "", "`DIRECTORY` of a manager that runs")
	exits(c, "0    it is removed", "1    it is not", "104  bad flags or arguments")
	return c
}

func snapshotCommand(a *app) *cobra.Command {
	var data string
	c := &cobra.Command{
		Use: "snapshot FILE", Short: "Write all that a manager's store holds into a file",
		Long: "Writes the state of a datacenter, as the manager with that data directory has it, into a file\n" +
			"that manager --restore begins a new cluster from. The manager may run or not; it is asked by\n" +
			"a socket in its directory, so that only who may read that can. The file holds all plans that\n" +
			"are remembered, and what is secret in them.",
		Example: "  hyperscale manager snapshot backup.db --data /var/lib/hyperscale",
		Args:    func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a file") },
		RunE: func(c *cobra.Command, args []string) error {
			if data == "" {
				return refuse("--data names the data directory of a manager on this machine")
			}
			running, err := manager.Snapshot(c.Context(), data, args[0])
			if err != nil {
				return err
			}
			how := "the manager does not run: what its data file holds"
			if running {
				how = "by the manager that runs"
			}
			_, err = fmt.Fprintf(a.Stderr, "wrote %s (%s)\nit is secret: plans in it may hold passwords\n", args[0], how)
			return err
		},
	}
	c.Flags().StringVar(&data, "data", "", "`DIRECTORY` of the manager")
	exits(c, "0    the file is written", "1    it is not", "104  bad flags or arguments")
	return c
}

// storeClientTLS is how an external store is spoken to; nil: without TLS.
func storeClientTLS(files etcdstore.TLS, external string) (*tls.Config, error) {
	given := 0
	for _, file := range []string{files.Certificate, files.Key, files.Authority} {
		if file != "" {
			given++
		}
	}
	if given%3 != 0 {
		return nil, refuse("--store-cert, --store-key and --store-ca belong together; %d of the three are given", given)
	}
	if given == 0 || external == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		return nil, refuse("--store-cert and --store-key: %w", err)
	}
	trusted, err := os.ReadFile(files.Authority)
	if err != nil {
		return nil, refuse("--store-ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(trusted) {
		return nil, refuse("--store-ca: %s holds no certificates", files.Authority)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, RootCAs: roots}, nil
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "m1"
	}
	return name
}

// parsePeers reads NAME=URL,…; "" is nil.
func parsePeers(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	all := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, url, ok := strings.Cut(part, "=")
		if !ok || name == "" || !strings.Contains(url, "://") {
			return nil, fmt.Errorf("--peers: %q; expected NAME=URL, as m1=http://10.0.0.1:7403", part)
		}
		all[name] = url
	}
	return all, nil
}

// daemonLog is where a daemon says what it does.
func (a *app) daemonLog() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if a.verbose {
		options.Level = slog.LevelDebug
	}
	if a.quiet {
		options.Level = slog.LevelWarn
	}
	if a.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.Stderr, options))
}

// leaveTime is how long a manager may take to hand over.
const leaveTime = 10 * time.Second

// runManager runs a manager until a signal comes; it hands over, and at a second
// signal goes at once.
func (a *app) runManager(ctx context.Context, cfg manager.Config) error {
	m, err := manager.New(cfg, a.daemonLog())
	if err != nil {
		return refused(err)
	}
	signalled, stop := a.untilSignal(ctx)
	defer stop()
	running, end := context.WithCancel(ctx)
	defer end()
	go func() {
		<-signalled.Done()
		leaving, done := context.WithTimeout(running, leaveTime)
		defer done()
		m.Leave(leaving)
		end()
	}()
	return m.Run(running)
}
