// Package account keeps the account of a job beside its state machine: the tally
// of its windows, thresholds as they stand, what its loads promised, and what
// happened. It makes of it what a live view shows, and the result. It is pure:
// the shell of a run on one machine and the owner of a job in a cluster both
// keep one.
package account
