// Package stats is the truth about a run: what was counted ([Record], [Window],
// [Tally]), how long things took ([Histogram]), whether the plan's conditions
// hold ([Watch]) and whether the generator did what the plan asked ([Verdict]).
//
// Lanes count into records. A window is the exact sum of the records of one
// share over one interval; the windows are the result. A tally merges windows
// exactly and in any order.
//
// Where windows of many holders come in, [Marks] judge each by its turn and keep
// the holes of turns that were lost; [Joints] merge what was accepted into few
// windows, which is what a checkpoint records and a parent is sent; a [Stream]
// numbers what is sent. All of these have an encoding with which another goes on
// as if nothing had happened.
//
// Everything here is integer arithmetic on plain
// values: no clock, no I/O, no locks.
package stats
