//go:build unix

package main

import (
	"context"
	"fmt"
	"time"
)

// settle is how long a new placer waits for statements, and something more.
const settle = 3 * time.Second

// long is longer than any load is looked at.
const long = 10 * time.Minute

// workers are those of one job, wherever they are.
type workers interface {
	when(ctx context.Context, w what, n int, patience time.Duration) (time.Time, error)
	lose(n int) time.Time
	driven() time.Duration // CPU time of this process that was theirs
	unacknowledged() int
}

// size is how large a try is.
type size struct {
	name    string
	workers int
	lose    int
	length  time.Duration // how long the CPU is measured
	goals   bool          // these are the figures that have goals
}

func (s size) goal(g float64) float64 {
	if s.goals {
		return g
	}
	return 0
}

// large is one job on all workers.
func large(ctx context.Context, d *center, w workers, s size) error {
	if _, err := w.when(ctx, attached, s.workers, time.Minute); err != nil {
		return err
	}
	pause(ctx, settle)
	cpu := processTime()
	sub, err := d.submit(ctx, "large", s.workers, long)
	if err != nil {
		return err
	}
	at, err := w.when(ctx, prepared, s.workers, time.Minute)
	if err != nil {
		return err
	}
	figure(fmt.Sprintf("%s: a plan of %d bytes placed on all", s.name, sub.size), at.Sub(sub.at).Seconds(), "s", s.goal(1))
	figure(fmt.Sprintf("%s: … the CPU time that it took, of all there is", s.name), (processTime() - cpu).Seconds(), "s", 0)
	if at, err = w.when(ctx, running, s.workers, time.Minute); err != nil {
		return err
	}
	figure(fmt.Sprintf("%s: all told to start", s.name), at.Sub(sub.at).Seconds(), "s", 0)
	pause(ctx, settle)
	cost(ctx, w, s)
	if s.lose == 0 {
		return ctx.Err()
	}
	name := fmt.Sprintf("%s: %d lost at once, covered after", s.name, s.lose)
	died := w.lose(s.lose)
	if at, err = w.when(ctx, covering, s.lose, 30*time.Second); err != nil {
		missed(name, err)
		return ctx.Err()
	}
	figure(name, at.Sub(died).Seconds(), "s", s.goal(3))
	return nil
}

// cost prints the CPU that the load costs for a while.
func cost(ctx context.Context, w workers, s size) {
	cpu, driven, began := processTime(), w.driven(), time.Now()
	pause(ctx, s.length)
	took := time.Since(began).Seconds()
	all, driving := (processTime()-cpu).Seconds()/took, (w.driven()-driven).Seconds()/took
	figure(s.name+": the manager's CPU", all-driving, "cores", s.goal(1))
	figure(s.name+": … for each 1 000 workers", 1000*(all-driving)/float64(s.workers), "cores", 0)
	figure(s.name+": windows that wait for their receipt, of each worker", float64(w.unacknowledged())/float64(s.workers), "", 0)
}
