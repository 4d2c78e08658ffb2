//go:build unix

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Build makes the program from the tree that root is the top of.
func Build(ctx context.Context, root, dir string) (program string, err error) {
	return build(ctx, root, filepath.Join(dir, "hyperscale"))
}

func build(ctx context.Context, root, program string, flags ...string) (string, error) {
	c := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", program}, flags...), "./cmd/hyperscale")...)
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building hyperscale: %w\n%s", err, out)
	}
	return program, nil
}

// Process is a process that was started here. It has a group of its own, so that
// a signal for it reaches no other.
type Process struct {
	Log  string // file with all that it wrote
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended
	err  error         // how it ended; read after done
}

// run starts a process that writes to a file, after what is there. Prefix is what
// the program is run through; nil: nothing.
func run(log string, prefix []string, program string, args ...string) (*Process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the process has its own
	line := append(append([]string{}, prefix...), append([]string{program}, args...)...)
	p := &Process{Log: log, cmd: exec.Command(line[0], line[1:]...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = f, f
	p.cmd.SysProcAttr = apart()
	p.cmd.Env = append(os.Environ(), "HYPERSCALE_HTTP=off") // many nodes would want one port
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(log), err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Pid is its number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed once the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Running reports whether it has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Kill ends it as a crash would, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // an error says that it has ended
	<-p.done
}

// Signal sends it a signal: SIGSTOP halts it, SIGCONT lets it go on, SIGTERM asks
// it to end.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Wait gives how it ended; 0 is well.
func (p *Process) Wait(ctx context.Context) (code int, err error) {
	select {
	case <-p.done:
	case <-ctx.Done():
		return 0, fmt.Errorf("waiting for the end of %s: %w", filepath.Base(p.Log), ctx.Err())
	}
	if exit := new(exec.ExitError); p.err != nil && !errors.As(p.err, &exit) {
		return 0, p.err
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

// Tail is the last of what it wrote.
func (p *Process) Tail(lines int) string {
	b, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Children are the processes that it started, the oldest first: of a worker that
// runs one share the engine that runs it, and then the one in reserve.
func (p *Process) Children() ([]int, error) {
	out, err := exec.Command("ps", "-A", "-o", "ppid=,pid=").Output()
	if err != nil {
		return nil, fmt.Errorf("asking for processes: %w", err)
	}
	var all []int
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) == 2 && f[0] == strconv.Itoa(p.Pid()) {
			if pid, err := strconv.Atoi(f[1]); err == nil {
				all = append(all, pid)
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

// Until asks again and again until it is so, or why not when ctx has ended.
func Until(ctx context.Context, so func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := so()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}
