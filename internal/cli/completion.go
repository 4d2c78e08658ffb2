package cli

import "github.com/spf13/cobra"

func completionCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Completion for a shell",
		Long:      "Writes a script that makes a shell complete hyperscale's commands and flags.",
		Example:   "  source <(hyperscale completion bash)\n  hyperscale completion fish | source",
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args:      func(_ *cobra.Command, args []string) error { return oneArgument(a, args, "the shell") },
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.Stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.Stdout)
			case "fish":
				return root.GenFishCompletion(a.Stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.Stdout)
			}
			return refuse("no completion for %q; there is one for bash, zsh, fish and powershell", args[0])
		},
	}
	exits(c, "0    done", "104  unknown shell")
	return c
}
