package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/plan/yamlfile"
)

// stepPart reads the steps of workflows.
type stepPart struct{ *reader }

// stepNode is a step while it is read.
type stepNode struct {
	file   *stepFile
	kind   hyperscale.StepKind
	method *template // of a request
	url    *template
	name   string
	lists  []*stepList // of group and parallel one, of choose one for each branch
}

// stepList is a list of steps while it is read.
type stepList struct {
	nodes    []*stepNode
	parallel bool             // its steps start together
	inOrder  bool             // each step needs the one before
	given    map[string][]int // variable → indexes of the steps that capture or set it, also within
	needs    [][]int
	before   []bits // per step: those that come before it in the order of needs; nil when inOrder
}

// bits is a set of indexes.
type bits []uint64

func (b bits) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

// tree finds out what each step of a workflow is, and names them all.
func (r stepPart) tree(f *flow) {
	f.root = r.treeList(f, f.file.Steps, false)
	taken := map[string]bool{}
	f.root.each(func(n *stepNode) {
		name := &n.file.Name
		if !name.Set {
			return
		}
		n.name = name.V
		switch {
		case n.name == "" && name.Node.Kind == yamlfile.Text:
			r.Fault(name.Pos(), "the name of a step is empty", "a name, or none")
		case n.name != "" && taken[n.name]:
			r.Fault(name.Pos(), fmt.Sprintf("the name %q is taken by a step above", n.name), "each name once in the workflow")
		}
		taken[n.name] = true
	})
	next := map[string]int{}
	f.root.each(func(n *stepNode) {
		if !n.file.Name.Set {
			n.name = freeName(n.defaultName(), taken, next)
			taken[n.name] = true
		}
		f.steps[n.name] = true
	})
	f.root.collect(f)
}

// freeName is name, or name with the first number that makes it unique.
func freeName(name string, taken map[string]bool, next map[string]int) string {
	free := name
	for n := max(next[name], 2); taken[free]; n++ {
		free = fmt.Sprintf("%s #%d", name, n)
		next[name] = n + 1
	}
	return free
}

// treeList finds out what the steps of a list are.
func (r stepPart) treeList(f *flow, files []stepFile, parallel bool) *stepList {
	l := &stepList{parallel: parallel, given: map[string][]int{}}
	for i := range files {
		n := &stepNode{file: &files[i]}
		r.verb(f, n)
		l.nodes = append(l.nodes, n)
	}
	return l
}

// each calls do for every step, nested ones after the one that holds them.
func (l *stepList) each(do func(n *stepNode)) {
	for _, n := range l.nodes {
		do(n)
		for _, inner := range n.lists {
			inner.each(do)
		}
	}
}

// sends reports whether a step of the list is a request.
func (l *stepList) sends() (found bool) {
	l.each(func(n *stepNode) { found = found || n.kind == hyperscale.StepRequest })
	return found
}

// collect notes which steps give which variables.
func (l *stepList) collect(f *flow) {
	for i, n := range l.nodes {
		give := func(name string) {
			if at := l.given[name]; len(at) == 0 || at[len(at)-1] != i {
				l.given[name] = append(at, i)
			}
			if f.given[name] == "" {
				f.given[name] = n.name
			}
		}
		for _, inner := range n.lists {
			inner.collect(f)
			for name := range inner.given {
				give(name)
			}
		}
		for _, c := range n.file.Capture {
			give(c.Key)
		}
		for _, s := range n.file.Set {
			give(s.Key)
		}
	}
}

// verbKeys are the verbs in the order that messages list them.
var verbKeys = []string{"get", "post", "put", "patch", "delete", "head", "options", "request", "pause", "set", "group", "parallel", "choose"}

// stepKeys are the keys of steps, requestKeys those that only requests have,
// groupKeys those of groups.
var (
	stepKeys    = yamlfile.KeysOf[stepFile]()
	requestKeys = slices.Concat(yamlfile.KeysOf[optionsFile](), yamlfile.KeysOf[bodyFile](), yamlfile.KeysOf[answerFile]())
	groupKeys   = yamlfile.KeysOf[groupFile]()
)

// verb finds out what a step does.
func (r stepPart) verb(f *flow, n *stepNode) {
	var found []string
	for _, e := range n.file.Node.Entries {
		if slices.Contains(verbKeys, e.Key) {
			found = append(found, e.Key)
		}
	}
	if len(found) == 0 {
		n.kind = hyperscale.StepSet
		mistyped := func(e yamlfile.Entry) bool { return !slices.Contains(stepKeys, e.Key) }
		if !slices.ContainsFunc(n.file.Node.Entries, mistyped) { // else that is told
			r.Fault(n.file.Pos(), "this step does nothing", "one of "+yamlfile.OneOf(verbKeys))
		}
		return
	}
	for _, more := range found[1:] {
		r.Fault(n.file.KeyPos(more), fmt.Sprintf("%q beside %q: a step has one verb", more, found[0]), "two steps")
	}
	r.takeVerb(f, n, found[0])
	for _, e := range n.file.Node.Entries {
		if slices.Contains(requestKeys, e.Key) && n.kind != hyperscale.StepRequest {
			r.Fault(e.Pos, fmt.Sprintf("%q belongs to a request, and this step is a %s", e.Key, found[0]), "")
		}
		if slices.Contains(groupKeys, e.Key) && n.kind != hyperscale.StepGroup {
			r.Fault(e.Pos, fmt.Sprintf("%q belongs to a group, and this step is a %s", e.Key, found[0]), "")
		}
	}
}

// takeVerb takes what belongs to a verb.
func (r stepPart) takeVerb(f *flow, n *stepNode, verb string) {
	file := n.file
	urls := map[string]*template{
		"get": &file.Get, "post": &file.Post, "put": &file.Put, "patch": &file.Patch, "delete": &file.Delete, "head": &file.Head, "options": &file.verbsFile.Options,
	}
	switch verb {
	case "request":
		n.kind, n.method, n.url = hyperscale.StepRequest, &template{}, &template{}
		if file.Request != nil {
			n.method, n.url = &file.Request.Method, &file.Request.URL
		}
	case "pause":
		n.kind = hyperscale.StepPause
	case "set":
		n.kind = hyperscale.StepSet
	case "group":
		n.kind, n.lists = hyperscale.StepGroup, []*stepList{r.treeList(f, file.Group, false)}
	case "parallel":
		n.kind, n.lists = hyperscale.StepParallel, []*stepList{r.treeList(f, file.Parallel, true)}
	case "choose":
		n.kind = hyperscale.StepChoose
		for i := range file.Choose {
			n.lists = append(n.lists, r.treeList(f, file.Choose[i].Steps, false))
		}
	default:
		n.kind, n.url = hyperscale.StepRequest, urls[verb]
		n.method = &template{Text: strings.ToUpper(verb), Node: n.url.Node}
	}
}

// defaultName is the verb and what it is about: of requests the path as it is
// written.
func (n *stepNode) defaultName() string {
	switch n.kind {
	case hyperscale.StepRequest:
		return n.method.Text + " " + n.url.Text
	case hyperscale.StepPause:
		if n.file.Pause.Node != nil {
			return "pause " + n.file.Pause.Node.Text
		}
		return "pause"
	case hyperscale.StepSet:
		var all []string
		for _, s := range n.file.Set {
			all = append(all, s.Key)
		}
		return "set " + strings.Join(all, ", ")
	case hyperscale.StepGroup:
		return "group"
	case hyperscale.StepParallel:
		return "parallel"
	}
	return "choose"
}

// step reads one step.
func (r stepPart) step(sc *scope, n *stepNode, around hyperscale.OnError) hyperscale.Step {
	file := n.file
	s := hyperscale.Step{Name: n.name, Kind: n.kind, Once: file.Once.V, OnError: flowPart(r).onError(sc.flow, &file.OnError, around), When: file.When.Text}
	if file.Once.V && sc.flow.out.Load.Kind != hyperscale.LoadClosed && sc.flow.out.Load.Kind != hyperscale.LoadEach {
		r.Fault(file.Once.Pos(), fmt.Sprintf("once is for closed and each loads, and that of %s is neither", sc.flow.name), "")
	}
	sc.condition(&file.When)
	switch n.kind {
	case hyperscale.StepRequest:
		s.Request = requestPart(r).request(sc, n)
	case hyperscale.StepPause:
		s.Pause = hyperscale.Pause(file.Pause.V)
		if s.Pause.Longest() > longestLoad {
			r.Fault(file.Pause.Pos(), "the pause is longer than a year", "")
		}
	case hyperscale.StepSet:
		s.Set = r.set(sc, n)
	case hyperscale.StepGroup, hyperscale.StepParallel:
		s.Steps = r.inner(sc, n, s.OnError)
	case hyperscale.StepChoose:
		s.Choices = r.choose(sc, n, s.OnError)
	}
	s.Repeat, s.Until = file.Repeat.V, file.Until.Text
	return s
}

// set reads the variables of a set.
func (r stepPart) set(sc *scope, n *stepNode) []hyperscale.Pair {
	if len(n.file.Set) == 0 && n.file.Has("set") {
		r.Fault(n.file.KeyPos("set"), "nothing is set", "set: {NAME: TEXT}")
	}
	var all []hyperscale.Pair
	for i := range n.file.Set {
		v := &n.file.Set[i]
		r.newName(v.Key, Fault{Pos: v.Pos})
		sc.template(&v.V)
		all = append(all, hyperscale.Pair{Name: v.Key, Value: v.V.Text})
	}
	return all
}

// inner reads the steps of a group or parallel.
func (r stepPart) inner(sc *scope, n *stepNode, onError hyperscale.OnError) []hyperscale.Step {
	key := map[hyperscale.StepKind]string{hyperscale.StepGroup: "group", hyperscale.StepParallel: "parallel"}[n.kind]
	if len(n.lists[0].nodes) == 0 {
		r.Fault(n.file.KeyPos(key), fmt.Sprintf("this %s has no steps", key), "at least one")
	}
	r.atLeastOne(&n.file.Repeat, "repeat")
	steps := r.list(sc.flow, n.lists[0], sc, onError)
	sc.inside(n.lists[0]).condition(&n.file.Until)
	if n.file.Has("until") && !n.file.Repeat.Set && !waits(steps) {
		r.Fault(n.file.KeyPos("until"), "a group without requests and pauses might never end", "repeat: N beside until")
	}
	return steps
}

// waits reports whether steps take any time.
func waits(steps []hyperscale.Step) bool {
	return slices.ContainsFunc(steps, func(s hyperscale.Step) bool {
		inChoice := func(c hyperscale.Choice) bool { return waits(c.Steps) }
		return s.Kind == hyperscale.StepRequest || s.Kind == hyperscale.StepPause && s.Pause.Longest() >= time.Millisecond ||
			waits(s.Steps) || slices.ContainsFunc(s.Choices, inChoice)
	})
}

// choose reads the branches of a choose.
func (r stepPart) choose(sc *scope, n *stepNode, onError hyperscale.OnError) []hyperscale.Choice {
	const heaviest = 1_000_000_000
	if len(n.lists) == 0 {
		r.Fault(n.file.KeyPos("choose"), "this choose has no branches", "{weight: N, steps: […]}")
	}
	var all []hyperscale.Choice
	for i, l := range n.lists {
		file := &n.file.Choose[i]
		weight := r.atLeastOne(&file.Weight, "weight")
		if weight > heaviest {
			r.Fault(file.Weight.Pos(), fmt.Sprintf("the weight is above %d", heaviest), "")
		}
		if len(l.nodes) == 0 && file.Has("steps") {
			r.Fault(file.KeyPos("steps"), "this branch has no steps", "at least one")
		}
		all = append(all, hyperscale.Choice{Weight: weight, Steps: r.list(sc.flow, l, sc, onError)})
	}
	return all
}
