package owner

import (
	"testing"
	"time"

	"hyperscale/internal/link"
)

// waiting is a job with a parent that is over and waits for it; its first window was
// sent.
func waiting(t *testing.T) *script {
	s := &script{t: t}
	for _, line := range []string{
		"plan open parent", "grant 1 w1", "saved", "state w1 prepared", "lets a", "saved", "saved", "parent 1", "wait 1s",
		"deliver w1 a to=1s due=10", "wait 200ms", "takeover", "state w1 running cut=1 acked=1 at=400s silence=398s", "saved",
	} {
		s.run(line)
	}
	if s.owner.desk.end != closed {
		t.Fatalf("the end is %d, not %d", s.owner.desk.end, closed)
	}
	return s
}

// Whoever asks when the next tick is due is not kept busy while a job whose parent
// had its time is being given up, however long that takes.
func TestGivingUpTakesItsTime(t *testing.T) {
	s := waiting(t)
	s.now += 25 * time.Hour
	s.step(Tick{})
	if s.pending == nil || !s.pending.Ended || s.pending.Pending {
		t.Fatalf("saved is %+v", s.pending)
	}
	if next := s.owner.Next(); next != never {
		t.Errorf("the next tick is at %v", next)
	}
	s.saved()
	if s.owner.desk.end != gone {
		t.Error("it goes on")
	}
}

// What the parent refuses after the end is told nobody: the last event was told.
func TestNothingIsToldAfterTheEnd(t *testing.T) {
	s := waiting(t)
	r := link.Receipt{Hold: link.Hold{Job: "j", Workflow: "a", Share: s.partOf("a", "3").Share}, Epoch: 1, Broken: true}
	s.step(ParentTells{r})
	if s.pending == nil || len(s.pending.Events) > 0 {
		t.Errorf("saved is %+v", s.pending)
	}
}

// A receipt of an epoch of the parent before, or for another turn, means nothing.
func TestReceiptsOfOthers(t *testing.T) {
	s := waiting(t)
	s.step(ParentAt{Link: 2, Epoch: 5})
	share := s.partOf("a", "3").Share
	other := share
	other.Turn++
	for _, r := range []link.Receipt{
		{Hold: link.Hold{Workflow: "a", Share: share}, Seq: 9, Epoch: 4},
		{Hold: link.Hold{Workflow: "a", Share: other}, Seq: 9, Epoch: 5},
		{Hold: link.Hold{Workflow: "b", Share: share}, Seq: 9, Epoch: 5},
	} {
		s.step(ParentTells{r})
	}
	if s.pending != nil || s.owner.up.flows[0].box.Acked() != 0 {
		t.Errorf("up to %d is acknowledged", s.owner.up.flows[0].box.Acked())
	}
}

// Before the moment at which a job is to start its time is below zero: what is ahead of the
// gate's clock can be told apart from what has not begun.
func TestJobTimeBeforeTheStart(t *testing.T) {
	s := &script{t: t}
	for _, line := range []string{"plan open parent", "grant 1 w1", "saved", "state w1 prepared"} {
		s.run(line)
	}
	part := s.partOf("a", "3")
	s.step(Ordered{Order: link.Order{Do: link.Start, Epoch: 1, Hold: part, Number: 1, In: 250 * time.Millisecond}})
	s.saved()
	s.now += 100 * time.Millisecond
	s.step(Tick{})
	if h := s.owner.Held()[0]; h.Start != 1 || h.JobTime != -149*time.Millisecond {
		t.Errorf("it is %v of start %d", h.JobTime, h.Start)
	}
	s.now += 200 * time.Millisecond
	s.step(Tick{})
	if h := s.owner.Held()[0]; h.JobTime != 51*time.Millisecond {
		t.Errorf("then it is %v", h.JobTime)
	}
}
