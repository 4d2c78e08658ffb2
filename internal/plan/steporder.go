package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"hyperscale"
)

// list reads the steps of a list; around is where the list stands, nil for that
// of the workflow.
func (r stepPart) list(f *flow, l *stepList, around *scope, onError hyperscale.OnError) []hyperscale.Step {
	r.needs(l)
	out := make([]hyperscale.Step, len(l.nodes))
	for i, n := range l.nodes {
		sc := &scope{reader: r.reader, flow: f, around: around, list: l, index: i}
		out[i] = r.step(sc, n, onError)
		out[i].Needs = l.needs[i]
	}
	return out
}

// needs finds the steps that each step of a list needs, and from them which come
// before which.
func (r stepPart) needs(l *stepList) {
	index := map[string]int{}
	for i, n := range l.nodes {
		index[n.name] = i
	}
	l.needs, l.inOrder = make([][]int, len(l.nodes)), !l.parallel
	for i, n := range l.nodes {
		l.inOrder = l.inOrder && !n.file.Has("needs")
		switch {
		case n.file.Has("needs") && l.parallel:
			r.Fault(n.file.KeyPos("needs"), "steps of parallel start together and need nothing", "a group of these steps, or no needs")
		case n.file.Has("needs"):
			l.needs[i] = r.named(n, i, index)
		case i > 0 && !l.parallel:
			l.needs[i] = []int{i - 1}
		}
	}
	if l.inOrder {
		return
	}
	if circle := l.order(); circle != nil {
		first := l.nodes[circle[0]]
		var path []string
		for _, i := range circle {
			path = append(path, l.nodes[i].name)
		}
		r.Fault(first.file.KeyPos("needs"), "steps need each other in a circle: "+strings.Join(path, " needs "), "")
		for i := range l.needs {
			l.needs[i] = nil
		}
		l.order()
	}
}

// named finds the steps that a step needs by name.
func (r stepPart) named(n *stepNode, i int, index map[string]int) []int {
	found := []int{}
	for k := range n.file.Needs {
		need := &n.file.Needs[k]
		at, ok := index[need.V]
		switch {
		case need.V == "":
		case !ok:
			names := func() []string { return slices.Collect(maps.Keys(index)) }
			r.Faults = append(r.Faults, Fault{Pos: need.Pos(), What: fmt.Sprintf("no step of this list is named %q", need.V), Meant: r.nearest(need.V, names)})
		case at == i:
			r.Fault(need.Pos(), "a step can't need itself", "")
		case slices.Contains(found, at):
			r.Fault(need.Pos(), fmt.Sprintf("%q is needed twice", need.V), "each step once")
		default:
			found = append(found, at)
		}
	}
	return found
}

// order fills in which steps come before which. If steps need each other in a
// circle it gives the circle, the first one also last.
func (l *stepList) order() []int {
	n := len(l.nodes)
	l.before = make([]bits, n)
	state := make([]int8, n) // 1: being visited, 2: done
	for start := range l.nodes {
		path := []int{start}
		for len(path) > 0 {
			i := path[len(path)-1]
			state[i] = 1
			next := -1
			for _, need := range l.needs[i] {
				if state[need] == 1 {
					return append(slices.Clone(path[slices.Index(path, need):]), need)
				}
				if state[need] == 0 {
					next = need
				}
			}
			if next >= 0 {
				path = append(path, next)
				continue
			}
			l.settle(i)
			state[i] = 2
			path = path[:len(path)-1]
			for len(path) > 0 && state[path[len(path)-1]] == 2 {
				path = path[:len(path)-1]
			}
		}
	}
	return nil
}

// precedes reports whether step i ends before step j begins.
func (l *stepList) precedes(i, j int) bool {
	if l.inOrder {
		return i < j
	}
	return l.before[j].has(i)
}

// settle fills in what comes before a step, once that is known of all it needs.
func (l *stepList) settle(i int) {
	if l.before[i] != nil {
		return
	}
	l.before[i] = make(bits, (len(l.nodes)+63)/64)
	for _, need := range l.needs[i] {
		for w, word := range l.before[need] {
			l.before[i][w] |= word
		}
		l.before[i][need/64] |= 1 << (need % 64)
	}
}
