package cli

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hyperscale/internal/expr"
)

// isURL reports whether an argument is a URL by its beginning.
func isURL(arg string) bool {
	lower := strings.ToLower(arg)
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// hostLike is what people type who mean a URL: HOST:PORT or a name with dots,
// perhaps with a path.
var hostLike = regexp.MustCompile(`^(localhost|\[[0-9a-fA-F:]+\]|([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+|[A-Za-z0-9-]+:[0-9]+)(:[0-9]+)?(/.*)?$`)

// missingPlan explains why a plan cannot be opened, and what was perhaps meant.
func missingPlan(arg string, err error) error {
	if !errors.Is(err, os.ErrNotExist) {
		return refuse("reading the plan: %w", err)
	}
	if scheme, _, is := strings.Cut(arg, "://"); is {
		return refuse("%s is no URL that can be tested; expected http://… or https://…, not %s://", arg, scheme)
	}
	plan := strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml") || strings.HasSuffix(arg, ".json")
	if !plan && hostLike.MatchString(arg) {
		return refuse("no file is called %s; did you mean the URL http://%s", arg, arg)
	}
	return refuse("no file is called %s; `hyperscale new %s` would begin one", arg, arg)
}

// oneArgument wants exactly one argument, named as what it is.
func oneArgument(a *app, args []string, what string) error {
	switch {
	case len(args) == 0:
		return refuse("%s is missing; see --help", what)
	case len(args) == 1:
		return nil
	case a.quiet:
		for _, arg := range args {
			if _, err := strconv.ParseFloat(arg, 64); err == nil {
				return refuse("%s", rateNotQuiet(arg))
			}
		}
	}
	return refuse("one argument is wanted, %s; got %s", what, quoted(args))
}

func quoted(args []string) string {
	var all []string
	for _, a := range args {
		all = append(all, strconv.Quote(a))
	}
	return strings.Join(all, " and ")
}

// habits are short flags of other tools that have another name here.
func habits() map[string]string {
	return map[string]string{
		"t": "the number of threads (wrk's -t) is --lanes",
		"X": "the method is -m",
		"s": "a script (wrk's -s) is a plan: hyperscale new FILE",
		"w": "workers (vegeta's -workers) are virtual users: -c",
		"A": "a header is -H",
		"T": "a header is -H \"content-type: …\"",
		"p": "a body from a file is -b @FILE",
		"L": "response times always show every percentile; --percentiles names others",
	}
}

// badFlag explains what is wrong with a flag, and what was perhaps meant.
func badFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var alone *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(c, unknown)
	case errors.As(err, &invalid):
		return badValue(invalid)
	case errors.As(err, &alone):
		return refuse("%s wants a value: %s", dashed(alone.GetFlag()), alone.GetFlag().Value.Type())
	}
	return refused(err)
}

// badValue explains what value a flag takes.
func badValue(e *pflag.InvalidValueError) error {
	f := e.GetFlag()
	expected := errors.Unwrap(e).Error()
	switch kind := f.Value.Type(); {
	case f.Name == "quiet":
		return refuse("%s", rateNotQuiet(e.GetValue()))
	case kind == "bool":
		expected = "expected no value"
	case kind == "int":
		expected = "expected a whole number"
	case kind == "DURATION" && strings.HasSuffix(f.Name, "duration"):
		expected += "; a request body is -b"
	}
	value := e.GetValue()
	if value == "" {
		value = `""`
	}
	return refuse("%s %s: it does not fit; %s", dashed(f), value, expected)
}

// dashed is a flag as people know it; one that is kept under another name by
// its letter.
func dashed(f *pflag.Flag) string {
	if strings.HasPrefix(f.Name, otherName) {
		return "-" + f.Shorthand
	}
	if f.Shorthand != "" {
		return "-" + f.Shorthand + "/--" + f.Name
	}
	return "--" + f.Name
}

func unknownFlag(c *cobra.Command, e *pflag.NotExistError) error {
	name := e.GetSpecifiedName()
	if group := e.GetSpecifiedShortnames(); group != "" {
		if c.Flags().Changed("quiet") && strings.Trim(group, "0123456789.") == "" {
			return refuse("%s", rateNotQuiet(group))
		}
		if hint := habits()[name]; hint != "" {
			return refuse("there is no flag -%s; %s", name, hint)
		}
		return refuse("there is no flag -%s; see --help", name)
	}
	if name == "version" {
		return refuse("there is no flag --version; it is a command: hyperscale version")
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	if near := expr.Nearest(name, known); near != "" {
		return refuse("there is no flag --%s; did you mean --%s", name, near)
	}
	return refuse("there is no flag --%s; see --help", name)
}

// rateNotQuiet is said to who means a rate with -q.
func rateNotQuiet(rate string) string {
	return "-q takes no value: it is --quiet; a rate, here of the whole test (hey's -q is of each worker), is --rate " + rate
}
