//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// stallTools are asked for a rate where they know one; wrk and ab do not.
func stallTools() []tool {
	return []tool{hyperscaleRate(), vegeta(), capped(vegeta()), k6("k6", "open"), capped(k6("k6", "open")),
		fortio(), h2load(), hey(), wrk(), ab()}
}

// stall shows goal 6: what p99 a tool reports when the target does nothing for
// one second in ten. Each tool has a target of its own, for the stalls count
// from the first hit.
func stall(ctx context.Context, b *bench) (record, error) {
	rate, length, connections := b.orRate(1000), b.orDuration(10*time.Second), b.connections[0]
	tools, left := b.present(stallTools())
	rec := record{left: left}
	rows := [][]string{{"client", "true p99", "reported p99", "reported / true", "hits"}}
	var goals []goal
	for _, t := range tools {
		truth, r, err := b.stalled(ctx, t, task{connections: connections, duration: length, rate: rate, cap: plenty})
		if err != nil {
			return record{}, err
		}
		b.note("%-24s true %s, reported %s %v", t.name, truth, r.p99, r.err)
		rec.commands = append(rec.commands, b.quoted(r.argv))
		if r.err != nil {
			rec.notes = append(rec.notes, failures([]tool{t}, map[string]results{t.name: {r}})...)
			rows = append(rows, []string{t.name, "failed"})
			continue
		}
		share := ratio(float64(r.p99), float64(truth))
		rows = append(rows, []string{t.name, inMilliseconds(float64(truth) / 1e6), inMilliseconds(p99MS(r)),
			fmt.Sprintf("%.3f", share), fmt.Sprint(r.hits)})
		if t.name == ours {
			goals = []goal{
				{what: "reported / true", value: share, bound: 0.95, format: "%.3f"},
				{what: "reported / true", value: share, bound: 1.05, atMost: true, format: "%.3f"},
			}
		}
	}
	rec.sections = []section{{title: fmt.Sprintf("%d/s for %s, 1 s of them stalled", rate, length), table: table(rows), goals: goals}}
	rec.notes = append(rec.notes, "True is what clients who came on schedule would have waited, from the stall as the target "+
		"saw it. Capped: with no more virtual users than connections. wrk and ab know no rate.")
	return rec, nil
}

// stalled runs one tool against a fresh stalling target and says beside it what
// p99 would have been true.
func (b *bench) stalled(ctx context.Context, t tool, do task) (time.Duration, result, error) {
	target, err := b.startTarget(ctx, "target", 1, "--stall")
	if err != nil {
		return 0, result{}, err
	}
	do.url = target.url
	r := b.measure(ctx, t, do, target)
	output, err := target.stop()
	if err != nil {
		return 0, r, err
	}
	return trueP99(do.rate, do.duration, stalls(output)), r, ctx.Err()
}

// trueP99 is the 99th percentile (nearest rank) of what clients at a steady
// rate would have waited, had every answer been immediate but for the stalls.
func trueP99(rate int, length time.Duration, stalls []span) time.Duration {
	var waits []time.Duration
	for i := range int(float64(rate) * length.Seconds()) {
		due := time.Duration(float64(i) / float64(rate) * float64(time.Second))
		wait := time.Duration(0)
		for _, s := range stalls {
			if due >= s.from && due < s.to {
				wait = s.to - due
			}
		}
		waits = append(waits, wait)
	}
	return nearestRank(waits, 0.99)
}
