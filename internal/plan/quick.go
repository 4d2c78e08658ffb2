package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hyperscale/internal/plan/yamlfile"
)

// Quick is a run by flags alone, without a plan. Texts are as plans write them,
// with units; "" and nil are flags that were not given. URL, Headers, Body and
// Vars may have templates in them, as in any plan; a literal {{ is \{{.
type Quick struct {
	URL        string   // with its scheme
	Method     string   // "": GET, or POST when there is a body
	Headers    []string // NAME: VALUE
	Body       *string  // the text, or @FILE
	HTTP2      bool
	Insecure   bool
	Timeout    string
	Load       QuickLoad
	Thresholds []string // CONDITION or SCOPE: CONDITION
	Seed       string
	Deadline   string
	Scale      string   // factor of every rate and number of virtual users
	Vars, Tags []string // NAME=VALUE
}

// QuickLoad is the flags that say how a quick run is driven. Without any it is
// 10 virtual users for 10 s.
type QuickLoad struct {
	VUs        string // of an open load the most arrivals in progress
	Iterations string // of an open load the number of arrivals that ends it
	Duration   string
	Rate       string   // makes the load open; beside stages the rate to start with
	Stages     []string // OVER:LEVEL, all of them VUs or all of them rates
}

// FromURL gives the plan that equals a quick run: its text, which the reader
// takes and people can go on writing. All settings are in it; of those with one
// name only the strongest origin's count. The error names the flag that is
// wrong, or those that contradict each other.
func FromURL(url string, settings []Setting) (string, error) {
	q, err := quickFrom(url, settings)
	if err != nil {
		return "", err
	}
	return q.Text()
}

// ReadURL reads a quick run: the plan that [FromURL] gives of the URL and the
// settings of o. Its faults name the flag that they are of: nobody wrote a plan
// that they could have a place in. The error is that of FromURL, or [Faults].
func ReadURL(url string, o Options) (*Loaded, error) {
	q, err := quickFrom(url, o.Settings)
	if err != nil {
		return nil, err
	}
	text, err := q.plan()
	if err != nil {
		return nil, err
	}
	o.Settings = nil // they are in the text
	loaded, err := Read("quick run", strings.NewReader(text.String()), o)
	faults, is := errors.AsType[Faults](err)
	if !is {
		return loaded, err
	}
	for i := range faults {
		f := &faults[i]
		if !f.Outside {
			f.From = text.from[f.Pos.Line]
			f.File, f.Pos, f.Outside = "", yamlfile.Pos{}, true
		}
	}
	return nil, slices.Compact(faults)
}

// quickFrom puts settings into the fields that they are for.
func quickFrom(url string, settings []Setting) (Quick, error) {
	given := newGivenSettings(settings)
	given.yield()
	q := Quick{
		URL:        url,
		Method:     given.one("method"),
		Headers:    given.all("header"),
		HTTP2:      given.one("http2") == "true",
		Insecure:   given.one("insecure") == "true",
		Timeout:    given.one("timeout"),
		Thresholds: given.all("threshold"),
		Seed:       given.one("seed"),
		Deadline:   given.one("deadline"),
		Scale:      given.one("scale"),
		Vars:       given.all("var"),
		Tags:       given.all("tag"),
		Load: QuickLoad{
			VUs:        given.one("vus"),
			Iterations: given.one("iterations"),
			Duration:   given.one("duration"),
			Rate:       given.one("rate"),
			Stages:     given.all("stage"),
		},
	}
	if body := given.all("body"); len(body) > 0 {
		q.Body = &body[len(body)-1]
	}
	return q, given.unused()
}

// givenSettings is settings by their names, of each the values of the strongest origin.
type givenSettings struct {
	values map[string][]string
	from   map[string]Origin
	used   []string
}

func newGivenSettings(settings []Setting) *givenSettings {
	g := &givenSettings{values: map[string][]string{}, from: map[string]Origin{}}
	for _, s := range settings {
		if len(g.values[s.Name]) > 0 && s.From != g.from[s.Name] {
			if s.From < g.from[s.Name] {
				continue
			}
			g.values[s.Name] = nil
		}
		g.values[s.Name] = append(g.values[s.Name], s.Value)
		g.from[s.Name] = s.From
	}
	return g
}

// yield drops the weaker of two settings that exclude each other but come from
// different origins: a duration in the configuration is no contradiction to
// stages by flags.
func (g *givenSettings) yield() {
	excluded := []string{"duration"}
	if stages := g.values["stage"]; len(stages) > 0 && !strings.Contains(stages[0], "/") {
		excluded = append(excluded, "iterations", "rate")
	}
	for _, name := range excluded {
		stages, other := g.values["stage"], g.values[name]
		switch {
		case len(stages) == 0 || len(other) == 0:
		case g.from["stage"] > g.from[name]:
			delete(g.values, name)
		case g.from["stage"] < g.from[name]:
			delete(g.values, "stage")
		}
	}
}

// all is every value of a setting.
func (g *givenSettings) all(name string) []string {
	g.used = append(g.used, name)
	return g.values[name]
}

// one is the last value of a setting, "" if there is none.
func (g *givenSettings) one(name string) string {
	values := g.all(name)
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// unused refuses settings that mean nothing here.
func (g *givenSettings) unused() error {
	for name := range g.values {
		if !slices.Contains(g.used, name) {
			return fmt.Errorf("--%s has no meaning without a plan", name)
		}
	}
	return nil
}
