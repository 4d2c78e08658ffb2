package outbox

import (
	"math"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// Bounds of what is under way.
const (
	MaxSent   = 32      // windows of a turn that were sent and not acknowledged
	MaxFlying = 4 << 20 // bytes of such windows over one link, or one window if that is larger

	FirstWait = 20 * time.Second // for an acknowledgement, until windows are sent again; then twice as long
	LastWait  = time.Minute      // … and at most so long
)

// never is later than everything.
const never = time.Duration(math.MaxInt64)

// Box keeps the windows of one turn, by number. The zero value is one of a turn
// that has none yet.
type Box struct {
	list   []Window
	acked  uint64 // everything up to here was acknowledged and is no longer in the list
	frozen int    // so many of the list never change again
	sent   int    // so many were sent over the link to; at most frozen
	to     Way
	bytes  int // of the whole list
	pace   pace
}

// Way is where windows go: over which link, to the owner of which epoch. The
// zero value is nowhere.
type Way struct {
	Link  uint64
	Epoch hyperscale.Epoch
}

// pace is when windows are sent again, or not yet.
type pace struct {
	moved   time.Duration // when the list was last sent anew or acknowledged
	wait    time.Duration // since then, until what was sent is sent again
	holdOff time.Duration // nothing is sent before
	asked   uint64        // the number from which a parent last asked for them again; 0: none did
	askedAt time.Duration
}

// Restore is a box as it was: everything up to acked was acknowledged, and the
// first of the windows that were kept are frozen.
func Restore(acked uint64, frozen int, list []Window) Box {
	return Box{acked: acked, frozen: frozen, list: list, bytes: size(list)}
}

// Len is how many windows are kept.
func (b *Box) Len() int { return len(b.list) }

// Bytes are those of all windows kept.
func (b *Box) Bytes() int { return b.bytes }

// Idle is how many bytes may yet be merged.
func (b *Box) Idle() int { return size(b.list[b.frozen:]) }

// Acked is the number up to which all is acknowledged; 0: nothing is.
func (b *Box) Acked() uint64 { return b.acked }

// Sent is how many windows were sent over the way that was last aimed at, and are
// not acknowledged.
func (b *Box) Sent() int { return b.sent }

// Flying is how many bytes these have.
func (b *Box) Flying() int { return size(b.list[:b.sent]) }

// Goes reports whether windows go over that link.
func (b *Box) Goes(link uint64) bool { return b.to.Link == link }

// Windows are those that are kept, in order, and how many of them are frozen.
// They are the box's own.
func (b *Box) Windows() (list []Window, frozen int) { return b.list, b.frozen }

// Add keeps a window, joined to the one before if both belong to one stretch of
// the length asked for.
func (b *Box) Add(w Window, length hyperscale.JobTime) {
	b.list = append(b.list, w)
	b.bytes += len(w.Bytes)
	if n := len(b.list); n-2 >= b.frozen && together(b.list[n-2], w, length) {
		b.join(n - 2)
	}
}

// join makes one window of number i, which is not frozen, and the one after it,
// if they may be one.
func (b *Box) join(i int) bool {
	one, next := b.list[i], b.list[i+1]
	large := max(len(one.Bytes), len(next.Bytes)) > stats.MaxWindowBytes
	if large || one.Stretch != next.Stretch || one.Adjustment != next.Adjustment {
		return false
	}
	w := one.Unpack()
	if !w.MergeAdjacent(next.Unpack()) {
		return false
	}
	joined := Pack(w, next.Ending)
	if len(joined.Bytes) > stats.MaxWindowBytes {
		return false
	}
	b.bytes += len(joined.Bytes) - len(one.Bytes) - len(next.Bytes)
	b.list[i] = joined
	b.list = append(b.list[:i+1], b.list[i+2:]...)
	return true
}

// Stretch joins what is not frozen to windows of the length asked for.
func (b *Box) Stretch(length hyperscale.JobTime) {
	for i := b.frozen; i+1 < len(b.list); {
		if !together(b.list[i], b.list[i+1], length) || !b.join(i) {
			i++
		}
	}
}

// Refit joins what is not frozen as another did who kept the same: so that the
// windows left begin with these numbers. It reports whether they do.
func (b *Box) Refit(firsts []uint64) bool {
	for i := b.frozen; i+1 < len(b.list); {
		if slices.Contains(firsts, b.list[i+1].First) || !b.join(i) {
			i++
		}
	}
	return slices.Equal(firsts, b.Firsts())
}

// Firsts are the first numbers of the windows that are not frozen.
func (b *Box) Firsts() []uint64 {
	list := make([]uint64, 0, len(b.list)-b.frozen)
	for _, w := range b.list[b.frozen:] {
		list = append(list, w.First)
	}
	return list
}

// UpTo is how many of the list have no higher number.
func (b *Box) UpTo(seq uint64) int {
	n := 0
	for n < len(b.list) && b.list[n].Seq <= seq {
		n++
	}
	return n
}

// Halve joins what is not frozen two by two and reports whether that changed
// anything.
func (b *Box) Halve() bool {
	before := len(b.list)
	for i := b.frozen; i+1 < len(b.list); i++ {
		b.join(i)
	}
	return len(b.list) < before
}

// Acknowledge forgets what is acknowledged up to seq, and tells how many windows
// that are. Nobody can acknowledge what was never sent.
func (b *Box) Acknowledge(seq uint64, now time.Duration) int {
	n := 0
	for n < b.frozen && b.list[n].Seq <= seq {
		n++
	}
	if n == 0 {
		return 0
	}
	b.acked = b.list[n-1].Seq
	b.bytes -= size(b.list[:n])
	b.list = slices.Clone(b.list[n:])
	b.frozen -= n
	b.sent = max(b.sent-n, 0)
	b.pace.moved, b.pace.wait = now, FirstWait
	return n
}

// Again makes all after seq go again, because a parent misses it: at once, but not
// for each of many who ask the same.
func (b *Box) Again(seq uint64, now time.Duration) {
	if seq == b.acked && (b.pace.asked != seq+1 || now >= b.pace.askedAt+time.Second) {
		b.pace.asked, b.pace.askedAt = seq+1, now
		b.sent = 0
	}
}

// HoldOff sends nothing for so long, at most [LastWait].
func (b *Box) HoldOff(delay, now time.Duration) {
	b.pace.holdOff = max(b.pace.holdOff, now+min(delay, LastWait))
}

// Ready is how many of the list may go at a level. More says that windows may
// follow, with which the last may yet be joined.
func (b *Box) Ready(level link.Level, more bool) int {
	n := len(b.list)
	length := LengthOf(level)
	switch {
	case level >= link.Reject:
		return 0
	case n > b.frozen && length > 0 && more && b.list[n-1].To%length != 0:
		return n - 1
	}
	return n
}

// LengthOf is how long windows are to be at a level; 0: as they were cut.
func LengthOf(l link.Level) hyperscale.JobTime {
	switch {
	case l <= link.Normal:
		return 0
	case l == link.Throttle:
		return 2 * time.Second
	}
	return 5 * time.Second
}

// Freeze makes the first n of the list such that never change again, if they are
// not yet, and gives the number of the last that is; 0: none was ever.
func (b *Box) Freeze(n int) uint64 {
	b.frozen = max(b.frozen, min(n, len(b.list)))
	if b.frozen == 0 {
		return b.acked
	}
	return b.list[b.frozen-1].Seq
}

// Aim says where windows go now. All that is not acknowledged goes again when
// that is new, or when no acknowledgement came for too long.
func (b *Box) Aim(to Way, now time.Duration) {
	switch {
	case b.to != to:
		b.to = to
		b.sent = 0
		b.pace.wait = FirstWait
	case b.sent > 0 && now >= b.pace.moved+b.pace.wait:
		b.sent = 0
		b.pace.wait = min(2*b.pace.wait, LastWait)
	}
}

// Nowhere says that windows can't go at present.
func (b *Box) Nowhere() { b.to = Way{} }

// Send gives the next window of those that are ready if there is one, it may go
// now, and it has no more bytes than there is room for; below zero: it may have
// any.
func (b *Box) Send(ready, room int, now time.Duration) (Window, bool) {
	if now < b.pace.holdOff || b.sent >= min(ready, MaxSent) || room >= 0 && len(b.list[b.sent].Bytes) > room {
		return Window{}, false
	}
	if b.sent == 0 {
		b.pace.moved = now
	}
	b.sent++
	b.frozen = max(b.frozen, b.sent)
	return b.list[b.sent-1], true
}

// Next is when time alone lets windows go, again or at last; far in the future:
// it never does.
func (b *Box) Next(now time.Duration) time.Duration {
	switch {
	case b.to == (Way{}) || len(b.list) == 0:
		return never
	case b.pace.holdOff > now:
		return b.pace.holdOff
	case b.sent > 0:
		return b.pace.moved + b.pace.wait
	}
	return never
}
