package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"hyperscale"
	"hyperscale/internal/gate"
	"hyperscale/internal/manager"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
	"hyperscale/internal/worker"
)

// devFlags say how small the small cluster is.
type devFlags struct {
	gates, datacenters       int
	managers, workers, cores int // of each datacenter; cores of each worker
	listen, data             string
	chosen                   bool // listen was given; else a free place is looked for
}

func devCommand(a *app) *cobra.Command {
	var f devFlags
	c := &cobra.Command{
		Use: "dev", Short: "Run a small cluster on this machine, for trying",
		Long: "Runs managers and workers in this process, on loopback, until it is interrupted; with --gates a\n" +
			"few datacenters, a, b and so on, with gates above them. Jobs are forgotten with it, unless\n" +
			"--data names a directory. Each gate and manager takes four ports: for calls, metrics, gossip\n" +
			"and its store; the next ten ports on. A second cluster finds ports of its own, and says which,\n" +
			"unless --listen names some.",
		Example: "  hyperscale dev                                    then, in another terminal:\n" +
			"  hyperscale submit examples/quickstart.yaml --watch\n" +
			"  hyperscale dev --managers 3 --workers 3\n" +
			"  hyperscale dev --gates 3 --datacenters 2",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := aboveZero(c, "workers", "cores", "gates", "datacenters"); err != nil {
				return err
			}
			f.chosen = c.Flags().Changed("listen") || c.Flags().Changed("data") // what is kept knows its ports
			return a.dev(c.Context(), f)
		},
	}
	flags := c.Flags()
	flags.IntVar(&f.gates, "gates", 0, "`N` = 1, 3 or 5 gates above the datacenters (none)")
	flags.IntVar(&f.datacenters, "datacenters", 1, "`N` datacenters")
	flags.IntVar(&f.managers, "managers", 1, "`N` = 1, 3 or 5 managers of each datacenter")
	flags.IntVar(&f.workers, "workers", 2, "`N` workers of each datacenter")
	flags.IntVar(&f.cores, "cores", 0, "`N` cores of each worker (its part of this machine's)")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:7400", "`ADDRESS` of the first gate, or manager (7500, …, if taken)")
	flags.StringVar(&f.data, "data", "", "`DIRECTORY` that is kept (a temporary one)")
	exits(c, "0    interrupted: the way it ends", "1    it could not go on", "104  bad flags")
	return c
}

// check refuses what is no cluster.
func (f devFlags) check() error {
	switch {
	case f.managers < 1 || f.managers%2 == 0:
		return refuse("%d managers; expected 1, 3 or 5 managers", f.managers)
	case f.gates != 0 && f.gates%2 == 0:
		return refuse("%d gates; expected 1, 3 or 5 gates", f.gates)
	case f.datacenters > 1 && f.gates == 0:
		return refuse("%d datacenters and no gate above them; --gates 1 makes one cluster of them", f.datacenters)
	case f.datacenters > mostDatacenters:
		return refuse("%d datacenters; expected %d at most", f.datacenters, mostDatacenters)
	}
	return nil
}

// mostDatacenters is how many have a letter for their name.
const mostDatacenters = 26

// dev runs a small cluster until a signal comes.
func (a *app) dev(ctx context.Context, f devFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.cores <= 0 {
		f.cores = max(runtime.GOMAXPROCS(0)/max(f.workers*f.datacenters, 1), 1)
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
	var all small
	if err := all.make(a, f, at); err != nil {
		return refused(err)
	}
	ctx, stop := a.untilSignal(ctx)
	defer stop()
	if err := all.run(ctx, func(running context.Context) error { return a.devReady(running, f, all, at) }); ctx.Err() == nil {
		return err
	}
	return nil
}

// small is the nodes of a small cluster.
type small struct {
	stations []devNode // gates and managers
	workers  []devNode
}

// devNode is a node of a small cluster.
type devNode interface {
	Run(ctx context.Context) error
	Ready() error
}

// make makes all nodes, of which none runs.
func (s *small) make(a *app, f devFlags, at ports) error {
	var gates []string
	for i := range f.gates {
		gates = append(gates, at(i, 0))
		g, err := gate.New(gate.Config{Config: f.gate(i, at)}, gate.Deps{Log: a.log()})
		if err != nil {
			return err
		}
		s.stations = append(s.stations, g)
	}
	for dc := range f.datacenters {
		for i := range f.managers {
			m, err := manager.New(manager.Config{Config: f.manager(dc, i, at), Gates: gates}, manager.Deps{Log: a.log()})
			if err != nil {
				return err
			}
			s.stations = append(s.stations, m)
		}
		for i := range f.workers {
			w, err := worker.New(f.worker(dc, i, at), worker.Deps{Log: a.log()})
			if err != nil {
				return err
			}
			s.workers = append(s.workers, w)
		}
	}
	return nil
}

// run runs all of them, workers once there are managers, and calls ready beside them.
func (s *small) run(ctx context.Context, ready func(context.Context) error) error {
	g, running := errgroup.WithContext(ctx)
	for _, n := range s.stations {
		g.Go(func() error { return n.Run(running) })
	}
	for _, w := range s.workers {
		g.Go(func() error {
			if awaitReady(running, s.stations) != nil {
				return nil
			}
			return w.Run(running)
		})
	}
	g.Go(func() error { return ready(running) })
	return g.Wait()
}

// ports are the addresses of gates and managers, in this order, with an offset of 0
// for calls, 1 for metrics, 2 for gossip, 3 for the store.
type ports func(node, offset int) string

// nodes is how many nodes take ports.
func (f devFlags) nodes() int { return f.gates + f.datacenters*f.managers }

// settle finds ports for all nodes that take any.
func (f *devFlags) settle() (at ports, err error) {
	host, port, err := net.SplitHostPort(f.listen)
	first, err2 := strconv.Atoi(port)
	if err := errors.Join(err, err2); err != nil {
		return nil, refuse("--listen %s; expected HOST:PORT", f.listen)
	}
	at = func(node, offset int) string {
		return net.JoinHostPort(host, strconv.Itoa(first+10*node+offset))
	}
	for range devPlaces {
		if err = free(f.nodes(), at); err == nil || f.chosen || !errors.Is(err, syscall.EADDRINUSE) {
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

// free says which port of the nodes is taken.
func free(nodes int, at ports) error {
	for i := range nodes {
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

// datacenter is the name of the dc-th one. Where there are no gates it is the usual.
func (f devFlags) datacenter(dc int) string {
	if f.gates == 0 {
		return "dc1"
	}
	return string(rune('a' + dc))
}

// name is that of the i-th node of a datacenter, which no other of the cluster has.
func (f devFlags) name(kind string, dc, i int) hyperscale.NodeID {
	name := kind + strconv.Itoa(i+1)
	if f.gates > 0 {
		name = f.datacenter(dc) + "-" + name
	}
	return hyperscale.NodeID(name)
}

// gate is the i-th gate of a small cluster.
func (f devFlags) gate(i int, at ports) station.Config {
	return f.station(identity.ID{Role: identity.Gate, Node: hyperscale.NodeID("g" + strconv.Itoa(i+1))}, i, 0, f.gates, at)
}

// manager is the i-th manager of a datacenter.
func (f devFlags) manager(dc, i int, at ports) station.Config {
	self := identity.ID{Role: identity.Manager, DC: f.datacenter(dc), Node: f.name("m", dc, i)}
	return f.station(self, i, f.gates+dc*f.managers, f.managers, at)
}

// station is the i-th of so many gates or managers of a tier, of which the first is at
// the place given.
func (f devFlags) station(self identity.ID, i, first, all int, at ports) station.Config {
	self.Cluster, self.Env = "hyperscale", "dev"
	place := first + i
	cfg := station.Config{
		Self: self, Version: Version, Expect: all, Data: filepath.Join(f.data, string(self.Node)),
		At: station.Addresses{Listen: at(place, 0), HTTP: at(place, 1), Gossip: at(place, 2), Store: at(place, 3)},
	}
	for k := range all {
		if k != i {
			cfg.Join = append(cfg.Join, at(first+k, 2))
		}
	}
	return cfg
}

// worker is the i-th worker of a datacenter.
func (f devFlags) worker(dc, i int, at ports) worker.Config {
	cfg := worker.Config{
		Self:  identity.ID{Cluster: "hyperscale", Env: "dev", Role: identity.Worker, DC: f.datacenter(dc), Node: f.name("w", dc, i)},
		Cores: f.cores,
	}
	for k := range f.managers {
		cfg.Join = append(cfg.Join, at(f.gates+dc*f.managers+k, 0))
	}
	return cfg
}

// awaitReady waits until all nodes are ready.
func awaitReady(ctx context.Context, nodes []devNode) error {
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

// devReady says when the cluster can be used, and how.
func (a *app) devReady(ctx context.Context, f devFlags, all small, at ports) error {
	if awaitReady(ctx, slices.Concat(all.stations, all.workers)) != nil || a.quiet {
		return nil
	}
	_, err := fmt.Fprint(a.Stderr, f.welcome(at))
	return err
}

// welcome is what is said of a cluster that can be used.
func (f devFlags) welcome(at ports) string {
	var text strings.Builder
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(&text, format+"\n", args...) }
	server := func(node int) string {
		if at(node, 0) == "127.0.0.1:"+callPort { // the default
			return ""
		}
		return " --server " + at(node, 0)
	}
	if f.gates > 0 {
		say("%s at %s", hyperscale.Plural(f.gates, "gate"), at(0, 0))
	}
	for dc := range f.datacenters {
		of := ""
		if f.gates > 0 {
			of = "datacenter " + f.datacenter(dc) + ": "
		}
		say("%s%s at %s, and %s with %s each", of, hyperscale.Plural(f.managers, "manager"), at(f.gates+dc*f.managers, 0),
			hyperscale.Plural(f.workers, "worker"), hyperscale.Plural(f.cores, "core"))
	}
	if f.gates > 0 {
		say("try: hyperscale members%s", server(0))
	}
	say("try: hyperscale submit examples/quickstart.yaml --watch%s", server(0))
	return text.String()
}
