package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"hyperscale"
	"hyperscale/internal/manager"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/worker"
)

// devFlags say how small the small cluster is.
type devFlags struct {
	managers, workers, cores int
	listen, data             string
	chosen                   bool // listen was given; else a free place is looked for
}

func devCommand(a *app) *cobra.Command {
	var f devFlags
	c := &cobra.Command{
		Use: "dev", Short: "Run a small cluster on this machine, for trying",
		Long: "Runs managers and workers in this process, on loopback, until it is interrupted. Jobs are\n" +
			"forgotten with it, unless --data names a directory. Each manager takes four ports: for calls,\n" +
			"metrics, gossip and its store; the next ten ports on. A second cluster finds ports of its own,\n" +
			"and says which, unless --listen names some.",
		Example: "  hyperscale dev                                    then, in another terminal:\n" +
			"  hyperscale submit examples/quickstart.yaml --watch\n" +
			"  hyperscale dev --managers 3 --workers 3",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := aboveZero(c, "workers", "cores"); err != nil {
				return err
			}
			f.chosen = c.Flags().Changed("listen") || c.Flags().Changed("data") // what is kept knows its ports
			return a.dev(c.Context(), f)
		},
	}
	flags := c.Flags()
	flags.IntVar(&f.managers, "managers", 1, "`N` = 1, 3 or 5")
	flags.IntVar(&f.workers, "workers", 2, "`N` workers")
	flags.IntVar(&f.cores, "cores", 0, "`N` cores of each worker (its part of this machine's)")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:7400", "`ADDRESS` of the first manager (7500, …, if taken)")
	flags.StringVar(&f.data, "data", "", "`DIRECTORY` that is kept (a temporary one)")
	exits(c, "0    interrupted: the way it ends", "1    it could not go on", "104  bad flags")
	return c
}

// dev runs a small cluster until a signal comes.
func (a *app) dev(ctx context.Context, f devFlags) error {
	if f.managers < 1 || f.managers%2 == 0 {
		return refuse("%d managers; expected 1, 3 or 5 managers", f.managers)
	}
	if f.cores <= 0 {
		f.cores = max(runtime.GOMAXPROCS(0)/max(f.workers, 1), 1)
	}
	if f.data == "" {
		var err error
		if f.data, err = os.MkdirTemp("", "hyperscale-dev-"); err != nil {
			return fmt.Errorf("a directory for the cluster: %w", err)
		}
		defer func() { _ = os.RemoveAll(f.data) }() // nothing in it was to be kept
	}
	at, err := f.settle()
	if err != nil {
		return err
	}
	var managers []*manager.Manager
	var workers []*worker.Worker
	for i := range f.managers {
		m, err := manager.New(devManager(f, i, at), a.log())
		if err != nil {
			return refused(err)
		}
		managers = append(managers, m)
	}
	for i := range f.workers {
		w, err := a.devWorker(f, i, at)
		if err != nil {
			return refused(err)
		}
		workers = append(workers, w)
	}
	ctx, stop := a.untilSignal(ctx)
	defer stop()
	g, running := errgroup.WithContext(ctx)
	for _, m := range managers {
		g.Go(func() error { return m.Run(running) })
	}
	for _, w := range workers {
		g.Go(func() error {
			if awaitReady(running, managers) != nil {
				return nil
			}
			return w.Run(running)
		})
	}
	g.Go(func() error { return a.devReady(running, f, managers, workers) })
	err = g.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// settle finds ports for all managers, and gives the address of each with an offset
// of 0 for calls, 1 for metrics, 2 for gossip, 3 for the store.
func (f *devFlags) settle() (at func(manager, offset int) string, err error) {
	host, port, err := net.SplitHostPort(f.listen)
	first, err2 := strconv.Atoi(port)
	if err := errors.Join(err, err2); err != nil {
		return nil, refuse("--listen %s; expected HOST:PORT", f.listen)
	}
	at = func(manager, offset int) string {
		return net.JoinHostPort(host, strconv.Itoa(first+10*manager+offset))
	}
	for range devPlaces {
		if err = free(f.managers, at); err == nil || f.chosen || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		first += devApart
	}
	f.listen = at(0, 0)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("a port is taken, perhaps by another such cluster; --listen names others, such as 127.0.0.1:7500: %w", err)
	}
	return at, err
}

// Where a cluster looks for ports that are free: at so many places, so far apart.
const (
	devPlaces = 10
	devApart  = 100
)

// free says which port of the managers is taken.
func free(managers int, at func(manager, offset int) string) error {
	for i := range managers {
		for offset := range 4 {
			l, err := net.Listen("tcp", at(i, offset))
			if err != nil {
				return err
			}
			if err := l.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// devManager is the i-th manager of a small cluster.
func devManager(f devFlags, i int, at func(manager, offset int) string) manager.Config {
	cfg := manager.Config{
		Name: hyperscale.NodeID(fmt.Sprintf("m%d", i+1)), Cluster: "hyperscale", Env: "dev", DC: "dc1", Version: Version,
		At: manager.Addresses{Listen: at(i, 0), HTTP: at(i, 1), Gossip: at(i, 2), Store: at(i, 3)}, Expect: f.managers,
		Data: filepath.Join(f.data, fmt.Sprintf("m%d", i+1)),
	}
	for k := range f.managers {
		if k != i {
			cfg.Join = append(cfg.Join, at(k, 2))
		}
	}
	return cfg
}

// devWorker is the i-th worker of a small cluster.
func (a *app) devWorker(f devFlags, i int, at func(manager, offset int) string) (*worker.Worker, error) {
	cfg := worker.Config{
		Self: identity.ID{
			Cluster: "hyperscale", Env: "dev", Role: identity.Worker, DC: "dc1", Node: hyperscale.NodeID(fmt.Sprintf("w%d", i+1)),
		},
		Cores: f.cores,
	}
	for k := range f.managers {
		cfg.Join = append(cfg.Join, at(k, 0))
	}
	return worker.New(cfg, worker.Deps{Log: a.log()})
}

// awaitReady waits until all nodes can be used, or ctx ends.
func awaitReady[N interface{ Ready() error }](ctx context.Context, nodes []N) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, n := range nodes {
		for n.Ready() != nil {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	}
	return nil
}

// devReady says when the cluster can be used.
func (a *app) devReady(ctx context.Context, f devFlags, managers []*manager.Manager, workers []*worker.Worker) error {
	if awaitReady(ctx, managers) != nil || awaitReady(ctx, workers) != nil {
		return nil
	}
	if a.quiet {
		return nil
	}
	server := ""
	if f.listen != "127.0.0.1:7400" {
		server = " --server " + f.listen
	}
	_, err := fmt.Fprintf(a.Stderr, "%s at %s, and %s with %s each\ntry: hyperscale submit examples/quickstart.yaml --watch%s\n",
		hyperscale.Plural(f.managers, "manager"), f.listen, hyperscale.Plural(f.workers, "worker"), hyperscale.Plural(f.cores, "core"), server)
	return err
}
