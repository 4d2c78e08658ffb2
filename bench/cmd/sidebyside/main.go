//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// defaultRun is how long one run of a contest takes.
const defaultRun = 5 * time.Second

// A scenario shows one goal of the engine.
type scenario struct {
	name string
	what string
	run  func(ctx context.Context, b *bench) (record, error)
}

func scenarios() []scenario {
	return []scenario{
		{"closed", "goal 1: CPU per request, one GET, beside the limit and peers", closed},
		{"realistic", "goal 2: five steps, capture, templates, checks, cookies, data", realistic},
		{"tls", "goal 3: one GET over HTTPS", encrypted},
		{"open", "goal 4: 20 000/s for 30 s on one core", open},
		{"memory", "goal 5: connected virtual users that pause", memory},
		{"stall", "goal 6: a target that stalls", stall},
		{"cluster", "what a cluster costs a worker beside run", clustered},
		{"soak", "goal 7: memory over a long run (not among all; -duration 1h for the goal)", soak},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	name := "all"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	b := &bench{out: os.Stderr}
	if err := b.parse(args); err != nil {
		return err
	}
	chosen := choose(name)
	if len(chosen) == 0 {
		return fmt.Errorf("there is no scenario %q; -h lists them", name)
	}
	scratch, err := os.MkdirTemp("", "hyperscale-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	b.scratch = scratch
	for _, s := range chosen {
		if err := b.show(ctx, s, shown(args)); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// choose finds a scenario by name; "all" is those that take minutes together.
func choose(name string) []scenario {
	return slices.DeleteFunc(scenarios(), func(s scenario) bool {
		return s.name != name && (name != "all" || s.name == "soak")
	})
}

// show runs one scenario, prints its record and keeps it.
func (b *bench) show(ctx context.Context, s scenario, args []string) error {
	load := loadAverage()
	b.note("== %s: %s", s.name, s.what)
	rec, err := s.run(ctx, b)
	if err != nil {
		return err
	}
	if peers := b.versions(ctx); peers != "" {
		rec.notes = append(rec.notes, "Peers: "+peers+".")
	}
	text := rec.markdown(b.made(ctx, s.name, args, load))
	fmt.Println(text)
	if !b.write {
		return nil
	}
	return b.keep(s.name, text)
}

// shown leaves out of a command line what engine.sh put there.
func shown(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		return strings.HasPrefix(arg, "-root=") || strings.HasPrefix(arg, "-bin=")
	})
}

func (b *bench) parse(args []string) error {
	set := flag.NewFlagSet("bench/engine.sh", flag.ContinueOnError)
	set.Usage = func() { usageText(set) }
	set.StringVar(&b.root, "root", ".", "the `checkout`")
	set.StringVar(&b.bin, "bin", "", "`folder` of the programs")
	set.IntVar(&b.rounds, "rounds", 0, "repeats of each run (default 5; open: 1)")
	set.DurationVar(&b.duration, "duration", 0, "`length` of one run (default 5s; open 30s, memory and stall 10s, soak 10m)")
	set.IntVar(&b.rate, "rate", 0, "requests per second (default open 20000, stall 1000, soak 2000)")
	set.IntVar(&b.vus, "vus", 0, "virtual users of the memory scenario (default 100000)")
	set.IntVar(&b.port, "port", 18080, "the target's port")
	set.IntVar(&b.clientCPU, "client-cpu", 0, "the client's core")
	set.IntVar(&b.targetCPU, "target-cpu", 1, "the target's core")
	set.BoolVar(&b.write, "write", true, "keep the results in doc/performance.md")
	connections := set.String("connections", "64,256", "`numbers` of connections; scenarios with one take the first")
	only := set.String("only", "", "`names` of the tools to run, separated by commas (default all)")
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("what is %q? The scenario comes first, then flags", set.Arg(0))
	}
	if *only != "" {
		b.only = strings.Split(*only, ",")
	}
	for _, text := range strings.Split(*connections, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-connections %q: expected numbers above zero, separated by commas", *connections)
		}
		b.connections = append(b.connections, n)
	}
	return b.settle()
}

// settle makes paths absolute, for commands run in the checkout.
func (b *bench) settle() (err error) {
	if b.root, err = filepath.Abs(b.root); err != nil {
		return err
	}
	if b.bin, err = filepath.Abs(b.bin); err != nil {
		return err
	}
	if b.clientCPU == b.targetCPU {
		return errors.New("-client-cpu and -target-cpu must differ, or the client is measured against the target's hunger")
	}
	return nil
}

func usageText(set *flag.FlagSet) {
	fmt.Fprintln(set.Output(), "usage: bench/engine.sh [SCENARIO] [flags]\n\nScenarios (default: all):")
	for _, s := range scenarios() {
		fmt.Fprintf(set.Output(), "  %-10s %s\n", s.name, s.what)
	}
	fmt.Fprintln(set.Output(), "\nFlags:")
	set.PrintDefaults()
}
