package cli

import (
	"github.com/spf13/cobra"

	"hyperscale/internal/process"
)

// engineCommand is what a worker starts for each share it runs. It speaks on
// standard input and output with the worker and is nothing for people.
func engineCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "engine",
		Short:  "Run one share for a worker, which speaks on standard input",
		Hidden: true,
		Args:   noArguments,
		// It obeys its worker alone: no environment, no configuration file.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(c *cobra.Command, _ []string) error {
			if a.Signals != nil {
				// They are for the worker, which decides what becomes of the engine:
				// whoever does not look at them ignores them.
				_, stop := a.Signals()
				defer stop()
			}
			return process.Main(c.Context(), a.Stdin, a.Stdout)
		},
	}
}
