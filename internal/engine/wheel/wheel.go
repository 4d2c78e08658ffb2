// Package wheel is a hierarchical timing wheel: arming and disarming a timer
// cost a few nanoseconds whatever their number. It belongs to one goroutine and
// reads no clock.
//
// The scheme is that of Varghese and Lauck, "Hashed and Hierarchical Timing
// Wheels" (1987), with a bit set per level so that the next expiry is found
// without walking empty slots.
package wheel

import (
	"math/bits"
	"time"
)

// Tick is the most by which a timer fires late.
const Tick = time.Duration(1 << tickShift)

const (
	tickShift = 14 // one tick is 2¹⁴ ns = 16.4 µs
	levelBits = 8
	slots     = 1 << levelBits
	levels    = 6 // 2⁴⁸ ticks: more than a hundred years
)

// Never is the time of a timer that is not armed and of an empty wheel.
const Never = time.Duration(1<<63 - 1)

// Timer is one timer. It is embedded in or owned by what it wakes; the zero
// value is not armed. It must not be copied while it is armed.
type Timer struct {
	// Wake is called by Advance when the time has come, with the timer disarmed.
	Wake func(now time.Duration)

	at         time.Duration
	level      int16
	slot       int16
	next, prev *Timer
}

// Armed reports whether the timer waits.
func (t *Timer) Armed() bool { return t.next != nil }

// At is the time that the timer is or was armed for.
func (t *Timer) At() time.Duration { return t.at }

// Wheel holds timers. New makes one.
type Wheel struct {
	tick  int64 // every timer of an earlier tick has fired
	count int
	used  [levels][slots / 64]uint64
	heads [levels][slots]Timer // sentinels of ring lists
}

// New makes an empty wheel whose time is now.
func New(now time.Duration) *Wheel {
	w := &Wheel{tick: int64(now) >> tickShift}
	for l := range w.heads {
		for s := range w.heads[l] {
			h := &w.heads[l][s]
			h.next, h.prev = h, h
		}
	}
	return w
}

// Len is the number of armed timers.
func (w *Wheel) Len() int { return w.count }

// Arm makes t fire at the given time, in place of what it was armed for. A time
// that has passed fires at the next Advance.
func (w *Wheel) Arm(t *Timer, at time.Duration) {
	w.Disarm(t)
	t.at = at
	w.count++
	w.put(t)
}

// Disarm makes t not fire. A timer that is not armed stays so.
func (w *Wheel) Disarm(t *Timer) {
	if !t.Armed() {
		return
	}
	w.take(t)
	w.count--
}

// put links t into the slot of its tick: the level is that of the highest digit
// in which its tick differs from the wheel's.
func (w *Wheel) put(t *Timer) {
	// Rounded up, so that no timer fires early.
	tick := max(ceilTick(t.at), w.tick)
	level := 0
	if d := uint64(tick ^ w.tick); d != 0 {
		level = (bits.Len64(d) - 1) / levelBits
	}
	if level >= levels {
		level, tick = levels-1, w.tick|(1<<(levels*levelBits)-1)
	}
	s := int(tick>>(level*levelBits)) & (slots - 1)
	t.level, t.slot = int16(level), int16(s)
	h := &w.heads[level][s]
	t.prev, t.next = h.prev, h
	t.prev.next, h.prev = t, t
	w.used[level][s>>6] |= 1 << (s & 63)
}

func (w *Wheel) take(t *Timer) {
	t.prev.next, t.next.prev = t.next, t.prev
	t.next, t.prev = nil, nil
	l, s := t.level, t.slot
	if h := &w.heads[l][s]; h.next == h {
		w.used[l][s>>6] &^= 1 << (s & 63)
	}
}

// Next is the time at which Advance has something to do: not later than the
// first timer's. It is Never when the wheel is empty.
func (w *Wheel) Next() time.Duration {
	if w.count == 0 {
		return Never
	}
	tick, _ := w.nextTick()
	return time.Duration(tick << tickShift)
}

// nextTick finds the first slot in use: its first tick and its level. A level's
// slots all come before those of the level above.
func (w *Wheel) nextTick() (tick int64, level int) {
	for l := range levels {
		digit := int(w.tick>>(l*levelBits)) & (slots - 1)
		s := w.firstUsed(l, digit)
		if s < 0 {
			continue
		}
		base := w.tick &^ (1<<((l+1)*levelBits) - 1)
		return max(base|int64(s)<<(l*levelBits), w.tick), l
	}
	return 1<<63 - 1, -1
}

func (w *Wheel) firstUsed(level, from int) int {
	word := from >> 6
	mask := w.used[level][word] &^ (1<<(from&63) - 1)
	for {
		if mask != 0 {
			return word<<6 + bits.TrailingZeros64(mask)
		}
		word++
		if word == slots/64 {
			return -1
		}
		mask = w.used[level][word]
	}
}

// Advance wakes every timer whose time has come, those armed meanwhile
// included when they are due too.
func (w *Wheel) Advance(now time.Duration) {
	end := int64(now) >> tickShift
	for w.count > 0 {
		tick, level := w.nextTick()
		if tick > end {
			break
		}
		w.tick = tick
		s := int(tick>>(level*levelBits)) & (slots - 1)
		w.empty(&w.heads[level][s], level, now)
	}
	w.tick = max(w.tick, end)
}

// empty fires the timers of a slot of the lowest level and deals those of a
// higher one out to the levels below.
func (w *Wheel) empty(h *Timer, level int, now time.Duration) {
	// A timer armed by a Wake for this very slot joins the list behind last and
	// is met by the caller's next round.
	last := h.prev
	for {
		t := h.next
		if t == h {
			return
		}
		end := t == last
		w.take(t)
		if level > 0 {
			w.put(t)
		} else {
			w.count--
			t.Wake(now)
		}
		if end {
			return
		}
	}
}

func ceilTick(at time.Duration) int64 {
	return (int64(at) + 1<<tickShift - 1) >> tickShift
}
