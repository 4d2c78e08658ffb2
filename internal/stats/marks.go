package stats

import (
	"cmp"
	"fmt"
	"slices"

	"hyperscale"
)

// Receipt is what became of a window that was received.
type Receipt int

// The receipts.
const (
	Merged    Receipt = iota // counted; to be acknowledged
	Duplicate                // counted before; to be acknowledged
	Gap                      // not counted: windows before it are missing and to be asked for again from the mark
	Stray                    // of a holder whose slots others had taken over: kept apart; to be acknowledged
	Broken                   // no honest child sends it: refused, the result is INVALID
)

// Marks is where windows are received: how far each turn is, what it came to,
// and what was refused or kept apart. Windows of different turns may come in any
// order, those of one turn by number.
//
// A turn whose slots went to a higher one has a *hole*: from its last window
// merged to the *fence*, where the higher turn begins.
//
//	held     windows are merged
//	covered  windows that end at or before the fence are merged; the first that
//	         does not, and all after it, are stray
//	closed   what the hole lost and missed is booked; all windows are stray
type Marks struct {
	turns  map[turnID]*turn
	levels map[string]level
	shapes map[string]*Sums // of each workflow: its steps and checks, counts empty
	stray  map[string]*Ledger
	broken []string
	copies hyperscale.Turn // see InCopies; 0: one

	changed      []*turn // since the last change was taken …
	changedFlows map[string]bool
}

// level is which turns a workflow has: while all are the same none overlaps.
type level struct{ least, most hyperscale.Turn }

// NewMarks is where nothing was received yet.
func NewMarks() *Marks {
	return &Marks{
		turns:  map[turnID]*turn{},
		levels: map[string]level{},
		shapes: map[string]*Sums{},
		stray:  map[string]*Ledger{},

		changedFlows: map[string]bool{},
	}
}

// InCopies says that a job runs in so many copies, each of which has all slots: of n, copy
// number c has the turns c, c+n, c+2n …, which share no slot with those of another. It is
// not written down: who reads marks says so again.
func InCopies(m *Marks, n int) { m.copies = hyperscale.Turn(n) }

// maxBroken bounds the list of complaints about children.
const maxBroken = 32

// Receive judges a window and books it at its turn. Only what is Merged is to be
// counted, in a tally or in [Joints]. It keeps nothing of the window's memory.
func (m *Marks) Receive(w *Window) Receipt {
	t := m.turn(w.ID.Workflow, w.ID.Share)
	r := t.judge(w)
	switch r {
	case Broken:
		m.complain("window %d…%d of %v came after number %d", w.ID.First, w.ID.Seq, t.id, t.mark)
		return r
	case Duplicate, Gap:
		return r
	}
	if err := m.fit(w); err != nil {
		m.complain("window %d of %v: %v", w.ID.Seq, t.id, err)
		return Broken
	}
	t.take(w, r)
	m.touch(t)
	if r == Stray {
		m.addStray(w)
		return r
	}
	if d := t.mismatch(w); d != "" {
		m.complain("totals of %v differ from the sum of its windows: %s", t.id, d)
	}
	return r
}

// fit says why a window can't be one of its workflow; nil when it can. The first
// that tells of steps decides what they are.
func (m *Marks) fit(w *Window) error {
	shape := m.shapes[w.ID.Workflow]
	if shape != nil {
		return shape.fits(&w.Sums)
	}
	if w.Steps != nil {
		shape = new(Sums)
		shape.shape(&w.Sums)
		m.shapes[w.ID.Workflow] = shape
		m.changedFlows[w.ID.Workflow] = true
	}
	return nil
}

// turn is the turn of that name, made known if it was not.
func (m *Marks) turn(workflow string, share hyperscale.Share) *turn {
	id := idOf(workflow, share)
	if found := m.turns[id]; found != nil {
		return found
	}
	made := &turn{id: id, from: share.From}
	if !m.alone(id) {
		m.fence(made)
	}
	m.turns[id] = made
	m.touch(made)
	return made
}

// alone notes the turn and reports whether all turns of its workflow have its
// number, so that it can't overlap any.
func (m *Marks) alone(id turnID) bool {
	l, known := m.levels[id.workflow]
	if !known {
		l = level{id.turn, id.turn}
	}
	l = level{min(l.least, id.turn), max(l.most, id.turn)}
	m.levels[id.workflow] = l
	return l.least == l.most
}

// fence covers the turns that share slots with a higher one, from where that one
// begins.
func (m *Marks) fence(made *turn) {
	for id, other := range m.turns {
		if id.turn == made.id.turn || !id.overlaps(made.id) || m.copies > 1 && id.turn%m.copies != made.id.turn%m.copies {
			continue
		}
		low, high := other, made
		if id.turn > made.id.turn {
			low, high = made, other
		}
		low.cover(high.from)
		m.touch(low)
	}
}

// touch notes that a turn changed.
func (m *Marks) touch(t *turn) {
	if !t.changed {
		t.changed = true
		m.changed = append(m.changed, t)
	}
}

// Expect says that the share's slots are held under its turn from its beginning
// (From) on: lower turns that share slots with it are covered from there.
// Receiving a window says the same of its own share.
func (m *Marks) Expect(workflow string, share hyperscale.Share) { m.turn(workflow, share) }

// Cover says that the slots of this turn went, or will go, to a higher one from
// the fence on. Said twice, the lower fence holds.
func (m *Marks) Cover(workflow string, share hyperscale.Share, fence hyperscale.JobTime) {
	t := m.turn(workflow, share)
	t.cover(fence)
	m.touch(t)
}

// Close ends a turn whose holder will say no more, or no more that counts, and
// books what was lost and missed. It gives that as a window, the turn's last,
// which is to be counted like one that was Merged; its number means nothing.
// Nil: there is nothing to book, since the turn ended by itself or was closed
// before. Of a turn that was ended before its fence nothing is lost, for it told
// all; what was missed up to the fence is booked. What its holder still sends is
// stray.
func (m *Marks) Close(workflow string, share hyperscale.Share, l Losses) *Window {
	t := m.turn(workflow, share)
	over, closed := t.over(), t.closed
	t.closed = true
	m.touch(t)
	if closed || over && (!t.covered || l.Missed == 0) {
		return nil
	}
	if over {
		l.Lost = 0
	}
	w := l.window(&t.sum, m.shapes[workflow])
	w.ID = WindowID{Workflow: workflow, Share: share, First: t.mark + 1, Seq: t.mark + 1}
	w.Adjustment = t.adjustment
	t.sum.add(&w.Sums)
	w.Final, w.Totals = true, t.sum.clone()
	return w
}

// complain notes what makes the result INVALID.
func (m *Marks) complain(format string, args ...any) {
	if len(m.broken) < maxBroken {
		m.broken = append(m.broken, fmt.Sprintf(format, args...))
	}
}

// addStray counts a window of a turn that no longer holds its slots.
func (m *Marks) addStray(w *Window) {
	l := m.stray[w.ID.Workflow]
	if l == nil {
		l = new(Ledger)
		m.stray[w.ID.Workflow] = l
	}
	l.add(&w.Sums)
	m.changedFlows[w.ID.Workflow] = true
}

// Stray is what windows of turns that no longer held their slots counted, for
// one workflow: shown beside the result and no part of it.
func (m *Marks) Stray(workflow string) Ledger {
	if l := m.stray[workflow]; l != nil {
		return l.clone()
	}
	return Ledger{}
}

// Mark is the number of the last window of a turn that was merged or found
// stray, up to which all is to be acknowledged; 0: none.
func (m *Marks) Mark(workflow string, share hyperscale.Share) uint64 {
	if t := m.turns[idOf(workflow, share)]; t != nil {
		return t.mark
	}
	return 0
}

// Standing is how far one turn is.
type Standing struct {
	Workflow   string
	Share      hyperscale.Share
	Mark       uint64             // see [Marks.Mark]
	Reach      hyperscale.JobTime // where the last window merged ends; 0: none was
	Adjustment uint64             // the last that a merged window ran under
	Slots      Slots              // of all windows merged
	Requests   Requests           // of all windows merged and all steps but groups
	Flight     Flight             // at the end of the last window merged
	Final      bool               // its last window came, merged or stray
	Covered    bool               // its slots went to a higher turn …
	Fence      hyperscale.JobTime // … from here on
	Past       bool               // a window was stray: no other can fill the hole
	Stray      uint64             // slots due in stray windows
	Closed     bool
}

// Standing says how far a turn is; the zero value but for its name if nothing is
// known of it.
func (m *Marks) Standing(workflow string, share hyperscale.Share) Standing {
	if t := m.turns[idOf(workflow, share)]; t != nil {
		return m.standing(t)
	}
	return Standing{Workflow: workflow, Share: share}
}

// Turns are all turns known, by name.
func (m *Marks) Turns() []Standing {
	return m.list(func(*turn) bool { return true })
}

// Unfinished are the turns that are yet to end, by name: those whose last window
// has not come, and those that were covered and not closed.
func (m *Marks) Unfinished() []Standing {
	return m.list(func(t *turn) bool { return !t.over() })
}

// list gives the turns that are wanted, by name.
func (m *Marks) list(wanted func(*turn) bool) []Standing {
	var list []Standing
	for _, t := range m.turns {
		if wanted(t) {
			list = append(list, m.standing(t))
		}
	}
	slices.SortFunc(list, func(a, b Standing) int {
		return idOf(a.Workflow, a.Share).compare(idOf(b.Workflow, b.Share))
	})
	return list
}

// standing says how far t is.
func (m *Marks) standing(t *turn) Standing {
	s := Standing{
		Workflow: t.id.workflow,
		Share:    hyperscale.Share{Lo: t.id.lo, Hi: t.id.hi, Of: t.id.of, From: t.from, Turn: t.id.turn},
		Mark:     t.mark, Reach: t.reach, Adjustment: t.adjustment, Slots: t.sum.Slots,
		Final: t.final, Covered: t.covered, Fence: t.fence, Past: t.past, Stray: t.stray, Closed: t.closed,
	}
	for i := range t.sum.Steps {
		if !m.shapes[t.id.workflow].Steps[i].Group {
			s.Requests.add(t.sum.Steps[i].Requests)
		}
	}
	s.Flight = Flight{t.sum.Slots.InFlight(), s.Requests.InFlight()}
	return s
}

// compare is the order of turns.
func (a turnID) compare(b turnID) int {
	return cmp.Or(cmp.Compare(a.workflow, b.workflow), cmp.Compare(a.of, b.of), cmp.Compare(a.lo, b.lo),
		cmp.Compare(a.hi, b.hi), cmp.Compare(a.turn, b.turn))
}
