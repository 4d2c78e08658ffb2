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

// overlaps reports whether some slot belongs to both: whether remainders r of
// one and s of the other are equal modulo the divisor that both Ofs share.
func (a turnID) overlaps(b turnID) bool {
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

// turn is what a tally knows of one turn.
type turn struct {
	name  string
	mark  uint64 // the last window merged
	final bool
	stray bool // a higher turn holds slots of it
	sum   Ledger
}

// Expect says that the share's slots are held under its turn from now on:
// windows of lower turns that share slots with it are stray. Adding a window
// says the same of its own share.
func (t *Tally) Expect(workflow string, share hyperscale.Share) { t.turn(workflow, share) }

// turn is the turn of that name, made known if it was not.
func (t *Tally) turn(workflow string, share hyperscale.Share) *turn {
	id := idOf(workflow, share)
	if found := t.turns[id]; found != nil {
		return found
	}
	made := &turn{name: fmt.Sprintf("%s [%d,%d)/%d turn %d", workflow, id.lo, id.hi, id.of, id.turn)}
	for other, o := range t.turns {
		if !other.overlaps(id) || other.turn == id.turn {
			continue
		}
		if other.turn < id.turn {
			o.stray = true
		} else {
			made.stray = true
		}
	}
	t.turns[id] = made
	return made
}

// receive judges a window by its numbers.
func (t *turn) receive(w *Window) Receipt {
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
	}
	return Merged
}

// take counts the window as merged.
func (t *turn) take(w *Window) {
	t.mark = w.ID.Seq
	t.final = w.Final
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
