// Package stats is the truth about a run: what was counted ([Record], [Window],
// [Tally]), how long things took ([Histogram]), whether the plan's conditions
// hold ([Watch]) and whether the generator did what the plan asked ([Verdict]).
//
// Lanes count into records. A window is the exact sum of the records of one
// share over one interval; the windows are the result. A tally merges windows
// exactly and in any order. Everything here is integer arithmetic on plain
// values: no clock, no I/O, no locks.
package stats
