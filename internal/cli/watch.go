package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/client"
	"hyperscale/internal/report"
	"hyperscale/internal/rpc"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// update takes in what is told of the job that is watched.
func (w *follower) update(u rpc.Update) error {
	switch u := u.(type) {
	case rpc.Snapshot:
		if w.phase == "" {
			if err := w.tooLate(u.Status); err != nil {
				return err
			}
		}
		w.phase = u.Status.Phase
		if u.Truncated {
			w.view.report("some of what happened before is no longer known")
		}
	case rpc.Happened:
		w.happened(u.Event)
	case rpc.Live:
		var p stats.Progress
		if err := json.Unmarshal(u.Progress, &p); err == nil {
			w.view.watch(p)
		}
	case rpc.Window:
		if win, err := stats.DecodeJoint(u.Data); err == nil {
			w.outputs.Window(win)
		}
	}
	return nil
}

// tooLate refuses outputs that would be empty.
func (w *follower) tooLate(s rpc.Status) error {
	if name := w.specs.live(); name != "" && s.Phase.Terminal() {
		return refuse("-o %s: job %s has ended, and windows are told while a job runs; of one that has ended there are json, csv and html", name, s.Job)
	}
	return nil
}

// silent says to whoever watches that the cluster does not answer, and when it does again:
// the job goes on meanwhile.
func (w *follower) silent(wait time.Duration) func(error) {
	return func(why error) {
		if why == nil {
			w.view.report("the cluster answers again")
			return
		}
		w.view.report(clusterError(why).Error() + "; the job goes on, and its nodes are asked for another " + show.Duration(wait))
	}
}

// happened tells an event of the cluster; those of workflows are in the progress.
func (w *follower) happened(ev hyperscale.Event) {
	switch ev.What {
	case "owner changed", "worker lost", "worker back", "datacenter lost", "datacenter back", "datacenter failed", "covered", "refused", "cancel", "waiting", "lowered", "unconfirmed":
		w.view.report(eventText(ev))
	}
}

// eventText is an event in words.
func eventText(ev hyperscale.Event) string {
	text := ""
	if ev.At > 0 {
		text = fmt.Sprintf("at %s: ", show.Duration(ev.At.Truncate(1e6)))
	}
	if ev.Workflow != "" {
		text += ev.Workflow + ": "
	}
	text += ev.What
	if ev.Node != "" {
		text += " " + string(ev.Node)
	}
	if ev.Detail != "" {
		text += ": " + ev.Detail
	}
	return text
}

func watchCommand(a *app) *cobra.Command {
	var f submitFlags
	var events bool
	c := &cobra.Command{
		Use: "watch JOB", Short: "Show a job of a cluster as it runs, and end like it",
		Long: "Shows a job from wherever it stands, as run shows a run, until it has ended; then prints its\n" +
			"summary and ends with its exit code. A broken connection is made again, to any node, and\n" +
			"goes on with the event after the last one shown. Ctrl-C goes away; the job goes on.",
		Example: "  hyperscale watch 20261127-221507-x7k2qa\n  hyperscale watch 20261127-221507-x7k2qa --events --json",
		Args:    jobArgument(a),
		RunE: func(c *cobra.Command, args []string) error {
			if events {
				return a.withCluster(c.Context(), &f.clusterFlags, func(ctx context.Context, cl *client.Client) error {
					return a.printEvents(ctx, cl, jobOf(args))
				})
			}
			return a.watchJob(c.Context(), jobOf(args), &f)
		},
	}
	f.clusterFlags.addWaiting(c, waitWatching)
	f.follow.add(c)
	c.Flags().BoolVar(&events, "events", false, "only print what happens, a line each")
	clusterExits(c, "105  interrupted: the job goes on", "97, 107, 99, 91, 90, 1: as of run; 97 also if it was cancelled")
	return c
}

// printEvents writes each event of a job as a line, to its end.
func (a *app) printEvents(ctx context.Context, cl *client.Client, job hyperscale.JobID) error {
	return cl.Watch(ctx, job, 0, func(u rpc.Update) error {
		h, ok := u.(rpc.Happened)
		switch {
		case !ok:
			return nil
		case a.json:
			return json.NewEncoder(a.Stdout).Encode(report.EventOf(h.Event))
		}
		_, err := fmt.Fprintf(a.Stdout, "%d\t%s\n", h.Seq, show.Clean(eventText(h.Event)))
		return err
	})
}

// watchJob shows a job to its end.
func (a *app) watchJob(ctx context.Context, job hyperscale.JobID, f *submitFlags) error {
	specs, err := a.outputSpecs(f.outputs)
	if err != nil {
		return refused(err)
	}
	w := &follower{app: a, flags: &f.follow, specs: specs, outputs: noOutputs()}
	f.silent = w.silent(f.wait)
	err = a.withClient(&f.clusterFlags, func(cl *client.Client) error {
		if err := w.openWith(ctx, cl, job); err != nil {
			return err
		}
		return w.follow(ctx, cl, job)
	})
	if !w.finished {
		w.outputs.Discard()
	}
	return err
}

// openWith opens the outputs of a job, with what they tell of its plan.
func (w *follower) openWith(ctx context.Context, cl *client.Client, job hyperscale.JobID) error {
	if len(w.specs.files)+len(w.specs.reporters) == 0 {
		return nil
	}
	told := errors.New("that is all")
	var plan hyperscale.Plan
	err := cl.Watch(ctx, job, 0, func(u rpc.Update) error {
		s, is := u.(rpc.Snapshot)
		if !is {
			return nil
		}
		plan = hyperscale.Plan{Name: s.Status.Name, Tags: s.Status.Tags}
		return cmp.Or(w.tooLate(s.Status), told)
	})
	if !errors.Is(err, told) {
		return err
	}
	w.outputs, err = openOutputs(ctx, w.app, w.specs, &plan, job)
	if err != nil {
		w.outputs = noOutputs()
	}
	return err
}

func resultsCommand(a *app) *cobra.Command {
	var f submitFlags
	c := &cobra.Command{
		Use: "results JOB", Short: "Print what a job that has ended came to, and write outputs",
		Example: "  hyperscale results 20261127-221507-x7k2qa\n  hyperscale results 20261127-221507-x7k2qa -o json=result.json",
		Args:    jobArgument(a),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withCluster(c.Context(), &f.clusterFlags, func(ctx context.Context, cl *client.Client) error {
				return a.results(ctx, cl, jobOf(args), &f.follow)
			})
		},
	}
	f.clusterFlags.add(c)
	f.follow.add(c)
	c.Flags().Lookup("output").Usage = "`NAME[=TO]`: json, csv (seconds), html, to a file, a folder or stdout"
	clusterExits(c, "105, 97, 107, 99, 91, 90, 1: as of run; 97 also if it was cancelled")
	return c
}

// results writes what a job came to.
func (a *app) results(ctx context.Context, cl *client.Client, job hyperscale.JobID, f *follow) error {
	specs, err := a.outputSpecs(f.outputs)
	if err != nil {
		return refused(err)
	}
	if name := specs.live(); name != "" {
		return refuse("-o %s: windows are told while a job runs: hyperscale watch %s -o %[1]s=…; of one that has ended there are json, csv and html", name, job)
	}
	percents, err := percents(f.percentiles)
	if err != nil {
		return refused(err)
	}
	b, err := cl.Result(ctx, job)
	if err != nil {
		return err
	}
	result, err := readResult(b)
	if err != nil {
		return fmt.Errorf("reading the result of job %s: %w", job, err)
	}
	outputs, err := openOutputs(ctx, a, specs, result.Plan, job)
	if err != nil {
		return err
	}
	r := &runner{app: a, specs: specs, percents: percents, flags: runFlags{strict: f.strict}}
	return r.conclude(ctx, result, outputs)
}
