package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/client"
	"hyperscale/internal/show"
)

func adjustCommand(a *app) *cobra.Command {
	var f clusterFlags
	var rate string
	var vus int64
	var pause, resume bool
	c := &cobra.Command{
		Use: "adjust JOB WORKFLOW", Short: "Change the load of a running workflow",
		Long: "Changes the level of a running load, or pauses it: from a whole second on, at least two\n" +
			"seconds ahead, which all workers hear in time. A level holds to the load's planned end.\n" +
			"While a load is paused nothing becomes due, and its end moves. A level that needs more cores\n" +
			"than the workflow holds is refused, unless submit --cores named them.",
		Example: "  hyperscale adjust 20261127-221507-x7k2qa search --rate 800/s\n" +
			"  hyperscale adjust 20261127-221507-x7k2qa browse --vus 50\n" +
			"  hyperscale adjust 20261127-221507-x7k2qa browse --pause",
		Args: jobAnd(2, 2, "a job and one of its workflows"),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("vus") && vus < 0 {
				return refuse("--vus %d; expected 0 or more", vus)
			}
			change, err := adjustment(args[1], rate, vus, pause, resume)
			if err != nil {
				return refused(err)
			}
			return a.withCluster(c.Context(), &f, func(ctx context.Context, cl *client.Client) error {
				done, err := cl.Adjust(ctx, jobOf(args), change)
				if err != nil {
					return err
				}
				return a.printAdjustment(done)
			})
		},
	}
	f.add(c)
	flags := c.Flags()
	flags.StringVar(&rate, "rate", "", "`N/s|m|h` arrivals of an open load")
	flags.Int64Var(&vus, "vus", -1, "`N` virtual users of a closed load")
	flags.BoolVar(&pause, "pause", false, "nothing more becomes due until it is resumed")
	flags.BoolVar(&resume, "resume", false, "go on where it was paused")
	clusterExits(c)
	return c
}

// adjustment is what the flags ask for: one thing.
func adjustment(workflow, rate string, vus int64, pause, resume bool) (hyperscale.Adjustment, error) {
	a := hyperscale.Adjustment{Workflow: workflow}
	given := 0
	if rate != "" {
		if _, err := strconv.ParseFloat(rate, 64); err == nil {
			rate += "/s"
		}
		r, err := hyperscale.ParseRate(rate)
		if err != nil {
			return a, fmt.Errorf("--rate: %w", err)
		}
		a.Do, a.Rate = hyperscale.AdjustRate, r
		given++
	}
	if vus >= 0 {
		a.Do, a.VUs = hyperscale.AdjustVUs, vus
		given++
	}
	if pause {
		a.Do = hyperscale.AdjustPause
		given++
	}
	if resume {
		a.Do = hyperscale.AdjustResume
		given++
	}
	if given != 1 {
		return a, fmt.Errorf("one of --rate, --vus, --pause and --resume is wanted; %d are given", given)
	}
	return a, nil
}

func (a *app) printAdjustment(done hyperscale.Adjustment) error {
	if a.json {
		return a.printJSON(map[string]any{"workflow": done.Workflow, "number": done.Number, "at_s": done.At.Seconds()})
	}
	_, err := fmt.Fprintf(a.Stdout, "adjustment %d counts from %s of the job on\n", done.Number, show.Duration(done.At))
	return err
}
