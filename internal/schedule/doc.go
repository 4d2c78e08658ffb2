// Package schedule says when each slot of a load is due and who holds it. Every
// answer is a pure function of the plan: no clock, no state, no I/O, so that any
// division of a load into shares and lanes starts the same slots at the same
// times as one machine would, and a share that moves goes on where it stopped.
//
// All times are counted from the start of the workflow, in whole nanoseconds.
// The arithmetic is exact integer arithmetic; where floating point is used to
// guess, the guess is corrected exactly, and the few floating-point results that
// stand are rounded after each operation, so every architecture gives the same
// answers bit by bit.
//
// [Arrivals] is an open load (and a probe of a search), [Users] a closed one,
// [Iterations] a fixed amount of work. [Lane] is the slots of one lane of a
// share.
package schedule
