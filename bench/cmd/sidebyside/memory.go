//go:build linux

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	addresses = 8    // of bench/plans/hosts.csv
	spare     = 1000 // descriptors that a process needs for itself, generously
)

// memory shows goal 5: what a connected virtual user that pauses costs.
func memory(ctx context.Context, b *bench) (record, error) {
	many := b.vus
	if many == 0 {
		many = 100_000
	}
	files, err := descriptors()
	if err != nil {
		return record{}, err
	}
	rec := record{notes: []string{"Memory is resident memory at the moment with the most connections; what the kernel holds for sockets is not in it. " +
		"Per VU is the difference to the row with the fewest, over the difference of connections. wrk and h2load do not pause; k6 does."}}
	if many > files-spare {
		rec.notes = append(rec.notes, fmt.Sprintf("One process may have %d descriptors here, so more virtual users than that are spread over several processes.", files))
	}
	rows := [][]string{{"client", "connections asked", "had", "processes", "resident MiB", "KiB per VU"}}
	var goals []goal
	for _, c := range memoryContenders(many) {
		have, left := b.present([]tool{c.tool})
		rec.left = append(rec.left, left...)
		if len(have) == 0 {
			continue
		}
		var base holding
		for _, n := range c.sizes {
			h, err := b.hold(ctx, c.tool, n, files)
			if err != nil {
				return record{}, err
			}
			b.note("%s holds %d of %d: %d MiB", c.tool.name, h.connected, n, h.rss>>20)
			if base.asked == 0 {
				base = h
			}
			rows = append(rows, h.row(c.tool.name, base))
			rec.commands = append(rec.commands, b.quoted(h.argv))
			if c.tool.name == ours {
				goals = append(goals, h.goals(base, many)...)
			}
		}
	}
	rec.sections = []section{{title: "Held connections", table: table(rows), goals: goals}}
	return rec, nil
}

// A contender of the memory scenario, with the sizes it is tried at: the first
// is the base that the others are compared with.
type contender struct {
	tool  tool
	sizes []int
}

func memoryContenders(many int) []contender {
	return []contender{
		{hyperscaleHold(), []int{1000, 10_000, many}},
		{wrk(), []int{1000, 10_000}},
		{h2load(), []int{1000, 10_000}},
		{k6("k6", "memory"), []int{100, 1000}},
	}
}

// hyperscaleHold is our engine with bench/plans/memory.yaml.
func hyperscaleHold() tool {
	return tool{
		name: ours, program: "hyperscale", read: readHyperscale,
		argv: func(t task) []string {
			port := strings.Trim(t.url[strings.LastIndexByte(t.url, ':')+1:], "/")
			n := strconv.Itoa(t.connections)
			return flags(t, []string{"hyperscale", "run", "bench/plans/memory.yaml", "-e", "PORT=" + port,
				"--stage", t.ramp.String() + ":" + n, "--stage", t.duration.String() + ":" + n})
		},
	}
}

// descriptors is how many one process may have open.
func descriptors() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("reading the limit of descriptors: %w", err)
	}
	return int(min(limit.Max, 1<<20)), nil
}

// goals of a holding: the goal of many is per virtual user, that of 10 000 is
// of the whole process.
func (h holding) goals(base holding, many int) []goal {
	var goals []goal
	if h.asked == 10_000 {
		goals = append(goals, goal{what: "10 000 VUs, MiB", value: float64(h.rss) / (1 << 20), bound: 120, atMost: true, format: "%.1f"})
	}
	if h.asked == many {
		goals = append(goals, goal{what: fmt.Sprintf("%d VUs, KiB each", h.asked), value: h.perVU(base) / 1024, bound: 6, atMost: true, format: "%.2f"})
	}
	return goals
}
