package stats

import (
	"iter"
	"time"

	"hyperscale"
)

// MaxPoints is the most points that the course of a workflow or step has. When
// a run outgrows them neighbouring points merge and the resolution halves.
const MaxPoints = 600

// firstWidth is the width of a point to begin with.
const firstWidth = time.Second

// course is how a workflow went over job time. Point i covers [i, i+1) × width
// of job time, so points of different workers fall together. A window is in the
// point that its beginning lies in.
type course struct {
	width time.Duration
	slots []Slots
	steps []stepCourse
}

// stepCourse is the course of one step.
type stepCourse struct {
	points []point
	hot    int        // the point whose responses are in dense
	dense  *Histogram // nil: no point is hot
}

// point is one point of a step. Its responses are packed unless it is hot.
type point struct {
	Requests
	responses []byte
}

// add counts a window.
func (c *course) add(w *Window) {
	if c.width == 0 {
		c.width = firstWidth
	}
	for len(c.steps) < len(w.Steps) {
		c.steps = append(c.steps, stepCourse{})
	}
	for w.From/c.width >= MaxPoints {
		c.halve()
	}
	i := int(w.From / c.width)
	for len(c.slots) <= i {
		c.slots = append(c.slots, Slots{})
	}
	c.slots[i].add(w.Slots)
	for s := range w.Steps {
		c.steps[s].add(i, &w.Steps[s])
	}
}

// halve makes the points twice as wide.
func (c *course) halve() {
	c.width *= 2
	for i := range c.slots {
		if i%2 == 0 {
			c.slots[i/2] = c.slots[i]
		} else {
			c.slots[i/2].add(c.slots[i])
		}
	}
	c.slots = c.slots[:(len(c.slots)+1)/2]
	for s := range c.steps {
		c.steps[s].halve()
	}
}

// add counts what a window holds of the step in point i.
func (c *stepCourse) add(i int, s *StepSums) {
	for len(c.points) <= i {
		c.points = append(c.points, point{})
	}
	c.points[i].Requests.add(s.Requests)
	if s.OKResponse.Count()+s.OtherResponse.Count() == 0 {
		return
	}
	h := c.heat(i)
	h.Merge(&s.OKResponse)
	h.Merge(&s.OtherResponse)
}

// heat makes point i the hot one and gives its responses.
func (c *stepCourse) heat(i int) *Histogram {
	switch {
	case c.dense == nil:
		c.dense = new(Histogram)
	case c.hot == i:
		return c.dense
	default:
		c.cool()
	}
	c.hot = i
	unpack(c.dense, c.points[i].responses)
	return c.dense
}

// cool packs the responses of the hot point.
func (c *stepCourse) cool() {
	p := &c.points[c.hot]
	p.responses = c.dense.AppendBinary(p.responses[:0])
	c.dense.Reset()
}

// halve merges the points two by two.
func (c *stepCourse) halve() {
	if c.dense != nil {
		c.cool()
	}
	var both, second Histogram
	for i, p := range c.points {
		if i%2 == 0 {
			c.points[i/2] = p
			continue
		}
		first := &c.points[i/2]
		first.Requests.add(p.Requests)
		both.Reset()
		second.Reset()
		unpack(&both, first.responses)
		unpack(&second, p.responses)
		both.Merge(&second)
		first.responses = both.AppendBinary(first.responses[:0])
	}
	c.points = c.points[:(len(c.points)+1)/2]
	c.hot, c.dense = 0, nil
}

// unpack fills the empty h with what this package packed.
func unpack(h *Histogram, packed []byte) {
	if len(packed) == 0 {
		return
	}
	r := reader{b: packed, octaves: octaves}
	if h.read(&r); r.err != nil {
		panic("stats: a packed histogram is broken: " + r.err.Error())
	}
}

// Point is one point in the course of a step, the warm-up included.
type Point struct {
	From, To hyperscale.JobTime
	Requests
	Response *Histogram // complete answers and timed-out requests; valid until the next point
}

// SlotPoint is one point in the course of a workflow, the warm-up included.
type SlotPoint struct {
	From, To hyperscale.JobTime
	Slots
}

// StepCourse gives the points of a step by job time, from job time 0 and
// without gaps; none if there is no such step. Their counts add up to its
// totals.
func (t *Tally) StepCourse(workflow, step string) iter.Seq[Point] {
	return func(yield func(Point) bool) {
		w, i := t.works[workflow], t.stepIndex(workflow, step)
		if i < 0 || i >= len(w.course.steps) {
			return
		}
		c := &w.course.steps[i]
		var h Histogram
		for n := range c.points {
			h.Reset()
			if c.dense != nil && n == c.hot {
				h.Merge(c.dense)
			} else {
				unpack(&h, c.points[n].responses)
			}
			from := time.Duration(n) * w.course.width
			if !yield(Point{from, from + w.course.width, c.points[n].Requests, &h}) {
				return
			}
		}
	}
}

// Course gives the points of a workflow by job time, from job time 0 and
// without gaps; none if no window told of it. Their counts add up to its totals.
func (t *Tally) Course(workflow string) []SlotPoint {
	w := t.works[workflow]
	if w == nil {
		return nil
	}
	points := make([]SlotPoint, len(w.course.slots))
	for i, s := range w.course.slots {
		from := time.Duration(i) * w.course.width
		points[i] = SlotPoint{from, from + w.course.width, s}
	}
	return points
}

// stepIndex is the place of the step in its workflow; -1: there is none.
func (t *Tally) stepIndex(workflow, step string) int {
	w := t.works[workflow]
	if w == nil {
		return -1
	}
	for i := range w.measured.Steps {
		if w.measured.Steps[i].Name == step {
			return i
		}
	}
	return -1
}
