package plan

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/plan/yamlfile"
)

// Effective is a value that counts in a run, and where it was set. What may be
// secret (credentials, environment variables) is named without its value.
type Effective struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  Origin `json:"source"`
	Own   int    `json:"own,omitempty"` // of an option of requests: how many have their own in its place
}

// String is the origin in words.
func (o Origin) String() string {
	switch o {
	case FromConfig:
		return "configuration"
	case FromPlan:
		return "plan"
	case FromEnv:
		return "environment"
	case FromFlag:
		return "flag"
	}
	return "default"
}

// MarshalText writes the origin in words.
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// hidden stands for a value that may be secret.
const hidden = "(not shown)"

// effectiveValues lists the values that count.
func effectiveValues(r *reader) []Effective {
	all := []Effective{
		{Name: "seed", Value: strconv.FormatUint(r.plan.Seed, 10), From: originOf(r, "seed", r.file.Seed.Set)},
		{Name: "deadline", Value: hyperscale.FormatDuration(r.plan.Deadline), From: originOf(r, "deadline", r.file.Deadline.Set)},
	}
	all = append(all, effectiveOptions(r)...)
	all = append(all, effectivePairs(r)...)
	if from, is := r.given.from["scale"]; is {
		all = append(all, Effective{Name: "scale", Value: strconv.FormatFloat(r.given.scale, 'g', -1, 64), From: from})
	}
	if r.given.load != "" {
		all = append(all, Effective{Name: "load of " + r.given.load, Value: describeLoad(r.flow(r.given.load).out.Load), From: r.given.from["load"]})
	}
	if from, is := r.given.from["threshold"]; is {
		all = append(all, Effective{Name: "thresholds", Value: strconv.Itoa(len(r.plan.Thresholds)) + ", with those given outside of the plan", From: from})
	}
	return all
}

// originOf is where a value was set that has or has not a place in the file.
func originOf(r *reader, name string, set bool) Origin {
	if from, is := r.given.from[name]; is {
		return from
	}
	if set {
		return FromPlan
	}
	return FromDefault
}

// effectiveOptions lists the options of requests that have none of their own.
func effectiveOptions(r *reader) []Effective {
	d := &optionsFile{}
	if r.file.Defaults != nil {
		d = &r.file.Defaults.optionsFile
	}
	insecure := func(o *optionsFile) bool { return o.TLS != nil && o.TLS.Insecure.Set }
	all := []Effective{
		{Name: "timeout", Value: hyperscale.FormatDuration(time.Duration(pick(&d.Timeout, duration(defaultTimeout)))), From: originOf(r, "timeout", d.Timeout.Set)},
		{Name: "redirects", Value: strconv.FormatInt(pick(&d.Redirects, int64(defaultRedirects)), 10), From: originOf(r, "redirects", d.Redirects.Set)},
		{Name: "http", Value: httpText(pick(&d.HTTP, 1)), From: originOf(r, "http2", d.HTTP.Set)},
		{Name: "connections", Value: pick(&d.Connections, choice[connections]{string(hyperscale.ConnPerVU)}).Word, From: originOf(r, "connections", d.Connections.Set)},
		{Name: "max-body", Value: hyperscale.FormatSize(int64(pick(&d.MaxBody, size(defaultMaxBody)))), From: originOf(r, "max-body", d.MaxBody.Set)},
		{Name: "tls.insecure", Value: strconv.FormatBool(insecure(d) && d.TLS.Insecure.V), From: originOf(r, "insecure", insecure(d))},
	}
	has := []func(o *optionsFile) bool{
		func(o *optionsFile) bool { return o.Timeout.Set },
		func(o *optionsFile) bool { return o.Redirects.Set },
		func(o *optionsFile) bool { return o.HTTP.Set },
		func(o *optionsFile) bool { return o.Connections.Set },
		func(o *optionsFile) bool { return o.MaxBody.Set },
		insecure,
	}
	for _, f := range r.flows {
		f.root.each(func(n *stepNode) {
			for i := range all {
				if has[i](&n.file.optionsFile) {
					all[i].Own++
				}
			}
		})
	}
	return all
}

// pick is a value, or else the default.
func pick[T any](v *yamlfile.Value[T], otherwise T) T {
	if v.Set {
		return v.V
	}
	return otherwise
}

// httpText is a version of HTTP.
func httpText(v httpVersion) string {
	if v == 2 {
		return "2"
	}
	return "1.1"
}

// effectivePairs lists what is set by name: headers of all requests, variables,
// labels and the environment.
func effectivePairs(r *reader) (all []Effective) {
	if d := r.file.Defaults; d != nil {
		for _, h := range d.Headers {
			value := h.V.Text
			if slices.Contains([]string{"authorization", "cookie", "proxy-authorization", "x-api-key"}, strings.ToLower(h.Key)) {
				value = hidden
			}
			all = append(all, Effective{Name: "header " + h.Key, Value: value, From: outsideOr(r, "header", h.V.From != "")})
		}
	}
	for _, v := range r.file.Vars {
		all = append(all, Effective{Name: "var " + v.Key, Value: v.V.Text, From: outsideOr(r, "var", v.V.From != "")})
	}
	for _, t := range r.file.Tags {
		all = append(all, Effective{Name: "tag " + t.Key, Value: string(t.V.V), From: outsideOr(r, "tag", t.V.Node == nil)})
	}
	for _, e := range r.plan.Env {
		from := FromEnv
		if _, given := r.options.GivenEnv[e.Name]; given {
			from = FromFlag
		}
		all = append(all, Effective{Name: "env." + e.Name, Value: hidden, From: from})
	}
	return all
}

// outsideOr is where settings of a name come from, or the plan.
func outsideOr(r *reader, name string, outside bool) Origin {
	if outside {
		return r.given.from[name]
	}
	return FromPlan
}

// dataUses lists the data sets that each workflow reads.
func dataUses(r *reader) map[string][]string {
	uses := map[string][]string{}
	for _, f := range r.flows {
		for i := range r.plan.Data {
			if name := r.plan.Data[i].Name; f.sets[name] {
				uses[f.name] = append(uses[f.name], name)
			}
		}
	}
	return uses
}
