package cli

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hyperscale"
	"hyperscale/internal/engine"
	"hyperscale/internal/job"
	"hyperscale/internal/plan"
)

func planCommand(a *app) *cobra.Command {
	lanes := 0
	c := &cobra.Command{
		Use:   "plan PLAN|URL",
		Short: "Check and explain a plan; nothing is sent",
		Long: "Checks a plan, with every fault and its place, and says what a run of it would do here: its\n" +
			"timeline, slots, rates, connections, descriptors, memory, data rows, what will not fit, and\n" +
			"each value that counts with where it was set. It takes the flags of run.",
		Example: "  hyperscale plan checkout.yaml\n" +
			"  hyperscale plan checkout.yaml --scale 10 --json\n" +
			"  hyperscale plan http://localhost:8080/ --rate 500 -d 1m",
		Args: func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a plan or a URL") },
		RunE: func(_ *cobra.Command, args []string) error { return explain(a, args[0], lanes) },
	}
	a.addSettings(c, loadFlags(), requestFlags(), planFlags())
	c.Flags().IntVar(&lanes, "lanes", 0, "`N` threads that send (the CPUs this process may use)")
	exits(c, "0    the plan is right and fits", "104  it is not, or a run would be refused here, or bad flags")
	return c
}

// errUnfit says that the plan is right and cannot be run here; the explanation
// says why.
var errUnfit = errors.New("the plan does not fit this machine")

// explain shows what a run of the plan would do.
func explain(a *app, arg string, lanes int) error {
	loaded, err := a.load(arg)
	if err != nil {
		return refused(err)
	}
	defer func() { _ = loaded.Close() }() // only read
	e := plan.Explain(loaded, limits(lanes), spans(loaded.Plan))
	if a.json {
		err = e.JSON(a.Stdout)
	} else {
		err = e.Text(a.Stdout, a.width(), a.theme(a.Terminal.Out))
	}
	if err != nil {
		return err
	}
	for _, p := range e.Problems {
		if p.Refused {
			return refused(errUnfit)
		}
	}
	return nil
}

// spans is the timeline of the plan.
func spans(p *hyperscale.Plan) []plan.Span {
	var all []plan.Span
	for _, s := range job.Timeline(p) {
		all = append(all, plan.Span(s))
	}
	return all
}

// limits is what this machine allows.
func limits(lanes int) plan.Limits {
	descriptors, ports := engine.Limits()
	if lanes <= 0 {
		lanes = runtime.GOMAXPROCS(0)
	}
	return plan.Limits{Descriptors: int64(descriptors), Ports: int64(ports), Lanes: int64(lanes), Memory: freeMemory()}
}

// freeMemory is the bytes that programs may still take, 0 where the system does
// not say.
func freeMemory() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "MemAvailable:" {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0
		}
		return kib << 10
	}
	return 0
}
