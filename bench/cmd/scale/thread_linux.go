package main

import (
	"syscall"
	"time"
)

// threadTime is the CPU time of this thread.
func threadTime() time.Duration { return usage(syscall.RUSAGE_THREAD) }
