package child

import (
	"time"

	"hyperscale"
)

// overs are the jobs that are stated to be over, in the order in which that was found.
type overs struct {
	queue []overAt
	last  map[hyperscale.JobID]uint64 // number of the entry that counts of a job
	count uint64                      // of entries so far
}

// overAt is one of them, unless it is not the one that counts any more.
type overAt struct {
	job    hyperscale.JobID
	number uint64
	until  time.Duration
}

// add states a job until then.
func (o *overs) add(job hyperscale.JobID, until time.Duration) {
	o.count++
	o.last[job] = o.count
	o.queue = append(o.queue, overAt{job, o.count, until})
	if len(o.queue) > mostOvers {
		o.pop()
	}
}

// remove states a job no more.
func (o *overs) remove(job hyperscale.JobID) { delete(o.last, job) }

// sweep forgets those that were stated for long enough.
func (o *overs) sweep(now time.Duration) {
	for len(o.queue) > 0 && o.queue[0].until <= now {
		o.pop()
	}
}

// pop forgets the first entry.
func (o *overs) pop() {
	first := o.queue[0]
	if o.last[first.job] == first.number {
		delete(o.last, first.job)
	}
	o.queue = o.queue[1:]
	if len(o.queue) == 0 {
		o.queue = nil
	}
}

// next is when the first of them is to be forgotten.
func (o *overs) next() time.Duration {
	if len(o.queue) == 0 {
		return Never
	}
	return o.queue[0].until
}

// list is what is stated.
func (o *overs) list() []hyperscale.JobID {
	var list []hyperscale.JobID
	for _, x := range o.queue {
		if o.last[x.job] == x.number {
			list = append(list, x.job)
		}
	}
	return list
}
