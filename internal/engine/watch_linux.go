package engine

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"hyperscale/internal/stats"
)

// processCPU is the CPU time of the whole process.
func processCPU() time.Duration {
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &ru) != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// runDelay is how long the process's threads waited for a CPU: the second number
// of each schedstat file (proc(5) leaves it to the kernel's sched-stats.rst).
func runDelay() time.Duration {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0
	}
	var sum int64
	for _, t := range tasks {
		b, _ := os.ReadFile("/proc/self/task/" + t.Name() + "/schedstat")
		if f := bytes.Fields(b); len(f) >= 2 {
			n, _ := strconv.ParseInt(string(f[1]), 10, 64)
			sum += n
		}
	}
	return time.Duration(sum)
}

// readLevels reads what goes up and down.
func readLevels() stats.Readings {
	var r stats.Readings
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := bytes.Fields(b); len(f) >= 2 {
			pages, _ := strconv.ParseUint(string(f[1]), 10, 64)
			r.RSS = pages * uint64(os.Getpagesize())
		}
	}
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) == nil {
		r.DescriptorCap = lim.Cur
	}
	if d, err := os.Open("/proc/self/fd"); err == nil {
		// The size of this directory is the number of open descriptors (Linux 6.2);
		// before that it says nothing and they are left unknown.
		if st, err := d.Stat(); err == nil {
			r.Descriptors = uint64(st.Size())
		}
		_ = d.Close()
	}
	r.PortCap = localPorts()
	return r
}

// localPorts is how many local ports the system gives out.
func localPorts() uint64 {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0
	}
	f := bytes.Fields(b)
	if len(f) != 2 {
		return 0
	}
	lo, _ := strconv.ParseUint(string(f[0]), 10, 64)
	hi, _ := strconv.ParseUint(string(f[1]), 10, 64)
	if hi < lo {
		return 0
	}
	return hi - lo + 1
}

// Limits says what the system allows this process, after raising the number of
// descriptors as far as it may be raised: descriptors, and local ports towards
// one address. 0: unknown.
func Limits() (descriptors, ports uint64) {
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil {
		return 0, localPorts()
	}
	if lim.Cur < lim.Max {
		raised := unix.Rlimit{Cur: lim.Max, Max: lim.Max}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil {
			lim = raised
		}
	}
	return lim.Cur, localPorts()
}
