package own

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/store"
	"hyperscale/internal/testkit"
)

// observer plays a script: it steps a succession and wakes it when it asked.
type observer struct {
	*Succession
	now  time.Duration
	wake time.Duration
}

func (o *observer) step(at time.Duration, ev SuccessionEvent) []string {
	var lines []string
	o.now = at
	for _, e := range o.Step(at, ev) {
		switch e := e.(type) {
		case Wake:
			o.wake = e.At
		case Probe:
			lines = append(lines, fmt.Sprintf("%v: reach %s", at, e.Node))
		case Try:
			lines = append(lines, fmt.Sprintf("%v: take %s from owner %d: %s", at, e.Job, e.Gone, e.Why))
		}
	}
	return lines
}

// until lets time pass, waking it whenever it asked to be.
func (o *observer) until(at time.Duration) []string {
	var lines []string
	for o.wake <= at {
		lines = append(lines, o.step(o.wake, Tick{})...)
	}
	o.now = at
	return lines
}

// do carries out one line of a script.
func (o *observer) do(t *testing.T, line string) []string {
	word := strings.Fields(line)
	node := hyperscale.NodeID(word[1])
	switch word[0] {
	case "wait":
		d, err := time.ParseDuration(word[1])
		ok(t, err)
		return o.until(o.now + d)
	case "stall":
		d, err := time.ParseDuration(word[1])
		ok(t, err)
		return o.step(o.now+d, Tick{})
	case "node":
		return o.step(o.now, NodeChange{Node: Node{ID: node, Session: store.LeaseID(number(t, word[2])), Boot: hyperscale.Boot(number(t, word[2]))}})
	case "gone":
		return o.step(o.now, NodeChange{Node: Node{ID: node}, Gone: true})
	case "owner":
		owner := Owner{Node: hyperscale.NodeID(strings.Trim(word[2], "-")), Session: store.LeaseID(number(t, word[3])), Fence: Fence(number(t, word[4])), How: How(word[5])}
		return o.step(o.now, OwnerChange{hyperscale.JobID(word[1]), owner})
	case "over":
		return o.step(o.now, OwnerChange{Job: hyperscale.JobID(word[1])})
	case "dead", "left":
		return o.step(o.now, MemberGone{node, hyperscale.Boot(number(t, word[2])), word[0] == "left"})
	case "back":
		return o.step(o.now, MemberBack{node, hyperscale.Boot(number(t, word[2]))})
	case "ended":
		return o.step(o.now, StreamEnded{node})
	case "refused", "reached":
		return o.step(o.now, Probed{node, word[0] == "refused"})
	}
	t.Fatalf("no such line: %q", line)
	return nil
}

func number(t *testing.T, word string) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	ok(t, err)
	return n
}

// TestSuccession plays the scripts in testdata. In each, blocks of input are
// followed by a line "----" and what came of it; the observer is node a.
func TestSuccession(t *testing.T) { testkit.Scripts(t, playScript) }

func playScript(t *testing.T, text string) string {
	o := &observer{Succession: NewSuccession("a", SuccessionConfig{})}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		input, _, _ := strings.Cut(block, "\n----")
		if i > 0 {
			out.WriteString("\n")
		}
		var came []string
		for _, line := range strings.Split(input, "\n") {
			out.WriteString(line + "\n")
			if !strings.HasPrefix(line, "#") {
				came = append(came, o.do(t, line)...)
			}
		}
		out.WriteString("----\n")
		for _, line := range came {
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

func TestRanksSpreadAndStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,4}`), 2, 6, rapid.ID).Draw(t, "nodes")
		var all []hyperscale.NodeID
		for _, n := range nodes {
			all = append(all, hyperscale.NodeID(n))
		}
		job := hyperscale.JobID(rapid.String().Draw(t, "job"))
		ranked := Rank(job, all)
		lost := rapid.IntRange(0, len(ranked)-1).Draw(t, "lost")
		var rest, want []hyperscale.NodeID
		for i, n := range ranked {
			if i != lost {
				want = append([]hyperscale.NodeID{n}, want...)
				rest = append(rest, n)
			}
		}
		if got := Rank(job, want); fmt.Sprint(got) != fmt.Sprint(rest) {
			t.Fatalf("%v without %s is %v", ranked, ranked[lost], got)
		}
	})
	first := make(map[hyperscale.NodeID]int)
	for i := range 3000 {
		first[Rank(hyperscale.JobID(fmt.Sprint("job-", i)), []hyperscale.NodeID{"m1", "m2", "m3"})[0]]++
	}
	for n, jobs := range first {
		if jobs < 850 || jobs > 1150 {
			t.Errorf("%s is first for %d of 3000", n, jobs)
		}
	}
}
