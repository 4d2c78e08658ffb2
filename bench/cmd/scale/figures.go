//go:build unix

package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// figure prints one figure beside its goal; 0: it has none.
func figure(what string, got float64, unit string, goal float64) {
	judged := ""
	switch {
	case goal == 0:
	case got <= goal:
		judged = fmt.Sprintf("goal %g %s: met", goal, unit)
	default:
		judged = fmt.Sprintf("goal %g %s: MISSED", goal, unit)
	}
	fmt.Printf("%-78s %8.2f %-7s %s\n", what, got, unit, judged)
}

// missed prints a figure that there is not, and why.
func missed(what string, why error) { fmt.Printf("%-78s   %v: MISSED\n", what, why) }

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// processTime is the CPU time of this process.
func processTime() time.Duration { return usage(syscall.RUSAGE_SELF) }

func usage(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
