package stats

import (
	"maps"
	"slices"

	"hyperscale"
)

// Most that an encoding of marks or of a tally may have or ask for.
const (
	maxStateBytes   = 512 << 20
	maxStateOctaves = 1 << 19 // 512 MiB of buckets
	maxTurns        = 1 << 20
	maxWorkflows    = 1 << 16
)

// AppendBinary appends all that the marks hold to b. The same content gives the
// same bytes.
func (m *Marks) AppendBinary(b []byte) []byte {
	turns := make([]*turn, 0, len(m.turns))
	for _, t := range m.turns {
		turns = append(turns, t)
	}
	return m.append(b, turns, m.flows())
}

// flows are the workflows of which something is known besides turns.
func (m *Marks) flows() map[string]bool {
	flows := map[string]bool{}
	for name := range m.shapes {
		flows[name] = true
	}
	for name := range m.stray {
		flows[name] = true
	}
	return flows
}

// AppendChange appends to b what changed since the last change was taken, and
// forgets that it did. [Marks.Apply] with every change since they were new, or
// since all of them was encoded, gives the marks again.
func (m *Marks) AppendChange(b []byte) []byte {
	b = m.append(b, m.changed, m.changedFlows)
	for _, t := range m.changed {
		t.changed = false
	}
	m.changed = m.changed[:0]
	clear(m.changedFlows)
	return b
}

// append appends some turns and workflows, and the complaints, to b.
func (m *Marks) append(b []byte, turns []*turn, flows map[string]bool) []byte {
	b = append(b, windowFormat)
	b = appendUints(b, uint64(len(flows)))
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		b = appendText(b, name)
		b = appendSums(b, m.shapes[name])
		stray := m.stray[name]
		if b = appendBool(b, stray != nil); stray != nil {
			b = stray.append(b)
		}
	}
	b = appendUints(b, uint64(len(m.broken)))
	for _, text := range m.broken {
		b = appendText(b, text)
	}
	slices.SortFunc(turns, func(x, y *turn) int { return x.id.compare(y.id) })
	b = appendUints(b, uint64(len(turns)))
	workflow := ""
	for _, t := range turns {
		b = t.append(b, &workflow)
	}
	return b
}

// appendSums appends sums to b, which may be nil.
func appendSums(b []byte, s *Sums) []byte {
	if b = appendBool(b, s != nil); s != nil {
		b = s.append(b)
	}
	return b
}

// append appends the turn to b; its workflow only if it is not that of the one
// before.
func (t *turn) append(b []byte, workflow *string) []byte {
	other := t.id.workflow != *workflow
	if b = appendBool(b, other); other {
		*workflow = t.id.workflow
		b = appendText(b, t.id.workflow)
	}
	b = appendInts(b, t.id.lo, t.id.hi, t.id.of)
	b = appendInts(b, t.from, t.reach, t.fence)
	var flags uint64
	for i, f := range t.flags() {
		if *f {
			flags |= 1 << i
		}
	}
	b = appendUints(b, uint64(t.id.turn), t.mark, t.adjustment, flags)
	if t.past {
		b = appendUints(b, t.stray)
	}
	return t.sum.append(b)
}

// flags are the turn's truth values in the order in which they are encoded.
func (t *turn) flags() [4]*bool { return [4]*bool{&t.final, &t.covered, &t.past, &t.closed} }

// DecodeMarks reads what AppendBinary wrote, all of b: what is not that is an
// error, and memory is bounded.
func DecodeMarks(b []byte) (*Marks, error) {
	m := NewMarks()
	if err := m.Apply(b); err != nil {
		return nil, err
	}
	return m, nil
}

// Apply takes over what AppendBinary or AppendChange wrote, all of b. After an
// error the marks are of no use.
func (m *Marks) Apply(b []byte) error {
	r, err := decode("marks", b, maxStateBytes, maxStateOctaves)
	if err != nil {
		return err
	}
	m.read(r)
	return r.end("marks")
}

// read takes all of marks but their format into m.
func (m *Marks) read(r *reader) {
	for range r.length(maxWorkflows) {
		name := r.text()
		if shape := r.someSums(); shape != nil {
			m.shapes[name] = shape
		}
		if r.bool() {
			l := new(Ledger)
			l.read(r)
			if known := m.shapes[name]; len(l.Steps) > 0 && (known == nil || len(l.Steps) > len(known.Steps)) {
				r.fail("stray of %d steps", len(l.Steps))
				return
			}
			m.stray[name] = l
		}
	}
	m.broken = list(r, m.broken, maxBroken)
	for i := range m.broken {
		m.broken[i] = r.text()
	}
	workflow := ""
	for range r.length(maxTurns) {
		t := new(turn)
		t.read(r, &workflow)
		if r.err == nil && !t.fits(m.shapes[t.id.workflow]) {
			r.fail("turn %v of %d steps", t.id, len(t.sum.Steps))
		}
		if r.err != nil {
			return
		}
		m.turns[t.id] = t
		m.alone(t.id)
	}
}

// someSums takes sums, or nil.
func (r *reader) someSums() *Sums {
	if !r.bool() {
		return nil
	}
	s := new(Sums)
	s.read(r)
	return s
}

// read takes a turn; its workflow is the given one unless it says another.
func (t *turn) read(r *reader, workflow *string) {
	if r.bool() {
		*workflow = r.text()
	}
	t.id = turnID{workflow: *workflow, lo: r.int(), hi: r.int(), of: r.int()}
	t.from, t.reach, t.fence = r.duration(), r.duration(), r.duration()
	t.id.turn = hyperscale.Turn(r.uint())
	r.uints(&t.mark, &t.adjustment)
	flags := r.uint()
	for i, f := range t.flags() {
		*f = flags>>i&1 == 1
	}
	if t.past {
		t.stray = r.uint()
	}
	t.sum.read(r)
}

// fits reports whether the turn can be one of a workflow of the given shape; nil
// is one that nobody told of.
func (t *turn) fits(shape *Sums) bool {
	share := hyperscale.Share{Lo: t.id.lo, Hi: t.id.hi, Of: t.id.of}
	known := 0
	if shape != nil {
		known = len(shape.Steps)
	}
	return share.Valid() && len(t.sum.Steps) <= known
}
