package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/client"
	"hyperscale/internal/rpc"
	"hyperscale/internal/show"
)

func jobsCommand(a *app) *cobra.Command {
	var f clusterFlags
	var q rpc.Query
	c := &cobra.Command{
		Use: "jobs", Short: "List the jobs of a cluster, the newest first",
		Example: "  hyperscale jobs\n  hyperscale jobs --active --json",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if q.Limit < 1 {
				return refuse("--limit %d; expected 1 or more", q.Limit)
			}
			return a.withCluster(c.Context(), &f, func(ctx context.Context, cl *client.Client) error {
				list, err := cl.List(ctx, q)
				if err != nil {
					return err
				}
				return a.printJobs(list)
			})
		},
	}
	f.add(c)
	c.Flags().BoolVar(&q.Active, "active", false, "only those that have not ended")
	c.Flags().IntVar(&q.Limit, "limit", 50, "at most `N`")
	clusterExits(c)
	return c
}

func (a *app) printJobs(list []rpc.Status) error {
	if a.json {
		views := []jobView{}
		for _, s := range list {
			views = append(views, jobView{s.Job, s.Name, s.Phase, s.Reason, s.Owner, rfc3339(s.Submitted), s.Percent})
		}
		return a.printJSON(views)
	}
	rows := [][]string{{"JOB", "NAME", "PHASE", "DONE", "OWNER", "SUBMITTED", "WHY"}}
	for _, s := range list {
		rows = append(rows, []string{
			string(s.Job), s.Name, string(s.Phase), percentOf(s.Percent), string(s.Owner), s.Submitted.Local().Format(time.DateTime), s.Reason,
		})
	}
	return a.table(rows)
}

func percentOf(p float64) string { return strconv.FormatFloat(p, 'f', 0, 64) + "%" }

// printJSON writes a value as JSON for programs.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func statusCommand(a *app) *cobra.Command {
	var f clusterFlags
	c := &cobra.Command{
		Use: "status JOB", Short: "Say where a job stands",
		Example: "  hyperscale status 20261127-221507-x7k2qa",
		Args:    jobArgument(a),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withCluster(c.Context(), &f, func(ctx context.Context, cl *client.Client) error {
				s, err := cl.Get(ctx, jobOf(args))
				if err != nil {
					return err
				}
				return a.printStatus(s)
			})
		},
	}
	f.add(c)
	clusterExits(c)
	return c
}

func (a *app) printStatus(s rpc.Status) error {
	if a.json {
		return a.printJSON(statusViewOf(s))
	}
	rows := [][]string{
		{"job", string(s.Job)}, {"plan", s.Name}, {"phase", phaseText(s)}, {"done", percentOf(s.Percent)},
		{"submitted", s.Submitted.Local().Format(time.DateTime)},
	}
	if s.Elapsed > 0 {
		what := "running for"
		if s.Phase.Terminal() {
			what = "ran for"
		}
		rows = append(rows, []string{what, show.Duration(s.Elapsed.Truncate(time.Second))})
	}
	if s.Owner != "" {
		rows = append(rows, []string{"owner", fmt.Sprintf("%s at %s, epoch %d", s.Owner, s.Address, s.Epoch)})
	}
	if s.Totals.Requests.Started > 0 || s.Totals.Due > 0 {
		rows = append(rows, []string{"iterations", iterationsText(s.Totals)}, []string{"requests", requestsText(s.Totals.Requests)})
	}
	for _, w := range s.Workflows {
		text := string(w.Phase)
		if !w.Phase.Terminal() {
			text = fmt.Sprintf("%s, %s, on %s", w.Phase, percentOf(w.Percent), hyperscale.Plural(w.Cores, "core"))
			if waits := w.Waiting.String(); waits != "" && s.Phase != hyperscale.Waiting {
				text += "; waits: " + waits
			}
		}
		rows = append(rows, []string{"workflow " + w.Name, text})
	}
	return a.table(rows)
}

// iterationsText is what became of the iterations so far.
func iterationsText(t rpc.Totals) string {
	return fmt.Sprintf("%s started of %s due, %s missed, %s lost", hyperscale.Count(t.Started), hyperscale.Count(t.Due), hyperscale.Count(t.Missed), hyperscale.Count(t.Lost))
}

// requestsText is what became of the requests so far.
func requestsText(r rpc.RequestTotals) string {
	return fmt.Sprintf("%s started, %s ok, %s failed, %s timed out", hyperscale.Count(r.Started), hyperscale.Count(r.OK), hyperscale.Count(r.Failed), hyperscale.Count(r.TimedOut))
}

func phaseText(s rpc.Status) string {
	if s.Reason == "" {
		return string(s.Phase)
	}
	return string(s.Phase) + ": " + s.Reason
}

func cancelCommand(a *app) *cobra.Command {
	var f clusterFlags
	var reason string
	c := &cobra.Command{
		Use: "cancel JOB [WORKFLOW]", Short: "End a job, or one workflow of it",
		Long: "Ends a job before its time, or one of its workflows with all that depend on it. What was\n" +
			"started may finish within its grace; cleanup that is to run whatever happens runs.",
		Example: "  hyperscale cancel 20261127-221507-x7k2qa\n  hyperscale cancel 20261127-221507-x7k2qa browse",
		Args:    jobAnd(1, 2, "a job, and perhaps one of its workflows"),
		RunE: func(c *cobra.Command, args []string) error {
			what := rpc.Cancellation{Job: jobOf(args), Reason: reason}
			if len(args) == 2 {
				what.Workflow = args[1]
			}
			return a.withCluster(c.Context(), &f, func(ctx context.Context, cl *client.Client) error {
				return a.cancel(ctx, cl, what)
			})
		},
	}
	f.add(c)
	c.Flags().StringVar(&reason, "reason", "", "`TEXT` for those who wonder")
	clusterExits(c)
	return c
}

func (a *app) cancel(ctx context.Context, cl *client.Client, what rpc.Cancellation) error {
	status, err := cl.Cancel(ctx, what)
	if err != nil {
		return err
	}
	if status == rpc.NothingToCancel {
		return nothingToCancel(ctx, cl, what)
	}
	if a.json {
		return a.printJSON(map[string]any{"job": what.Job, "workflow": what.Workflow, "status": status})
	}
	_, err = fmt.Fprintln(a.Stdout, cancelText(what, status))
	return err
}

// nothingToCancel says that there is no such job or workflow, and which there are.
func nothingToCancel(ctx context.Context, cl *client.Client, what rpc.Cancellation) error {
	s, err := cl.Get(ctx, what.Job)
	if err != nil || what.Workflow == "" {
		return cmp.Or(err, error(rpc.Errorf(rpc.NotFound, "there is no job %s", what.Job)))
	}
	var names []string
	for _, w := range s.Workflows {
		names = append(names, w.Name)
	}
	return rpc.Errorf(rpc.NotFound, "job %s has no workflow %s; it has %s", what.Job, what.Workflow, strings.Join(names, ", "))
}

// cancelText says what came of a wish to cancel.
func cancelText(what rpc.Cancellation, status rpc.CancelStatus) string {
	name := "job " + string(what.Job)
	if what.Workflow != "" {
		name = "workflow " + what.Workflow + " of " + name
	}
	switch status {
	case rpc.CancelledNow:
		return name + " is cancelled"
	case rpc.PendingCancelled:
		return name + " is being cancelled; what was started may finish within its grace"
	case rpc.AlreadyCancelled:
		return name + " was cancelled already"
	case rpc.AlreadyCompleted:
		return name + " has ended already"
	}
	return name + ": " + string(status)
}

func membersCommand(a *app) *cobra.Command {
	var f clusterFlags
	c := &cobra.Command{
		Use: "members", Short: "List the nodes of a datacenter, or the gates and their managers",
		Example: "  hyperscale members\n  hyperscale members --json",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withCluster(c.Context(), &f, func(ctx context.Context, cl *client.Client) error {
				list, err := cl.Members(ctx)
				if err != nil {
					return err
				}
				return a.printMembers(list)
			})
		},
	}
	f.add(c)
	clusterExits(c)
	return c
}

func (a *app) printMembers(list []rpc.Member) error {
	if a.json {
		views := []memberView{}
		for _, m := range list {
			views = append(views, memberView{m.Node, m.Role, m.State, m.Datacenter, m.Address, m.Version, m.Boot, m.Cores, m.Free, m.JobsOwned, m.StoreLeader})
		}
		return a.printJSON(views)
	}
	rows := [][]string{{"NODE", "ROLE", "DC", "STATE", "CORES", "FREE", "JOBS", "ADDRESS", "VERSION"}}
	for _, m := range list {
		role, cores, free, jobs := m.Role, "", "", ""
		switch {
		case m.Role == "worker":
			cores, free = strconv.Itoa(m.Cores), strconv.Itoa(m.Free)
		case m.Address != "": // else it is of another tier, or gone
			jobs = strconv.Itoa(m.JobsOwned)
		}
		if m.StoreLeader {
			role += ", leads the store"
		}
		rows = append(rows, []string{string(m.Node), role, m.Datacenter, m.State, cores, free, jobs, m.Address, m.Version})
	}
	return a.table(rows)
}

func drainCommand(a *app) *cobra.Command {
	var f clusterFlags
	c := &cobra.Command{
		Use: "drain NODE", Short: "Let a gate, manager or worker hand over what it has and take nothing new",
		Long: "A gate or manager hands the jobs that it owns to others of its kind, and takes none until it is\n" +
			"started again. A worker finishes what it runs and goes. It returns when that is under way;\n" +
			"hyperscale members shows how it goes on.",
		Example: "  hyperscale drain w2",
		Args:    func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a node") },
		RunE: func(c *cobra.Command, args []string) error {
			return a.withCluster(c.Context(), &f, func(ctx context.Context, cl *client.Client) error {
				return a.drain(ctx, cl, hyperscale.NodeID(args[0]))
			})
		},
	}
	f.add(c)
	clusterExits(c)
	return c
}

// drain drains a node and says what comes next.
func (a *app) drain(ctx context.Context, cl *client.Client, node hyperscale.NodeID) error {
	list, err := cl.Members(ctx)
	if err != nil {
		return err
	}
	if err := cl.Drain(ctx, node); err != nil || a.quiet {
		return err
	}
	next := "takes nothing new, finishes what it holds and goes"
	for _, m := range list {
		if m.Node == node && m.Role != "worker" {
			next = "owns no jobs any more, and takes none until it is started again: it can be stopped"
		}
	}
	_, err = fmt.Fprintf(a.Stderr, "%s %s\n", node, next)
	return err
}
