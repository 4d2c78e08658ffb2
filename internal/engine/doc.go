// Package engine puts load on a target and tells the truth about it.
//
// An [Engine] runs legs (a workflow under a load, or one probe of a search) on
// its lanes. A lane is one OS thread with an event loop, a timing wheel,
// connections, virtual users and records of its own; lanes share nothing and
// meet only when their records are swapped at the end of a window. When slots
// are due is asked of package schedule, what a virtual user does of package
// session, and the bytes are carried by a driver behind [wire.Driver].
package engine
