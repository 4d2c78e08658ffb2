package child

import (
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// Claim is what is known of who owns a job of which something is held. The highest
// epoch wins; one epoch has one owner.
type Claim struct {
	Epoch hyperscale.Epoch  // the highest heard
	Owner hyperscale.NodeID // of that epoch; "": not known yet
	Heard time.Duration     // when the last word of the job's top owner was said
	Level link.Level        // what the owner can take

	// Lease is, of a job that lets no two hold a slot, how long is gone on with since the
	// last statement that the owner is known to have heard, which is what Heard tells
	// then; 0: the job lets them.
	Lease time.Duration

	via hyperscale.NodeID // the parent over which the owner was last heard
}

// Judge takes in that a node says that it owns the job. Mine is false if it does not.
// News says that the epoch or the owner is another.
func (c *Claim) Judge(epoch hyperscale.Epoch, owner hyperscale.NodeID) (mine, news bool) {
	switch {
	case epoch < c.Epoch:
		return false, false
	case epoch > c.Epoch:
		c.Epoch, c.Owner, c.via, c.Level = epoch, owner, "", link.Normal
		return true, true
	case c.Owner == "" && owner != "":
		c.Owner = owner
		return true, true
	}
	return c.Owner == owner, false
}

// Via notes that the owner was heard over the link to a parent, who may pass on what
// it says.
func (c *Claim) Via(by hyperscale.NodeID) { c.via = by }

// Route is the parent over which the job's owner is reached: its own link, or that of
// the one who passes its words on; nil: none.
func (c *Claim) Route(p *Parents) *Parent {
	if q := p.Find(c.Owner); q != nil {
		return q
	}
	return p.Find(c.via)
}

// Word takes in a word of the job's owner, which came by a parent. Only one that is
// younger than the last counts as one of the top owner.
func (c *Claim) Word(now time.Duration, by hyperscale.NodeID, w link.Word, owned link.Owned) {
	c.via = by
	c.Heard = max(c.Heard, c.saidAt(now, w)-max(owned.Age, 0))
}

// saidAt is when a word of the job's owner was said, at the latest; of a job with a
// lease, when the statement was made that it answers: the word itself may have been
// under way for long, while its owner hears nothing.
func (c *Claim) saidAt(now time.Duration, w link.Word) time.Duration {
	switch {
	case c.Lease == 0:
		return now
	case w.HeardAt == 0:
		return c.Heard
	}
	return min(w.HeardAt, now)
}

// Answered takes in who answers, by a parent, what was delivered. Counts is false if
// that is of an owner that was: whoever is now answers anew.
func (c *Claim) Answered(by hyperscale.NodeID, r link.Receipt) (counts, news bool) {
	if r.Epoch < c.Epoch {
		return false, false
	}
	if r.Owner.Node != "" || r.Epoch > c.Epoch {
		_, news = c.Judge(r.Epoch, r.Owner.Node)
	}
	if c.Owner == "" {
		c.via = by
	}
	return true, news
}
