package schedule

import (
	"math/bits"

	"hyperscale"
)

// Rows numbers the iterations of one workflow for its data sets. Changes of its
// load do not change it.
type Rows struct{ round int64 }

// NewRows gives the numbering under a load.
func NewRows(load hyperscale.Load) Rows {
	switch load.Kind {
	case hyperscale.LoadClosed:
		return Rows{round: NewUsers(load).Peak()}
	case hyperscale.LoadEach:
		return Rows{round: load.VUs}
	}
	return Rows{}
}

// Number is the n by which an iteration takes its rows, another one for each
// iteration of the workflow: the slot, or of virtual users that go round,
// pass·V + slot, where V is the most that there are by the plan. Virtual users
// beyond that, which an adjustment brought, are numbered far behind all others:
// of rows that are given once none is left for them.
func (r Rows) Number(slot hyperscale.Slot, pass int64) int64 {
	n := pass*r.round + int64(slot)
	if r.round > 0 && int64(slot) >= r.round {
		n += 1 << 60
	}
	return n
}

// Row is the row that an iteration takes of a data set with so many rows (at
// least one): n is its number, vu its virtual user, draw 64 bits drawn for it and
// the set. It is false when no row is left for it, which only picking unique
// ones or by VU can bring about.
func Row(pick hyperscale.Pick, n, vu int64, draw uint64, rows int64) (int64, bool) {
	switch pick {
	case hyperscale.PickUnique:
		return n, n < rows
	case hyperscale.PickByVU:
		return vu, vu < rows
	case hyperscale.PickRandom:
		row, _ := bits.Mul64(draw, uint64(rows))
		return int64(row), true
	}
	return n % rows, true
}
