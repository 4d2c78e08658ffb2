//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const onCluster = "hyperscale, on a cluster"

// clustered shows what a cluster costs a worker: the same plan by `run`, and handed
// to a manager that gives it to one worker. The worker, with all of its processes, has
// the client's core; the manager shares the target's.
func clustered(ctx context.Context, b *bench) (record, error) {
	c, err := b.startCluster(ctx)
	if err != nil {
		return record{}, err
	}
	rec, err := b.contest(ctx, contest{
		program: "target",
		tools:   []tool{hyperscalePlan(ours, "closed"), c.submit("closed")},
	}, []string{ours}, func(us map[int]results, all map[string]map[int]results, n int) []goal {
		there := all[onCluster][n]
		return []goal{
			{what: "CPU on a cluster × run", value: pairedRatio(there, us[n], result.perRequest), bound: 1.03, atMost: true, format: "%.3f"},
			{what: "requests/s on a cluster × run", value: pairedRatio(there, us[n], result.rate), bound: 0.97, format: "%.3f"},
		}
	})
	return rec, errors.Join(err, c.stop())
}

// a cell is a manager and a worker, each a process.
type cell struct {
	manager, worker *exec.Cmd
	address         string
}

// startCluster starts them; the first job waits until they have met.
func (b *bench) startCluster(ctx context.Context) (*cell, error) {
	at := func(n int) string { return "127.0.0.1:" + strconv.Itoa(b.port+n) }
	c := &cell{address: at(1)}
	start := func(cpu int, args ...string) (*exec.Cmd, error) {
		cmd := b.command(ctx, pinned(cpu, append([]string{"hyperscale"}, args...)), new(bytes.Buffer))
		if err := cmd.Start(); err != nil {
			return nil, fmt.Errorf("starting the %s: %w", args[0], err)
		}
		return cmd, nil
	}
	var err error
	if c.manager, err = start(b.targetCPU, "manager", "--name", "m1", "--data", filepath.Join(b.scratch, "m1"),
		"--listen", c.address, "--gossip", at(2), "--store-listen", at(3), "--http", "off"); err != nil {
		return nil, err
	}
	if c.worker, err = start(b.clientCPU, "worker", "--name", "w1", "--data", filepath.Join(b.scratch, "w1"),
		"--cores", "1", "--join", c.address); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// submit is our engine in the worker, with bench/plans/NAME.yaml.
func (c *cell) submit(plan string) tool {
	return tool{
		name: onCluster, program: "hyperscale", read: readHyperscale, maker: c.worker.Process.Pid,
		argv: func(t task) []string {
			return []string{"hyperscale", "submit", "bench/plans/" + plan + ".yaml", "--server", c.address, "--watch",
				"-e", "TARGET=" + strings.TrimSuffix(t.url, "/"), "-c", strconv.Itoa(t.connections), "-d", t.duration.String(),
				"--cores", "1", "-q", "-o", "json=" + t.file}
		},
	}
}

// stop ends both, the worker first.
func (c *cell) stop() error {
	var faults []error
	for _, cmd := range []*exec.Cmd{c.worker, c.manager} {
		if cmd == nil {
			continue
		}
		_ = cmd.Process.Signal(syscall.SIGTERM) // or it has ended
		late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		if err := cmd.Wait(); err != nil {
			faults = append(faults, fmt.Errorf("ending %s: %w: %s", strings.Join(cmd.Args, " "), err, cmd.Stdout))
		}
		late.Stop()
	}
	return errors.Join(faults...)
}
