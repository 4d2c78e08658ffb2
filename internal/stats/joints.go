package stats

import (
	"cmp"
	"slices"

	"hyperscale"
)

// Joints merges windows of many turns into few: those of one part of one workflow whose
// intervals begin in the same second of job time and end in the same second, in
// one stretch, under one adjustment, become one window, their *joint*. Of what a
// tally or a watch makes of windows nothing is lost thereby: joints count as the
// windows in them do, in any order, however they were divided among joints.
//
// A joint has a workflow and its part, but no number; a [Stream] gives it one, and its
// own share, when it is to be handed on.
type Joints struct{ open map[jointKey]*Window }

// jointKey names the windows that make one joint.
type jointKey struct {
	workflow   string
	part       hyperscale.Share
	from, to   int64 // seconds: the one begun, the one reached into
	stretch    Stretch
	adjustment uint64
}

// compare is the order of joints.
func (k jointKey) compare(o jointKey) int {
	return cmp.Or(cmp.Compare(k.workflow, o.workflow), compareShares(k.part, o.part), cmp.Compare(k.from, o.from), cmp.Compare(k.to, o.to),
		cmp.Compare(k.stretch, o.stretch), cmp.Compare(k.adjustment, o.adjustment))
}

func compareShares(a, b hyperscale.Share) int {
	return cmp.Or(cmp.Compare(a.Turn, b.Turn), cmp.Compare(a.Lo, b.Lo), cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Of, b.Of), cmp.Compare(a.From, b.From))
}

// NewJoints has no joint yet.
func NewJoints() *Joints { return &Joints{open: map[jointKey]*Window{}} }

// Add takes in a window, or a joint, that was Merged by the marks of its job: it
// must fit the others of its workflow. Those of one part are joined; the zero value
// is the part of jobs that have none. It keeps nothing of the window's memory.
func (j *Joints) Add(w *Window, part hyperscale.Share) {
	key := jointKey{w.ID.Workflow, part, int64(w.From / firstWidth), ceilSecond(w.To), w.Stretch, w.Adjustment}
	into := j.open[key]
	if into == nil {
		into = &Window{ID: WindowID{Workflow: w.ID.Workflow, Share: part}, Interval: w.Interval, Adjustment: w.Adjustment, joint: newJoint()}
		j.open[key] = into
	}
	if err := into.Sums.Merge(&w.Sums); err != nil {
		panic("stats: a window was not received before it was joined: " + err.Error())
	}
	into.From, into.To = min(into.From, w.From), max(into.To, w.To)
	into.joint.add(w)
}

// Len is how many joints there are.
func (j *Joints) Len() int { return len(j.open) }

// Cut gives the joints, in an order that is always the same, and begins anew.
func (j *Joints) Cut() []*Window {
	keys := make([]jointKey, 0, len(j.open))
	for k := range j.open {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, jointKey.compare)
	list := make([]*Window, len(keys))
	for i, k := range keys {
		list[i] = j.open[k]
	}
	clear(j.open)
	return list
}

// joint is what a joint keeps of its windows that their sum does not tell.
type joint struct {
	moments
	nodes nodes
}

// newJoint is a joint of nothing.
func newJoint() *joint { return &joint{nodes: nodes{}} }

// add takes in a window.
func (j *joint) add(w *Window) {
	j.moments.add(w)
	j.nodes.add(w)
}

// Within gives the nodes that a joint tells of the names by which they are known
// where those of other places are, too: this one's in front.
func (w *Window) Within(place string) *Window {
	if w.joint == nil || place == "" {
		return w
	}
	named := nodes{}
	for _, name := range w.joint.nodes.names() {
		n := w.joint.nodes[name]
		n.readings.Node = place + name
		named.at(place + name).add(n)
	}
	w.joint.nodes = named
	return w
}

// Readings are what the window carries of self-watch: one node's, or those of
// all nodes in a joint, by name.
func (w *Window) Readings() []Readings {
	if w.joint != nil {
		return w.joint.nodes.list()
	}
	if w.Watch == (Readings{}) {
		return nil
	}
	return []Readings{w.Watch}
}

// addActive puts the job time that the window tells of into a set.
func (w *Window) addActive(to *spans) {
	if w.joint != nil {
		to.addAll(w.joint.active)
		return
	}
	to.add(w.From, w.To)
}

// moments are the job time that some windows of one workflow told of, and when
// something was wrong in it.
type moments struct {
	active  spans
	short   spans // slots were missed for the generator's own reasons
	refused spans // slots were refused by max-in-flight
	late    spans // lateness was beyond what is always allowed, the warm-up left out
}

// each gives the four sets in the order in which they are encoded.
func (m *moments) each() [4]*spans { return [4]*spans{&m.active, &m.short, &m.refused, &m.late} }

// add takes in a window.
func (m *moments) add(w *Window) {
	if w.joint != nil {
		from := w.joint.moments.each()
		for i, s := range m.each() {
			s.addAll(*from[i])
		}
		return
	}
	m.active.add(w.From, w.To)
	if w.Missed > w.Refused {
		m.short.add(w.From, w.To)
	}
	if w.Refused > 0 {
		m.refused.add(w.From, w.To)
	}
	if w.Stretch != InWarmup && tooLate(&w.Lateness) {
		m.late.add(w.From, w.To)
	}
}

// tooLate reports whether lateness was beyond what is always allowed.
func tooLate(h *Histogram) bool {
	return h.Max() > defaultLimits.Lateness && h.Quantile(99) > defaultLimits.Lateness
}

// node is what is known of one node.
type node struct {
	readings  Readings
	saturated spans
	stepped   Span // when the greatest clock step was seen, first
}

// nodes are nodes by name.
type nodes map[string]*node

// maxNodes bounds how many nodes are told apart; the rest is summed under one.
const maxNodes = 1 << 14

// add takes in the readings that a window carries.
func (n nodes) add(w *Window) {
	if w.joint != nil {
		for _, name := range w.joint.nodes.names() {
			n.at(name).add(w.joint.nodes[name])
		}
		return
	}
	if w.Watch == (Readings{}) {
		return
	}
	one := node{readings: w.Watch, stepped: Span{w.From, w.To}}
	one.saturated.add(w.From, w.From+min(w.Watch.Saturated, w.To-w.From))
	n.at(w.Watch.Node).add(&one)
}

// at is the node of that name.
func (n nodes) at(name string) *node {
	if n[name] == nil && len(n) >= maxNodes {
		name = "others"
	}
	if n[name] == nil {
		n[name] = new(node)
	}
	return n[name]
}

// add takes in what else is known of the node.
func (n *node) add(o *node) {
	step, known := o.readings.ClockStep, n.readings.ClockStep
	if step > known || step == known && step > 0 && o.stepped.before(n.stepped) {
		n.stepped = o.stepped
	}
	n.saturated.addAll(o.saturated)
	n.readings.Merge(o.readings)
}

// before is the order of spans.
func (s Span) before(o Span) bool { return s.From < o.From || s.From == o.From && s.To < o.To }

// names are the nodes' names, sorted.
func (n nodes) names() []string {
	names := make([]string, 0, len(n))
	for name := range n {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// list gives every node's readings, by name.
func (n nodes) list() []Readings {
	var list []Readings
	for _, name := range n.names() {
		list = append(list, n[name].readings)
	}
	return list
}

// Active is all job time that the workflow's windows told of, first to last.
func (t *Tally) Active(workflow string) (from, to hyperscale.JobTime) {
	if w := t.works[workflow]; w != nil {
		b := w.active.bounds()
		return b.From, b.To
	}
	return 0, 0
}

// joined is the window's joint, or a new one of it alone.
func (w *Window) joined() *joint {
	if w.joint != nil {
		return w.joint
	}
	j := newJoint()
	j.add(w)
	return j
}
