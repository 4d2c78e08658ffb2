package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/local"
	"hyperscale/internal/plan"
	"hyperscale/internal/report"
	"hyperscale/internal/stats"
)

// runFlags are the flags of run that do not go to the plan.
type runFlags struct {
	outputs     []string
	lanes       int
	percentiles string
	strict      bool
	once        bool
	preflight   bool
	share       string
	cpuProfile  string
	printSlots  bool
}

func runCommand(a *app) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run PLAN|URL",
		Short: "Run a plan, or load-test a URL, from this machine",
		Long: "Runs a plan from a file (- is stdin), or sends requests to a URL, from this machine.\n\n" +
			"With a URL: -c virtual users (10) loop for -d (10s) or share -n iterations; with --rate\n" +
			"requests start at that rate however fast the target answers. With a plan, request flags\n" +
			"override its defaults and load flags the load of its only workflow that has one.\n" +
			"Bare numbers of durations are seconds, of rates per second.\n\n" +
			"Precedence: defaults < --config < plan < HYPERSCALE_* variables < flags; keys and variables\n" +
			"are named like the long flags (HYPERSCALE_RATE=100). One Ctrl-C ends gracefully, two at once.",
		Example: "  hyperscale run http://localhost:8080/                    10 users for 10 s\n" +
			"  hyperscale run http://localhost:8080/ -c 50 -n 10000     10 000 requests by 50 users\n" +
			"  hyperscale run http://localhost:8080/ --rate 500 -d 1m --threshold 'p99 < 200ms'\n" +
			"  hyperscale run http://localhost:8080/cart -b @order.json -H 'content-type: application/json'\n" +
			"  hyperscale run http://localhost:8080/ --stage 30s:100 --stage 2m:100 --stage 10s:0\n" +
			"  hyperscale run checkout.yaml -o json=result.json -o csv=seconds.csv\n" +
			"  hyperscale run checkout.yaml --once                      try it: one iteration, everything shown\n" +
			"  hyperscale run checkout.yaml --scale 0.1 -e REGION=eu",
		Args: func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a plan or a URL") },
		RunE: func(c *cobra.Command, args []string) error { return a.run(c.Context(), args[0], f) },
	}
	a.addSettings(c, loadFlags(), requestFlags(), planFlags())
	f.add(c)
	exits(c, "0    done; without thresholds, whatever the target answered",
		"104  bad plan, flags, configuration or preflight: nothing was sent",
		"105  interrupted (Ctrl-C, SIGTERM, q)",
		"97   past its deadline",
		"107  a workflow without load failed, or on-error: abort fired",
		"99   thresholds failed",
		"91   verdict INVALID: the generator did not do what the plan asked",
		"90   verdict DEGRADED, with --strict",
		"1    an output was not written, nothing was answered, or anything else",
		"The first that holds, in this order.")
	return c
}

func (f *runFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVarP(&f.outputs, "output", "o", nil, outputUsage)
	flags.BoolVar(&f.once, "once", false, "one iteration of each workflow, every request and answer shown")
	flags.BoolVar(&f.preflight, "preflight", false, "first open one connection to each origin")
	flags.BoolVar(&f.strict, "strict", false, "a DEGRADED verdict fails the run")
	flags.StringVar(&f.percentiles, "percentiles", "", "`LIST` for the tables, such as 50,95,99.9")
	flags.Var((*lanes)(&f.lanes), "lanes", "`N` threads that send (the CPUs this process may use)")
	flags.StringVar(&f.share, "share", "", "run only share `I/N` of the slots")
	flags.BoolVar(&f.printSlots, "print-slots", false, "print what each slot is, and send nothing")
	flags.StringVar(&f.cpuProfile, "cpu-profile", "", "write a CPU profile to `FILE`")
	for _, name := range []string{"share", "print-slots", "cpu-profile"} {
		flags.Lookup(name).Hidden = true
	}
}

// lanes is the pflag.Value of --lanes; 0: it was not given.
type lanes int

// String is the value that help shows as default: none.
func (*lanes) String() string { return "" }

// Type is the name of the value in help.
func (*lanes) Type() string { return "N" }

// Set takes a number of lanes.
func (l *lanes) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return errors.New("expected a whole number, 1 or more")
	}
	*l = lanes(n)
	return nil
}

// runner is one run of a plan.
type runner struct {
	*app
	loaded   *plan.Loaded
	share    hyperscale.Share
	specs    wanted
	percents []float64
	flags    runFlags
}

// run runs what the argument names. Errors of what was given come before
// anything is touched.
func (a *app) run(ctx context.Context, arg string, f runFlags) error {
	p := &runner{app: a, flags: f}
	var err error
	if p.specs, err = a.outputSpecs(f.outputs); err != nil {
		return refused(err)
	}
	if p.percents, err = percents(f.percentiles); err != nil {
		return refused(err)
	}
	if p.share, err = parseShare(f.share); err != nil {
		return refused(err)
	}
	if p.loaded, err = a.load(arg); err != nil {
		return refused(err)
	}
	defer func() { _ = p.loaded.Close() }() // only read
	if f.once {
		onlyOnce(p.loaded.Plan)
	}
	if f.printSlots {
		return a.printSlots(p.loaded, p.share)
	}
	profiled, err := profile(f.cpuProfile)
	if err != nil {
		return refused(err)
	}
	return errors.Join(a.withTarget(ctx, p.loaded.Plan, p.perform), profiled())
}

// perform sends: from the preflight to the last output.
func (p *runner) perform(ctx context.Context) error {
	cfg := local.Config{Plan: p.loaded.Plan, Rows: rows(p.loaded), Version: Version, Lanes: p.flags.lanes, Share: p.share}
	if p.flags.preflight {
		if err := p.reachable(ctx, cfg); err != nil {
			return err
		}
	}
	outputs, err := openOutputs(ctx, p.app, p.specs, p.loaded.Plan, runID())
	if err != nil {
		return err
	}
	cfg.Windows = outputs.Window
	if p.flags.once {
		cfg.Trace = newTracer(p.traceTo(), p.theme(p.Terminal.Out)).show
	}
	result, err := p.watched(ctx, cfg, outputs)
	if err != nil {
		outputs.Discard()
		return err
	}
	return p.conclude(ctx, result, outputs)
}

// reachable fails unless every origin takes a connection before a signal comes.
func (p *runner) reachable(ctx context.Context, cfg local.Config) error {
	waiting, stop := p.untilSignal(ctx)
	defer stop()
	err := local.Preflight(waiting, cfg)
	if waiting.Err() != nil && ctx.Err() == nil {
		return errInterrupted
	}
	return refused(err)
}

// conclude writes all that a run leaves.
func (p *runner) conclude(ctx context.Context, r *stats.Result, outputs *outputs) error {
	p.outcome = outcome{result: r, strict: p.flags.strict}
	summarise := func(failed bool) *report.Summary {
		o := p.outcome
		if failed {
			o.err = errors.New("an output failed")
		}
		return report.Summarise(r, report.Options{ExitCode: exitCode(o), Percents: p.percents})
	}
	err := outputs.Finish(ctx, r, summarise)
	return errors.Join(err, p.printSummary(summarise(err != nil)))
}

// printSummary writes the summary: to stdout, or, where an output or a trace
// is, its text to stderr.
func (p *runner) printSummary(s *report.Summary) error {
	if p.json {
		return report.WriteJSON(p.Stdout, s)
	}
	w, colours := p.Stdout, p.theme(p.Terminal.Out)
	if report.ToStdout(p.specs.files) {
		w, colours = p.Stderr, p.theme(p.Terminal.Err)
	}
	return report.Text(w, s, report.TextOptions{Width: p.width(), Theme: colours, Percents: p.percents, Brief: p.flags.once})
}

// watched runs the plan while people watch and may interrupt.
func (a *app) watched(ctx context.Context, cfg local.Config, outputs *outputs) (*stats.Result, error) {
	c := newControl(a, cfg.Plan, outputs, endsRun)
	outputs.OnFailure(c.view.fear)
	stop := c.start()
	cfg.Interrupts, cfg.Watch = c.interrupts, c.view.watch
	cfg.Warn = func(text string) { c.view.fear(errors.New(text)) }
	a.log().Info("run begins", "plan", cfg.Plan.Name, "target", cfg.Plan.Target, "seed", cfg.Plan.Seed)
	result, err := local.Run(ctx, cfg)
	stop()
	var early *local.NotStarted
	if errors.As(err, &early) {
		return nil, refused(err)
	}
	if err != nil {
		return nil, fmt.Errorf("running the plan: %w", err)
	}
	c.view.ended(result.Timeline)
	a.log().Info("run ended", "phase", result.Phase, "verdict", cmp.Or(string(report.StateOf(result)), "none: nothing was due"), "elapsed_s", result.Elapsed.Round(time.Millisecond).Seconds())
	return result, nil
}
