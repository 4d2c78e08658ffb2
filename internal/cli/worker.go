package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"hyperscale"
	"hyperscale/internal/ops"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/worker"
)

// workerFlags are the configuration of a worker as people give it.
type workerFlags struct {
	membership
	worker.Config
	name, dc, http string
}

func workerCommand(a *app) *cobra.Command {
	var f workerFlags
	c := &cobra.Command{
		Use: "worker", Short: "Run a worker: it puts load on targets for the managers of its datacenter",
		Long: "Runs one worker until it is interrupted. Then it takes nothing new, finishes what it has, and\n" +
			"goes once all its numbers are acknowledged; interrupted again it goes at once. Each share of\n" +
			"load runs in a process of its own. The worker dials out only; a file of defaults (--config)\n" +
			"and HYPERSCALE_* variables have the names of the flags.\n\n" +
			"Without certificates it speaks to managers on loopback only. Link-local addresses, and those\n" +
			"at which clouds serve credentials, are no targets unless --allow-target names them by address.",
		Example: "  hyperscale worker\n" +
			"  hyperscale worker --name w1 --dc fra --join managers.fra.example.org --cores 4 --data /var/lib/hyperscale \\\n" +
			"      --cert worker-w1/node.crt --key-file worker-w1/node.key --ca worker-w1/ca.crt\n" +
			"  hyperscale worker --allow-target shop.example.org --allow-target 10.0.0.0/8:443",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return a.worker(c, f) },
	}
	f.membership.add(c)
	flags := c.Flags()
	flags.StringVar(&f.name, "name", hostname(), "`NAME` of this worker, its own in the cluster")
	flags.StringVar(&f.dc, "dc", "dc1", "`NAME` of the datacenter")
	flags.StringSliceVar(&f.Join, "join", []string{"127.0.0.1:7400"}, "`HOST` of a manager, or HOST:PORT; several by commas")
	flags.IntVar(&f.Cores, "cores", 0, "`N` cores for load (the CPUs that this process may use)")
	flags.StringVar(&f.Data, "data", "", "`DIRECTORY` of this worker alone, which counts its starts")
	flags.StringVar(&f.http, "http", "", "`ADDRESS` of /metrics, /healthz and /readyz, or off (port 7401)")
	flags.StringSliceVar(&f.Targets, "allow-target", nil, "`TARGET` that load may be put on, and no others: host, address or CIDR")
	flags.DurationVar(&f.Autonomy, "autonomy", time.Minute, "`TIME` that load goes on without its job's owner")
	exits(c, "0    interrupted, and all it had is finished", "1    it could not go on; the log says why", "104  bad flags or configuration")
	return c
}

// callPort is where managers and gates take calls, unless another port is said.
const callPort = "7400"

// withPort gives an address its default port.
func withPort(address, port string) string {
	bare := strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
	if _, _, err := net.SplitHostPort(address); err == nil || bare == "" {
		return address
	}
	return net.JoinHostPort(bare, port)
}

// worker makes a worker of flags and runs it. All that is wrong with them is said
// at once.
func (a *app) worker(c *cobra.Command, f workerFlags) error {
	certificates, err := f.certificates(a)
	faults := []error{err, aboveZero(c, "cores")}
	cfg := f.Config
	cfg.Self = identity.ID{Cluster: f.cluster, Env: f.environment, Role: identity.Worker, DC: f.dc, Node: hyperscale.NodeID(f.name)}
	if certificates != nil {
		faults = append(faults, matches(c.Flags(), cfg.Self, certificates.ID())...)
	}
	for i, join := range cfg.Join {
		cfg.Join[i] = withPort(join, callPort)
	}
	if cfg.Autonomy == 0 {
		faults = append(faults, errors.New("--autonomy 0s; expected a duration above zero"))
	}
	faults = append(faults, checkHTTP(f.http, certificates != nil))
	log := a.daemonLog()
	w, err := worker.New(cfg, worker.Deps{Log: log, Certificates: certificates})
	if err = errors.Join(append(faults, err)...); err != nil {
		return refused(err)
	}
	return a.runWorker(c.Context(), w, f.http, certificates != nil, log)
}

// matches holds the flags that were given to what the certificate says.
func matches(flags *pflag.FlagSet, asked, proved identity.ID) []error {
	var faults []error
	for _, n := range []struct{ flag, asked, proved string }{
		{"name", string(asked.Node), string(proved.Node)}, {"dc", asked.DC, proved.DC},
		{"cluster", asked.Cluster, proved.Cluster}, {"environment", asked.Env, proved.Env},
	} {
		if flags.Changed(n.flag) && n.asked != n.proved {
			faults = append(faults, fmt.Errorf("--%s %s, but the certificate says %s", n.flag, n.asked, cmp.Or(n.proved, "none")))
		}
	}
	return faults
}

// noHTTP is the address of a node that serves nothing.
const noHTTP = "off"

// checkHTTP refuses to be asked from elsewhere by whom nothing is known.
func checkHTTP(address string, certified bool) error {
	if address == "" || address == noHTTP {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--http %s; expected HOST:PORT, or off", address)
	}
	if ip := net.ParseIP(host); !certified && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--http %s: without certificates a node listens on loopback only", address)
	}
	return nil
}

// listenHTTP listens where figures are asked for; nil: nowhere. That the usual
// address is taken, by another node of this machine, is no reason not to work.
func listenHTTP(address string, certified bool, log *slog.Logger) (net.Listener, error) {
	if address == noHTTP {
		return nil, nil
	}
	usual := map[bool]string{false: "127.0.0.1:7401", true: ":7401"}[certified]
	ln, err := net.Listen("tcp", cmp.Or(address, usual))
	if address == "" && errors.Is(err, syscall.EADDRINUSE) {
		log.Warn("metrics and health are not served: the address is taken; --http names another", "address", usual)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("serving metrics and health: %w", err)
	}
	log.Info("metrics and health are served", "address", ln.Addr().String())
	return ln, nil
}

// runWorker runs a worker until it has drained after a first signal, or until a
// second one.
func (a *app) runWorker(ctx context.Context, w *worker.Worker, http string, certified bool, log *slog.Logger) error {
	ln, err := listenHTTP(http, certified, log)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	ctx, end := context.WithCancel(ctx)
	defer end()
	if ln != nil {
		node := ops.Node{Healthy: w.Healthy, Ready: w.Ready, Metrics: w.Metrics}
		g.Go(func() error { return ops.Serve(ctx, ln, ops.Handler(node)) })
	}
	g.Go(func() error {
		defer end()
		return w.Run(ctx)
	})
	if a.Signals != nil {
		signals, stop := a.Signals()
		defer stop()
		g.Go(func() error {
			for _, act := range []func(){
				func() {
					log.Info("draining: nothing new is taken, what there is will be finished; again to stop now")
					w.Drain()
				},
				end,
			} {
				select {
				case <-signals:
					act()
				case <-ctx.Done():
					return nil
				}
			}
			return nil
		})
	}
	return g.Wait()
}
