package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is the release that this tree becomes.
const Version = "0.1.0"

// build is what --version tells.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of the source; "": not known
	Modified bool   `json:"modified"` // the source was changed since
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisBuild() build {
	b := build{Version: Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func versionCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "version",
		Short:   "Which hyperscale this is",
		Example: "  hyperscale version\n  hyperscale version --json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(b)
			}
			revision := ""
			if b.Revision != "" {
				revision = " " + b.Revision[:min(12, len(b.Revision))]
			}
			_, err := fmt.Fprintf(a.Stdout, "hyperscale %s%s (%s, %s)\n", b.Version, revision, b.Go, b.Platform)
			return err
		},
	}
	exits(c, "0    done", "104  bad flags")
	return c
}

// noArguments refuses any argument.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return refuse("no argument is wanted; got %s", quoted(args))
	}
	return nil
}
