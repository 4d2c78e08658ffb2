// Package hyperscale holds the nouns of a distributed performance-testing
// system and their contracts: what a test is ([Plan]), how load is divided
// ([Slot], [Share]), and what names a run and its owners ([JobID], [Epoch],
// [Turn], [Phase]).
//
// A newcomer who reads only this package knows what the system talks about. It
// has no behaviour beyond arithmetic on its own values, reads no clock and does
// no I/O.
package hyperscale
