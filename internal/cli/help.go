package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// exitNote is where a command keeps its exit codes for its help.
const exitNote = "exit codes"

// exits notes the exit codes of a command, one line each.
func exits(c *cobra.Command, lines ...string) {
	c.Annotations = map[string]string{exitNote: "  " + strings.Join(lines, "\n  ")}
}

// help is the text of every --help: what it does, how it is called, and at the
// end examples and exit codes.
const help = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{.UsageString}}`

const usage = `Usage:
  {{.UseLine}}{{if .HasAvailableSubCommands}} COMMAND

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Flags of every command:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{with index .Annotations "exit codes"}}

Exit codes:
{{.}}{{end}}
`
