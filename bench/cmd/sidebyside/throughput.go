//go:build linux

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// A contest is a closed-loop comparison: every tool, as fast as the answers
// come, at each number of connections.
type contest struct {
	program  string   // of the target
	args     []string // of the target
	tools    []tool
	insecure bool
}

// A result is one run of one tool.
type result struct {
	usage
	reading
	hits   int64         // by the target's count
	target time.Duration // CPU of the target during the run
	load   time.Duration // how long the tool was asked to make load
	argv   []string
	err    error
}

// perRequest is the CPU that one hit cost, in microseconds.
func (r result) perRequest() float64 {
	return ratio(float64(r.cpu().Nanoseconds())/1e3, float64(r.hits))
}

func (r result) perSecondOfCPU() float64 { return ratio(float64(r.hits), r.cpu().Seconds()) }

func (r result) rate() float64 { return ratio(float64(r.hits), r.load.Seconds()) }

// results of the rounds of one tool at one number of connections.
type results []result

func (rs results) each(f func(result) float64) []float64 {
	var values []float64
	for _, r := range rs {
		if r.err == nil {
			values = append(values, f(r))
		}
	}
	return values
}

// measure runs one tool once against a running target, and its hits are the
// difference of the target's counts.
func (b *bench) measure(ctx context.Context, t tool, do task, target *target) result {
	r := result{load: do.duration}
	do.file = filepath.Join(b.scratch, "result")
	before, err := target.count("hits")
	if err != nil {
		return result{err: err}
	}
	removeResults(do.file)
	if t.prepare != nil {
		if err := t.prepare(do); err != nil {
			return result{err: err}
		}
	}
	busy, made := cpuOf(target.cmd.Process.Pid), familyOf(t.maker)
	cpu := b.clientCPU
	if t.maker != 0 {
		cpu = b.targetCPU
	}
	r.argv = pinned(cpu, t.argv(do))
	limited, cancel := context.WithTimeout(ctx, do.ramp+2*do.duration+90*time.Second)
	defer cancel()
	var output string
	r.usage, output, r.err = b.run(limited, r.argv, nil)
	r.target = cpuOf(target.cmd.Process.Pid) - busy
	if t.maker != 0 {
		now := familyOf(t.maker)
		r.user, r.sys = now.user-made.user, now.sys-made.sys
	}
	after, err := target.count("hits")
	r.hits = after - before
	if r.err == nil {
		r.err = err
	}
	if r.err == nil {
		r.reading, r.err = t.read(b, do, output)
	}
	return r
}

// compare runs every tool at every number of connections, alternating: each
// round takes all of them, beginning one further than the round before.
func (b *bench) compare(ctx context.Context, c contest) (map[string]map[int]results, error) {
	target, err := b.startTarget(ctx, c.program, 1, c.args...)
	if err != nil {
		return nil, err
	}
	defer target.stop()
	all := map[string]map[int]results{}
	for round := range b.orRounds(5) {
		for _, connections := range b.connections {
			for i := range c.tools {
				t := c.tools[(i+round)%len(c.tools)]
				r := b.measure(ctx, t, task{url: target.url, connections: connections,
					duration: b.orDuration(5 * time.Second), insecure: c.insecure}, target)
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				b.tell(round, connections, t, r)
				if all[t.name] == nil {
					all[t.name] = map[int]results{}
				}
				all[t.name][connections] = append(all[t.name][connections], r)
			}
		}
	}
	return all, nil
}

func (b *bench) tell(round, connections int, t tool, r result) {
	if r.err != nil {
		b.note("round %d, %d connections, %s: %v", round+1, connections, t.name, r.err)
		return
	}
	b.note("round %d, %d connections, %-24s %7.2f µs/request %8.0f/s", round+1, connections, t.name, r.perRequest(), r.rate())
}

// throughputTable has one row per tool. Ratios are medians of the rounds'
// ratios to the named rivals.
func throughputTable(tools []tool, all map[string]map[int]results, connections int, rivals ...string) string {
	head := []string{"client", "CPU µs/request", "least–most", "user"}
	for _, rival := range rivals {
		head = append(head, "CPU × "+rival)
	}
	head = append(head, "requests/s", "client busy", "target busy", "own count − hits")
	rows := [][]string{head}
	for _, t := range tools {
		rs := all[t.name][connections]
		cpu := rs.each(result.perRequest)
		if len(cpu) == 0 {
			rows = append(rows, []string{t.name, "failed"})
			continue
		}
		row := []string{t.name, fmt.Sprintf("%.2f", median(cpu)), fmt.Sprintf("%.2f–%.2f", least(cpu), most(cpu)),
			percent(median(rs.each(func(r result) float64 { return ratio(float64(r.user), float64(r.cpu())) })))}
		for _, rival := range rivals {
			row = append(row, times(pairedRatio(rs, all[rival][connections], result.perRequest)))
		}
		rows = append(rows, append(row,
			fmt.Sprintf("%.0f", median(rs.each(result.rate))),
			percent(median(rs.each(func(r result) float64 { return ratio(float64(r.cpu()), float64(r.wall)) }))),
			percent(median(rs.each(func(r result) float64 { return ratio(float64(r.target), float64(r.wall)) }))),
			fmt.Sprintf("%+.0f", farthest(rs.each(func(r result) float64 { return float64(r.requests - r.hits) })))))
	}
	return table(rows)
}

// failures says in one line per tool why runs of it failed.
func failures(tools []tool, all map[string]results) []string {
	var lines []string
	for _, t := range tools {
		for _, r := range all[t.name] {
			if r.err != nil {
				lines = append(lines, t.name+" failed: "+strings.Join(strings.Fields(r.err.Error()), " ")+".")
				break
			}
		}
	}
	return lines
}

// pairedRatio is the median over the rounds of f(ours)/f(theirs); 0 if there is
// no round in which both ran.
func pairedRatio(ours, theirs results, f func(result) float64) float64 {
	var ratios []float64
	for i := range min(len(ours), len(theirs)) {
		if ours[i].err == nil && theirs[i].err == nil {
			ratios = append(ratios, ratio(f(ours[i]), f(theirs[i])))
		}
	}
	return median(ratios)
}

// commands lists what was run, one line per tool.
func (b *bench) commands(tools []tool, all map[string]map[int]results, connections int) []string {
	var lines []string
	for _, t := range tools {
		if rs := all[t.name][connections]; len(rs) > 0 {
			lines = append(lines, b.quoted(rs[0].argv))
		}
	}
	return lines
}
