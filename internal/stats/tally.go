package stats

import (
	"bytes"
	"maps"
	"slices"

	"hyperscale"
)

// Tally is the exact merge of windows: totals per workflow and step, and their
// course over job time. Its memory does not grow with the length of the run.
type Tally struct {
	works map[string]*work
	marks *Marks
	nodes nodes
	plain bool // it keeps no course
}

// NewTally is an empty tally.
func NewTally() *Tally {
	return &Tally{works: map[string]*work{}, marks: NewMarks(), nodes: nodes{}}
}

// NewTotals is an empty tally that keeps totals alone: it has no course over job time,
// which is most of what a tally holds.
func NewTotals() *Tally {
	t := NewTally()
	t.plain = true
	return t
}

// Marks is where the tally's windows are received. The owner of a job receives
// there itself, collects in [Joints] what is Merged, and adds only joints.
func (t *Tally) Marks() *Marks { return t.marks }

// Add receives a window, merges it if it is next in its turn and says what
// became of it. It keeps nothing of the window's memory.
func (t *Tally) Add(w *Window) Receipt {
	r := t.marks.Receive(w)
	if r == Merged {
		t.AddJoint(w)
	}
	return r
}

// AddJoint merges a window that was received elsewhere, as it is: mostly a joint
// that [Joints] made. One that does not fit the others of its workflow makes the
// result INVALID.
func (t *Tally) AddJoint(w *Window) {
	work := t.work(w.ID.Workflow)
	if err := work.add(w); err != nil {
		t.marks.complain("%s: %v", w.ID.Workflow, err)
		return
	}
	if !t.plain {
		work.course.add(w)
	}
	t.nodes.add(w)
}

// Close ends a turn of the tally's own marks and counts its losses; see
// [Marks.Close].
func (t *Tally) Close(workflow string, share hyperscale.Share, l Losses) *Window {
	w := t.marks.Close(workflow, share, l)
	if w != nil {
		t.AddJoint(w)
	}
	return w
}

// Stray is what windows of turns that no longer held their slots counted; see
// [Marks.Stray].
func (t *Tally) Stray(workflow string) Ledger { return t.marks.Stray(workflow) }

// Unfinished names the turns whose last window has not come, by name. Turns
// that others took over from are not among them.
func (t *Tally) Unfinished() []string {
	var names []string
	for id, turn := range t.marks.turns {
		if !turn.over() && !turn.covered {
			names = append(names, id.String())
		}
	}
	slices.Sort(names)
	return names
}

// Same reports whether two tallies count the same, in the same course of time. Who
// delivered it to them does not matter, and is left out.
func Same(a, b *Tally) bool { return bytes.Equal(a.append(nil), b.append(nil)) }

// Workflows are the names of all workflows that any window told of, sorted.
func (t *Tally) Workflows() []string { return slices.Sorted(maps.Keys(t.works)) }

// Steps are the names of a workflow's steps in the plan's order, groups
// included; none if no window told of it.
func (t *Tally) Steps(workflow string) []string {
	w := t.works[workflow]
	if w == nil {
		return nil
	}
	names := make([]string, len(w.measured.Steps))
	for i := range names {
		names[i] = w.measured.Steps[i].Name
	}
	return names
}

// work is the workflow's part of the tally.
func (t *Tally) work(name string) *work {
	w := t.works[name]
	if w == nil {
		w = new(work)
		t.works[name] = w
	}
	return w
}

// Generator is what all nodes' self-watch read over the whole run: times and
// levels of several nodes add up, but for the clock step, which is the greatest.
func (t *Tally) Generator() Readings {
	var all Readings
	for _, name := range t.nodes.names() {
		r := t.nodes[name].readings
		levels := Readings{
			Lanes: all.Lanes + r.Lanes, RSS: all.RSS + r.RSS,
			Descriptors: all.Descriptors + r.Descriptors, DescriptorCap: all.DescriptorCap + r.DescriptorCap,
			Ports: all.Ports + r.Ports, PortCap: all.PortCap + r.PortCap,
		}
		all.Merge(r)
		all.Merge(levels)
	}
	if len(t.nodes) > 1 {
		all.Node = ""
	}
	return all
}

// Nodes are the readings of every node over the whole run, by name.
func (t *Tally) Nodes() []Readings { return t.nodes.list() }
