// Package node is what one node of a tier decides beside the jobs that it owns:
// which children it hears, whether one that is silent is lost, what they are told
// each second, who gives out the cores, and who of the other managers wants what.
// It is pure: what happened comes in with the time, what is to be done comes out.
//
// Each job has its owner ([hyperscale/internal/job/owner]) in a goroutine of its
// own; the node passes on to it what concerns it, and hears from it what it wants.
package node
