package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"hyperscale/internal/local"
	"hyperscale/internal/plan"
	"hyperscale/internal/report"
)

func pingCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "ping URL",
		Short: "One request, its phases and answer",
		Long:  "Sends one request as a run would and shows it with its answer and where the time went.",
		Example: "  hyperscale ping http://localhost:8080/\n" +
			"  hyperscale ping https://localhost:8443/cart -k -b '{\"product\":\"p-1\"}' -H 'content-type: application/json'",
		Args: func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a URL") },
		RunE: func(c *cobra.Command, args []string) error { return ping(c.Context(), a, args[0]) },
	}
	a.addSettings(c, requestFlags())
	exits(c, "0    it was answered, whatever the answer said", "104  bad URL or flags", "105  interrupted", "1    no answer")
	return c
}

// ping sends one request and shows it.
func ping(ctx context.Context, a *app, url string) error {
	if !isURL(url) {
		return refuse("%s is no URL; expected http://… or https://…", url)
	}
	a.set.values = append(a.set.values, plan.Setting{Name: "iterations", Value: "1", From: plan.FromFlag},
		plan.Setting{Name: "vus", Value: "1", From: plan.FromFlag})
	loaded, err := a.load(url)
	if err != nil {
		return refused(err)
	}
	defer func() { _ = loaded.Close() }() // only read
	trace := a.Stdout
	if a.json {
		trace = io.Discard
	}
	a.quiet = true // one request is over before anyone looks
	result, err := a.watched(ctx, local.Config{
		Plan: loaded.Plan, Rows: rows(loaded), Version: Version, Lanes: 1, Trace: newTracer(trace, a.theme(a.Terminal.Out)).show,
	}, new(report.Outputs))
	if err != nil {
		return err
	}
	a.outcome = outcome{result: result}
	if a.json {
		return report.WriteJSON(a.Stdout, report.Summarise(result, report.Options{ExitCode: exitCode(a.outcome)}))
	}
	return nil
}
