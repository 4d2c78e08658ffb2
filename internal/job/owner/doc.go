// Package owner is what the owner of a job decides: which share goes to which
// child, when all begin, what becomes of a share whose holder is lost, what is
// acknowledged, and what must be written down before anything is said. It is pure:
// what happened comes in with the time, what is to be done comes out; a shell
// carries it out and saves what it is told to.
//
// # Write, then say
//
// Orders, receipts and answers that follow from a change leave only after the
// change was saved: [Owner.Step] holds them back until [Saved] comes. An owner
// that was fenced meanwhile never gets a Saved, and so has nothing to say.
//
// # What is saved
//
// The state machine of the job and its account are functions of what was applied
// to them (job events, joints of windows, seconds judged, legs ended); so the
// change since the last save is the list of these, and loading is applying them
// again. Of who holds what, and of the marks of the turns, what is different is saved.
//
// # The parent
//
// A job that a tier above gave has a parent, to which its owner is as a worker is to
// the owner. What the windows of its children came to is cut by second, numbered,
// saved with what was decided of it, and only then sent; see doc/protocol.md.
package owner
