package cli

import (
	"github.com/spf13/cobra"

	"hyperscale/internal/plan"
)

func schemaCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "schema",
		Short: "The JSON Schema of plans, for editors",
		Long: "Writes the JSON Schema of plans. Editors that know it complete and check plans as they are\n" +
			"typed; with the YAML language server, a plan's first line then is:\n" +
			"  # yaml-language-server: $schema=plan.schema.json",
		Example: "  hyperscale schema > plan.schema.json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.Stdout.Write(plan.Schema())
			return err
		},
	}
	exits(c, "0    done", "104  bad flags")
	return c
}
