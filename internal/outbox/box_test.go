package outbox

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// windows are those of the first seconds of a turn, with so many slots each; the
// last is final.
func windows(due ...uint64) []Window {
	stream := stats.NewStream("a", hyperscale.Share{Hi: 1, Of: 1})
	var list []Window
	for i, n := range due {
		w := &stats.Window{}
		w.From, w.To = time.Duration(i)*time.Second, time.Duration(i+1)*time.Second
		w.Due, w.Slots.Started, w.Completed = n, n, n
		stream.Take(w, i == len(due)-1)
		list = append(list, Pack(w, nil))
	}
	return list
}

// total is how many slots the windows tell of.
func total(list []Window) (n uint64) {
	for _, w := range list {
		n += w.Unpack().Due
	}
	return n
}

// Whatever is merged, nothing is lost, what is frozen stays as it is, and another
// box that is told what is left comes to the very same.
func TestMergedIsTheSameElsewhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := windows(rapid.SliceOfN(rapid.Uint64Range(0, 9), 1, 12).Draw(t, "due")...)
		var one, other Box
		for _, w := range all {
			one.Add(w, 0)
			other.Add(w, 0)
			n := rapid.IntRange(0, one.Len()).Draw(t, "frozen")
			switch rapid.IntRange(0, 3).Draw(t, "do") {
			case 0:
				one.Stretch(2 * time.Second)
			case 1:
				one.Halve()
			case 2:
				if !other.Refit(one.Firsts()) {
					t.Fatalf("windows from %v on can't be made of %v", one.Firsts(), other.Firsts())
				}
				other.Freeze(other.UpTo(one.Freeze(n)))
			}
		}
		if !other.Refit(one.Firsts()) || one.Bytes() != other.Bytes() {
			t.Fatalf("windows from %v on became those from %v on", one.Firsts(), other.Firsts())
		}
		left, frozen := one.Windows()
		again, _ := other.Windows()
		for i := range left {
			if !bytes.Equal(left[i].Bytes, again[i].Bytes) || left[i].Seq != again[i].Seq {
				t.Fatalf("window %d is another", left[i].Seq)
			}
		}
		if total(left) != total(all) || left[len(left)-1].Seq != all[len(all)-1].Seq {
			t.Fatalf("%d slots in windows up to %d, of %d", total(left), left[len(left)-1].Seq, total(all))
		}
		for one.Halve() {
		}
		if now, _ := one.Windows(); frozen > 0 && !bytes.Equal(now[frozen-1].Bytes, again[frozen-1].Bytes) {
			t.Fatal("a frozen window was merged")
		}
	})
}

func TestRefitRefusesWhatCannotBe(t *testing.T) {
	var b Box
	for _, w := range windows(1, 2, 3) {
		b.Add(w, 0)
	}
	b.Freeze(1)
	if b.Refit([]uint64{3, 4}) {
		t.Error("a window was found that nobody cut")
	}
}

// Windows go in order, so many at a time, again when nobody acknowledges them, and
// at once over another link.
func TestSending(t *testing.T) {
	var b Box
	for _, w := range windows(make([]uint64, MaxSent+8)...) {
		b.Add(w, 0)
	}
	goes := func(now time.Duration) (list []uint64) {
		for {
			w, some := b.Send(b.Len(), -1, now)
			if !some {
				return list
			}
			list = append(list, w.Seq)
		}
	}
	is := func(what string, got []uint64, first, n uint64) {
		t.Helper()
		if uint64(len(got)) != n || n > 0 && (got[0] != first || got[n-1] != first+n-1) {
			t.Errorf("%s: %v goes, not %d from %d on", what, got, n, first)
		}
	}
	b.Aim(Way{Link: 1}, 0)
	is("at first", goes(0), 1, MaxSent)
	b.Acknowledge(1000, time.Second)
	is("nobody acknowledges what was not sent", goes(time.Second), MaxSent+1, 8)
	if b.Acked() != MaxSent || b.Len() != 8 || b.Flying() != b.Bytes() {
		t.Errorf("acknowledged up to %d, %d are left", b.Acked(), b.Len())
	}
	b.Again(MaxSent, time.Second)
	is("asked for again", goes(time.Second), MaxSent+1, 8)
	b.Again(MaxSent, time.Second+time.Millisecond)
	is("asked for again by another", goes(time.Second), 0, 0)
	if next := b.Next(time.Second); next != time.Second+FirstWait {
		t.Errorf("again at %v", next)
	}
	b.Aim(Way{Link: 1}, time.Second+FirstWait)
	is("nobody answers", goes(time.Second+FirstWait), MaxSent+1, 8)
	b.HoldOff(time.Hour, time.Minute)
	b.Aim(Way{Link: 2}, time.Minute)
	is("told to wait", goes(time.Minute), 0, 0)
	is("waited, at most so long", goes(time.Minute+LastWait), MaxSent+1, 8)
	b.Nowhere()
	if b.Next(0) != never || b.Goes(2) {
		t.Error("it goes somewhere yet")
	}
}

// The last window waits for others that it may be merged with, if the parent wants
// longer ones and there may be others.
func TestReady(t *testing.T) {
	b := Restore(0, 0, windows(1, 1, 1))
	for _, c := range []struct {
		level link.Level
		more  bool
		ready int
	}{{link.Normal, true, 3}, {link.Throttle, true, 2}, {link.Throttle, false, 3}, {link.Batch, true, 2}, {link.Reject, false, 0}} {
		if got := b.Ready(c.level, c.more); got != c.ready {
			t.Errorf("level %d, more %v: %d are ready, not %d", c.level, c.more, got, c.ready)
		}
	}
}

// Many boxes share what may be kept and what may be under way.
func TestBoxes(t *testing.T) {
	one, other := Restore(0, 2, windows(1, 2, 3)), Restore(0, 0, windows(1, 2, 3, 4, 5, 6))
	list := Boxes{&one, &other}
	list.Squeeze(list.Bytes() - 1)
	if one.Len() != 3 || other.Len() != 3 {
		t.Errorf("%d and %d windows are left", one.Len(), other.Len())
	}
	list.Squeeze(0)
	if one.Len() != 3 || other.Len() != 1 {
		t.Errorf("%d and %d windows are left, two were frozen", one.Len(), other.Len())
	}
	if list.Room(7) != -1 {
		t.Error("nothing is under way, and no window may go")
	}
	one.Aim(Way{Link: 7}, 0)
	one.Send(1, list.Room(7), 0)
	if list.Room(7) != MaxFlying-one.Flying() || list.Room(8) != -1 {
		t.Errorf("%d bytes are under way, there is room for %d", one.Flying(), list.Room(7))
	}
	other.Aim(Way{Link: 7}, 0)
	if _, some := other.Send(1, 3, 0); some {
		t.Error("a window went for which there was no room")
	}
}
