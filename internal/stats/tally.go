package stats

import (
	"fmt"
	"maps"
	"slices"

	"hyperscale"
)

// Receipt is what became of a window that was added to a tally.
type Receipt int

// The receipts.
const (
	Merged    Receipt = iota // counted; to be acknowledged
	Duplicate                // counted before; to be acknowledged
	Gap                      // not counted: windows before it are missing and to be asked for again from the mark
	Stray                    // of a turn below the share's: kept apart
	Broken                   // no honest child sends it: refused, the result is INVALID
)

// Tally is the exact merge of windows: totals per workflow and step, and their
// course over job time. Its memory does not grow with the length of the run.
// Windows of different shares may come in any order, those of one turn by
// number.
type Tally struct {
	works  map[string]*work
	turns  map[turnID]*turn
	nodes  map[string]*node
	stray  map[string]*Ledger
	broken []string
}

// NewTally is an empty tally.
func NewTally() *Tally {
	return &Tally{
		works: map[string]*work{},
		turns: map[turnID]*turn{},
		nodes: map[string]*node{},
		stray: map[string]*Ledger{},
	}
}

// maxBroken bounds the list of complaints about children.
const maxBroken = 32

// Add merges a window that is next in its turn and says what became of it. It
// keeps nothing of the window's memory.
func (t *Tally) Add(w *Window) Receipt {
	turn := t.turn(w.ID.Workflow, w.ID.Share)
	r := turn.receive(w)
	switch r {
	case Broken:
		t.complain("window %d…%d of %s came after number %d", w.ID.First, w.ID.Seq, turn.name, turn.mark)
		return r
	case Duplicate, Gap:
		return r
	}
	if turn.stray {
		t.addStray(w)
		turn.mark = w.ID.Seq
		return Stray
	}
	if err := t.work(w.ID.Workflow).add(w); err != nil {
		t.complain("window %d of %s: %v", w.ID.Seq, turn.name, err)
		return Broken
	}
	turn.take(w)
	if d := turn.mismatch(w); d != "" {
		t.complain("totals of %s differ from the sum of its windows: %s", turn.name, d)
	}
	t.watch(w)
	return Merged
}

// complain notes what makes the result INVALID.
func (t *Tally) complain(format string, args ...any) {
	if len(t.broken) < maxBroken {
		t.broken = append(t.broken, fmt.Sprintf(format, args...))
	}
}

// addStray counts a window of a turn that no longer holds its slots.
func (t *Tally) addStray(w *Window) {
	l := t.stray[w.ID.Workflow]
	if l == nil {
		l = new(Ledger)
		t.stray[w.ID.Workflow] = l
	}
	l.add(&w.Sums)
}

// Stray is what windows of turns that no longer held their slots counted, for
// one workflow: shown beside the result and no part of it.
func (t *Tally) Stray(workflow string) Ledger {
	if l := t.stray[workflow]; l != nil {
		return l.clone()
	}
	return Ledger{}
}

// Mark is the number of the last window merged of a turn; 0: none.
func (t *Tally) Mark(workflow string, share hyperscale.Share) uint64 {
	if turn := t.turns[idOf(workflow, share)]; turn != nil {
		return turn.mark
	}
	return 0
}

// Unfinished names the turns whose last window has not come, by name. Turns
// that others took over from are not among them.
func (t *Tally) Unfinished() []string {
	var names []string
	for _, turn := range t.turns {
		if !turn.final && !turn.stray {
			names = append(names, turn.name)
		}
	}
	slices.Sort(names)
	return names
}

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
	for _, name := range slices.Sorted(maps.Keys(t.nodes)) {
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
func (t *Tally) Nodes() []Readings {
	var list []Readings
	for _, name := range slices.Sorted(maps.Keys(t.nodes)) {
		list = append(list, t.nodes[name].readings)
	}
	return list
}
