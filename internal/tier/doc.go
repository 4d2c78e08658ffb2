// Package tier is the shell of one node of a tier: it runs the node's and the
// jobs' state machines, each in a goroutine of its own, and performs what they
// want: streams to children and to the other nodes, commits to the store,
// takeovers, and what clients ask and watch.
//
// Gates and managers are made of it; only how work is placed differs.
package tier
