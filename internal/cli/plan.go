package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func planCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "plan PLAN|URL",
		Short:   "Check and explain a plan; nothing is sent",
		Example: "  hyperscale plan checkout.yaml\n  hyperscale plan http://localhost:8080/ --rate 500",
		Args:    func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "a plan or a URL") },
		RunE: func(_ *cobra.Command, args []string) error {
			loaded, err := a.load(args[0])
			if err != nil {
				return refused(err)
			}
			defer func() { _ = loaded.Close() }() // only read
			_, err = fmt.Fprintln(a.Stdout, loaded.Plan.Name)
			return err
		},
	}
	a.addSettings(c, loadFlags(), requestFlags(), planFlags())
	exits(c, "0   the plan is right", "104 it is not, or bad flags")
	return c
}
