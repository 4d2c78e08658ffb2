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
// thresholds that end a job, adjustments, workflows cancelled alone. From [Unheard] on
// loads are made smaller while some do not hear of it; below [Single], from [Apart] on, a
// gate goes on for a while without the datacenter.
//
// By default there is room for a checkpoint of each job each second; Config.SaveBudget
// takes it away, and checkpoints are up to 15 s apart.
//
// # What is demanded
//
// In this order in the design, and where it is looked at:
//
//   - one terminal result for each job, which never becomes another: noteEnds, checkJob
//   - the accounting identities: checkJob
//   - totals with the strays are all windows that were received, each once: checkSums
//   - the target saw what the result tells, within lost and the bound: checkRequests
//   - due slots are those of the plan and its adjustments: checkFlow
//   - no write of a fenced owner counts: what was acknowledged every later owner
//     knows (readBy), epochs of events only rise (take), two never share one (owned)
//   - two holders of a slot for no longer than autonomy, none twice in a turn: check; of
//     a job that lets no two hold one, none begun twice, none begun while another goes
//     on: heldOnce
//   - events without gaps or repeats at every client, the same for all: take
//   - one job for each key, in an order that agrees with time: checkKeys
//   - nothing left in managers, workers or engines after the end: checkRest
//   - progress never falls: shown. Every job ends: unfinished
//   - a parent above gets the result exactly: see above
//
// Not simulated are gates and several datacenters, more than five workers, windows
// that are merged because nobody takes them, and levels of pressure. Histories of
// ownership are checked in package own.
//
// # Time and order
//
// There is one queue of events by time and number, and one source of random
// numbers. Code that blocks on the store runs as a coroutine, which stops at each
// call and goes on when its answer comes: others act in between. Nothing else
// waits, and nothing runs at the same time.
package sim
