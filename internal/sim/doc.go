// Package sim runs a whole datacenter in one process: managers, workers, clients,
// the store and the network between them, on virtual time, with faults. One seed
// decides everything (deliveries, delays, crashes, pauses, partitions), so a run
// that failed can be had again bit by bit.
//
// What decides is the real code (job/owner, tier/node, tier/seat, worker/agent,
// place, own); simulated are what surrounds it: processes, clocks, streams, a
// store that answers late or not at all, and engines, which are the schedule
// itself. Each start of a slot is noted by a simulated target, so the true answer
// is known, and what the result of a job says is held against it.
//
// Seeds from [Rich] on ask for more: values that workflows export, searches,
// thresholds that end a job, adjustments, workflows cancelled alone.
//
// # Time and order
//
// There is one queue of events by time and number, and one source of random
// numbers. Code that blocks on the store runs as a coroutine, which stops at each
// call and goes on when its answer comes: others act in between. Nothing else
// waits, and nothing runs at the same time.
package sim
