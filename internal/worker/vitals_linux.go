package worker

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc, on every architecture.
const tick = 10 * time.Millisecond

// readUsage reads what this process and its children use.
func readUsage() usage {
	u := usage{cpu: map[int]time.Duration{}}
	u.add(os.Getpid())
	u.children("/proc/self")
	return u
}

// children counts the children of the process whose folder that is.
func (u *usage) children(process string) {
	lists, _ := filepath.Glob(process + "/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range bytes.Fields(text) {
			if pid, err := strconv.Atoi(string(field)); err == nil {
				u.add(pid)
			}
		}
	}
}

// add counts one process, if it is still there.
func (u *usage) add(pid int) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return
	}
	// The name, in parentheses, may hold anything; the fields after it are 3 and on.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return
	}
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64)
	system, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	u.cpu[pid] = time.Duration(user+system) * tick
	if statm, err := os.ReadFile(dir + "/statm"); err == nil {
		if fields := bytes.Fields(statm); len(fields) > 1 {
			pages, _ := strconv.ParseUint(string(fields[1]), 10, 64)
			u.memory += pages * uint64(os.Getpagesize())
		}
	}
}

// memoryLimit is how much memory this process and its children may use: the
// machine's, or what its control groups leave. 0: unknown.
func memoryLimit() uint64 {
	limit := totalMemory()
	text, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.SplitSeq(string(text), "\n") {
		group, ok := strings.CutPrefix(line, "0::")
		if !ok {
			continue
		}
		for at := path.Clean("/" + group); ; at = path.Dir(at) {
			text, err := os.ReadFile(path.Join("/sys/fs/cgroup", at, "memory.max"))
			if n, bad := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && (limit == 0 || n < limit) {
				limit = n
			}
			if at == "/" {
				break
			}
		}
	}
	return limit
}

// totalMemory is the machine's; 0: unknown.
func totalMemory() uint64 {
	text, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.SplitSeq(string(text), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemTotal:" {
			kib, _ := strconv.ParseUint(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
