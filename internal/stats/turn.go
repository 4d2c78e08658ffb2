package stats

import (
	"fmt"

	"hyperscale"
)

// turnID names a turn of a share.
type turnID struct {
	workflow   string
	lo, hi, of int64
	turn       hyperscale.Turn
}

// idOf is the name of the share's turn.
func idOf(workflow string, s hyperscale.Share) turnID {
	return turnID{workflow, s.Lo, s.Hi, s.Of, s.Turn}
}

// String is the name as shown.
func (a turnID) String() string {
	return fmt.Sprintf("%s [%d,%d)/%d turn %d", a.workflow, a.lo, a.hi, a.of, a.turn)
}

// overlaps reports whether some slot belongs to both: whether remainders r of
// one and s of the other are equal modulo the divisor that both Ofs share.
func (a turnID) overlaps(b turnID) bool {
	if a.of == b.of { // as mostly
		return a.lo < b.hi && b.lo < a.hi && a.workflow == b.workflow
	}
	g := divisor(a.of, b.of)
	if a.workflow != b.workflow || g <= 0 {
		return false
	}
	if a.hi-a.lo >= g || b.hi-b.lo >= g {
		return true
	}
	ahead := ((b.lo-a.lo)%g + g) % g // from a's first remainder up to b's
	return ahead < a.hi-a.lo || g-ahead < b.hi-b.lo
}

// divisor is the greatest common divisor of two numbers that are not negative.
func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// turn is what marks know of one turn.
type turn struct {
	id         turnID
	from       hyperscale.JobTime // of its share
	mark       uint64             // the last window merged or found stray
	reach      hyperscale.JobTime // where the last window merged ends
	adjustment uint64             // the last that a merged window ran under
	sum        Ledger             // of all windows merged
	fence      hyperscale.JobTime // if covered
	final      bool               // its last window came
	covered    bool               // from the fence on others hold its slots
	past       bool               // a window was stray: it told all that fits into the hole …
	stray      uint64             // … and slots were due in it, and in those after it
	closed     bool               // what was lost and missed is booked
	changed    bool               // since the last change was taken
}

// cover says that others hold the turn's slots from the fence on.
func (t *turn) cover(fence hyperscale.JobTime) {
	if !t.covered || fence < t.fence {
		t.covered, t.fence = true, fence
	}
}

// judge says what becomes of a window, by its numbers and by the fence.
func (t *turn) judge(w *Window) Receipt {
	first, last := w.ID.First, w.ID.Seq
	switch {
	case first == 0 || first > last || t.final && last > t.mark:
		return Broken
	case last <= t.mark:
		return Duplicate
	case first <= t.mark:
		return Broken
	case first > t.mark+1:
		return Gap
	case t.closed || t.past || t.covered && w.To > t.fence:
		return Stray
	}
	return Merged
}

// take counts the window as merged, or passes it by as stray.
func (t *turn) take(w *Window, r Receipt) {
	t.mark = w.ID.Seq
	t.final = w.Final
	if r == Stray {
		t.past = true
		t.stray += w.Due
		return
	}
	t.reach = max(t.reach, w.To)
	t.adjustment = w.Adjustment
	t.sum.add(&w.Sums)
}

// mismatch compares the totals that the turn's last window carries with the sum
// of all windows and says where they differ; "" when they do not.
func (t *turn) mismatch(w *Window) string {
	if !w.Final {
		return ""
	}
	return t.sum.differs(&w.Totals)
}

// over reports whether nothing more is to come or to be booked.
func (t *turn) over() bool { return t.closed || t.final && !t.past }
