package stats

import (
	"time"
)

// append appends what a joint keeps apart to b.
func (j *joint) append(b []byte) []byte {
	b = j.moments.append(b)
	return j.nodes.append(b)
}

// read takes what a joint keeps apart into j, which is empty.
func (j *joint) read(r *reader) {
	j.moments.read(r)
	j.nodes.read(r)
}

// append appends the four sets to b.
func (m *moments) append(b []byte) []byte {
	for _, s := range m.each() {
		b = s.append(b)
	}
	return b
}

// read takes four sets.
func (m *moments) read(r *reader) {
	for _, s := range m.each() {
		s.read(r)
	}
}

// append appends the set to b: each span as its distance from the one before and
// its length.
func (s spans) append(b []byte) []byte {
	b = appendUints(b, uint64(len(s)))
	var at time.Duration
	for _, p := range s {
		b = appendUints(b, uint64(p.From-at), uint64(p.To-p.From))
		at = p.To
	}
	return b
}

// read takes a set.
func (s *spans) read(r *reader) {
	set := list(r, spans(nil), maxSpans)
	var at uint64
	for i := range set {
		apart, long := r.uint(), r.uint()
		if apart > uint64(maxJobTime) || long > uint64(maxJobTime) || at+apart+long > uint64(maxJobTime) ||
			long == 0 || i > 0 && apart == 0 {
			r.fail("span %d, %d after the one before", long, apart)
			return
		}
		at += apart
		set[i] = Span{time.Duration(at), time.Duration(at + long)}
		at += long
	}
	*s = set
}

// append appends the nodes to b, by name.
func (n nodes) append(b []byte) []byte {
	b = appendUints(b, uint64(len(n)))
	for _, name := range n.names() {
		one := n[name]
		b = appendText(b, name)
		b = one.readings.append(b)
		b = one.saturated.append(b)
		b = appendInts(b, one.stepped.From, one.stepped.To)
	}
	return b
}

// read takes nodes into n, which is empty.
func (n nodes) read(r *reader) {
	before := ""
	for i := range r.length(maxNodes + 1) {
		name, one := r.text(), new(node)
		one.readings.read(r)
		one.saturated.read(r)
		one.stepped = Span{r.duration(), r.duration()}
		if i > 0 && name <= before {
			r.fail("node %q after %q", name, before)
		}
		if r.err != nil {
			return
		}
		before = name
		n[name] = one
	}
}

// empty makes the window empty and keeps the memory of its counts.
func (w *Window) empty() {
	sums, totals := w.Sums, w.Totals
	sums.empty()
	*w = Window{ID: WindowID{Workflow: w.ID.Workflow}, Sums: sums, Totals: Ledger{Steps: totals.Steps[:0]}}
}

// empty makes the sums empty and keeps the memory of their counts. Names stay in
// the steps beyond the length, to be found there by who fills them again.
func (s *Sums) empty() {
	s.Slots = Slots{}
	s.Lateness.Reset()
	for _, h := range s.Phases.each() {
		h.Reset()
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		step.Requests = Requests{}
		for _, h := range []*Histogram{&step.OKResponse, &step.OtherResponse, &step.Service} {
			h.Reset()
		}
		step.Statuses, step.Checks = step.Statuses[:0], step.Checks[:0]
		step.Errors.empty()
		step.StepErrors.empty()
	}
	s.Steps = s.Steps[:0]
}

// empty makes the set empty and keeps its memory.
func (k *Kinds) empty() { k.kinds, k.other = k.kinds[:0], 0 }
