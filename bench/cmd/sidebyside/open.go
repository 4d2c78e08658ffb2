//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// openTools take a rate. Those with virtual users or workers are given plenty;
// the capped ones have as many as there are connections.
func openTools() []tool {
	return []tool{hyperscaleRate(), vegeta(), k6("k6", "open"), fortio(), h2load(), hey()}
}

// plenty of virtual users for an open load: more than a stall of a second at
// 1 000/s needs. Without any bound vegeta exhausts the machine once it is late.
const plenty = 2000

// open shows goal 4: whether a rate is kept on one core.
func open(ctx context.Context, b *bench) (record, error) {
	rate, length, connections := b.orRate(20_000), b.orDuration(30*time.Second), b.connections[0]
	tools, left := b.present(openTools())
	rec := record{left: left}
	rows := [][]string{{"client", "slots started", "lateness p99", "response p99, its own", "CPU µs/request", "client busy", "own verdict"}}
	all := map[string]results{}
	target, err := b.startTarget(ctx, "target", 1)
	if err != nil {
		return record{}, err
	}
	defer target.stop()
	for round := range b.orRounds(1) {
		for _, t := range tools {
			r := b.measure(ctx, t, task{url: target.url, connections: connections, duration: length, rate: rate, cap: plenty}, target)
			if ctx.Err() != nil {
				return record{}, ctx.Err()
			}
			b.tell(round, connections, t, r)
			all[t.name] = append(all[t.name], r)
		}
	}
	for _, t := range tools {
		rows = append(rows, openRow(t.name, all[t.name], rate))
		rec.commands = append(rec.commands, b.quoted(all[t.name][0].argv))
	}
	rec.sections = []section{{title: fmt.Sprintf("%d/s for %s", rate, length), table: table(rows), goals: openGoals(all[ours])}}
	rec.notes = append(failures(tools, all), "Slots started: the target's hits over rate × time. A client without a schedule of its own "+
		"does not say how late it was.")
	return rec, nil
}

func openRow(name string, rs results, rate int) []string {
	if len(rs.each(result.perRequest)) == 0 {
		return []string{name, "failed"}
	}
	verdict := "–"
	if v := rs[len(rs)-1].verdict; v != "" {
		verdict = v
	}
	started := median(rs.each(func(r result) float64 { return ratio(float64(r.hits), float64(rate)*r.load.Seconds()) }))
	return []string{name, fmt.Sprintf("%.3f %%", 100*started), inMilliseconds(median(rs.each(latenessMS))),
		inMilliseconds(median(rs.each(p99MS))), fmt.Sprintf("%.2f", median(rs.each(result.perRequest))),
		percent(median(rs.each(func(r result) float64 { return ratio(float64(r.cpu()), float64(r.wall)) }))), verdict}
}

func openGoals(us results) []goal {
	if len(us) == 0 {
		return nil
	}
	started := median(us.each(func(r result) float64 { return 100 * ratio(float64(r.started), float64(r.due)) }))
	return []goal{
		{what: "slots started, %", value: started, bound: 99.99, format: "%.3f"},
		{what: "lateness p99, ms", value: median(us.each(latenessMS)), bound: 1, atMost: true, format: "%.3f"},
	}
}

func latenessMS(r result) float64 { return float64(r.lateness) / float64(time.Millisecond) }
func p99MS(r result) float64      { return float64(r.p99) / float64(time.Millisecond) }

// inMilliseconds formats a figure that 0 stands for the lack of.
func inMilliseconds(ms float64) string {
	if ms == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f ms", ms)
}
