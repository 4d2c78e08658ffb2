package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hyperscale/internal/expr"
	"hyperscale/internal/plan"
	"hyperscale/internal/plan/yamlfile"
)

// entry is one key of the configuration file, or what a variable says.
type entry struct {
	fault  yamlfile.Fault // with the place, for values that are wrong
	values []string
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return "HYPERSCALE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fill gives the command's flags what the environment and the configuration
// file say. Flags that were given keep their values; those for the plan are
// kept beside each other, for the plan stands between them.
func (a *app) fill(c *cobra.Command) error {
	if a.config == "" {
		a.config, _ = a.env(variable("config"))
	}
	config, err := a.readConfig(c.Root())
	if err != nil {
		return err
	}
	var first error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if err := a.fillFlag(f, config[f.Name]); err != nil && first == nil {
			first = err
		}
	})
	return first
}

func (a *app) fillFlag(f *pflag.Flag, configured entry) error {
	if f.Hidden || f.Name == "help" || f.Name == "config" {
		return nil
	}
	value, _ := a.env(variable(f.Name))
	has := value != "" // as everywhere, an empty variable is none
	fromEnv := entry{yamlfile.Fault{From: variable(f.Name), Outside: true}, []string{value}}
	if s, ok := f.Value.(*settingValue); ok {
		err := apply(&settingValue{s.settingFlag, s.set, plan.FromConfig}, configured)
		if err == nil && has {
			err = apply(&settingValue{s.settingFlag, s.set, plan.FromEnv}, fromEnv)
		}
		return err
	}
	switch {
	case f.Changed:
		return nil
	case has:
		return apply(f.Value, fromEnv)
	}
	return apply(f.Value, configured)
}

func apply(v pflag.Value, from entry) error {
	for _, text := range from.values {
		if err := v.Set(text); err != nil {
			fault := from.fault
			fault.What = fmt.Sprintf("%q: %v", text, err)
			return yamlfile.Faults{fault}
		}
	}
	return nil
}

// readConfig reads the configuration file, if there is one: a mapping from
// flags' long names to a value or a list of them.
func (a *app) readConfig(root *cobra.Command) (map[string]entry, error) {
	if a.config == "" {
		return nil, nil
	}
	src, err := readBounded(a.config)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	top, faults := yamlfile.Parse(src)
	if len(faults) == 0 && top != nil && top.Kind != yamlfile.Mapping && top.Kind != yamlfile.Null {
		faults = append(faults, yamlfile.Fault{Pos: top.Pos, What: "the configuration is " + top.Kind.String(), Expected: "a mapping from flags to values"})
	}
	config := make(map[string]entry)
	if top != nil && len(faults) == 0 {
		config, faults = entries(a.config, top, flagNames(root))
	}
	for i := range faults {
		faults[i].File = a.config
	}
	return config, faults.Err()
}

func entries(file string, top *yamlfile.Node, known map[string]bool) (map[string]entry, yamlfile.Faults) {
	config := make(map[string]entry)
	var faults yamlfile.Faults
	for _, e := range top.Entries {
		if !known[e.Key] {
			faults = append(faults, yamlfile.Fault{
				Pos: top.KeyPos(e.Key), What: fmt.Sprintf("no flag is called %q", e.Key),
				Meant: expr.Nearest(e.Key, slices.Sorted(maps.Keys(known))),
			})
			continue
		}
		from := entry{fault: yamlfile.Fault{File: file, Pos: e.Value.Pos}}
		items := []*yamlfile.Node{e.Value}
		if e.Value.Kind == yamlfile.List {
			items = e.Value.Items
		}
		for _, item := range items {
			if !item.IsScalar() {
				faults = append(faults, yamlfile.Fault{Pos: item.Pos, What: e.Key + " is " + item.Kind.String(), Expected: "a value, or a list of values"})
				continue
			}
			from.values = append(from.values, item.Text)
		}
		config[e.Key] = from
	}
	return config, faults
}

// flagNames are the flags of all commands that a configuration may set.
func flagNames(root *cobra.Command) map[string]bool {
	names := make(map[string]bool)
	visit := func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" && f.Name != "config" {
			names[f.Name] = true
		}
	}
	root.PersistentFlags().VisitAll(visit)
	var below func(c *cobra.Command)
	below = func(c *cobra.Command) {
		for _, c := range c.Commands() {
			c.Flags().VisitAll(visit)
			below(c)
		}
	}
	below(root)
	return names
}

// readBounded reads a file that can be no longer than a plan.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	src, err := io.ReadAll(io.LimitReader(f, yamlfile.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(src) > yamlfile.MaxBytes {
		return nil, fmt.Errorf("%s is larger than 16 MiB", path)
	}
	return src, nil
}
