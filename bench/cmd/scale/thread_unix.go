//go:build unix && !linux

package main

import "time"

// threadTime is not known here: what the simulated workers cost counts as the
// manager's.
func threadTime() time.Duration { return 0 }
