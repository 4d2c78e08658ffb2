// Package agent decides what a worker does, as a pure state machine: what its
// parents say and its engines tell comes in, what is to be said and done goes
// out. It reads no clock, starts no goroutine and calls nobody; a thin loop
// around it performs the effects and wakes it when it asked to be.
//
// It takes cores or refuses, starts engines and starts them again when they
// die, numbers the windows of each turn and keeps them until an owner has
// acknowledged them, and ends a load that no owner was heard of for too long.
// Load never waits for a parent.
package agent
