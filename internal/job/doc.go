// Package job is the life of a job as a pure state machine: what happened comes
// in with the job time, what is to be done comes out. It reads no clock, starts
// no goroutine and calls nobody; a thin loop around it performs the effects and
// wakes it when it asked to be.
//
// It decides the order of workflows, what becomes of dependents, how exported
// values travel, how a search goes from probe to probe, and how everything ends:
// by itself, at an interrupt, at an abort, at the deadline. Every wait in it has
// an end.
package job
