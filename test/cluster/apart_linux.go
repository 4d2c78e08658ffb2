package cluster

import "syscall"

// apart gives a process a group of its own, and lets it end with whoever started
// it, however that ends.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
