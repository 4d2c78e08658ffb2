package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/plan/yamlfile"
)

// flowPart reads workflows and how they hang together.
type flowPart struct{ *reader }

// flow is a workflow while it is read.
type flow struct {
	name    string
	pos     yamlfile.Pos
	file    *workflowFile
	out     *hyperscale.Workflow
	root    *stepList
	steps   map[string]bool   // names of steps
	given   map[string]string // variable → a step that captures or sets it
	uses    map[string]bool   // local names of variables of other workflows
	sets    map[string]bool   // data sets that its steps read
	onError hyperscale.OnError
}

// Grace that started iterations have by default after the end of their load.
const (
	defaultGrace = 30 * time.Second
	openGrace    = 10 * time.Second
)

// workflows reads the workflows.
func (r flowPart) workflows() {
	r.plan.Workflows = make([]hyperscale.Workflow, len(r.file.Workflows))
	for i := range r.file.Workflows {
		entry := &r.file.Workflows[i]
		f := &flow{
			name: entry.Key, pos: entry.Pos, file: &entry.V, out: &r.plan.Workflows[i],
			steps: map[string]bool{}, given: map[string]string{}, uses: map[string]bool{}, sets: map[string]bool{},
		}
		f.out.Name = f.name
		r.flows = append(r.flows, f)
		r.byName[f.name] = f
	}
	if len(r.flows) == 0 && r.file.Has("workflows") {
		r.Fault(r.file.KeyPos("workflows"), "the plan has no workflow", "at least one, with steps")
	}
	for _, f := range r.flows {
		if f.name == "" || strings.Contains(f.name, "/") {
			r.Fault(f.pos, fmt.Sprintf("%q can't be the name of a workflow", f.name), "a name without /")
		}
		stepPart(r).tree(f)
	}
	r.order()
	for _, f := range r.flows {
		r.workflow(f)
	}
	r.sendsSomething()
}

// sendsSomething refuses a plan without any request.
func (r flowPart) sendsSomething() {
	for _, f := range r.flows {
		if f.root.sends() || len(f.file.Steps) == 0 {
			return
		}
	}
	if len(r.flows) > 0 && len(r.Faults) == 0 {
		r.Fault(r.file.KeyPos("workflows"), "no step of the plan sends a request", "at least one such as get: /")
	}
}

// workflow reads one workflow; all have their steps' names by now.
func (r flowPart) workflow(f *flow) {
	r.driven(f)
	r.exchange(f)
	r.errors(f)
	if f.file.Cookies.V.Word == "keep" {
		f.out.KeepJar = true
		if f.out.Load.Kind != hyperscale.LoadClosed {
			r.Fault(f.file.Cookies.Pos(), "cookies can be kept in closed loads only", "a load of virtual users, or no cookies: keep")
		}
	}
	if len(f.file.Steps) == 0 && f.file.Has("steps") {
		r.Fault(f.file.KeyPos("steps"), fmt.Sprintf("the workflow %s has no steps", f.name), "at least one")
	}
	f.out.Steps = stepPart(r).list(f, f.root, nil, f.onError)
}

// errors settles what follows a failed step of a workflow that does not say so.
func (r flowPart) errors(f *flow) {
	f.onError = hyperscale.OnErrorContinue
	if f.out.Load.Kind == hyperscale.LoadOnce {
		f.onError = hyperscale.OnErrorStop
	}
	if r.file.Defaults != nil {
		f.onError = r.onError(f, &r.file.Defaults.OnError, f.onError)
	}
	f.onError = r.onError(f, &f.file.OnError, f.onError)
}

// onError is what an on-error says, or else what counts around it.
func (r flowPart) onError(f *flow, own *yamlfile.Value[choice[onErrors]], around hyperscale.OnError) hyperscale.OnError {
	word := hyperscale.OnError(own.V.Word)
	switch {
	case word == "":
		return around
	case word == hyperscale.OnErrorStopVU && f.out.Load.Kind != hyperscale.LoadClosed:
		r.Fault(own.Pos(), fmt.Sprintf("stop-vu is for closed loads, and that of %s is not closed", f.name), "continue, stop or abort")
	}
	return word
}

// driven reads the load of a workflow with its grace and warm-up.
func (r flowPart) driven(f *flow) {
	warmup, graceful := f.file.Warmup, f.file.Graceful
	load := f.file.Load
	if load != nil {
		before := len(r.Faults)
		f.out.Load = loadPart(r).drive(load)
		warmup, graceful = r.either("warmup", warmup, load.Warmup), r.either("graceful", graceful, load.Graceful)
		if r.given.load == f.name {
			r.outside(before)
		}
	}
	f.out.Warmup = time.Duration(warmup.V)
	f.out.Graceful = defaultGrace
	if k := f.out.Load.Kind; k == hyperscale.LoadOpen || k == hyperscale.LoadSearch {
		f.out.Graceful = openGrace
	}
	if graceful.Set {
		f.out.Graceful = time.Duration(graceful.V)
	}
	r.warmup(f, &warmup)
}

// either is a value that may stand in the workflow or in its load, not in both.
func (r flowPart) either(key string, outer, inner yamlfile.Value[duration]) yamlfile.Value[duration] {
	if outer.Set && inner.Set {
		r.Fault(inner.Pos(), fmt.Sprintf("%q stands in the workflow and in its load", key), "it once")
	}
	if inner.Set {
		return inner
	}
	return outer
}

// warmup refuses a warm-up that leaves nothing.
func (r flowPart) warmup(f *flow, warmup *yamlfile.Value[duration]) {
	length, known := lengthOf(&f.out.Load)
	switch {
	case !warmup.Set:
	case f.out.Load.Kind == hyperscale.LoadOnce:
		r.Fault(warmup.Pos(), "a workflow without load has no warm-up", "a load beside it")
	case f.out.Load.Kind == hyperscale.LoadSearch:
		r.Fault(warmup.Pos(), "a search has no warm-up: the first fifth of each probe is not judged", "no warmup")
	case known && f.out.Warmup >= length && length > 0:
		r.Fault(warmup.Pos(), fmt.Sprintf("the warm-up of %s leaves nothing of a load of %s", hyperscale.FormatDuration(f.out.Warmup), hyperscale.FormatDuration(length)), "a shorter one")
	}
}

// lengthOf is how long a load takes by the plan, if that is known.
func lengthOf(load *hyperscale.Load) (length time.Duration, known bool) {
	switch load.Kind {
	case hyperscale.LoadClosed, hyperscale.LoadOpen:
		for _, s := range load.Stages {
			length += s.Over
		}
		return length, true
	case hyperscale.LoadIterations, hyperscale.LoadEach:
		return load.For, load.For > 0
	}
	return 0, false
}

// flow is the workflow of that name, nil if there is none.
func (r *reader) flow(name string) *flow { return r.byName[name] }

// flowNames are the names of all workflows.
func (r *reader) flowNames() []string {
	var all []string
	for _, f := range r.flows {
		all = append(all, f.name)
	}
	return all
}

// stepNames are the names of all steps.
func (f *flow) stepNames() []string { return slices.Collect(maps.Keys(f.steps)) }

// order reads what workflows wait for and refuses circles.
func (r flowPart) order() {
	for _, f := range r.flows {
		seen := map[string]bool{}
		for _, d := range f.file.After {
			switch {
			case r.flow(d.Name) == nil:
				r.Faults = append(r.Faults, Fault{Pos: d.Pos, What: fmt.Sprintf("there is no workflow %q", d.Name), Meant: r.nearest(d.Name, r.flowNames)})
				continue
			case seen[d.Name]:
				r.Fault(d.Pos, fmt.Sprintf("%q is named twice", d.Name), "each workflow once")
				continue
			}
			seen[d.Name] = true
			f.out.After = append(f.out.After, hyperscale.Dependency{Workflow: d.Name, Always: d.Always})
		}
	}
	if circle := r.circle(); circle != nil {
		f := r.flow(circle[0])
		pos := f.file.KeyPos("after")
		r.Fault(pos, "workflows wait for each other in a circle: "+strings.Join(circle, " after "), "")
		for _, f := range r.flows {
			f.out.After = nil // so that nothing below goes round
		}
	}
}

// circle gives the names of workflows that wait for each other, the first one
// also last; nil if there are none.
func (r flowPart) circle() []string {
	state := map[string]int{} // 1: being visited, 2: done
	var path []string
	var visit func(f *flow) []string
	visit = func(f *flow) []string {
		path = append(path, f.name)
		defer func() { path = path[:len(path)-1] }()
		switch state[f.name] {
		case 1:
			return slices.Clone(path[slices.Index(path, f.name):])
		case 2:
			return nil
		}
		state[f.name] = 1
		for _, d := range f.out.After {
			if found := visit(r.flow(d.Workflow)); found != nil {
				return found
			}
		}
		state[f.name] = 2
		return nil
	}
	for _, f := range r.flows {
		if found := visit(f); found != nil {
			return found
		}
	}
	return nil
}

// follows reports whether f starts after other, directly or through others.
func (r flowPart) follows(f, other *flow) bool {
	seen := map[string]bool{}
	var search func(f *flow) bool
	search = func(f *flow) bool {
		for _, d := range f.out.After {
			if d.Workflow == other.name {
				return true
			}
			if !seen[d.Workflow] {
				seen[d.Workflow] = true
				if search(r.flow(d.Workflow)) {
					return true
				}
			}
		}
		return false
	}
	return search(f)
}

// exchange reads what a workflow exports and uses.
func (r flowPart) exchange(f *flow) {
	for i := range f.file.Export {
		e := &f.file.Export[i]
		switch {
		case f.file.Load != nil:
			r.Fault(e.Pos(), fmt.Sprintf("the workflow %s has a load, and only one without can export", f.name), "no export, or no load")
		case f.given[e.V] == "":
			r.Faults = append(r.Faults, Fault{Pos: e.Pos(), What: fmt.Sprintf("no step captures or sets %q", e.V), Meant: r.nearest(e.V, f.givenNames)})
		case slices.Contains(f.out.Export, e.V):
			r.Fault(e.Pos(), fmt.Sprintf("%q is exported twice", e.V), "each name once")
		default:
			f.out.Export = append(f.out.Export, e.V)
		}
	}
	for i := range f.file.Use {
		r.use(f, &f.file.Use[i])
	}
}

// givenNames are the variables that steps capture or set.
func (f *flow) givenNames() []string { return slices.Collect(maps.Keys(f.given)) }

// use reads one LOCAL: WORKFLOW.NAME.
func (r flowPart) use(f *flow, u *yamlfile.Pair[yamlfile.Value[string]]) {
	r.newName(u.Key, Fault{Pos: u.Pos})
	f.uses[u.Key] = true
	if _, isVar := r.names.vars[u.Key]; isVar {
		r.Fault(u.Pos, fmt.Sprintf("%q is one of the plan's vars already", u.Key), "another name")
	}
	dot := strings.LastIndexByte(u.V.V, '.')
	if dot < 0 {
		if u.V.V != "" {
			r.Fault(u.V.Pos(), fmt.Sprintf("%q names no variable of a workflow", u.V.V), "WORKFLOW.NAME")
		}
		return
	}
	workflow, name := u.V.V[:dot], u.V.V[dot+1:]
	from := r.flow(workflow)
	fault := Fault{Pos: u.V.Pos()}
	switch {
	case from == nil:
		fault.What, fault.Meant = fmt.Sprintf("there is no workflow %q", workflow), r.nearest(workflow, r.flowNames)
	case !exports(from, name):
		fault.What, fault.Meant = fmt.Sprintf("the workflow %s does not export %q", workflow, name), r.nearest(name, func() []string { return slices.Clone(from.out.Export) })
	case !r.follows(f, from):
		fault.What, fault.Expected = fmt.Sprintf("the workflow %s does not start after %s", f.name, workflow), "after: ["+workflow+"]"
	default:
		f.out.Use = append(f.out.Use, hyperscale.Use{Local: u.Key, Workflow: workflow, Name: name})
		return
	}
	r.Faults = append(r.Faults, fault)
}

// exports reports whether a workflow lists the variable as exported.
func exports(f *flow, name string) bool { return slices.Contains(texts(f.file.Export), name) }

// texts are the texts of values.
func texts(values []yamlfile.Value[string]) []string {
	var all []string
	for i := range values {
		all = append(all, values[i].V)
	}
	return all
}
