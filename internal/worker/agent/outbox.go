package agent

import (
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// kept is a window that was not acknowledged yet, encoded.
type kept struct {
	first, seq uint64
	stats.Interval
	adjustment uint64
	final      bool
	bytes      []byte
	ending     *link.Ending // final: how the load ended
}

// pack encodes a window.
func pack(w *stats.Window, ending *link.Ending) kept {
	return kept{
		first: w.ID.First, seq: w.ID.Seq, Interval: w.Interval, adjustment: w.Adjustment,
		final: w.Final, bytes: w.AppendBinary(nil), ending: ending,
	}
}

// window decodes it again.
func (k kept) window() *stats.Window {
	w, err := stats.DecodeWindow(k.bytes)
	if err != nil {
		panic(fmt.Sprintf("a window of our own: %v", err))
	}
	return w
}

// outbox keeps the windows of one turn, by number, until they are acknowledged.
// Those that were ever handed to a parent are frozen: whoever gets one of that
// number gets the same.
type outbox struct {
	list   []kept
	acked  uint64 // everything up to here was acknowledged and is no longer in the list
	frozen int    // so many of the list are
	sent   int    // so many were sent over the link to; at most frozen
	to     way
	bytes  int // of the whole list
	pace   pace
}

// way is where windows go: over which link, to the owner of which epoch. The
// zero value is nowhere.
type way struct {
	link  uint64
	epoch hyperscale.Epoch
}

// pace is when windows are sent again, or not yet.
type pace struct {
	moved   time.Duration // when the list was last sent anew or acknowledged
	wait    time.Duration // since then, until what was sent is sent again
	holdOff time.Duration // nothing is sent before
	asked   uint64        // the number from which a parent last asked for them again; 0: none did
	askedAt time.Duration
}

// add keeps a window, joined to the one before if both belong to one stretch of
// the length asked for.
func (o *outbox) add(k kept, length time.Duration) {
	o.list = append(o.list, k)
	o.bytes += len(k.bytes)
	if n := len(o.list); n-2 >= o.frozen && together(o.list[n-2], k, length) {
		o.join(n - 2)
	}
}

// together reports whether b, which follows a, lies in the same stretch of job
// time of that length.
func together(a, b kept, length time.Duration) bool {
	return length > 0 && a.From/length == b.From/length && a.To%length != 0
}

// join makes one window of number i, which is not frozen, and the one after it,
// if they may be one.
func (o *outbox) join(i int) bool {
	a, b := o.list[i], o.list[i+1]
	large := max(len(a.bytes), len(b.bytes)) > stats.MaxWindowBytes
	if large || a.Stretch != b.Stretch || a.adjustment != b.adjustment {
		return false
	}
	w := a.window()
	if !w.MergeAdjacent(b.window()) {
		return false
	}
	joined := pack(w, b.ending)
	if len(joined.bytes) > stats.MaxWindowBytes {
		return false
	}
	o.bytes += len(joined.bytes) - len(a.bytes) - len(b.bytes)
	o.list[i] = joined
	o.list = append(o.list[:i+1], o.list[i+2:]...)
	return true
}

// stretch joins what was never sent to windows of the length asked for.
func (o *outbox) stretch(length time.Duration) {
	for i := o.frozen; i+1 < len(o.list); {
		if !together(o.list[i], o.list[i+1], length) || !o.join(i) {
			i++
		}
	}
}

// halve joins what was never sent two by two and reports whether that changed
// anything.
func (o *outbox) halve() bool {
	before := len(o.list)
	for i := o.frozen; i+1 < len(o.list); i++ {
		o.join(i)
	}
	return len(o.list) < before
}

// idle is how many bytes were never sent, and could be joined.
func (o *outbox) idle() int { return size(o.list[o.frozen:]) }

func size(list []kept) int {
	n := 0
	for _, k := range list {
		n += len(k.bytes)
	}
	return n
}

// acknowledge forgets what is acknowledged up to seq, and tells how many windows
// that are. Nobody can acknowledge what was never sent.
func (o *outbox) acknowledge(seq uint64, now time.Duration) int {
	n := 0
	for n < o.frozen && o.list[n].seq <= seq {
		n++
	}
	if n == 0 {
		return 0
	}
	o.acked = o.list[n-1].seq
	o.bytes -= size(o.list[:n])
	o.list = append([]kept(nil), o.list[n:]...)
	o.frozen -= n
	o.sent = max(o.sent-n, 0)
	o.pace.moved, o.pace.wait = now, firstWait
	return n
}

// rewind makes all that is not acknowledged go again.
func (o *outbox) rewind() { o.sent = 0 }

// ready is how many of the list may go at a level. More says that windows may
// follow, with which the last may yet be joined.
func (o *outbox) ready(level link.Level, more bool) int {
	n := len(o.list)
	length := lengthOf(level)
	switch {
	case level >= link.Reject:
		return 0
	case n > o.frozen && length > 0 && more && o.list[n-1].To%length != 0:
		return n - 1
	}
	return n
}

// lengthOf is how long windows are to be at a level; 0: as they were cut.
func lengthOf(l link.Level) hyperscale.JobTime {
	switch {
	case l <= link.Normal:
		return 0
	case l == link.Throttle:
		return 2 * time.Second
	}
	return 5 * time.Second
}

// aim says where windows go now. All that is not acknowledged goes again when
// that is new, or when no acknowledgement came for too long.
func (o *outbox) aim(to way, now time.Duration) {
	switch {
	case o.to != to:
		o.to = to
		o.rewind()
		o.pace.wait = firstWait
	case o.sent > 0 && now >= o.pace.moved+o.pace.wait:
		o.rewind()
		o.pace.wait = min(2*o.pace.wait, lastWait)
	}
}

// send gives the next window that is to go.
func (o *outbox) send(now time.Duration) kept {
	if o.sent == 0 {
		o.pace.moved = now
	}
	o.sent++
	o.frozen = max(o.frozen, o.sent)
	return o.list[o.sent-1]
}

// next is when time alone lets windows go, again or at last.
func (o *outbox) next(now time.Duration) time.Duration {
	switch {
	case o.to == (way{}) || len(o.list) == 0:
		return never
	case o.pace.holdOff > now:
		return o.pace.holdOff
	case o.sent > 0:
		return o.pace.moved + o.pace.wait
	}
	return never
}
