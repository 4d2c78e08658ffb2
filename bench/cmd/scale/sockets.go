//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// away are workers in a process of their own, which does what lines of text say:
//
//	when WHAT N PATIENCE   at NANOSECONDS, or no REASON
//	lose N                 at NANOSECONDS
//	unacknowledged         N
type away struct {
	in  io.Writer
	out *bufio.Scanner
}

// sockets is one job on workers behind real sockets, each with a connection of its
// own, in another process.
func sockets(ctx context.Context, s size) (err error) {
	d, err := open(ctx, true)
	if err != nil {
		return err
	}
	defer d.end()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "-serve", d.address, "-workers", fmt.Sprint(s.workers))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close(), cmd.Wait()) }()
	return large(ctx, d, &away{in, bufio.NewScanner(out)}, s)
}

// ask gives the answer to a line.
func (a *away) ask(format string, args ...any) (string, error) {
	if _, err := fmt.Fprintf(a.in, format+"\n", args...); err != nil {
		return "", err
	}
	if !a.out.Scan() {
		return "", errors.Join(errors.New("the workers' process has ended"), a.out.Err())
	}
	return a.out.Text(), nil
}

func (a *away) moment(format string, args ...any) (time.Time, error) {
	answer, err := a.ask(format, args...)
	if err != nil {
		return time.Time{}, err
	}
	var at int64
	if _, err := fmt.Sscanf(answer, "at %d", &at); err != nil {
		return time.Time{}, errors.New(strings.TrimPrefix(answer, "no "))
	}
	return time.Unix(0, at), nil
}

func (a *away) when(_ context.Context, w what, n int, patience time.Duration) (time.Time, error) {
	return a.moment("when %d %d %d", w, n, patience)
}

func (a *away) lose(n int) time.Time {
	at, err := a.moment("lose %d", n)
	if err != nil {
		return time.Now()
	}
	return at
}

func (a *away) driven() time.Duration { return 0 }

func (a *away) unacknowledged() int {
	n := 0
	if answer, err := a.ask("unacknowledged"); err == nil {
		_, _ = fmt.Sscan(answer, &n) // else none is told
	}
	return n
}

// serve is the process of the workers: until its input ends.
func serve(ctx context.Context, address string, workers int) error {
	ctx, stop := context.WithCancel(ctx)
	f := newFleet(ctx, workers, 2, long, bySocket(address))
	defer func() { stop(); f.running.Wait() }()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var w, n int
		var patience time.Duration
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "when"):
			if _, err := fmt.Sscanf(line, "when %d %d %d", &w, &n, &patience); err != nil {
				return err
			}
			at, err := f.when(ctx, what(w), n, patience)
			if err != nil {
				fmt.Println("no", err)
				continue
			}
			fmt.Println("at", at.UnixNano())
		case strings.HasPrefix(line, "lose"):
			if _, err := fmt.Sscanf(line, "lose %d", &n); err != nil {
				return err
			}
			fmt.Println("at", f.lose(n).UnixNano())
		default:
			fmt.Println(f.unacknowledged())
		}
	}
	return lines.Err()
}

// mostSockets is how many workers this process can hold by its files: each takes
// one, and some are needed beside.
func mostSockets(want int) int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return want
	}
	return min(want, max(int(files.Cur)-200, 1))
}
