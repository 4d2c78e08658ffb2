//go:build !linux

package wiretest

// fullBacklog knows no way on this system.
func fullBacklog(*bench) (port int, full bool) { return 0, false }
