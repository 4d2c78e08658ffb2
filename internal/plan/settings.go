package plan

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hyperscale"
	"hyperscale/internal/expr"
	"hyperscale/internal/plan/yamlfile"
)

// Origin says where a setting was made. Later origins win.
type Origin int

// The origins, weakest first.
const (
	FromDefault Origin = iota // built in
	FromConfig                // the user's configuration file
	FromPlan                  // the plan
	FromEnv                   // a HYPERSCALE_* variable
	FromFlag                  // a flag of the command
)

// Setting is one value for the plan from outside of it: Name is that of the
// long flag without dashes, Value its text with units. A flag that is given
// several times makes several settings.
type Setting struct {
	Name, Value string
	From        Origin // FromConfig, FromEnv or FromFlag
}

// settingPart puts settings into the file of a plan.
type settingPart struct{ *reader }

// given is what settings have changed.
type given struct {
	scale float64           // of rates and numbers of virtual users; 1: as written
	load  string            // the workflow whose load comes from settings; "": none
	flags string            // the flags that its load comes from
	from  map[string]Origin // by name, of settings that count
}

// loadSettings are the settings that replace a load.
var loadSettings = []string{"vus", "iterations", "duration", "rate", "stage"}

// settings puts what comes from outside into the plan's file: over what is
// there, or under it when it comes from the configuration.
func (r settingPart) settings() {
	g := newGivenSettings(r.options.Settings)
	if r.file.Defaults == nil {
		r.file.Defaults = &defaultsFile{}
	}
	d := r.file.Defaults
	over(r, g, "timeout", &d.Timeout, func(s string) (duration, error) { return aboveNothing(s, hyperscale.ParseDuration) })
	over(r, g, "deadline", &r.file.Deadline, func(s string) (duration, error) { return aboveNothing(s, hyperscale.ParseDuration) })
	over(r, g, "seed", &r.file.Seed, func(s string) (seed, error) { v, err := parseSeed(s); return seed(v), err })
	over(r, g, "http2", &d.HTTP, func(s string) (httpVersion, error) {
		on, err := parseSwitch(s)
		if on {
			return 2, err
		}
		return 1, err
	})
	r.insecure(g)
	scale := yamlfile.Of(1.0)
	scale.Set = false
	over(r, g, "scale", &scale, parseScale)
	r.given.scale = scale.V
	d.Headers = r.mapped(g, "header", ":", d.Headers, strings.ToLower)
	r.file.Vars = r.mapped(g, "var", "=", r.file.Vars, asWritten)
	r.tags(g)
	for _, text := range g.all("threshold") {
		r.given.from["threshold"] = g.from["threshold"]
		r.file.Thresholds = append(r.file.Thresholds, thresholdOf(text))
	}
	r.replaceLoad(g)
	r.unused(g)
}

// over takes a setting with one value.
func over[T any](r settingPart, g *givenSettings, name string, to *yamlfile.Value[T], parse func(string) (T, error)) {
	text := g.all(name)
	if len(text) == 0 || g.from[name] == FromConfig && to.Set {
		return
	}
	last := text[len(text)-1]
	v, err := parse(last)
	if err != nil {
		r.outsideFault(flagText(name, last), err)
		return
	}
	*to = yamlfile.Of(v)
	r.given.from[name] = g.from[name]
}

// outsideFault notes the error of a setting.
func (r *reader) outsideFault(from string, err error) {
	r.Wrong(nil, err)
	last := &r.Faults[len(r.Faults)-1]
	last.Outside, last.From = true, from
}

// aboveNothing parses a duration that must be above zero.
func aboveNothing[T ~int64](text string, parse func(string) (T, error)) (duration, error) {
	v, err := parse(text)
	if err == nil && v == 0 {
		err = &hyperscale.LexicalError{What: "it must be above zero", Expected: "such as 30s"}
	}
	return duration(v), err
}

// parseSwitch parses the value of a flag that is on or off.
func parseSwitch(text string) (bool, error) {
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, &hyperscale.LexicalError{What: fmt.Sprintf("%q is neither on nor off", text), Expected: "true or false"}
	}
	return on, nil
}

// parseScale parses the factor of a load.
func parseScale(text string) (float64, error) {
	const highest = 1e6
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 && v <= highest) {
		return 1, &hyperscale.LexicalError{What: fmt.Sprintf("%q is no factor", text), Expected: "a number above zero, such as 0.5 or 2"}
	}
	return v, nil
}

// insecure takes the setting of that name.
func (r settingPart) insecure(g *givenSettings) {
	if len(g.all("insecure")) == 0 {
		return
	}
	t := r.file.Defaults.TLS
	if t == nil {
		t = &tlsFile{}
	}
	if over(r, g, "insecure", &t.Insecure, parseSwitch); t.Insecure.Set {
		r.file.Defaults.TLS = t
	}
}

// mapped takes settings of the form NAME, separator, TEMPLATE.
func (r settingPart) mapped(g *givenSettings, setting, separator string, base yamlfile.Map[template], form func(key string) string) yamlfile.Map[template] {
	var own yamlfile.Map[template]
	for _, text := range g.all(setting) {
		name, value, ok := strings.Cut(text, separator)
		from := flagText(setting, text)
		if !ok || strings.TrimSpace(name) == "" {
			r.outsideFault(from, &hyperscale.LexicalError{What: "it has no name and value", Expected: "NAME" + separator + "VALUE"})
			continue
		}
		if setting == "header" {
			value = strings.TrimSpace(value)
		}
		t := template{Text: value, Set: true, From: from}
		var err error
		if t.Parsed, err = expr.ParseTemplate(value); err != nil {
			r.outsideFault(from, err)
		}
		own = append(own, yamlfile.Pair[template]{Key: strings.TrimSpace(name), V: t})
		r.given.from[setting] = g.from[setting]
	}
	if g.from[setting] == FromConfig {
		return merged(base, own, form)
	}
	return merged(own, base, form)
}

// tags takes the settings of that name.
func (r settingPart) tags(g *givenSettings) {
	var own yamlfile.Map[yamlfile.Value[constant]]
	for _, text := range g.all("tag") {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			r.outsideFault(flagText("tag", text), &hyperscale.LexicalError{What: "it has no name and value", Expected: "NAME=VALUE"})
			continue
		}
		own = append(own, yamlfile.Pair[yamlfile.Value[constant]]{Key: name, V: yamlfile.Of(constant(value))})
		r.given.from["tag"] = g.from["tag"]
	}
	if g.from["tag"] == FromConfig {
		r.file.Tags = merged(r.file.Tags, own, asWritten)
	} else {
		r.file.Tags = merged(own, r.file.Tags, asWritten)
	}
}

// thresholdOf splits CONDITION or SCOPE: CONDITION.
func thresholdOf(text string) thresholdFile {
	if at := strings.LastIndex(text, ": "); at >= 0 {
		return thresholdFile{Read: true, Scope: text[:at], Scoped: true, Text: strings.TrimSpace(text[at+2:])}
	}
	return thresholdFile{Read: true, Text: text}
}

// replaceLoad puts a load that flags describe in the place of the only one that
// the plan has.
func (r settingPart) replaceLoad(g *givenSettings) {
	q := QuickLoad{VUs: g.one("vus"), Iterations: g.one("iterations"), Duration: g.one("duration"), Rate: g.one("rate"), Stages: g.all("stage")}
	var flags []string
	for _, name := range loadSettings {
		if len(g.values[name]) > 0 && g.from[name] != FromConfig {
			flags = append(flags, flagText(name, strings.Join(g.values[name], " ")))
		}
	}
	if len(flags) == 0 {
		return // the plan's loads are stronger than those of the configuration
	}
	r.given.flags = strings.Join(flags, ", ")
	var driven []*yamlfile.Pair[workflowFile]
	for i := range r.file.Workflows {
		if r.file.Workflows[i].V.Load != nil {
			driven = append(driven, &r.file.Workflows[i])
		}
	}
	switch len(driven) {
	case 0:
		r.outsideFault(r.given.flags, notThat("the plan has no load that flags could replace", "a workflow with a load in the plan, or no flags of a load"))
		return
	case 1:
	default:
		what := fmt.Sprintf("flags can replace the load of one workflow, and the plan has %d with a load", len(driven))
		r.outsideFault(r.given.flags, notThat(what, "the loads changed in the plan, or --scale"))
		return
	}
	load, err := q.file()
	if own, is := errors.AsType[*settingError](err); is {
		r.Faults = append(r.Faults, own.Fault)
		return
	} else if err != nil {
		r.outsideFault("", err) // it names its flags
		return
	}
	driven[0].V.Load, r.given.load = load, driven[0].Key
	for _, name := range loadSettings {
		r.given.from["load"] = max(r.given.from["load"], g.from[name])
	}
}

// file is the load as a plan's file has it.
func (q QuickLoad) file() (*loadFile, error) {
	load, err := q.read("")
	if err != nil {
		return nil, err
	}
	lines, err := load.lines()
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.key + ": " + l.value + "\n")
	}
	root, faults := yamlfile.Parse([]byte(text.String()))
	if len(faults) > 0 {
		return nil, faults
	}
	var d yamlfile.Decoder
	file := &loadFile{}
	d.Decode(root, file)
	return file, d.Faults.Err()
}

// outside says of faults from that index on that they are of the load by flags.
func (r *reader) outside(from int) {
	for i := from; i < len(r.Faults); i++ {
		r.Faults[i].Pos, r.Faults[i].Outside, r.Faults[i].From = yamlfile.Pos{}, true, r.given.flags
	}
}

// unused refuses settings that mean nothing for a plan in a file.
func (r settingPart) unused(g *givenSettings) {
	var names []string
	for name := range g.values {
		if !slices.Contains(g.used, name) && g.from[name] != FromConfig {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		value := g.values[name][len(g.values[name])-1]
		r.outsideFault(flagText(name, value), notThat("it is for runs without a plan", "the "+name+" in a step of the plan"))
	}
}
