// Package cli is the hyperscale command: one file for each of its commands,
// flags with the words that users of other tools know, and one function that
// turns what happened into an exit code.
//
// A command touches the system only through its [World], so tests run the very
// wiring that people run.
package cli
