package seat

import (
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
)

// bytesPerSecond is what the checkpoints of all jobs of a node may come to.
const bytesPerSecond = 512 << 10

// Budget keeps what the jobs of a node write within what the node may: the more one
// checkpoint of each of them comes to together, the further they are apart, those of
// all jobs alike. So what is urgent is written at once and counts, and what is not
// is written less often, which is less: what changes each second is written once.
// The zero value is that of a node without jobs.
type Budget struct {
	PerSecond int // bytes; 0: 512 KiB

	jobs map[hyperscale.JobID]*spending
	cost int // bytes, of one checkpoint of each job
}

// spending is what one job writes.
type spending struct {
	since int  // bytes since its last timed save
	cost  int  // bytes from one timed save to the next, smoothed
	known bool // there was one
}

// smooth is how many checkpoints a change of their cost is spread over: about as
// many as come between two bases.
const smooth = 4

// Saved takes in that a save of a job was made, and says how far apart those are to
// be that are timed.
func (b *Budget) Saved(job hyperscale.JobID, save owner.Save) time.Duration {
	s := b.jobs[job]
	if s == nil {
		s = &spending{}
		if b.jobs == nil {
			b.jobs = map[hyperscale.JobID]*spending{}
		}
		b.jobs[job] = s
	}
	s.since += len(save.Record) + len(save.Result)
	if save.Timed {
		b.cost -= s.cost
		if s.known {
			s.cost = ((smooth-1)*s.cost + s.since) / smooth
		} else {
			s.cost, s.known = s.since, true
		}
		b.cost += s.cost
		s.since = 0
	}
	return b.Every()
}

// Gone takes in that a job is not the node's any more.
func (b *Budget) Gone(job hyperscale.JobID) {
	if s := b.jobs[job]; s != nil {
		b.cost -= s.cost
		delete(b.jobs, job)
	}
}

// Wants is how far apart the checkpoints of each job would have to be for all to stay
// within the budget.
func (b *Budget) Wants() time.Duration {
	most := b.PerSecond
	if most == 0 {
		most = bytesPerSecond
	}
	return time.Duration(float64(b.cost) / float64(most) * float64(time.Second))
}

// Every is how far apart they are: whole seconds, from one to [owner.LongestEvery].
func (b *Budget) Every() time.Duration {
	whole := (b.Wants() + time.Second - 1).Truncate(time.Second)
	return min(max(whole, time.Second), owner.LongestEvery)
}
