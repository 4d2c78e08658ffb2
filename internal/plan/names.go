package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hyperscale"
	"hyperscale/internal/expr"
	"hyperscale/internal/plan/yamlfile"
)

// names is what a plan's templates may name wherever they stand.
type names struct {
	vars map[string]*variable
	sets map[string][]string // data set → columns; nil if its file can't be used

	target map[string]bool // data sets that the plan's target is taken from
	texts  int64           // bytes of vars put into texts of steps
}

// variable is one of the plan's vars.
type variable struct {
	text       *template
	sets       map[string]bool // data sets that its value is taken from
	mark       varMark
	references int64   // of vars that its value is made of, itself included
	size       int64   // about, of its value in bytes
	known      bool    // value was evaluated
	used       bool    // a text names it
	value      *string // when it is known before the start
}

// varMark is how far the look for circles has come with a variable.
type varMark int

const (
	varNew varMark = iota
	varOpen
	varDone
)

// declare takes the plan's vars and data sets.
func (ns *names) declare(r *reader) {
	ns.vars, ns.sets, ns.target = map[string]*variable{}, map[string][]string{}, map[string]bool{}
	for _, d := range r.file.Data {
		ns.sets[d.Key] = nil
	}
	for _, d := range r.plan.Data {
		ns.sets[d.Name] = d.Columns
	}
	for i := range r.file.Vars {
		v := &r.file.Vars[i]
		r.newName(v.Key, Fault{Pos: v.Pos, Outside: v.V.Node == nil, From: v.V.From})
		ns.vars[v.Key] = &variable{text: &v.V, sets: map[string]bool{}}
	}
}

// newName checks a name that the plan gives to a variable, at its place.
func (r *reader) newName(name string, at Fault) {
	if wrong, is := errors.AsType[*expr.SyntaxError](expr.CheckName(name)); is {
		at.What, at.Expected, at.Meant = wrong.What, wrong.Expected, wrong.Meant
		r.Faults = append(r.Faults, at)
	} else if _, isSet := r.names.sets[name]; isSet {
		at.What, at.Expected = fmt.Sprintf("%q is a data set already", name), "another name"
		r.Faults = append(r.Faults, at)
	}
}

// checkVars checks the names that vars use: environment, data and other vars.
func (ns *names) checkVars(r *reader) {
	for i := range r.file.Vars {
		v := &r.file.Vars[i]
		ns.visit(r, v.Key, v.V.faults()(0))
	}
}

// ownVars are the names of the plan's vars before any comes from outside.
func (r *reader) ownVars() map[string]bool {
	own := make(map[string]bool, len(r.file.Vars))
	for _, v := range r.file.Vars {
		own[v.Key] = true
	}
	return own
}

// strangeVars refuses vars from outside that the plan neither has nor names: they
// would change nothing. Those of the configuration are for all plans; and what
// names a var is only known of a plan without other faults.
func (r *reader) strangeVars(own map[string]bool) {
	if len(r.Faults) > 0 || r.given.from["var"] == FromConfig {
		return
	}
	for _, v := range r.file.Vars {
		if v.V.From == "" || own[v.Key] || r.names.vars[v.Key].used {
			continue
		}
		at := v.V.faults()(0)
		at.What, at.Expected = fmt.Sprintf("the plan has no variable %q", v.Key), "one that it has"
		at.Meant = r.nearest(v.Key, func() []string { return slices.Collect(maps.Keys(own)) })
		r.Faults = append(r.Faults, at)
	}
}

// Bounds of what vars stand for: how many vars the value of one may be made of,
// each counted as often as it is used; how long it may be; and how long all
// texts of steps may be with the values of their vars put in.
const (
	mostReferences = 10_000
	largestValue   = 1 << 20
	largestTexts   = 256 << 20
)

// visit checks one var after those that it names.
func (ns *names) visit(r *reader, name string, at Fault) *variable {
	v := ns.vars[name]
	switch v.mark {
	case varOpen:
		at.What = fmt.Sprintf("the variable %q needs itself", name)
		r.Faults = append(r.Faults, at)
		return v
	case varDone:
		return v
	}
	v.mark, v.references, v.size = varOpen, 1, int64(len(v.text.Text))
	faults := v.text.faults()
	for _, ref := range v.text.names() {
		place := faults(ref.Offset)
		if _, isVar := ns.vars[ref.Name]; isVar {
			other := ns.visit(r, ref.Name, place)
			other.used = true
			maps.Copy(v.sets, other.sets)
			v.references += other.references
			v.size += other.size
			continue
		}
		if set, known := ns.plain(r, ref, place); !known {
			r.unknown(place, ref.Name, nil)
		} else if set != "" {
			v.sets[set] = true
		}
	}
	v.mark = varDone
	if v.references > mostReferences || v.size > largestValue {
		at.What = fmt.Sprintf("the variable %q is too long: it is made of %d others with %s together", name, v.references-1, hyperscale.FormatSize(v.size))
		r.Faults = append(r.Faults, at)
		v.references, v.size, v.known = 1, 0, true // once is enough
	}
	return v
}

// plain resolves a name of the environment or of a data set. Known is false if
// it is neither; faults of either are noted at their place.
func (ns *names) plain(r *reader, ref expr.NameRef, at Fault) (set string, known bool) {
	if name, isEnv := strings.CutPrefix(ref.Name, "env."); isEnv {
		r.environment(name, ref, at)
		return "", true
	}
	set, column, dotted := strings.Cut(ref.Name, ".")
	columns, isSet := ns.sets[set]
	switch {
	case !isSet:
		return "", false
	case !dotted:
		at.What, at.Expected = fmt.Sprintf("%q is a data set", set), set+".COLUMN"
		r.Faults = append(r.Faults, at)
	case columns != nil && !slices.Contains(columns, column):
		at.What = fmt.Sprintf("the data set %s has no column %q", set, column)
		at.Meant = dot(set, r.nearest(column, func() []string { return slices.Clone(columns) }))
		if len(columns) <= fewColumns {
			at.Expected = yamlfile.OneOf(columns)
		}
		r.Faults = append(r.Faults, at)
	}
	return set, true
}

// fewColumns is the most columns that a message lists.
const fewColumns = 12

// dot joins a set and a column, if there is one.
func dot(set, column string) string {
	if column == "" {
		return ""
	}
	return set + "." + column
}

// environment takes an environment variable that a template uses.
func (r *reader) environment(name string, ref expr.NameRef, at Fault) {
	if value, set := r.options.GivenEnv[name]; set {
		r.env[name] = value
		return
	}
	if r.options.Env != nil {
		if value, set := r.options.Env(name); set {
			r.env[name] = value
			return
		}
	}
	if !ref.Default {
		at.What = fmt.Sprintf("the environment variable %s is not set", name)
		at.Expected = fmt.Sprintf("-e %s=VALUE, or a default: {{ env.%s | DEFAULT }}", name, name)
		r.Faults = append(r.Faults, at)
	}
}

// unknown is the fault of a name that nothing has; more are names that are known
// where it stands.
func (r *reader) unknown(at Fault, name string, more func() []string) {
	at.What = fmt.Sprintf("nothing is named %q", name)
	at.Meant = r.nearest(name, func() []string {
		known := expr.Builtins()
		if more != nil {
			known = append(known, more()...)
		}
		for v := range r.names.vars {
			known = append(known, v)
		}
		for set, columns := range r.names.sets {
			for _, c := range columns {
				known = append(known, set+"."+c)
			}
		}
		return known
	})
	r.Faults = append(r.Faults, at)
}

// mostCorrections is the number of faults after which no more corrections are
// looked for: they would not be shown, and looking takes time.
const mostCorrections = 4 * yamlfile.MaxShown

// nearest is the word that name was probably meant to be, "" if there is none.
func (r *reader) nearest(name string, known func() []string) string {
	if len(r.Faults) > mostCorrections {
		return ""
	}
	words := known()
	slices.Sort(words)
	return expr.Nearest(name, words)
}

// constant evaluates a template whose value is known before the start.
func (ns *names) constant(r *reader, t *template) (text string, known bool) {
	if t.Parsed == nil {
		return "", false
	}
	bound, err := t.Parsed.Bind(constantResolver{r})
	if err != nil {
		return "", false // its faults are told where its names are checked
	}
	return bound.Constant()
}

// constantResolver resolves names as far as they are known before the start.
type constantResolver struct{ *reader }

// Resolve gives constants for environment variables and constant vars.
func (c constantResolver) Resolve(name string) (expr.Ref, *string, error) {
	if env, isEnv := strings.CutPrefix(name, "env."); isEnv {
		if value, ok := c.env[env]; ok {
			return 0, &value, nil
		}
		return 0, nil, fmt.Errorf("env.%s %w", env, expr.ErrUnset)
	}
	v, isVar := c.names.vars[name]
	if !isVar || v.text.Parsed == nil || v.mark != varDone {
		return 0, nil, nil
	}
	if !v.known {
		v.known = true // also for those that need themselves
		if bound, err := v.text.Parsed.Bind(c); err == nil {
			if text, ok := bound.Constant(); ok {
				v.value = &text
			}
		}
	}
	return 0, v.value, nil
}

// Site gives no draw: nothing is evaluated.
func (constantResolver) Site() uint32 { return 0 }
