package session

import (
	"math/bits"
	"time"

	"hyperscale"
	"hyperscale/internal/expr"
)

// memory is what a session remembers during an iteration: its variables and its
// data rows. Rooms are used again, so that nothing is allocated once they have
// their size.
type memory struct {
	vars  []variable
	kept  []variable // what steps with once gave; nil: nothing
	rows  [][]string // by data set; no row: nothing could be read
	fault string     // why a row could not be read
}

// variable is a value and its room.
type variable struct {
	text []byte
	set  bool
	json bool // text is JSON other than a string
}

// mostRoom is what a variable or buffer may keep from one iteration to the next.
const mostRoom = 4 << 10

func (v *variable) clear() {
	v.set, v.json = false, false
	if cap(v.text) > mostRoom {
		v.text = nil
	}
}

func (v *variable) take(o *variable) {
	v.text = append(v.text[:0], o.text...)
	v.set, v.json = o.set, o.json
}

// scope is a session as the templates see it.
type scope Session

var _ expr.JSONScope = (*scope)(nil)

// Append appends the text of a variable or column.
func (c *scope) Append(dst []byte, ref expr.Ref) ([]byte, bool) {
	if ref < 0 {
		text, ok := c.column(ref)
		return append(dst, text...), ok
	}
	v := &c.memory.vars[ref]
	if !v.set {
		return dst, false
	}
	return append(dst, v.text...), true
}

// AppendJSON appends a variable or column as JSON.
func (c *scope) AppendJSON(dst []byte, ref expr.Ref) ([]byte, bool) {
	if ref < 0 {
		text, ok := c.column(ref)
		if !ok {
			return dst, false
		}
		return append(expr.JSON.Append(append(dst, '"'), text), '"'), true
	}
	v := &c.memory.vars[ref]
	switch {
	case !v.set:
		return dst, false
	case v.json:
		return append(dst, v.text...), true
	}
	return append(expr.JSON.AppendBytes(append(dst, '"'), v.text), '"'), true
}

// column gives the value of a column in the iteration's row.
func (c *scope) column(ref expr.Ref) (string, bool) {
	at := c.p.values.columns[-1-ref]
	row := c.memory.rows[at.set]
	if int(at.column) >= len(row) {
		return "", false
	}
	return row[at.column], true
}

// Draw draws for a site. Visits of the same step in one iteration differ; other
// steps, whatever their order, change nothing.
func (c *scope) Draw(site uint32) uint64 {
	return c.p.source.Draw(c.iteration.Slot, c.iteration.Pass, uint64(site)<<32|uint64(c.visit))
}

// Now is the wall clock.
func (c *scope) Now() time.Time { return c.p.wall() }

// VU is the number of the virtual user.
func (c *scope) VU() int64 { return c.iteration.VU }

// Iteration is the number of the iteration: of the VU, where VUs loop; of the
// whole load elsewhere.
func (c *scope) Iteration() int64 {
	if c.p.bySlot {
		return int64(c.iteration.Slot)
	}
	return c.iteration.Pass
}

func (p *Program) wall() time.Time {
	if p.Wall == nil {
		return time.Unix(0, 0).UTC()
	}
	return p.Wall()
}

// freshValues makes the values that an iteration begins with. It gives the data
// set that has no row left, nil if all have one.
func (s *Session) freshValues() *setPlan {
	plan := &s.p.values
	if len(plan.vars) == 0 && len(plan.sets) == 0 {
		return nil
	}
	if s.memory == nil {
		s.memory = &memory{vars: make([]variable, len(plan.vars)), rows: make([][]string, len(plan.sets))}
	}
	m := s.memory
	for i := range m.vars {
		m.vars[i].clear()
	}
	m.fault = ""
	for i := range plan.sets {
		if !s.takeRow(i) {
			return &plan.sets[i]
		}
	}
	s.visit = 0
	for i := range plan.inits {
		s.initial(&plan.inits[i])
	}
	for i := range m.kept {
		if m.kept[i].set {
			m.vars[i].take(&m.kept[i])
		}
	}
	return nil
}

// initial sets a variable to what it begins with. Without a value of its own it
// has none.
func (s *Session) initial(first *initPlan) {
	v := &s.memory.vars[first.ref]
	if first.template == nil {
		v.text, v.set, v.json = append(v.text[:0], first.value.Text...), true, first.value.JSON
		return
	}
	text, err := first.template.Append(v.text[:0], (*scope)(s), expr.None)
	v.text, v.set, v.json = text, err == nil, false
}

// takeRow takes the iteration's row of a data set. It is false when a set whose
// rows are given once has none left.
func (s *Session) takeRow(i int) bool {
	set, m := &s.p.values.sets[i], s.memory
	m.rows[i] = m.rows[i][:0]
	total := set.rows.Len()
	n := s.iteration.Row
	switch {
	case set.pick == hyperscale.PickUnique && n >= total:
		return false
	case total == 0:
		return true
	case set.pick == hyperscale.PickShared:
		n %= total
	case set.pick == hyperscale.PickByVU:
		n = s.iteration.VU % total
	case set.pick == hyperscale.PickRandom:
		s.visit = 0
		n = below((*scope)(s).Draw(set.site), total)
	}
	row, err := set.rows.Row(n, m.rows[i])
	if err != nil {
		m.fault = err.Error()
		return true
	}
	m.rows[i] = row
	return true
}

// below maps 64 uniform bits to [0, n), n above zero.
func below(uniform uint64, n int64) int64 {
	high, _ := bits.Mul64(uniform, uint64(n))
	return int64(high)
}

// assign gives a variable a value: text is copied.
func (s *Session) assign(ref int32, text []byte, isJSON, once bool) {
	v := &s.memory.vars[ref]
	v.text, v.set, v.json = append(v.text[:0], text...), true, isJSON
	if !once {
		return
	}
	if s.memory.kept == nil {
		s.memory.kept = make([]variable, len(s.memory.vars))
	}
	s.memory.kept[ref].take(v)
}

// unassign takes a variable's value away.
func (s *Session) unassign(ref int32) { s.memory.vars[ref].clear() }

// Exports gives the variables that the workflow exports, by name, after an
// iteration is over, and the name of the first that has no value: "" if none.
func (s *Session) Exports() (values map[string]Value, missing string) {
	values = map[string]Value{}
	for _, e := range s.p.exports {
		if e.ref < 0 || s.memory == nil || !s.memory.vars[e.ref].set {
			if missing == "" {
				missing = e.name
			}
			continue
		}
		v := &s.memory.vars[e.ref]
		values[e.name] = Value{Text: string(v.text), JSON: v.json}
	}
	return values, missing
}
