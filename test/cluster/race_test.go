//go:build unix && race

package cluster_test

// raceDetector: the tests would learn nothing that they do not without it.
const raceDetector = true
