package stats

import (
	"maps"
	"slices"
	"time"
)

// AppendBinary appends all that the tally holds, its marks included, to b. The
// same content gives the same bytes.
func (t *Tally) AppendBinary(b []byte) []byte { return t.marks.AppendBinary(t.append(b)) }

// append appends all but the marks to b.
func (t *Tally) append(b []byte) []byte {
	b = append(b, windowFormat)
	b = appendUints(b, uint64(len(t.works)))
	for _, name := range slices.Sorted(maps.Keys(t.works)) {
		b = appendText(b, name)
		b = t.works[name].append(b)
	}
	return t.nodes.append(b)
}

// DecodeTally reads what AppendBinary wrote, all of b: what is not a tally is an
// error, and memory is bounded. The tally goes on as the one that was encoded
// would have.
func DecodeTally(b []byte) (*Tally, error) {
	r, err := decode("tally", b, maxStateBytes, maxStateOctaves)
	if err != nil {
		return nil, err
	}
	t := NewTally()
	t.read(r)
	return t, r.end("tally")
}

// DecodeTotals reads what AppendBinary wrote of [NewTotals], as [DecodeTally] does.
func DecodeTotals(b []byte) (*Tally, error) {
	r := &reader{b: b, octaves: maxStateOctaves}
	t := readTotals(r)
	return t, r.end("totals")
}

// readTotals takes all of a tally without a course.
func readTotals(r *reader) *Tally {
	if v := r.uint(); v != windowFormat {
		r.fail("format %d of totals", v)
	}
	t := NewTotals()
	t.read(r)
	for _, name := range t.Workflows() {
		if c := t.works[name].course; c.width != 0 || len(c.slots)+len(c.steps) > 0 {
			r.fail("totals with a course")
		}
	}
	return t
}

// read takes all of a tally but its format into t.
func (t *Tally) read(r *reader) {
	for range r.length(maxWorkflows) {
		name, w := r.text(), new(work)
		w.read(r)
		if r.err != nil {
			return
		}
		t.works[name] = w
	}
	t.nodes.read(r)
	if v := r.uint(); v != windowFormat {
		r.fail("format %d of marks", v)
	}
	t.marks.read(r)
}

// append appends the workflow's part to b.
func (w *work) append(b []byte) []byte {
	b = w.measured.append(w.warmup.append(b))
	b = appendUints(b, uint64(len(w.answers)))
	b = appendUints(b, w.answers...)
	b = w.load.append(b)
	b = w.moments.append(b)
	return w.course.append(b)
}

// read takes a workflow's part of a tally into w, which is empty.
func (w *work) read(r *reader) {
	w.warmup.read(r)
	w.measured.read(r)
	w.answers = list(r, w.answers, maxSteps)
	for i := range w.answers {
		w.answers[i] = r.uint()
	}
	w.load.read(r)
	w.moments.read(r)
	w.course.read(r)
	steps := len(w.measured.Steps)
	if len(w.answers) > steps || len(w.course.steps) > steps || w.warmup.fits(&w.measured) != nil ||
		len(w.warmup.Steps) > steps {
		r.fail("parts of a workflow do not fit")
	}
}

// append appends the course to b.
func (c *course) append(b []byte) []byte {
	b = appendInts(b, c.width)
	b = appendUints(b, uint64(len(c.slots)))
	for i := range c.slots {
		b = c.slots[i].append(b)
	}
	b = appendUints(b, uint64(len(c.steps)))
	for i := range c.steps {
		b = c.steps[i].append(b)
	}
	return b
}

// append appends the step's course to b.
func (c *stepCourse) append(b []byte) []byte {
	b = appendUints(b, uint64(len(c.points)))
	for i := range c.points {
		p := &c.points[i]
		b = p.Requests.append(b)
		switch {
		case c.dense != nil && c.hot == i:
			b = c.dense.AppendBinary(b)
		case len(p.responses) == 0:
			b = append(b, 0) // an empty histogram
		default:
			b = append(b, p.responses...)
		}
	}
	return b
}

// read takes a course into c, which is empty.
func (c *course) read(r *reader) {
	c.width = r.duration()
	c.slots = list(r, c.slots, MaxPoints)
	for i := range c.slots {
		c.slots[i].read(r)
	}
	c.steps = list(r, c.steps, maxSteps)
	var scratch Histogram
	for i := range c.steps {
		points := list(r, []point(nil), MaxPoints)
		for p := range points {
			points[p].Requests.read(r)
			points[p].responses = r.packed(&scratch)
		}
		c.steps[i].points = points
	}
	widths := c.width / firstWidth
	if widths*firstWidth != c.width || widths&(widths-1) != 0 || c.width > maxJobTime || c.width == 0 && len(c.slots) > 0 {
		r.fail("points %v wide", time.Duration(c.width))
	}
}

// packed takes a histogram and leaves it packed. Nil: it is empty. The scratch
// is for looking at it.
func (r *reader) packed(scratch *Histogram) []byte {
	begin := r.at
	scratch.Reset()
	scratch.read(r)
	if r.err != nil || scratch.Count() == 0 {
		return nil
	}
	return slices.Clone(r.b[begin:r.at])
}
