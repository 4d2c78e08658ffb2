//go:build linux

package main

import (
	"context"
	"fmt"
)

const ours = "hyperscale"

// perCPUSecond stands beside requests/s: the two agree on a quiet machine, and
// where others want the client's core, or the target sets the rate, this one
// still compares the clients.
const perCPUSecond = "requests per second of client CPU"

// peers are the closed-loop load generators that everyone knows.
func peers() []tool {
	return []tool{wrk(), fortio(), h2load(), ab(), hey(), vegeta(), k6("k6", "closed")}
}

// closed shows goal 1: what a request costs, beside the limit and the peers.
func closed(ctx context.Context, b *bench) (record, error) {
	return b.contest(ctx, contest{
		program: "target",
		tools:   append([]tool{limit(), hyperscalePlan(ours, "closed")}, peers()...),
	}, []string{"the limit", "wrk"}, func(at map[int]results, rivals map[string]map[int]results, n int) []goal {
		us, wrk := at[n], rivals["wrk"][n]
		return []goal{
			{what: "CPU × the limit", value: pairedRatio(us, rivals["the limit"][n], result.perRequest), bound: 1.12, atMost: true, format: "%.2f"},
			{what: "CPU × wrk", value: pairedRatio(us, wrk, result.perRequest), bound: 0.85, atMost: true, format: "%.2f"},
			{what: "requests/s × wrk", value: pairedRatio(us, wrk, result.rate), bound: 1.15, format: "%.2f"},
			{what: perCPUSecond + " × wrk", value: pairedRatio(us, wrk, result.perSecondOfCPU), bound: 1.15, format: "%.2f"},
			{what: "user time, % of the CPU", value: median(us.each(userShare)), bound: 15, atMost: true, format: "%.0f"},
		}
	})
}

func userShare(r result) float64 { return 100 * ratio(float64(r.user), float64(r.cpu())) }

// encrypted shows goal 3: the same over TLS.
func encrypted(ctx context.Context, b *bench) (record, error) {
	args, err := b.writeCertificate()
	if err != nil {
		return record{}, err
	}
	return b.contest(ctx, contest{
		program: "target-tls", args: args, insecure: true,
		tools: append([]tool{hyperscalePlan(ours, "closed")}, peers()...),
	}, []string{"wrk"}, func(at map[int]results, rivals map[string]map[int]results, n int) []goal {
		wrk := rivals["wrk"][n]
		return []goal{
			{what: "requests/s × wrk", value: pairedRatio(at[n], wrk, result.rate), bound: 0.9, format: "%.2f"},
			{what: perCPUSecond + " × wrk", value: pairedRatio(at[n], wrk, result.perSecondOfCPU), bound: 0.9, format: "%.2f"},
		}
	})
}

const oneGet = "hyperscale, one get"

// realistic shows goal 2: a user with five steps, beside the same script in k6
// and beside our own single request.
func realistic(ctx context.Context, b *bench) (record, error) {
	return b.contest(ctx, contest{
		program: "target",
		tools: []tool{hyperscalePlan(ours, "realistic"), hyperscalePlan(oneGet, "closed"),
			k6("k6", "realistic"), wrkOneGet()},
	}, []string{"k6"}, func(at map[int]results, rivals map[string]map[int]results, n int) []goal {
		return []goal{
			{what: "requests/s × k6", value: pairedRatio(at[n], rivals["k6"][n], result.rate), bound: 15, format: "%.1f"},
			{what: perCPUSecond + " × k6", value: pairedRatio(at[n], rivals["k6"][n], result.perSecondOfCPU), bound: 15, format: "%.1f"},
			{what: "requests/s × hyperscale with one get", value: pairedRatio(at[n], rivals[oneGet][n], result.rate), bound: 0.6, format: "%.2f"},
			{what: perCPUSecond + " × hyperscale with one get", value: pairedRatio(at[n], rivals[oneGet][n], result.perSecondOfCPU), bound: 0.6, format: "%.2f"},
		}
	})
}

func wrkOneGet() tool {
	t := wrk()
	t.name = "wrk, one get"
	return t
}

// contest runs a comparison and makes its record: a table per number of
// connections, and how the goals were met there.
func (b *bench) contest(ctx context.Context, c contest, rivals []string,
	goals func(us map[int]results, all map[string]map[int]results, connections int) []goal) (record, error) {
	if b.path(c.program) == "" {
		return record{}, fmt.Errorf("the target %s is missing: %s", c.program, b.why(c.program))
	}
	var rec record
	c.tools, rec.left = b.present(c.tools)
	all, err := b.compare(ctx, c)
	if err != nil {
		return record{}, err
	}
	for _, n := range b.connections {
		s := section{title: fmt.Sprintf("%d connections", n), table: throughputTable(c.tools, all, n, rivals...)}
		if len(all[ours][n]) > 0 {
			s.goals = goals(all[ours], all, n)
		}
		rec.sections = append(rec.sections, s)
		rec.notes = append(rec.notes, failures(c.tools, at(all, n))...)
	}
	rec.commands = b.commands(c.tools, all, b.connections[0])
	rec.notes = append(rec.notes, fmt.Sprintf("Rounds: %d of %s each. CPU is the whole process's, its start included; "+
		"the count is the target's.", b.orRounds(5), b.orDuration(defaultRun)))
	return rec, nil
}

// at is the results of every tool at one number of connections.
func at(all map[string]map[int]results, connections int) map[string]results {
	one := map[string]results{}
	for name, by := range all {
		one[name] = by[connections]
	}
	return one
}
