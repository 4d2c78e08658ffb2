package schedule

import "hyperscale"

// Lane is the slots that one lane of a share holds: every Of-th of the share's,
// from the Index-th on. Of the lanes 0 … Of-1 each slot has exactly one.
type Lane struct {
	Share hyperscale.Share
	Index int64
	Of    int64
}

// At is the k-th slot of the lane, k from 0.
func (l Lane) At(k int64) hyperscale.Slot { return l.Share.At(l.Index + k*l.Of) }

// Count is how many of the slots 0 … total-1 the lane holds. It is also the k of
// the lane's first slot at or above total.
func (l Lane) Count(total int64) int64 { return l.From(l.Share.Count(total)) }

// From is the k of the lane's first slot at or above a place of the share.
func (l Lane) From(place int64) int64 { return (place - l.Index + l.Of - 1) / l.Of }

// Holds reports whether slot i is the lane's.
func (l Lane) Holds(i hyperscale.Slot) bool {
	return l.Share.Holds(i) && l.Share.Count(int64(i))%l.Of == l.Index
}
