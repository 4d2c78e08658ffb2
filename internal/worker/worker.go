package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"hyperscale"
	"hyperscale/internal/doors"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/mailbox"
	"hyperscale/internal/process"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/worker/agent"
)

// Config is what a worker is made for. Zero values are the defaults.
type Config struct {
	Self     identity.ID   // who it is; with certificates it is theirs
	Join     []string      // host:port of managers; of a name all addresses are tried
	Cores    int           // that shares are placed on; 0: the CPUs that this process may use
	Autonomy time.Duration // how long a load goes on without word of its job's top owner; 0: 60 s
	Data     string        // directory of this worker alone, which keeps their numbers rising; "": only the clock does
	Targets  []string      // where engines may connect to: see [dial.ParseTargets]
	MaxKept  int           // bytes of windows kept; 0: 64 MiB
}

// Deps is what a worker needs of others. Log is needed.
type Deps struct {
	Log          *slog.Logger
	Certificates *identity.Source // nil: none; then managers on loopback only are called
	Engine       process.Config   // how engines are started; its Log is filled in

	// Lookup finds the addresses of a manager's name; nil: as the system does.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Worker is one worker. It does nothing until Run.
type Worker struct {
	cfg   Config
	deps  Deps
	log   *slog.Logger
	inbox *mailbox.Mailbox[any]
}

// New makes a worker. The error lists all that is wrong with its configuration.
func New(cfg Config, deps Deps) (*Worker, error) {
	if deps.Certificates != nil {
		cfg.Self = deps.Certificates.ID()
	}
	cfg.Cores = cmp.Or(cfg.Cores, runtime.GOMAXPROCS(0))
	cfg.Autonomy = cmp.Or(cfg.Autonomy, time.Minute)
	if err := cfg.check(deps.Certificates != nil); err != nil {
		return nil, err
	}
	return &Worker{cfg: cfg, deps: deps, log: deps.Log.With("node", cfg.Self.Node), inbox: mailbox.New[any]()}, nil
}

// mostCores is more than any machine has.
const mostCores = 4096

// check lists all that is wrong.
func (c *Config) check(certified bool) error {
	var errs []error
	if err := c.Self.Check(); err != nil {
		errs = append(errs, err)
	} else if c.Self.Role != identity.Worker {
		errs = append(errs, fmt.Errorf("%s is not the identity of a worker", c.Self.Who()))
	}
	if len(c.Join) == 0 {
		errs = append(errs, errors.New("a worker needs the address of at least one manager"))
	}
	for _, j := range c.Join {
		if err := doors.Check("manager", j, certified); err != nil {
			errs = append(errs, err)
		}
	}
	if c.Cores < 1 || c.Cores > mostCores {
		errs = append(errs, fmt.Errorf("%d cores; 1 to %d are possible", c.Cores, mostCores))
	}
	if c.Autonomy < leastAutonomy {
		errs = append(errs, fmt.Errorf("an autonomy of %v; at least %v are wanted, as long as managers need to follow each other", c.Autonomy, leastAutonomy))
	}
	if _, err := dial.ParseTargets(c.Targets); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// leastAutonomy outlasts a change of owner.
const leastAutonomy = 5 * time.Second

// Drain makes the worker take nothing new; once all that it holds is done and
// acknowledged, Run returns. It may be called at any time, and again.
func (w *Worker) Drain() { w.inbox.Put(agent.Drain{}) }

// look asks for what the worker has. It is false when the worker does not answer:
// it does not run.
func (w *Worker) look(ctx context.Context) (figures, bool) {
	answer := make(chan figures, 1)
	w.inbox.Put(look{answer})
	select {
	case f := <-answer:
		return f, true
	case <-ctx.Done():
		return figures{}, false
	}
}

// look is the wish for figures.
type look struct{ answer chan<- figures }

// lookTime is how long an answer may take before the worker counts as stuck.
const lookTime = 2 * time.Second

// Healthy says why the worker is stuck; nil: it is not.
func (w *Worker) Healthy() error {
	ctx, stop := context.WithTimeout(context.Background(), lookTime)
	defer stop()
	if _, ok := w.look(ctx); !ok {
		return fmt.Errorf("worker %s does not answer", w.cfg.Self.Node)
	}
	return nil
}

// Ready says why the worker can be given nothing now; nil: it can.
func (w *Worker) Ready() error {
	ctx, stop := context.WithTimeout(context.Background(), lookTime)
	defer stop()
	switch f, ok := w.look(ctx); {
	case !ok:
		return fmt.Errorf("worker %s does not answer", w.cfg.Self.Node)
	case f.Draining:
		return fmt.Errorf("worker %s is draining", w.cfg.Self.Node)
	case f.links == 0:
		return fmt.Errorf("worker %s has no manager", w.cfg.Self.Node)
	}
	return nil
}

// Run works until the worker has drained, or ctx ends: then at once, and its
// engines with it. When it returns, all that it started has returned.
func (w *Worker) Run(ctx context.Context) error {
	data, err := claim(w.cfg.Data, time.Now())
	if err != nil {
		return fmt.Errorf("starting worker %s: %w", w.cfg.Self.Node, err)
	}
	defer data.release()
	ctx, stop := context.WithCancel(ctx)
	s := w.newShell(ctx, data.boot)
	defer s.others.Wait()
	defer stop()
	w.log.Info("working", "datacenter", w.cfg.Self.DC, "cores", w.cfg.Cores, "boot", uint64(data.boot), "managers", w.cfg.Join)
	if w.deps.Certificates == nil {
		w.log.Info("without certificates only managers on loopback are called")
	}
	s.visits.Go(func() { s.doors.Run(ctx) })
	s.others.Go(func() { s.fare(ctx) })
	s.others.Go(func() { _ = s.engines.starter.Run(ctx) }) // its errors are told by whoever needs an engine
	s.loop(ctx)
	s.leave(stop)
	return nil
}

// dialing is how managers are called.
func (w *Worker) dialing(boot hyperscale.Boot) rpc.Dialing {
	return rpc.Dialing{Self: w.cfg.Self, Boot: boot, Certificates: w.deps.Certificates}
}

// bootOf is the number of a start by the clock: it rises as long as that is not set
// back.
func bootOf(now time.Time) hyperscale.Boot { return hyperscale.Boot(max(now.UnixMilli(), 1)) }
