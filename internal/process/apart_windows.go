package process

import (
	"os/exec"
	"syscall"
)

// apart gives a process a group of its own, so that a Ctrl-C in the agent's
// terminal does not reach it: the agent decides.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
