package station

import (
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryLimit is how many bytes this process may use: what GOMEMLIMIT and its
// control groups leave of the machine's. 0: unknown.
func memoryLimit() uint64 {
	limit := uint64(math.MaxUint64)
	if soft := debug.SetMemoryLimit(-1); soft < math.MaxInt64 {
		limit = uint64(soft)
	}
	lower := func(text, unit string, scale uint64) {
		n, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), unit)), 10, 54)
		if err == nil && n > 0 {
			limit = min(limit, n*scale)
		}
	}
	machine, _ := os.ReadFile("/proc/meminfo") // elsewhere than on Linux there is none
	for line := range strings.SplitSeq(string(machine), "\n") {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			lower(rest, "kB", 1<<10)
		}
	}
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.SplitSeq(string(groups), "\n") {
		group, ok := strings.CutPrefix(line, "0::")
		for at := path.Clean("/" + group); ok; at = path.Dir(at) {
			text, _ := os.ReadFile(path.Join("/sys/fs/cgroup", at, "memory.max"))
			lower(string(text), "", 1)
			ok = at != "/"
		}
	}
	if limit == math.MaxUint64 {
		return 0
	}
	return limit
}
