package cli

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hyperscale/internal/show"
)

// Main runs the command that args name and gives its exit code.
func Main(ctx context.Context, w World, args []string) int {
	a := &app{World: w, set: newSettings()}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(w.Stdin)
	root.SetOut(w.Stdout)
	root.SetErr(w.Stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		a.outcome.err = err
	}
	if a.outcome.err != nil {
		complain(w.Stderr, a.outcome.err, a.json || slices.Contains(args, "--json"))
	}
	return exitCode(a.outcome)
}

// app is one call of the command: the world, the flags that every command
// takes, and what came of it.
type app struct {
	World
	set     *settings
	outcome outcome

	json, quiet, noColour, verbose bool
	logFormat, config              string
}

// root is the whole tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "hyperscale",
		Short: "Know what your service does under load",
		Long: "Hyperscale puts exact load on a service and tells the truth about what came back:\n" +
			"response times as users would see them, every request accounted for, and a verdict\n" +
			"on whether the load generator itself kept to the plan.",
		Example: "  hyperscale run http://localhost:8080/ --rate 500 -d 30s   load-test a URL\n" +
			"  hyperscale new checkout.yaml                              begin a plan\n" +
			"  hyperscale plan checkout.yaml                             see what it will do\n" +
			"  hyperscale run checkout.yaml                              run it\n" +
			"  hyperscale dev                                            a small cluster on this machine\n" +
			"  hyperscale submit checkout.yaml --watch                   run it on a cluster",
		Args:                       noSuchCommand,
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		SilenceUsage:               true,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE:          func(c *cobra.Command, _ []string) error { return a.prepare(c) },
	}
	exits(root, "0    done", "104  unknown command or flag")
	root.SetFlagErrorFunc(badFlag)
	root.SetUsageTemplate(usage)
	root.SetHelpTemplate(help)
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	f := root.PersistentFlags()
	f.SortFlags = false
	f.BoolVar(&a.json, "json", false, "write JSON in place of text")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "only the summary; takes no value (a rate is --rate)")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say more on stderr")
	f.BoolVar(&a.noColour, "no-color", false, "no colours (also NO_COLOR)")
	f.StringVar(&a.logFormat, "log-format", "text", "`text|json`: how -v speaks")
	f.StringVar(&a.config, "config", "", "`FILE` of defaults: YAML with flags' long names as keys")
	root.AddCommand(runCommand(a), planCommand(a), newCommand(a), pingCommand(a), demoCommand(a),
		submitCommand(a), jobsCommand(a), statusCommand(a), watchCommand(a), cancelCommand(a), resultsCommand(a),
		adjustCommand(a), membersCommand(a), drainCommand(a), gateCommand(a), managerCommand(a), workerCommand(a), devCommand(a), certsCommand(a),
		schemaCommand(a), versionCommand(a), completionCommand(a), engineCommand(a))
	return root
}

// noSuchCommand refuses what is no command, with those that were perhaps meant.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if isURL(args[0]) {
		return refuse("%q is no command; did you mean: hyperscale run %s", args[0], args[0])
	}
	hint := "hyperscale --help lists them"
	if args[0] == "help" {
		hint = strings.Join(append([]string{"did you mean: hyperscale"}, args[1:]...), " ") + " --help"
	} else if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean: hyperscale " + near[0]
	}
	return refuse("%q is no command; %s", args[0], hint)
}

// prepare fills in what flags left open from the environment and the
// configuration file.
func (a *app) prepare(c *cobra.Command) error {
	if err := a.fill(c); err != nil {
		return refused(err)
	}
	if a.logFormat != "text" && a.logFormat != "json" {
		return refuse("--log-format %s; expected text or json", a.logFormat)
	}
	return nil
}

// log is where -v says more.
func (a *app) log() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelWarn}
	if a.verbose {
		options.Level = slog.LevelInfo
	}
	if a.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.Stderr, options))
}

// theme is the colours for one of our two outputs.
func (a *app) theme(terminal bool) show.Theme {
	if off, _ := a.env("NO_COLOR"); off != "" || a.noColour {
		terminal = false
	}
	return show.NewTheme(terminal && !a.dumb())
}

// dumb reports whether a terminal can do nothing but lines.
func (a *app) dumb() bool {
	kind, _ := a.env("TERM")
	return kind == "dumb"
}

// width is the cells of a line of text for people: those of the terminal, but
// no more than can be read well.
func (a *app) width() int {
	if !a.Terminal.Out || a.Terminal.Width == nil {
		return 80
	}
	if width := a.Terminal.Width(); width > 0 {
		return min(max(width, 40), 120)
	}
	return 80
}
