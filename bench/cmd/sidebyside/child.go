//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A usage is what the kernel says one finished process cost, its start included.
type usage struct {
	user, sys time.Duration
	wall      time.Duration
	maxRSS    int64 // bytes
	exit      int
}

func (u usage) cpu() time.Duration { return u.user + u.sys }

// pinned puts taskset before a command line, so that the line printed in the
// record is the line that was run.
func pinned(cpu int, argv []string) []string {
	return append([]string{"taskset", "-c", strconv.Itoa(cpu)}, argv...)
}

// command prepares argv to run in the checkout, its program found as path does.
func (b *bench) command(ctx context.Context, argv []string, output *bytes.Buffer) *exec.Cmd {
	program := argv[0]
	if found := b.path(program); found != "" {
		program = found
	}
	cmd := exec.CommandContext(ctx, program, argv[1:]...)
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), "PATH="+b.bin+":"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// run runs argv to its end, and watch beside it with the process's number until
// then. An exit code other than 0 is not an error here: a load generator uses
// it to judge the target.
func (b *bench) run(ctx context.Context, argv []string, watch func(ctx context.Context, pid int)) (usage, string, error) {
	var output bytes.Buffer
	cmd := b.command(ctx, argv, &output)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return usage{}, "", fmt.Errorf("starting %s: %w", argv[0], err)
	}
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if watch != nil {
			watch(watching, cmd.Process.Pid)
		}
	}()
	err := cmd.Wait()
	wall := time.Since(began)
	stop()
	<-watched
	if cmd.ProcessState == nil {
		return usage{}, output.String(), fmt.Errorf("running %s: %w", argv[0], err)
	}
	return usageOf(cmd.ProcessState, wall), output.String(), ctx.Err()
}

func usageOf(state *os.ProcessState, wall time.Duration) usage {
	u := usage{user: state.UserTime(), sys: state.SystemTime(), wall: wall, exit: state.ExitCode()}
	if r, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.maxRSS = int64(r.Maxrss) << 10
	}
	return u
}

// every calls f now and then once per period until ctx ends.
func every(ctx context.Context, period time.Duration, f func()) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// rss reads how many bytes of memory a process holds now; 0 once it is gone.
func rss(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// cpuOf reads the CPU time of a living process, to a hundredth of a second.
func cpuOf(pid int) time.Duration { return statOf(pid).own.cpu() }

// familyOf reads the CPU time of a process, of the children that it waited for, and
// of those that live.
func familyOf(pid int) usage {
	all := statOf(pid)
	sum := usage{user: all.own.user + all.waited.user, sys: all.own.sys + all.waited.sys}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is sound
	for _, list := range lists {
		text, _ := os.ReadFile(list) // a thread that is gone has none
		for _, child := range strings.Fields(string(text)) {
			n, _ := strconv.Atoi(child)
			own := statOf(n).own
			sum.user += own.user
			sum.sys += own.sys
		}
	}
	return sum
}

// stat is what a process and the children that it waited for took.
type stat struct{ own, waited usage }

// statOf reads it of a living process; zeros: there is none.
func statOf(pid int) stat {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}
	}
	// The name, in parentheses, may hold anything; the 14th to 17th fields are the
	// 12th to 15th after it.
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 15 {
		return stat{}
	}
	time := func(i int) time.Duration {
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		return time.Duration(n) * (time.Second / 100)
	}
	return stat{own: usage{user: time(11), sys: time(12)}, waited: usage{user: time(13), sys: time(14)}}
}
