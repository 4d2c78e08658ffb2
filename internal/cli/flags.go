package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hyperscale"
	"hyperscale/internal/plan"
)

// settingFlag is a flag whose value goes to the plan.
type settingFlag struct {
	name  string   // long; also that of the plan's setting
	short string   // "": none
	known []string // other names that users' fingers know, one letter or more
	arg   string   // what its value is, in help; "": it takes none
	about string
	many  bool // may be given several times
	check func(string) (string, error)
}

// requestFlags shape the requests: of a quick run, or the plan's defaults.
func requestFlags() []settingFlag {
	return []settingFlag{
		{name: "method", short: "m", arg: "VERB", about: "GET, or POST when there is a body", check: text},
		{name: "header", short: "H", arg: "NAME: VALUE", about: "request header", many: true, check: header},
		{name: "body", short: "b", arg: "TEXT|@FILE", about: "request body", check: text},
		{name: "http2", about: "speak HTTP/2", check: yes},
		{name: "insecure", short: "k", about: "accept any certificate", check: yes},
		{name: "timeout", arg: "DURATION", about: "bound of one request (10s)", check: duration},
	}
}

// loadFlags are the load: of a quick run, or in place of that of a plan's only
// workflow that has one.
func loadFlags() []settingFlag {
	return []settingFlag{
		{name: "vus", short: "c", known: []string{"u"}, arg: "N", about: "virtual users (10); with --rate the most in flight", check: positive},
		{name: "iterations", short: "n", known: []string{"i"}, arg: "N", about: "end after so many", check: positive},
		{name: "duration", short: "d", known: []string{"z"}, arg: "DURATION", about: "end after so long (10s)", check: duration},
		{name: "rate", known: []string{"R", "qps"}, arg: "N[/s|m|h]", about: "arrivals of the whole test, however fast the target answers", check: rate},
		{name: "stage", arg: "OVER:LEVEL", about: "30s:100 goes to 100 VUs in 30 s, 30s:100/s to that rate", many: true, check: stage},
	}
}

// planFlags are the rest of what goes to a plan.
func planFlags() []settingFlag {
	return []settingFlag{
		{name: "threshold", arg: "TEXT", about: "condition that fails the run, such as \"p95 < 300ms\"", many: true, check: text},
		{name: "scale", arg: "F", about: "multiply every rate and number of VUs", check: factor},
		{name: "seed", arg: "N", about: "of every random draw (the plan's digest)", check: count},
		{name: "deadline", arg: "DURATION", about: "end the whole run like an interrupt", check: duration},
		{name: "var", arg: "K=V", about: "set a variable of the plan", many: true, check: pair},
		{name: "tag", arg: "K=V", about: "label that is carried to outputs: \"tags\" of json and ndjson, a column of csv", many: true, check: pair},
		{name: "env", short: "e", arg: "K=V", about: "set env.K of the plan's templates", many: true, check: pair},
	}
}

// settings are what flags, environment and configuration set, by flag and by
// where it was set.
type settings struct {
	values []plan.Setting
}

func newSettings() *settings { return new(settings) }

// of gives the values of a flag from the strongest origin that has any.
func (s *settings) of(name string) []string {
	var strongest plan.Origin
	var values []string
	for _, v := range s.values {
		if v.Name != name || v.From < strongest {
			continue
		}
		if v.From > strongest {
			strongest, values = v.From, nil
		}
		values = append(values, v.Value)
	}
	return values
}

// forPlan gives the settings that the plan's reader takes.
func (s *settings) forPlan() []plan.Setting {
	return slices.DeleteFunc(slices.Clone(s.values), func(v plan.Setting) bool { return v.Name == "env" })
}

// settingValue is the pflag.Value of a setting.
type settingValue struct {
	settingFlag
	set  *settings
	from plan.Origin
}

// String is the value that help shows as default: none.
func (v *settingValue) String() string { return "" }

// Type is the name of the value in help; that of a flag without one is bool.
func (v *settingValue) Type() string { return cmp.Or(v.arg, "bool") }

// Set checks a value and keeps it.
func (v *settingValue) Set(text string) error {
	value, err := v.check(text)
	if err != nil {
		return err
	}
	if !v.many {
		v.set.values = slices.DeleteFunc(v.set.values, func(s plan.Setting) bool { return s.Name == v.name && s.From == v.from })
	}
	v.set.values = append(v.set.values, plan.Setting{Name: v.name, Value: value, From: v.from})
	return nil
}

// addSettings gives a command flags whose values go to the plan.
func (a *app) addSettings(c *cobra.Command, groups ...[]settingFlag) {
	f := c.Flags()
	f.SortFlags = false
	for _, group := range groups {
		for _, flag := range group {
			value := &settingValue{flag, a.set, plan.FromFlag}
			add(f, value, flag.name, flag.short).Usage = about(flag)
			for _, name := range flag.known {
				add(f, value, alias(name), letter(name)).Hidden = true
			}
		}
	}
}

func add(f *pflag.FlagSet, value *settingValue, name, short string) *pflag.Flag {
	flag := f.VarPF(value, name, short, "")
	if value.arg == "" {
		flag.NoOptDefVal = "true"
	}
	return flag
}

// about is the help of a flag, its other names at the end.
func about(flag settingFlag) string {
	var known []string
	for _, name := range flag.known {
		known = append(known, strings.Repeat("-", min(2, len(name)))+name)
	}
	if len(known) == 0 {
		return flag.about
	}
	return flag.about + " (also " + strings.Join(known, ", ") + ")"
}

// otherName begins the long names of flags that are known by a letter only.
const otherName = "also-"

// alias is the long name under which another name of a flag is kept.
func alias(name string) string {
	if len(name) == 1 {
		return otherName + name
	}
	return name
}

// letter is the name as a short flag, if it is one.
func letter(name string) string {
	if len(name) == 1 {
		return name
	}
	return ""
}

func text(s string) (string, error) { return s, nil }

// yes takes what pflag takes for a boolean.
func yes(s string) (string, error) {
	on, err := strconv.ParseBool(s)
	if err != nil {
		return "", errors.New("expected true or false")
	}
	return strconv.FormatBool(on), nil
}

func count(s string) (string, error) {
	if _, err := strconv.ParseUint(s, 10, 63); err != nil {
		return "", errors.New("expected a whole number")
	}
	return s, nil
}

// positive is a count above zero.
func positive(s string) (string, error) {
	if n, err := strconv.ParseUint(s, 10, 63); err != nil || n == 0 {
		return "", errors.New("expected a whole number above zero")
	}
	return s, nil
}

func factor(s string) (string, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0) || f > 1e9 {
		return "", errors.New("expected a number above zero, such as 0.5 or 2")
	}
	return s, nil
}

// duration takes what plans take, and a bare number as seconds.
func duration(s string) (string, error) {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		s += "s"
	}
	if d, err := hyperscale.ParseDuration(s); err != nil || d <= 0 {
		return "", errors.New("expected a duration above zero such as 30s, 5m or 1h30m")
	}
	return s, nil
}

// rate takes what plans take, and a bare number as per second.
func rate(s string) (string, error) {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		s += "/s"
	}
	if r, err := hyperscale.ParseRate(s); err != nil || r <= 0 {
		return "", errors.New("expected a rate above zero such as 500, 500/s or 30/m")
	}
	return s, nil
}

// stage takes OVER:LEVEL, a level of VUs or a rate.
func stage(s string) (string, error) {
	over, level, ok := strings.Cut(s, ":")
	over, err := duration(over)
	if !ok || err != nil {
		return "", errors.New("expected OVER:LEVEL such as 30s:100 (VUs) or 30s:100/s")
	}
	if _, err := strconv.ParseUint(level, 10, 63); err == nil {
		return over + ":" + level, nil
	}
	if _, err := hyperscale.ParseRate(level); err != nil {
		return "", errors.New("expected a level such as 100 (VUs) or 100/s after the colon")
	}
	return over + ":" + level, nil
}

func pair(s string) (string, error) {
	if name, _, ok := strings.Cut(s, "="); !ok || name == "" {
		return "", errors.New("expected NAME=VALUE")
	}
	return s, nil
}

func header(s string) (string, error) {
	name, _, ok := strings.Cut(s, ":")
	if !ok || strings.TrimSpace(name) == "" {
		return "", errors.New(`expected "NAME: VALUE"`)
	}
	return s, nil
}

// percents reads the list of --percentiles; "" is none.
func percents(s string) ([]float64, error) {
	if s == "" {
		return nil, nil
	}
	var list []float64
	for part := range strings.SplitSeq(s, ",") {
		p, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(part), "p"), 64)
		if err != nil || !(p > 0 && p <= 100) {
			return nil, fmt.Errorf("--percentiles %s; expected percentages above 0 and up to 100 such as 50,95,99.9", s)
		}
		list = append(list, p)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}
