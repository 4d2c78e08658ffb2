package sim

import (
	"context"
	"slices"
	"strings"
	"time"

	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/stats"
	"hyperscale/internal/store"
)

// Sabotage takes one of the rules away that the truth of results rests on, to see
// that it is missed.
type Sabotage string

// What can be taken away.
const (
	None             Sabotage = ""
	NoFence          Sabotage = "the fence is not compared"
	SayBeforeSaved   Sabotage = "said before it is saved"
	AckBeforeSaved   Sabotage = "acknowledged before it is saved"
	NoDuplicateCheck Sabotage = "no duplicate is noticed"
	ReadBefore       Sabotage = "read before the takeover"
	NoLease          Sabotage = "who is not heard goes on, though no two may hold a slot"
	SentBeforeSaved  Sabotage = "sent to the parent before it is saved"
)

// txn takes the fence out of a transaction.
func (s Sabotage) txn(t store.Txn) store.Txn {
	if s != NoFence {
		return t
	}
	writes := slices.ContainsFunc(t.Then, func(o store.Op) bool { return strings.HasSuffix(o.Key, "/ck") })
	takes := slices.ContainsFunc(t.Then, func(o store.Op) bool { return o.Kind == store.Put && strings.HasSuffix(o.Key, "/owner") })
	if writes && !takes {
		t.If = nil
	}
	return t
}

// heard is what a worker hears of what it is told.
func (s Sabotage) heard(down link.Down) link.Down {
	if o, order := down.(link.Order); order && s == NoLease {
		o.Autonomy = 0
		return o
	}
	return down
}

// takeItOver is [own.TakeOver].
func (m office) takeItOver(ctx context.Context, t *term, take own.Take) (*own.Tenure, own.Saved, error) {
	if m.w.cfg.Sabotage != ReadBefore {
		return own.TakeOver(ctx, t.session, take, m.wall())
	}
	before, err := own.Load(ctx, m.store, take.Job)
	if err != nil {
		return nil, own.Saved{}, err
	}
	if err := m.store.sleep(ctx, 500*time.Millisecond); err != nil {
		return nil, own.Saved{}, err
	}
	tenure, _, err := own.TakeOver(ctx, t.session, take, m.wall())
	return tenure, before, err
}

// early reports whether the owner is told that everything is saved before it is,
// so that it sends its parent what may never have been.
func (c *chair) early(save owner.Save) bool {
	s := c.m.w.cfg.Sabotage
	return s == SayBeforeSaved || s == SentBeforeSaved && !save.Ended
}

// withhold keeps back what follows from a save that is not durable, though the owner
// was told so: all but what goes to the parent.
func (c *chair) withhold(do func()) bool {
	if c.m.w.cfg.Sabotage != SentBeforeSaved || len(c.saves) == 0 {
		return false
	}
	c.later = append(c.later, do)
	return true
}

// sabotage is what may be done to a window on its way to the owner.
func (c *chair) sabotage(from link.Holder, d link.Delivery, w *stats.Window) {
	switch c.m.w.cfg.Sabotage {
	case AckBeforeSaved:
		r := link.Receipt{Hold: d.Hold, Seq: w.ID.Seq, Epoch: c.tenure.Epoch()}
		c.m.w.jobs[c.job].acknowledged(r)
		c.m.answer(from, r)
	case NoDuplicateCheck:
		if c.last == nil {
			c.last = map[link.Hold]uint64{}
		}
		c.last[d.Hold]++
		w.ID.First, w.ID.Seq = c.last[d.Hold], c.last[d.Hold]
	}
}
