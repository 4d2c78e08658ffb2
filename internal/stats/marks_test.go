package stats

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
)

// unanswered is a window of so many iterations and home requests begun and not
// ended, and so many slots due and not begun.
func unanswered(share hyperscale.Share, seq uint64, iv Interval, begun, waiting int) *Window {
	r := NewRecord(testLayout())
	for range begun {
		r.Slots.Started++
		r.Lateness.Record(time.Microsecond)
		r.Steps[0].Requests.Started++
	}
	r.Due = uint64(begun + waiting)
	return Cut(WindowID{Workflow: "browse", Share: share, Seq: seq}, iv, []*Record{r}, Readings{})
}

// What comes of a covered turn's windows: those up to the fence are merged until
// one is not; closing books the rest, once.
func TestHole(t *testing.T) {
	share := hyperscale.Share{Lo: 0, Hi: 1, Of: 2, Turn: 1}
	tally := NewTally()
	m := tally.Marks()
	add := func(w *Window, want Receipt) {
		t.Helper()
		if got := tally.Add(w); got != want {
			t.Errorf("window %d: receipt %d, want %d", w.ID.Seq, got, want)
		}
	}
	add(counted(share, 1, 1, second(0), 5), Merged)
	m.Cover("browse", share, 4*time.Second)
	if s := m.Standing("browse", share); !s.Covered || s.Fence != 4*time.Second || s.Reach != time.Second || len(m.Unfinished()) != 1 {
		t.Errorf("%+v", s)
	}
	add(unanswered(share, 2, second(1), 3, 2), Merged)
	add(counted(share, 4, 4, second(3), 1), Gap)
	if f := m.Standing("browse", share).Flight; f != (Flight{3, 3}) {
		t.Errorf("in flight %+v", f)
	}
	crossing := counted(share, 3, 5, Interval{From: 2 * time.Second, To: 5 * time.Second}, 4)
	add(crossing, Stray)
	add(counted(share, 6, 6, second(2), 1), Stray) // the sum up to the mark is known no more
	if s := m.Standing("browse", share); !s.Past || s.Mark != 6 || s.Reach != 2*time.Second {
		t.Errorf("%+v", s)
	}
	loss := Losses{Interval: Interval{From: 2 * time.Second, To: 4 * time.Second}, Lost: 7, Missed: 9}
	w := tally.Close("browse", share, loss)
	if w == nil || !w.Final || w.Slots.Lost != 3+2+7 || w.Missed != 9 || w.Steps[0].Requests.Lost != 3 || w.Totals.Due != 5+5+7+9 {
		t.Fatalf("%+v", w)
	}
	if tally.Close("browse", share, loss) != nil || len(m.Unfinished()) != 0 {
		t.Error("closed twice")
	}
	add(counted(share, 7, 7, second(2), 1), Stray)
	add(counted(share, 7, 7, second(2), 1), Duplicate)
	for _, broken := range Identities(tally) {
		t.Error(broken)
	}
	s, stray := tally.Workflow("browse").Slots, tally.Stray("browse")
	if s.Due != 26 || s.Missed != 9 || s.Lost != 12 || s.Completed != 5 || stray.Completed != 6 {
		t.Errorf("%+v, stray %+v", s, stray.Slots)
	}
}

// A turn that ended by itself, before its fence or without one, has no hole.
func TestClosingWhatEnded(t *testing.T) {
	tally := NewTally()
	w := counted(hyperscale.Whole, 1, 1, second(0), 2)
	w.Final = true
	w.Totals.add(&w.Sums)
	tally.Add(w)
	tally.Marks().Cover("browse", hyperscale.Whole, 9*time.Second)
	if tally.Close("browse", hyperscale.Whole, Losses{Lost: 5}) != nil {
		t.Error("a loss of a turn that told all")
	}
	cut := hyperscale.Share{Lo: 0, Hi: 1, Of: 1, Turn: 2}
	w = counted(cut, 1, 1, second(0), 2)
	w.Final = true
	w.Totals.add(&w.Sums)
	tally.Add(w)
	tally.Marks().Cover("browse", cut, 9*time.Second)
	if w := tally.Close("browse", cut, Losses{Interval: second(2), Lost: 5, Missed: 3}); w == nil || w.Slots.Lost != 0 || w.Missed != 3 {
		t.Errorf("of a turn that was cut before its fence: %+v", w)
	}
	unknown := hyperscale.Share{Lo: 0, Hi: 1, Of: 1, Turn: 3}
	if w := tally.Close("browse", unknown, Losses{Interval: second(2), Lost: 5}); w == nil || w.Slots.Lost != 5 || w.To != 3*time.Second {
		t.Errorf("of a turn that never told anything: %+v", w)
	}
	if broken := Identities(tally); len(broken) != 0 || tally.Workflow("browse").Slots.Due != 12 {
		t.Errorf("%q, %+v", broken, tally.Workflow("browse").Slots)
	}
}

// A holder that says stray that it has no more leaves a hole to be closed.
func TestStrayEnd(t *testing.T) {
	m := NewMarks()
	old, cover := hyperscale.Whole, hyperscale.Whole
	old.Turn, cover.Turn, cover.From = 1, 2, 1500*time.Millisecond
	m.Receive(unanswered(old, 1, second(0), 2, 0))
	m.Expect("browse", cover)
	last := counted(old, 2, 2, second(1), 1)
	last.Final = true
	if got := m.Receive(last); got != Stray || len(m.broken) > 0 {
		t.Fatalf("receipt %d, %q", got, m.broken)
	}
	if u := m.Unfinished(); len(u) != 2 || !u[0].Final || !u[0].Past || u[1].Share != cover {
		t.Errorf("%+v", u)
	}
	if w := m.Close("browse", old, Losses{}); w == nil || w.Slots.Lost != 2 {
		t.Errorf("%+v", w)
	}
	if got := m.Receive(counted(old, 3, 3, second(2), 1)); got != Broken {
		t.Errorf("receipt %d of a window after the last", got)
	}
}

// Higher turns cover lower ones from where they begin, whoever is known first.
func TestFencesOfOverlappingTurns(t *testing.T) {
	shares := []hyperscale.Share{
		{Lo: 0, Hi: 4, Of: 8, Turn: 1},
		{Lo: 0, Hi: 2, Of: 8, From: 9 * time.Second, Turn: 2},
		{Lo: 2, Hi: 4, Of: 8, From: 7 * time.Second, Turn: 3},
		{Lo: 4, Hi: 8, Of: 8, Turn: 1},
	}
	rapid.Check(t, func(t *rapid.T) {
		m := NewMarks()
		for _, s := range rapid.Permutation(shares).Draw(t, "order") {
			m.Expect("browse", s)
		}
		for i, want := range []hyperscale.JobTime{7 * time.Second, -1, -1, -1} {
			s := m.Standing("browse", shares[i])
			if s.Covered != (want >= 0) || s.Covered && s.Fence != want {
				t.Fatalf("%+v", s)
			}
		}
	})
}

// A stream goes on over engines that die and count from 1 anew, and its windows
// add up to what it says at the end.
func TestStreamOverEngines(t *testing.T) {
	share := share1(1, 2)
	s, tally := NewStream("browse", share), NewTally()
	send := func(w *Window) {
		t.Helper()
		if got := tally.Add(passOn(t, w)); got != Merged {
			t.Errorf("window %d: receipt %d", w.ID.Seq, got)
		}
	}
	engine := NewStream("browse", hyperscale.Whole)
	rec := NewRecord(testLayout())
	happening{response: time.Millisecond, status: 200}.record(rec)
	rec.Due += 3
	rec.Slots.Started += 2
	rec.Lateness.Record(1)
	rec.Lateness.Record(1)
	rec.Steps[2].Requests.Started += 2
	for i := range 2 {
		w := engine.Cut(second(i), []*Record{rec}, Readings{})
		s.Take(w, false)
		if n := uint64(2 * (i + 1)); w.InFlight != (Flight{n, n}) || w.ID.Share != share {
			t.Errorf("%+v of %+v", w.InFlight, w.ID)
		}
		send(w)
	}
	dead := s.Died(Losses{Interval: second(2), Lost: 4, Missed: 5}, 0, false)
	if dead.ID.Seq != 3 || dead.InFlight != (Flight{}) || dead.Slots.Lost != 4+4+2 || dead.Steps[2].Requests.Lost != 4 {
		t.Errorf("%+v", dead)
	}
	send(dead)
	rec.Reset()
	happening{response: time.Millisecond, status: 200}.record(rec)
	last := NewStream("browse", hyperscale.Whole).Last(second(3), []*Record{rec}, Readings{})
	s.Take(last, true)
	send(last)
	if broken := Identities(tally); len(broken) > 0 || len(tally.Unfinished()) > 0 || s.Seq() != 4 {
		t.Errorf("%q, %q", broken, tally.Unfinished())
	}
	if got := tally.Workflow("browse").Slots; got.Due != 4+4+9+1 || got.Missed != 5 || got.Lost != 10 {
		t.Errorf("%+v", got)
	}
}

// Wherever a turn is cut off, and whatever else was lost: once it is closed
// nothing is missing from the identities, and the turn's totals are the sum of
// its windows.
func TestIdentitiesHoldOnceClosed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tally := NewTally()
		for turn := range rapid.IntRange(1, 3).Draw(t, "turns") {
			share := hyperscale.Whole
			share.Turn, share.From = hyperscale.Turn(turn), time.Duration(4*turn)*time.Second
			var sum Ledger
			for i := range rapid.IntRange(0, 5).Draw(t, "windows") {
				w := unanswered(share, uint64(i+1), second(4*turn+i), rapid.IntRange(0, 3).Draw(t, "begun"), rapid.IntRange(0, 3).Draw(t, "waiting"))
				w.Missed += uint64(rapid.IntRange(0, 2).Draw(t, "missed"))
				w.Due += w.Missed
				if tally.Add(w) == Merged {
					sum.add(&w.Sums)
				}
			}
			loss := Losses{
				Interval: Interval{From: tally.Marks().Standing("browse", share).Reach, To: time.Duration(4*turn+4) * time.Second},
				Lost:     rapid.Uint64Range(0, 9).Draw(t, "lost"), Missed: rapid.Uint64Range(0, 9).Draw(t, "missed after"),
			}
			w := tally.Close("browse", share, loss)
			sum.add(&w.Sums)
			if d := sum.differs(&w.Totals); d != "" {
				t.Fatal(d)
			}
			if s := tally.Marks().Standing("browse", share); s.Flight != (Flight{}) || s.Slots.Due != s.Slots.Started+s.Slots.Missed {
				t.Fatalf("%+v", s)
			}
		}
		if broken := Identities(tally); len(broken) > 0 {
			t.Fatal(broken)
		}
	})
}

// Turns of different copies have the same slots and do not cover each other; those of one
// copy do, as ever.
func TestCopiesDoNotCoverEachOther(t *testing.T) {
	all := hyperscale.Share{Lo: 0, Hi: 4, Of: 4}
	turn := func(n hyperscale.Turn, from hyperscale.JobTime) hyperscale.Share {
		s := all
		s.Turn, s.From = n, from
		return s
	}
	for _, copies := range []int{0, 2} {
		m := NewMarks()
		InCopies(m, copies)
		m.Expect("a", turn(1, 0))
		m.Expect("a", turn(2, 0))
		if got := m.Standing("a", turn(1, 0)).Covered; got == (copies == 2) {
			t.Errorf("in %d copies turn 2 covers turn 1: %v", copies, got)
		}
		again, err := DecodeMarks(m.AppendBinary(nil))
		if err != nil {
			t.Fatal(err)
		}
		InCopies(again, copies)
		again.Expect("a", turn(4, 3*time.Second))
		if s := again.Standing("a", turn(2, 0)); !s.Covered || s.Fence != 3*time.Second {
			t.Errorf("in %d copies: %+v", copies, s)
		}
		if got := again.Standing("a", turn(1, 0)).Covered; got == (copies == 2) {
			t.Errorf("in %d copies turn 4 covers turn 1: %v", copies, got)
		}
	}
}
