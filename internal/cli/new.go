package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"hyperscale/internal/plan"
)

func newCommand(a *app) *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:   "new [FILE]",
		Short: "Begin a plan",
		Long: "Writes a commented plan to begin with to a new file, or to stdout. With --from-url it is\n" +
			"the plan that equals a quick run: the same flags mean the same.",
		Example: "  hyperscale new checkout.yaml\n" +
			"  hyperscale new checkout.yaml --from-url http://localhost:8080/ --rate 500 -d 1m\n" +
			"  hyperscale new | less",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return oneArgument(a, args, "a file")
		},
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := a.newPlan(url)
			if err != nil {
				return refused(err)
			}
			if len(args) == 0 || args[0] == "-" {
				_, err := a.Stdout.Write(text)
				return err
			}
			return a.writeNew(args[0], text)
		},
	}
	c.Flags().StringVar(&url, "from-url", "", "the plan of a quick run of this `URL`")
	a.addSettings(c, loadFlags(), requestFlags(), planFlags())
	exits(c, "0    done", "104  bad flags or URL, or the file is there already", "1    the file was not written")
	return c
}

// newPlan is the text of a plan to begin with.
func (a *app) newPlan(url string) ([]byte, error) {
	if url != "" {
		if !isURL(url) {
			return nil, fmt.Errorf("--from-url %s is no URL; expected http://… or https://…", url)
		}
		text, err := plan.FromURL(url, a.set.forPlan())
		return []byte(text), err
	}
	for _, s := range a.set.values {
		if s.From == plan.FromFlag {
			return nil, fmt.Errorf("--%s has a meaning only with --from-url", s.Name)
		}
	}
	return plan.Scaffold(), nil
}

// writeNew writes a file that is not there yet.
func (a *app) writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return refuse("%s is there already; it is left as it is", path)
	}
	if err == nil {
		_, err = f.Write(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("writing the new plan: %w", err)
	}
	_, err = fmt.Fprintf(a.Stderr, "wrote %s; next: hyperscale plan %s\n", path, path)
	return err
}
