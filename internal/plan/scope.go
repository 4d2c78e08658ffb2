package plan

import (
	"fmt"

	"hyperscale"
	"hyperscale/internal/expr"
)

// scope is what the templates of one step may name: the plan's names, those that
// its workflow uses of others, and what steps that come before it give.
type scope struct {
	*reader
	flow   *flow
	around *scope // of the step that holds the list; nil: the workflow
	list   *stepList
	index  int  // of the step
	all    bool // all steps of the list come before: for what is judged at its end
}

// inside is the scope of what is judged when all steps of a list have ended.
func (s *scope) inside(l *stepList) *scope {
	return &scope{reader: s.reader, flow: s.flow, around: s, list: l, all: true}
}

// gives reports whether a step that comes before gives the variable.
func (s *scope) gives(name string) bool {
	for ; s != nil; s = s.around {
		for _, i := range s.list.given[name] {
			if s.all || s.list.precedes(i, s.index) {
				return true
			}
		}
	}
	return false
}

// template checks the names of a text.
func (s *scope) template(t *template) {
	faults := t.faults()
	for _, ref := range t.names() {
		s.name(ref, faults(ref.Offset))
	}
}

// condition checks the names of a condition.
func (s *scope) condition(c *condition) {
	if c.Parsed == nil {
		return
	}
	places := c.Node.Places()
	for _, ref := range c.Parsed.Names() {
		s.name(ref, Fault{Pos: places(ref.Offset)})
	}
}

// name checks one use of a name; at is its place.
func (s *scope) name(ref expr.NameRef, at Fault) {
	if s.gives(ref.Name) || s.flow.uses[ref.Name] {
		return
	}
	if v, isVar := s.names.vars[ref.Name]; isVar {
		v.used = true
		for set := range v.sets {
			s.flow.sets[set] = true
		}
		s.room(v, at)
		return
	}
	set, known := s.names.plain(s.reader, ref, at)
	switch {
	case known && set != "":
		s.flow.sets[set] = true
	case known:
	case s.flow.given[ref.Name] != "":
		at.What = fmt.Sprintf("%q comes from the step %q, which does not end before this one", ref.Name, s.flow.given[ref.Name])
		at.Expected = "a step that comes before in the order of needs, or a var to begin with"
		s.Faults = append(s.Faults, at)
	default:
		s.unknown(at, ref.Name, s.flow.known)
	}
}

// room counts the value of a var that is put into a text of a step, and refuses
// those that pass the bound.
func (s *scope) room(v *variable, at Fault) {
	before := s.names.texts
	s.names.texts += v.size
	if before <= largestTexts && s.names.texts > largestTexts {
		at.What = fmt.Sprintf("with the values of vars the texts of steps are longer than %s", hyperscale.FormatSize(largestTexts))
		s.Faults = append(s.Faults, at)
	}
}

// known are the names that belong to the workflow.
func (f *flow) known() []string {
	all := f.givenNames()
	for name := range f.uses {
		all = append(all, name)
	}
	return all
}
