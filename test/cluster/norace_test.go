//go:build unix && !race

package cluster_test

// raceDetector is whether this was built with it.
const raceDetector = false
