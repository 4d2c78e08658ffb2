package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/reporter/sink"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
	"hyperscale/internal/store/etcdstore"
)

// stationFlags are the configuration of a manager or gate as people give it.
type stationFlags struct {
	membership
	station.Config
	name, peers string
}

// add adds the flags of a node in that role.
func (s *stationFlags) add(c *cobra.Command, role identity.Role) {
	s.Self.Role, s.Version = role, Version
	s.membership.add(c)
	f, at, store := c.Flags(), &s.At, &s.Store
	f.StringVar(&s.name, "name", hostname(), "`NAME` of this "+string(role)+", its own in the cluster")
	if role == identity.Manager {
		f.StringVar(&s.Self.DC, "dc", "dc1", "`NAME` of the datacenter")
	}
	f.StringVar(&s.Data, "data", "", "`DIRECTORY` of this "+string(role)+" alone")
	f.StringVar(&at.Listen, "listen", "127.0.0.1:7400", "`ADDRESS` for calls of all others")
	f.StringVar(&at.HTTP, "http", "127.0.0.1:7401", "`ADDRESS` of /metrics and health; off: none")
	f.StringVar(&at.Gossip, "gossip", "127.0.0.1:7402", "`ADDRESS` for gossip, UDP and TCP")
	f.StringVar(&at.Store, "store-listen", "127.0.0.1:7403", "`ADDRESS` for the other members of the store")
	f.StringVar(&at.Advertise, "advertise", "", "`IP` at which others reach this "+string(role)+" (as it listens)")
	f.IntVar(&s.Expect, "expect", 0, "first start: `N` "+string(role)+"s there are to be: 1, 3 or 5")
	f.StringSliceVar(&s.Join, "join", nil, "gossip `ADDRESS` of another "+string(role)+"; several by commas")
	f.StringVar(&s.peers, "peers", "", "first start, in place of --expect: store addresses of all, `NAME=URL,…`")
	f.StringVar(&store.TLS.Certificate, "store-cert", "", "`FILE` with the certificate shown to the store's members")
	f.StringVar(&store.TLS.Key, "store-key", "", "`FILE` with its private key")
	f.StringVar(&store.TLS.Authority, "store-ca", "", "`FILE` with the store's authority")
	f.StringVar(&store.External, "store", "", "`etcd://HOST:PORT,…` in place of the embedded store")
	f.BoolVar(&store.Owned, "store-owned", false, "nobody else uses that etcd: its history is compacted")
	f.StringVar(&store.Restore, "restore", "", "`FILE` of a snapshot that a new cluster begins from")
	f.StringVar(&s.Keyring, "keyring", "", "`FILE` of keys that gossip is encrypted with")
	exits(c, "0    interrupted: the way it ends", "1    it could not go on; the log says why", "104  bad flags or configuration")
}

// config is what the flags come to.
func (s *stationFlags) config(a *app) (cfg station.Config, err error) {
	cfg = s.Config
	cfg.Self.Cluster, cfg.Self.Env, cfg.Self.Node = s.cluster, s.environment, hyperscale.NodeID(s.name)
	cfg.Secrets = sink.Environment(a.env)
	if cfg.Certificates, err = s.certificates(a); err != nil {
		return cfg, err
	}
	if cfg.Store.Peers, err = parsePeers(s.peers); err != nil {
		return cfg, refused(err)
	}
	cfg.Store.ClientTLS, err = storeClientTLS(cfg.Store.TLS, cfg.Store.External)
	return cfg, err
}

func removeCommand(a *app, role identity.Role) *cobra.Command {
	var data string
	is := string(role)
	member := is[:1] + "3"
	c := &cobra.Command{
		Use: "remove MEMBER", Short: "Take a " + is + " that is gone for good out of the store",
		Long: "Takes a member out of the store, by its name or number, so that it does not count any more:\n" +
			"of a " + is + " that is gone for good and is not replaced, or one that was let in and never\n" +
			"came. It is asked of a " + is + " that runs on this machine, by a socket in its data directory.\n" +
			"A " + is + " that is to be replaced needs none of this: start the new one under its name.",
		Example: "  hyperscale " + is + " remove " + member + " --data /var/lib/hyperscale",
		Args:    func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a member of the store") },
		RunE: func(c *cobra.Command, args []string) error {
			if data == "" {
				return refuse("--data names the data directory of a %s that runs on this machine", is)
			}
			return station.Remove(c.Context(), role, data, args[0])
		},
	}
	c.Flags().StringVar(&data, "data", "", "`DIRECTORY` of a "+is+" that runs")
	exits(c, "0    it is removed", "1    it is not", "104  bad flags or arguments")
	return c
}

func snapshotCommand(a *app, role identity.Role) *cobra.Command {
	var data string
	var force bool
	is := string(role)
	c := &cobra.Command{
		Use: "snapshot FILE", Short: "Write all that a " + is + "'s store holds into a file",
		Long: "Writes the state of all " + is + "s together, as the one with that data directory has it, into a\n" +
			"file that " + is + " --restore begins a new cluster from. It may run or not; it is asked by a\n" +
			"socket in its directory, so that only who may read that can. The file holds all plans that\n" +
			"are remembered, and what is secret in them.",
		Example: "  hyperscale " + is + " snapshot backup.db --data /var/lib/hyperscale",
		Args:    func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a file") },
		RunE: func(c *cobra.Command, args []string) error {
			if data == "" {
				return refuse("--data names the data directory of a %s on this machine", is)
			}
			if _, err := os.Lstat(args[0]); !force && !errors.Is(err, fs.ErrNotExist) {
				return errors.Join(fmt.Errorf("%s is there already, and is not overwritten without --force", args[0]), err)
			}
			running, err := station.Snapshot(c.Context(), role, data, args[0])
			if err != nil {
				return err
			}
			how := "the " + is + " does not run: what its data file holds"
			if running {
				how = "by the " + is + " that runs"
			}
			_, err = fmt.Fprintf(a.Stderr, "wrote %s (%s)\nit is secret: plans in it may hold passwords\n", args[0], how)
			return err
		},
	}
	c.Flags().StringVar(&data, "data", "", "`DIRECTORY` of the "+is)
	c.Flags().BoolVar(&force, "force", false, "overwrite a file that is there")
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

// leaveTime is how long a node may take to hand over.
const leaveTime = 10 * time.Second

// leaver is a node that hands over what it owns before it is stopped.
type leaver interface {
	Run(ctx context.Context) error
	Leave(ctx context.Context)
}

// runStation runs a node until a signal comes; it hands over, and at a second signal
// goes at once.
func (a *app) runStation(ctx context.Context, n leaver) error {
	signalled, stop := a.untilSignal(ctx)
	defer stop()
	running, end := context.WithCancel(ctx)
	defer end()
	go func() {
		<-signalled.Done()
		leaving, done := context.WithTimeout(running, leaveTime)
		defer done()
		n.Leave(leaving)
		end()
	}()
	err := n.Run(running)
	if errors.Is(err, station.ErrAnew) && running.Err() == nil {
		err = fmt.Errorf("%w: %w", err, anew())
	}
	return err
}

// anew lets the program take the place of this process, as it was started: what
// hangs in it is gone then, and who looks after it need not know. It returns only
// where that can't be done, as on Windows: whoever looks after it starts it again.
func anew() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(program, os.Args, os.Environ())
}
