package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/client"
	"hyperscale/internal/link"
	"hyperscale/internal/reporter/sink"
	"hyperscale/internal/rpc"
	"hyperscale/internal/spec"
)

// submitFlags are the flags of submit that do not go to the plan.
type submitFlags struct {
	clusterFlags
	follow
	watch     bool
	key       string
	priority  string
	exclusive bool
	cores     int
	oneHolder bool
	reporters []string
	webhooks  []string
	across    acrossFlags
}

func submitCommand(a *app) *cobra.Command {
	var f submitFlags
	c := &cobra.Command{
		Use:   "submit PLAN|URL",
		Short: "Run a plan, or load-test a URL, on a cluster",
		Long: "Hands a plan to a cluster, which runs it on its workers. It prints the name of the job and\n" +
			"returns; with --watch it shows the run as run does and ends like it, with the same summary,\n" +
			"outputs and exit codes. Plans and flags are those of run. Ctrl-C while watching asks the\n" +
			"cluster to end the job; again, and it goes away: what was asked for comes to pass unwatched.",
		Example: "  hyperscale submit checkout.yaml --watch\n" +
			"  hyperscale submit http://localhost:8080/ --rate 5000 -d 1m --watch -o json=result.json\n" +
			"  hyperscale submit nightly.yaml --key nightly-2026-11-27 --priority low\n" +
			"  hyperscale submit checkout.yaml --server gates.example.org --datacenters fra,nyc --allow-partial",
		Args: func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a plan or a URL") },
		RunE: func(c *cobra.Command, args []string) error {
			if err := aboveZero(c, "cores", "count"); err != nil {
				return err
			}
			if c.Flags().Changed("key") && f.key == "" {
				return refuse("--key is empty, and would name no submission; leave it out (a variable that is not set?)")
			}
			if c.Flags().Changed("datacenters") && len(f.across.datacenters) == 0 {
				return refuse("--datacenters is empty; name some, or leave it out (a variable that is not set?)")
			}
			return a.submit(c.Context(), args[0], &f)
		},
	}
	a.addSettings(c, loadFlags(), requestFlags(), planFlags())
	f.clusterFlags.addWaiting(c, waitWatching)
	f.follow.add(c)
	flags := c.Flags()
	flags.BoolVar(&f.watch, "watch", false, "show the run, and end like it")
	flags.StringVar(&f.key, "key", "", "`TEXT` that names the submission: again within a day it is the same job")
	flags.StringVar(&f.priority, "priority", "normal", "`LEVEL` among jobs that wait: high, normal, low, auto")
	flags.BoolVar(&f.exclusive, "exclusive", false, "nothing else runs beside it")
	flags.IntVar(&f.cores, "cores", 0, "`N` cores for each workflow (as many as its load asks for)")
	flags.BoolVar(&f.oneHolder, "one-holder", false, "never two workers on the same slots: after 10 s without word a worker stops,\nand only then others go on (always so with data that is picked unique)")
	flags.StringArrayVar(&f.reporters, "report", nil, "`NAME=ADDRESS` that the cluster tells what the job does: webhook,\nprometheus, otlp, statsd, dogstatsd, influxdb, postgres, events\n(doc/reporters.md)")
	flags.StringArrayVar(&f.webhooks, "webhook", nil, "`URL` that the cluster posts the job's events and its end to, each with its\nnumber: the same as --report events=URL")
	f.across.add(c)
	clusterExits(c, "105, 97, 107, 99, 91, 90, 1: with --watch, as of run; 97 also if others cancelled it,\n     105 also if it goes away")
	return c
}

// priorities are the names of priorities.
var priorities = map[string]link.Priority{
	"high": link.PriorityHigh, "normal": link.PriorityNormal, "low": link.PriorityLow, "auto": link.PriorityAuto,
}

// hooked checks whom the cluster is to report to, and puts web hooks among them.
func (f *submitFlags) hooked() error {
	for _, url := range f.webhooks {
		text := "events=" + url
		if _, err := sink.Parse([]string{text}); err != nil {
			return refuse("--webhook URL is --report events=URL, and of %v", err)
		}
		f.reporters = append(f.reporters, text)
	}
	if _, err := sink.Parse(f.reporters); err != nil {
		return refuse("--report %v; files are written here: -o NAME=PATH", err)
	}
	return nil
}

// submit hands a plan in.
func (a *app) submit(ctx context.Context, arg string, f *submitFlags) error {
	priority, known := priorities[f.priority]
	if !known {
		return refuse("--priority %s; expected high, normal, low or auto", f.priority)
	}
	across, err := f.across.read()
	if err != nil {
		return err
	}
	if !f.watch && len(f.outputs) > 0 {
		return refuse("-o needs --watch; or fetch them later: hyperscale results JOB -o %s", f.outputs[0])
	}
	if err := f.hooked(); err != nil {
		return err
	}
	specs, err := a.outputSpecs(f.outputs)
	if err != nil {
		return refused(err)
	}
	loaded, err := a.load(arg)
	if err != nil {
		return refused(err)
	}
	defer func() { _ = loaded.Close() }() // only read
	content, err := spec.Encode(loaded.Plan, rows(loaded))
	if err != nil {
		return refused(err)
	}
	outputs, err := openOutputs(ctx, a, specs, loaded.Plan, "")
	if err != nil {
		return err
	}
	w := &follower{app: a, flags: &f.follow, specs: specs, outputs: outputs, plan: loaded.Plan, owns: true}
	f.silent = w.silent(f.wait)
	err = a.withClient(&f.clusterFlags, func(cl *client.Client) error {
		accepted, err := cl.Submit(ctx, rpc.Submission{
			Key: f.key, Name: loaded.Plan.Name, Spec: content,
			Options: rpc.Options{
				Priority: priority, Exclusive: f.exclusive, Cores: f.cores, OneHolder: f.oneHolder, Tags: loaded.Plan.Tags, Reporters: f.reporters, Across: across,
			},
		})
		if err != nil {
			return err
		}
		if !f.watch {
			return a.announce(accepted)
		}
		w.announce(accepted)
		outputs.begin(ctx, accepted.Job)
		return w.follow(ctx, cl, accepted.Job)
	})
	if !w.finished {
		outputs.Discard()
	}
	return err
}

// withClient does work with a client, without an ear for signals.
func (a *app) withClient(f *clusterFlags, work func(*client.Client) error) error {
	c, err := a.dial(f)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // everything was said
	return clusterError(work(c))
}

// announce prints what a submission made.
func (a *app) announce(s rpc.Accepted) error {
	if a.json {
		return a.printJSON(acceptedView{s.Job, s.Owner, s.Address, s.Epoch, s.Again})
	}
	_, err := fmt.Fprintln(a.Stdout, s.Job)
	return err
}

// follow are the flags of whoever watches a job.
type follow struct {
	outputs     []string
	percentiles string
	strict      bool
}

func (f *follow) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringArrayVarP(&f.outputs, "output", "o", nil, outputUsage)
	flags.BoolVar(&f.strict, "strict", false, "a DEGRADED verdict fails the run")
	flags.StringVar(&f.percentiles, "percentiles", "", "`LIST` for the tables, such as 50,95,99.9")
}

// follower watches one job to its end.
type follower struct {
	*app
	flags    *follow
	specs    wanted
	outputs  *outputs
	plan     *hyperscale.Plan // nil: not known before the end
	view     *view
	owns     bool // the job was submitted here: an interrupt asks for its end
	finished bool
	asked    bool // it was asked, from here, that the job ends
	phase    hyperscale.Phase
}

// announce says to whoever watches which job it is.
func (w *follower) announce(s rpc.Accepted) {
	if !w.quiet {
		_, _ = fmt.Fprintln(w.Stderr, strings.TrimSpace("job "+string(s.Job)+map[bool]string{true: " (submitted before)"}[s.Again]))
	}
}

// follow shows the job until it has ended, and then all that it came to.
func (w *follower) follow(ctx context.Context, cl *client.Client, job hyperscale.JobID) error {
	percents, err := percents(w.flags.percentiles)
	if err != nil {
		return refused(err)
	}
	if err := w.watch(ctx, cl, job); err != nil {
		return err
	}
	b, err := cl.Result(ctx, job)
	if err != nil {
		if rpc.KindOf(err) == rpc.NotFound {
			w.outcome.err = fmt.Errorf("job %s ended %s and has no result: %w", job, w.phase, err)
			return w.outcome.err
		}
		return err
	}
	result, err := readResult(b)
	if err != nil {
		return fmt.Errorf("reading the result of job %s: %w", job, err)
	}
	w.finished = true
	if w.asked && result.Phase == hyperscale.Cancelled {
		result.Stop.Interrupted = true
	}
	r := &runner{app: w.app, specs: w.specs, percents: percents, flags: runFlags{strict: w.flags.strict}}
	return r.conclude(ctx, result, w.outputs)
}

// errDetached says that the user went away from a job that goes on.
var errDetached = errors.New("the job goes on")

// watch shows the job until it has ended.
func (w *follower) watch(ctx context.Context, cl *client.Client, job hyperscale.JobID) error {
	plan := cmp.Or(w.plan, &hyperscale.Plan{})
	ends := leaves
	if w.owns {
		ends = asksEnd
	}
	control := newControl(w.app, plan, w.outputs, ends)
	w.view = control.view
	stop := control.start()
	defer stop()
	watching, detach := context.WithCancelCause(ctx)
	defer detach(nil)
	ended := make(chan error, 1)
	go func() { ended <- cl.Watch(watching, job, 0, w.update) }()
	for n := 1; ; n++ {
		select {
		case err := <-ended:
			if cause := context.Cause(watching); errors.Is(cause, errDetached) {
				text := fmt.Sprintf("job %s goes on: hyperscale watch %[1]s", job)
				if w.asked {
					text = fmt.Sprintf("job %s was asked to end, and ends unwatched: hyperscale watch %[1]s", job)
				}
				return plain{errInterrupted, text}
			}
			return err
		case <-control.interrupts:
			if n > 1 || !w.owns {
				detach(errDetached)
				continue
			}
			asking, cancel := context.WithTimeout(ctx, 10*time.Second)
			_, err := cl.Cancel(asking, rpc.Cancellation{Job: job, Reason: "interrupted while watching"})
			cancel()
			w.asked = err == nil
			if err != nil {
				w.view.fear(fmt.Errorf("the cluster was not asked to end the job: %w", err))
			}
		}
	}
}
