// Package process runs an engine in a process of its own, so that whatever
// becomes of the engine, the agent that started it lives and tells of it. It has
// both ends: [Process] starts the process and speaks with it, [Main] is what runs
// inside.
//
//	agent                               engine
//	brief, setup  ─────────────────▶    compiles, resolves names, raises limits
//	              ◀───────  Prepared    or Refused, and it is gone
//	Start         ─────────────────▶    runs the share
//	Beat          ─────────────────▶    how far it came
//	              ◀─────────── Beat    also by itself, when it is to go further
//	Grant         ─────────────────▶    goes so far
//	Stop, Cut, Adjust ─────────────▶
//	              ◀──── Window, Aborted
//	              ◀────────── Ended    and it is gone
//
// Messages are framed: length, version, kind, body. Nothing but the pipes binds
// the two: when standard input ends, so does the engine.
package process
