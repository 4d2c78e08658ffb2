// Package cluster runs datacenters of real processes on loopback, kills parts of
// them, and holds what they report against what their target saw. Its tests are
// the proof that no single death loses a result, doubles one, or stops the load;
// bench/failover.sh takes the time of the same deaths.
//
// All processes end with whoever started them. The package needs a Unix.
package cluster
