package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/manager"
)

func managerCommand(a *app) *cobra.Command {
	var m membership
	cfg := manager.Config{Version: Version}
	var name, peers string
	c := &cobra.Command{
		Use: "manager", Short: "Run a manager: it gives the jobs of a datacenter to its workers",
		Long: "Runs one manager of a datacenter until it is interrupted; then it hands over what it owns.\n" +
			"One, three or five of them keep the datacenter's jobs safe: with three, one may die.\n\n" +
			"The first start of several needs --expect and --join, the same number on each, or --peers;\n" +
			"later ones find all in the data directory. Without certificates it listens on loopback only.",
		Example: "  hyperscale manager --data /var/lib/hyperscale\n" +
			"  hyperscale manager --name m1 --dc fra --data d1 --expect 3 --join 10.0.0.2:7402 --join 10.0.0.3:7402 \\\n" +
			"      --advertise 10.0.0.1 --listen 0.0.0.0:7400 --cert m1.crt --key-file m1.key --ca ca.crt",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if cfg.Certificates, err = m.certificates(a); err != nil {
				return err
			}
			if cfg.Peers, err = parsePeers(peers); err != nil {
				return refused(err)
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
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:7400", "`ADDRESS` for calls of all others")
	f.StringVar(&cfg.Gossip, "gossip", "127.0.0.1:7402", "`ADDRESS` for gossip, UDP and TCP")
	f.StringVar(&cfg.StoreListen, "store-listen", "127.0.0.1:7403", "`ADDRESS` for the other members of the store")
	f.StringVar(&cfg.Advertise, "advertise", "", "`IP` at which others reach this manager (as it listens)")
	f.IntVar(&cfg.Expect, "expect", 1, "first start: `N` managers there are to be: 1, 3 or 5")
	f.StringArrayVar(&cfg.Join, "join", nil, "gossip `ADDRESS` of another manager")
	f.StringVar(&peers, "peers", "", "first start, in place of --expect: store addresses of all, `NAME=URL,…`")
	f.StringVar(&cfg.Store, "store", "", "`etcd://HOST:PORT,…` in place of the embedded store")
	f.StringVar(&cfg.Keyring, "keyring", "", "`FILE` of keys that gossip is encrypted with")
	exits(c, "0    interrupted: the way it ends", "1    it could not go on; the log says why", "104  bad flags or configuration")
	return c
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
