// Package place gives out the cores of a datacenter. It is pure: a [Placer] is
// stepped through what workers state and what the owners of jobs want, and says
// who gets what; it reads no clock and calls nobody.
//
// # Who comes first
//
// Wants of jobs that run come before all others: a lost share is load that is
// missing now, and a job ends only when its last workflow got its turn. Then
// exclusive jobs, then priorities (high, normal, low, auto), then who has waited
// longest. Each ten minutes of waiting raise a want by one class, so that no
// class starves another.
//
// A want that does not fit is passed by later ones that do. Once it has waited
// for half a minute it is passed no more: cores that come free are set aside for
// the first such want, unless it is known that they would not be enough within
// the hour that a want may wait, or the workers that are there could never hold
// it. An exclusive job is the same case: it fits when nothing else runs, and the
// jobs that run may end meanwhile, for their own wants are never held up.
//
// # What counts as used
//
// What a worker states, and on top what was granted and is not yet seen in a
// statement. A grant is void when none shows it within five seconds of the last
// time it was told; nothing else is remembered, so a new placer knows all from
// the first statements. The atomic refusal of a worker is what safety rests on.
//
// A worker has at most three grants to take up at once, so that it does not make
// ready dozens of jobs in one moment, and a grant that it can't take up soon is left
// for another. What is taken up is what its statements show, ready or not: a share
// that is slow to make ready holds up no other.
package place
