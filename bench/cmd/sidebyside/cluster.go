//go:build linux

package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"hyperscale/test/cluster"
)

const onCluster = "hyperscale, on a cluster"

// clustered shows what a cluster costs a worker: the same plan by `run`, and handed
// to a manager that gives it to one worker. The worker, with all of its processes, has
// the client's core; the manager shares the target's.
func clustered(ctx context.Context, b *bench) (record, error) {
	d, err := cluster.New(cluster.Setup{
		Program: b.path("hyperscale"), Dir: b.scratch, Managers: 1, Workers: 1, Cores: 1,
		Within: pinned(b.clientCPU, nil), Beside: pinned(b.targetCPU, nil),
	})
	if err != nil {
		return record{}, err
	}
	defer d.Close()
	starting, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	if err := d.Start(starting); err != nil {
		return record{}, err
	}
	return b.contest(ctx, contest{
		program: "target",
		tools:   []tool{hyperscalePlan(ours, "closed"), submitted(d, "closed")},
	}, []string{ours}, func(us map[int]results, all map[string]map[int]results, n int) []goal {
		there := all[onCluster][n]
		return []goal{
			{what: "CPU on a cluster × run", value: pairedRatio(there, us[n], result.perRequest), bound: 1.03, atMost: true, format: "%.3f"},
			{what: "requests/s on a cluster × run", value: pairedRatio(there, us[n], result.rate), bound: 0.97, format: "%.3f"},
		}
	})
}

// submitted is our engine in the only worker, with bench/plans/NAME.yaml.
func submitted(d *cluster.Datacenter, plan string) tool {
	return tool{
		name: onCluster, program: "hyperscale", read: readHyperscale, maker: d.Workers[0].Pid(),
		argv: func(t task) []string {
			return []string{"hyperscale", "submit", "bench/plans/" + plan + ".yaml", "--server", d.Managers[0].Address, "--watch",
				"-e", "TARGET=" + strings.TrimSuffix(t.url, "/"), "-c", strconv.Itoa(t.connections), "-d", t.duration.String(),
				"--cores", "1", "-q", "-o", "json=" + t.file}
		},
	}
}
