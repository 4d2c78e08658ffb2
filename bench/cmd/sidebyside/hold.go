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
	"time"
)

// A holding is what it cost a client to hold connections.
type holding struct {
	asked     int   // connections
	connected int64 // at most, by the targets' count
	rss       int64 // bytes of all its processes together at that moment
	processes int
	argv      []string // of the first process
}

// perVU is how many bytes one more connection costs a process, given what a
// process with few of them holds.
func (h holding) perVU(base holding) float64 {
	n := float64(h.processes)
	return ratio(float64(h.rss)-n*float64(base.rss), float64(h.connected)-n*float64(base.connected))
}

func (h holding) row(name string, base holding) []string {
	perVU := "–"
	if h.asked != base.asked {
		perVU = fmt.Sprintf("%.1f", h.perVU(base)/1024)
	}
	return []string{name, strconv.Itoa(h.asked), fmt.Sprint(h.connected), strconv.Itoa(h.processes),
		fmt.Sprintf("%.1f", float64(h.rss)/(1<<20)), perVU}
}

// hold lets a tool open n connections, by as many processes as the limit of
// descriptors asks for, and looks at what they hold until they end.
func (b *bench) hold(ctx context.Context, t tool, n, files int) (holding, error) {
	h := holding{asked: n, processes: ceil(n, files-spare)}
	targets, err := b.startTargets(ctx, n, files)
	defer stopAll(targets)
	if err != nil {
		return h, err
	}
	do := task{url: targets[0].url, duration: b.orDuration(10 * time.Second),
		ramp: max(5*time.Second, time.Duration(n/5000)*time.Second)}
	ctx, cancel := context.WithTimeout(ctx, 2*(do.ramp+do.duration)+60*time.Second)
	defer cancel()
	var running []*exec.Cmd
	done := make(chan error, h.processes)
	for i, connections := range parts(n, h.processes) {
		do.connections, do.file = connections, filepath.Join(b.scratch, "result"+strconv.Itoa(i))
		argv := pinned(b.clientCPU, t.argv(do))
		if i == 0 {
			h.argv = argv
		}
		cmd := b.command(ctx, argv, new(bytes.Buffer))
		if err := cmd.Start(); err != nil {
			return h, fmt.Errorf("starting %s: %w", t.name, err)
		}
		running = append(running, cmd)
		go func() { done <- cmd.Wait() }()
	}
	return h, h.watch(done, running, targets)
}

// watch looks twice a second until every process has ended.
func (h *holding) watch(done <-chan error, running []*exec.Cmd, targets []*target) error {
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for left := len(running); left > 0; {
		select {
		case err := <-done:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return err
			}
			left--
		case <-ticker.C:
			if err := h.look(running, targets); err != nil {
				return err
			}
		}
	}
	return nil
}

// look keeps the memory held while there are the most connections, the latest
// such moment, when what arriving cost for a while has been given back.
func (h *holding) look(running []*exec.Cmd, targets []*target) error {
	connected := -int64(len(targets)) // the questions themselves
	for _, t := range targets {
		n, err := t.count("connections")
		if err != nil {
			return err
		}
		connected += n
	}
	var all int64
	for _, cmd := range running {
		held := rss(cmd.Process.Pid)
		if held == 0 {
			return nil // it is ending: its memory goes before its connections
		}
		all += held
	}
	if connected >= h.connected {
		h.connected, h.rss = connected, all
	}
	return nil
}

// startTargets starts as many servers as the limit of descriptors asks for, on
// equal parts of the addresses.
func (b *bench) startTargets(ctx context.Context, n, files int) ([]*target, error) {
	servers := 1
	for servers < addresses && ceil(n, servers) > files-spare {
		servers *= 2
	}
	each := addresses / servers
	var targets []*target
	for i := range servers {
		t, err := b.startTarget(ctx, "target", 1+i*each, "--addresses", strconv.Itoa(each))
		if err != nil {
			return targets, err
		}
		targets = append(targets, t)
	}
	return targets, nil
}

func stopAll(targets []*target) {
	for _, t := range targets {
		_, _ = t.stop() // their counts were read while they ran
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }

// parts divides n into k parts that differ by one at most.
func parts(n, k int) []int {
	sizes := make([]int, k)
	for i := range sizes {
		sizes[i] = n*(i+1)/k - n*i/k
	}
	return sizes
}
