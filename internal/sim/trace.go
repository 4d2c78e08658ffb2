package sim

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// kept is how many lines a trace keeps: the last ones, and beside them all that
// were marked as important.
const kept = 400

// trace is what happened, in order: a digest of all of it, and the last lines.
type trace struct {
	sum   uint64
	lines []string
	whole bool // keep all
}

func (t *trace) add(at time.Duration, line string) {
	line = fmt.Sprintf("%12.6f %s", at.Seconds(), line)
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%x", t.sum)
	_, _ = h.Write([]byte(line))
	t.sum = h.Sum64()
	t.lines = append(t.lines, line)
	if !t.whole && len(t.lines) > 2*kept {
		t.lines = append(t.lines[:0], t.lines[len(t.lines)-kept:]...)
	}
}

// note makes a number part of the digest, without a line.
func (t *trace) note(x uint64) { t.sum = (t.sum ^ x) * 0x100000001b3 }

func (t *trace) text() string { return strings.Join(t.lines, "\n") }
