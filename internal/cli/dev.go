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
	"hyperscale/internal/show"
	"hyperscale/internal/worker"
)

// devFlags say how small the small cluster is.
type devFlags struct {
	managers, workers, cores int
	listen, data             string
}

func devCommand(a *app) *cobra.Command {
	var f devFlags
	c := &cobra.Command{
		Use: "dev", Short: "Run a small cluster on this machine, for trying",
		Long: "Runs managers and workers in this process, on loopback, until it is interrupted. Jobs are\n" +
			"forgotten with it, unless --data names a directory.",
		Example: "  hyperscale dev                                    then, in another terminal:\n" +
			"  hyperscale submit examples/quickstart.yaml --watch\n" +
			"  hyperscale dev --managers 3 --workers 3",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := aboveZero(c, "workers", "cores"); err != nil {
				return err
			}
			return a.dev(c.Context(), f)
		},
	}
	flags := c.Flags()
	flags.IntVar(&f.managers, "managers", 1, "`N` = 1, 3 or 5")
	flags.IntVar(&f.workers, "workers", 2, "`N` workers")
	flags.IntVar(&f.cores, "cores", 0, "`N` cores of each worker (its part of this machine's)")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:7400", "`ADDRESS` of the first manager; others ten ports on")
	flags.StringVar(&f.data, "data", "", "`DIRECTORY` that is kept (a temporary one)")
	exits(c, "0    interrupted: the way it ends", "1    it could not go on", "104  bad flags")
	return c
}

// dev runs a small cluster until a signal comes.
func (a *app) dev(ctx context.Context, f devFlags) error {
	host, port, err := net.SplitHostPort(f.listen)
	first, err2 := strconv.Atoi(port)
	if err := errors.Join(err, err2); err != nil {
		return refuse("--listen %s; expected HOST:PORT", f.listen)
	}
	if f.managers < 1 || f.managers%2 == 0 {
		return refuse("%d managers; expected 1, 3 or 5 managers", f.managers)
	}
	if f.cores <= 0 {
		f.cores = max(runtime.GOMAXPROCS(0)/max(f.workers, 1), 1)
	}
	if f.data == "" {
		if f.data, err = os.MkdirTemp("", "hyperscale-dev-"); err != nil {
			return fmt.Errorf("a directory for the cluster: %w", err)
		}
		defer func() { _ = os.RemoveAll(f.data) }() // nothing in it was to be kept
	}
	at := func(manager, offset int) string { return net.JoinHostPort(host, strconv.Itoa(first+10*manager+offset)) }
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
	g.Go(func() error { return a.devReady(running, f, managers) })
	err = g.Wait()
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("a port is taken, perhaps by another such cluster; --listen names others, such as 127.0.0.1:7500: %w", err)
	}
	return err
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

// awaitReady waits until all managers can be used, or ctx ends.
func awaitReady(ctx context.Context, managers []*manager.Manager) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, m := range managers {
		for m.Ready() != nil {
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
func (a *app) devReady(ctx context.Context, f devFlags, managers []*manager.Manager) error {
	if awaitReady(ctx, managers) != nil {
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
		show.Plural(int64(f.managers), "manager"), f.listen, show.Plural(int64(f.workers), "worker"), show.Plural(int64(f.cores), "core"), server)
	return err
}
