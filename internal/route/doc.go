// Package route is how a gate chooses datacenters for a job. It is pure: no clock,
// goroutine, lock or socket; whole numbers only, so that every gate that knows the
// same chooses the same, whatever machine it runs on.
//
// It has two halves. A [Router] is stepped through what its gate hears, and can say
// at any moment what is known: one [Datacenter] for each, which is all the inputs
// there are. [Router.Choose] is a function of these and of a [Wish], and gives a
// [Choice]: the datacenters with the cores to use, and the whole table that led to
// it, as data and as lines for people.
//
// # How it is chosen
//
//  1. What can't run the job is left out: not in its list, cut off, without a manager
//     that is heard, without a worker, for a whole copy of the load too small.
//  2. The rest is put in order: HEALTHY, BUSY, DEGRADED (see [Class]; a BUSY one that
//     is preferred stands among the HEALTHY, see 6), then by [Score], then by name.
//  3. Where the job was before keeps its place (hysteresis): for 30 s in any case,
//     later unless another has less than 0.8 of its score; it loses it at any time to
//     one than which it was 1.5 times worse for 10 s. A partition that was found since
//     makes it a choice as if it were the first.
//  4. Those whose predicted latency or throughput can't meet the plan's slo are left
//     out, as long as enough others are there; else the best are used and flagged.
//  5. The first so many are taken that together have the cores that the job needs.
//  6. Spillover: one that can't begin now, and not within a minute, makes room for the
//     next that has the cores now, waits half as long at most, and is at most 100 ms
//     farther. Both must have said so within the last 30 s.
//  7. The cores are divided by what each has free, or, where some have to wait, has at
//     all: a part of the job is that many of all cores.
//
// Whoever asks for more datacenters than can run the job is refused, with the reason
// for each datacenter, or if that was allowed gets fewer.
package route
