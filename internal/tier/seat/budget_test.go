package seat

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/job/owner"
)

var zeros = make([]byte, 4<<20)

// writer is a job that writes: so many bytes with each checkpoint, and so many for
// each second in it; a base of so many once it has written as many; and a record for
// what is urgent now and then.
type writer struct {
	id                   hyperscale.JobID
	each, second, base   int
	urgent, urgentEvery  int
	since, saved, length int // bytes since the base; the second of the last timed save, and of the next
}

// pass lets a second pass and gives what was written in it.
func (w *writer) pass(b *Budget, now int) (bytes int) {
	write := func(n int, timed bool) {
		if w.since += n; w.base > 0 && w.since > w.base {
			n, w.since = w.base, 0
		}
		bytes += n
		w.length = int(b.Saved(w.id, owner.Save{Record: zeros[:n], Timed: timed}) / time.Second)
	}
	if w.urgentEvery > 0 && now%w.urgentEvery == 0 {
		write(w.urgent, false)
	}
	if now-w.saved >= max(w.length, 1) {
		write(w.each+w.second*(now-w.saved), true)
		w.saved = now
	}
	return bytes
}

// writers are so many jobs that write alike.
func writers(n int, like writer) []*writer {
	list := make([]*writer, n)
	for i := range list {
		w := like
		w.id, w.since = hyperscale.JobID(fmt.Sprint("j", i)), i*like.base/n
		list[i] = &w
	}
	return list
}

// minutes runs jobs for some minutes and gives the bytes a second of each.
func minutes(b *Budget, jobs []*writer, from, n int) (rates []int) {
	for m := range n {
		sum := 0
		for s := range 60 {
			for _, w := range jobs {
				sum += w.pass(b, from+m*60+s+1)
			}
		}
		rates = append(rates, sum/60)
	}
	return rates
}

// However many jobs there are and whatever they write, together they stay within the
// budget, if checkpoints 15 s apart allow it; and where a checkpoint each second does,
// each second has one.
func TestBudgetHolds(t *testing.T) {
	for _, tt := range []struct {
		what  string
		jobs  int
		like  writer
		every time.Duration
	}{
		{"one small job", 1, writer{each: 500, second: 6000, base: 256 << 10}, 1},
		{"one job of thousands of workers", 1, writer{each: 600 << 10, second: 60 << 10, base: 2 << 20}, 3},
		{"a hundred that do little", 100, writer{each: 300, second: 1200, base: 256 << 10}, 1},
		{"a hundred of hundreds of workers", 100, writer{each: 20 << 10, second: 1200, base: 256 << 10}, 10},
		{"a thousand that do little", 1000, writer{each: 500, second: 150, base: 0}, 2},
		{"a thousand of ten workers", 1000, writer{each: 4 << 10, second: 200, base: 0}, 13},
		{"a hundred with much that is urgent", 100, writer{each: 3 << 10, second: 500, urgent: 20 << 10, urgentEvery: 5, base: 0}, 5},
	} {
		var b Budget
		jobs := writers(tt.jobs, tt.like)
		rates := minutes(&b, jobs, 0, 10)
		sum := 0
		for i, rate := range rates[3:] {
			if sum += rate; rate > bytesPerSecond*110/100 { // many bases may fall together
				t.Errorf("%s: %d KiB/s in minute %d, %v apart", tt.what, rate>>10, i+4, b.Every())
			}
		}
		if mean := sum / len(rates[3:]); mean > bytesPerSecond {
			t.Errorf("%s: %d KiB/s, %v apart", tt.what, mean>>10, b.Every())
		}
		if every := b.Every(); every < tt.every*time.Second || every > (tt.every+2)*time.Second {
			t.Errorf("%s: saved each %v, want %d s", tt.what, every, tt.every)
		}
		t.Logf("%s: %v apart, %v wanted, %d KiB/s", tt.what, b.Every(), b.Wants().Round(100*time.Millisecond), rates[len(rates)-1]>>10)
	}
}

// What can't be within the budget is at least as far apart as may be, and says so;
// when jobs have gone, the others are saved each second again.
func TestBudgetExceeded(t *testing.T) {
	var b Budget
	jobs := writers(300, writer{each: 500, second: 6000})
	minutes(&b, jobs, 0, 5)
	if b.Every() != owner.LongestEvery || b.Wants() <= owner.LongestEvery {
		t.Errorf("saved each %v, %v wanted", b.Every(), b.Wants())
	}
	for _, w := range jobs[10:] {
		b.Gone(w.id)
	}
	minutes(&b, jobs[:10], 300, 2)
	if b.Every() != time.Second {
		t.Errorf("ten are saved each %v, %v wanted", b.Every(), b.Wants())
	}
	for _, w := range jobs {
		b.Gone(w.id)
	}
	if b.cost != 0 || len(b.jobs) != 0 || b.Every() != time.Second {
		t.Errorf("of no job %d bytes are left, saved each %v", b.cost, b.Every())
	}
}

// It is always whole seconds, from 1 to 15, and never less for it that another job
// writes more.
func TestBudgetEvery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Budget{PerSecond: rapid.IntRange(1, 1<<20).Draw(t, "budget")}
		for range rapid.IntRange(1, 30).Draw(t, "saves") {
			job := hyperscale.JobID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "job"))
			if rapid.IntRange(0, 9).Draw(t, "gone") == 0 {
				b.Gone(job)
				continue
			}
			before, first := b.Every(), b.jobs[job] == nil
			save := owner.Save{Record: make([]byte, rapid.IntRange(0, 1<<20).Draw(t, "bytes")), Timed: rapid.Bool().Draw(t, "timed")}
			every := b.Saved(job, save)
			if every != b.Every() || every%time.Second != 0 || every < time.Second || every > owner.LongestEvery {
				t.Fatalf("saved each %v", every)
			}
			if (first || !save.Timed) && every < before {
				t.Fatalf("saved each %v for %v, since another job was saved", every, before)
			}
		}
		sum := 0
		for _, s := range b.jobs {
			sum += s.cost
		}
		if sum != b.cost {
			t.Fatalf("a cost of %d, and of all jobs %d", b.cost, sum)
		}
	})
}
