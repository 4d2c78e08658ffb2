package stats

import (
	"sort"
	"time"

	"hyperscale"
)

// maxSpans bounds a set of spans: beyond it the narrowest gap is closed.
const maxSpans = 4096

// Span is the stretch of job time [From, To).
type Span struct{ From, To hyperscale.JobTime }

// spans is a set of stretches of job time as its maximal spans, by time. Adding
// is a union, so order does not matter (up to maxSpans). The zero value is empty.
type spans []Span

// add puts [from, to) in.
func (s *spans) add(from, to hyperscale.JobTime) {
	if from >= to {
		return
	}
	list := *s
	i := sort.Search(len(list), func(i int) bool { return list[i].To >= from })
	j := i
	for j < len(list) && list[j].From <= to {
		from, to = min(from, list[j].From), max(to, list[j].To)
		j++
	}
	if i == j {
		list = append(list, Span{})
		copy(list[i+1:], list[i:])
	} else {
		list = append(list[:i+1], list[j:]...)
	}
	list[i] = Span{from, to}
	if len(list) > maxSpans {
		list = list.closeNarrowest()
	}
	*s = list
}

// closeNarrowest joins the two neighbours that are nearest to each other.
func (s spans) closeNarrowest() spans {
	best := 1
	for i := 2; i < len(s); i++ {
		if s[i].From-s[i-1].To < s[best].From-s[best-1].To {
			best = i
		}
	}
	s[best-1].To = s[best].To
	return append(s[:best], s[best+1:]...)
}

// addAll puts every span of o in.
func (s *spans) addAll(o spans) {
	for _, p := range o {
		s.add(p.From, p.To)
	}
}

// total is the time in the set.
func (s spans) total() time.Duration {
	var d time.Duration
	for _, p := range s {
		d += p.To - p.From
	}
	return d
}

// within is the part of the set that lies in o.
func (s spans) within(o spans) spans {
	var both spans
	for i, j := 0, 0; i < len(s) && j < len(o); {
		both.add(max(s[i].From, o[j].From), min(s[i].To, o[j].To))
		if s[i].To < o[j].To {
			i++
		} else {
			j++
		}
	}
	return both
}

// bounds is from the first moment in the set to the last.
func (s spans) bounds() Span {
	if len(s) == 0 {
		return Span{}
	}
	return Span{s[0].From, s[len(s)-1].To}
}
