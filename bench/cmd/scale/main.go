//go:build unix

// Command scale puts simulated workers on one manager's tier and prints what that
// costs beside the goals: the figures of scale. bench/scale.sh builds and runs it.
//
//	scale [-workers 10000] [-lose 500] [-jobs 1000] [-sockets 3000] [-for 20s]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"time"
)

// wanted is what is to be measured.
type wanted struct {
	workers, lose, jobs, sockets int
	length                       time.Duration
	growth                       bool
	serve                        string
	profile                      string
}

func main() {
	var w wanted
	flag.IntVar(&w.workers, "workers", 10_000, "simulated workers over links in memory; 0: none")
	flag.IntVar(&w.lose, "lose", 500, "of them are lost at once, and of those behind sockets as many in proportion")
	flag.IntVar(&w.jobs, "jobs", 1000, "jobs at once; 0: none")
	flag.IntVar(&w.sockets, "sockets", 3000, "simulated workers behind real sockets, if there are so many files; 0: none")
	flag.DurationVar(&w.length, "for", 20*time.Second, "how long the CPU is measured")
	flag.BoolVar(&w.growth, "growth", true, "measure a tenth and three tenths of the workers too")
	flag.StringVar(&w.serve, "serve", "", "be the workers of the manager at this address")
	flag.StringVar(&w.profile, "profile", "", "write a CPU profile to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := w.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		stop()
		os.Exit(1)
	}
}

// run measures one thing after the other.
func (w wanted) run(ctx context.Context) error {
	if w.serve != "" {
		return serve(ctx, w.serve, w.workers)
	}
	if w.profile != "" {
		f, err := os.Create(w.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var sizes []size
	if w.growth {
		sizes = append(sizes, w.size(w.workers/10, w.length/3), w.size(3*w.workers/10, w.length/3))
	}
	whole := w.size(w.workers, w.length)
	whole.goals = true
	for _, s := range append(sizes, whole) {
		if err := memory(ctx, s); err != nil {
			return err
		}
	}
	if w.jobs > 0 {
		if err := many(ctx, w.jobs); err != nil {
			return err
		}
	}
	s := w.size(mostSockets(w.sockets), w.length/2)
	if s.workers == 0 {
		return nil
	}
	s.name += " behind sockets"
	return sockets(ctx, s)
}

func (w wanted) size(workers int, length time.Duration) size {
	s := size{name: fmt.Sprintf("%d workers", workers), workers: workers, length: length}
	if w.workers > 0 {
		s.lose = w.lose * workers / w.workers
	}
	return s
}

// memory is one job on workers over links in memory.
func memory(ctx context.Context, s size) error {
	if s.workers == 0 {
		return nil
	}
	d, err := open(ctx, false)
	if err != nil {
		return err
	}
	defer d.end()
	ctx, stop := context.WithCancel(ctx)
	f := newFleet(ctx, s.workers, 2, long, inMemory(d.tier))
	defer func() { stop(); f.running.Wait() }()
	return large(ctx, d, f, s)
}
