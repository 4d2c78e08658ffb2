package session

import (
	"fmt"
	"strings"

	"hyperscale"
	"hyperscale/internal/expr"
)

// valuePlan says what values a workflow has and where they come from. A Ref from
// 0 on is a variable, a negative one the column -1-ref.
type valuePlan struct {
	vars    []string   // names
	inits   []initPlan // in the order of evaluation
	sets    []setPlan
	columns []columnPlan
	faults  map[string]int // name → index in Program.ValueNames
}

// initPlan gives a variable its value when an iteration begins.
type initPlan struct {
	ref      int32
	template *expr.Bound // nil: value
	value    Value
}

// setPlan is a data set that the workflow uses.
type setPlan struct {
	name string
	rows Rows
	pick hyperscale.Pick
	site uint32 // of the draw for random
}

// columnPlan is a column that the workflow uses.
type columnPlan struct{ set, column int32 }

// resolver gives meaning to the names of one workflow and lists, as they are
// met, the values that it needs.
type resolver struct {
	plan   *hyperscale.Plan
	flow   *hyperscale.Workflow
	in     *Inputs
	p      *Program
	vars   map[string]int32 // name → index in vars
	doing  map[string]bool  // vars whose template is being bound
	begun  map[string]bool  // variables whose beginning is in inits
	sites  uint32
	column map[columnPlan]int32
}

func newResolver(p *Program, plan *hyperscale.Plan, flow *hyperscale.Workflow, in *Inputs) *resolver {
	p.values.faults = map[string]int{}
	return &resolver{
		plan: plan, flow: flow, in: in, p: p,
		vars: map[string]int32{}, doing: map[string]bool{}, begun: map[string]bool{}, column: map[columnPlan]int32{},
	}
}

// Site allots the next draw site.
func (r *resolver) Site() uint32 {
	r.sites++
	return r.sites
}

// Resolve turns a name into a variable, a column or a constant.
func (r *resolver) Resolve(name string) (ref expr.Ref, constant *string, err error) {
	r.p.valueName(name)
	if i, ok := r.vars[name]; ok {
		return expr.Ref(i), nil, r.begin(name, i)
	}
	if env, ok := strings.CutPrefix(name, "env."); ok {
		return r.environment(env)
	}
	if r.uses(name) {
		return r.used(name)
	}
	if text, ok := lookup(r.plan.Vars, name); ok {
		return r.variable(name, text)
	}
	return r.data(name)
}

// environment gives a variable of the client's environment.
func (r *resolver) environment(name string) (expr.Ref, *string, error) {
	if text, ok := lookup(r.plan.Env, name); ok {
		return 0, &text, nil
	}
	return 0, nil, fmt.Errorf("env.%s %w", name, expr.ErrUnset)
}

// uses reports whether name is taken over from another workflow.
func (r *resolver) uses(name string) bool {
	for _, u := range r.flow.Use {
		if u.Local == name {
			return true
		}
	}
	return false
}

// used gives a value of an earlier workflow. Text is constant; JSON must keep
// its type, and what is missing has to be missed while running: these two become
// variables.
func (r *resolver) used(name string) (expr.Ref, *string, error) {
	value, ok := r.in.Use[name]
	if ok && !value.JSON {
		return 0, &value.Text, nil
	}
	ref := r.declare(name)
	return expr.Ref(ref), nil, r.begin(name, ref)
}

// variable gives one of the plan's vars: a constant when its template is one.
func (r *resolver) variable(name, text string) (expr.Ref, *string, error) {
	bound, err := r.bindVar(name, text)
	if err != nil {
		return 0, nil, err
	}
	if text, ok := bound.Constant(); ok {
		return 0, &text, nil
	}
	ref := r.declare(name)
	r.begun[name] = true
	r.p.values.inits = append(r.p.values.inits, initPlan{ref: ref, template: bound})
	return expr.Ref(ref), nil, nil
}

// bindVar binds the template of a var; vars that it names come first.
func (r *resolver) bindVar(name, text string) (*expr.Bound, error) {
	if r.doing[name] {
		return nil, fmt.Errorf("vars: %s needs itself", name)
	}
	r.doing[name] = true
	defer delete(r.doing, name)
	bound, err := r.template(text)
	if err != nil {
		return nil, fmt.Errorf("vars: %s: %w", name, err)
	}
	return bound, nil
}

// template parses and binds one text.
func (r *resolver) template(text string) (*expr.Bound, error) {
	t, err := expr.ParseTemplate(text)
	if err != nil {
		return nil, err
	}
	return t.Bind(r)
}

// declare makes a variable, once.
func (r *resolver) declare(name string) int32 {
	if i, ok := r.vars[name]; ok {
		return i
	}
	i := int32(len(r.p.values.vars))
	r.p.values.vars = append(r.p.values.vars, name)
	r.vars[name] = i
	r.p.valueName(name)
	return i
}

// assigned declares the variables that steps capture or set.
func (r *resolver) assigned(steps []hyperscale.Step) {
	eachStep(steps, func(s *hyperscale.Step) {
		for _, v := range s.Set {
			r.declare(v.Name)
		}
		if s.Request == nil {
			return
		}
		for _, c := range s.Request.Captures {
			r.declare(c.Name)
		}
	})
}

// begin gives an assigned variable the value that it begins with, once.
func (r *resolver) begin(name string, ref int32) error {
	if r.begun[name] {
		return nil
	}
	first := initPlan{ref: ref}
	text, isVar := lookup(r.plan.Vars, name)
	value, isThere := r.in.Use[name]
	switch {
	case r.uses(name) && !isThere, !r.uses(name) && !isVar:
		r.begun[name] = true
		return nil
	case r.uses(name):
		first.value = value
	default:
		var err error
		if first.template, err = r.bindVar(name, text); err != nil {
			return err
		}
	}
	r.begun[name] = true
	r.p.values.inits = append(r.p.values.inits, first)
	return nil
}

// eachStep calls f for all steps, nested ones after the one that holds them.
func eachStep(steps []hyperscale.Step, f func(s *hyperscale.Step)) {
	for i := range steps {
		f(&steps[i])
		eachStep(steps[i].Steps, f)
		for _, c := range steps[i].Choices {
			eachStep(c.Steps, f)
		}
	}
}

// data gives a column of a data set.
func (r *resolver) data(name string) (expr.Ref, *string, error) {
	for i := range r.plan.Data {
		d := &r.plan.Data[i]
		column, ok := strings.CutPrefix(name, d.Name+".")
		if !ok {
			continue
		}
		for k, c := range d.Columns {
			if c == column {
				return r.dataColumn(d, int32(k))
			}
		}
	}
	return 0, nil, fmt.Errorf("the name %q is not known here", name)
}

// dataColumn lists the set and the column.
func (r *resolver) dataColumn(d *hyperscale.DataSet, column int32) (expr.Ref, *string, error) {
	set, err := r.set(d)
	if err != nil {
		return 0, nil, err
	}
	at := columnPlan{set: set, column: column}
	i, ok := r.column[at]
	if !ok {
		i = int32(len(r.p.values.columns))
		r.column[at] = i
		r.p.values.columns = append(r.p.values.columns, at)
	}
	return expr.Ref(-1 - i), nil, nil
}

// set lists the data set.
func (r *resolver) set(d *hyperscale.DataSet) (int32, error) {
	for i, s := range r.p.values.sets {
		if s.name == d.Name {
			return int32(i), nil
		}
	}
	rows, ok := r.in.Rows[d.Name]
	if !ok {
		return 0, fmt.Errorf("the data set %s was not loaded", d.Name)
	}
	r.p.valueName(d.Name)
	set := setPlan{name: d.Name, rows: rows, pick: d.Pick, site: r.Site()}
	r.p.values.sets = append(r.p.values.sets, set)
	return int32(len(r.p.values.sets) - 1), nil
}

// valueName gives the index of a name in ValueNames.
func (p *Program) valueName(name string) int {
	i, ok := p.values.faults[name]
	if !ok {
		i = len(p.ValueNames)
		p.values.faults[name] = i
		p.ValueNames = append(p.ValueNames, name)
	}
	return i
}

// lookup gives the value of a name.
func lookup(pairs []hyperscale.Pair, name string) (string, bool) {
	for _, p := range pairs {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}
