package schedule

import "hyperscale"

// Cursor walks over the slots of one lane in order. It belongs to one lane at a
// time. It allocates nothing after it was made.
type Cursor struct {
	a       *Arrivals
	lane    Lane
	k       int64 // place in the lane
	slot    int64
	time    int64
	ok      bool
	stretch int    // even spacing: where the slot is due
	points  points // Poisson arrivals
}

// Cursor walks over the slots of the share's lane that are due at share.From or
// later. Like every time here, From is to be given from the workflow's start.
func (a *Arrivals) Cursor(share hyperscale.Share, lane, lanes int) *Cursor {
	part := Lane{Share: share, Index: int64(lane), Of: int64(lanes)}
	return a.CursorAt(share, lane, lanes, part.Count(a.first+a.Before(share.From)))
}

// Place is the place in the lane of the slot that comes next.
func (c *Cursor) Place() int64 { return c.k }

// CursorAt walks over the slots of the share's lane from a place on, whenever
// they are due: where another cursor, under other changes, left off.
func (a *Arrivals) CursorAt(share hyperscale.Share, lane, lanes int, place int64) *Cursor {
	c := &Cursor{a: a, lane: Lane{Share: share, Index: int64(lane), Of: int64(lanes)}, k: place}
	c.look()
	return c
}

// Peek is the slot that comes next, and when it is due. It is false when there
// is none left.
func (c *Cursor) Peek() (slot hyperscale.Slot, due hyperscale.JobTime, ok bool) {
	return hyperscale.Slot(c.slot), hyperscale.JobTime(c.time), c.ok
}

// Next goes on to the slot after.
func (c *Cursor) Next() {
	if c.ok {
		c.k++
		c.look()
	}
}

// look finds the slot at place k and its time.
func (c *Cursor) look() {
	c.slot = int64(c.lane.At(c.k))
	n := c.slot - c.a.first
	if c.ok = n < c.a.total; !c.ok {
		return
	}
	if c.a.drawn != nil {
		c.time = c.a.drawn.at(&c.points, n)
		return
	}
	m := mul64(uint64(n), perSlot)
	for c.a.course.stretches[c.stretch].end.less(m) {
		c.stretch++
	}
	c.time = c.a.course.even(c.stretch, m)
}
