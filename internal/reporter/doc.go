// Package reporter hands what a job does, and what came of it, to others: metrics
// systems, databases, web hooks. What they are is in [hyperscale/internal/reporter/sink];
// here is what all of them have in common.
//
// Each reporter of a job is one [Line]: a task of its own, with a queue that is
// bounded, a time limit for each delivery, and further attempts. Whatever becomes of
// it changes neither the others nor the job. What a line decides is a [Task], which
// is pure; its [State] is small, is kept by the owner of the job, and is all that
// another owner needs to go on.
//
// Windows are numbered in the order in which a job made them known. A delivery is
// named by the job, the reporter and the number of its first window, and comes at
// least once: who gets one again gets the same under the same name.
package reporter
