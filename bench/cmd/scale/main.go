//go:build unix

// Command scale puts simulated workers on one manager's tier, over links in
// memory, and prints what that costs: the figures of scale. bench/scale.sh builds
// and runs it.
//
//	scale [-workers 10000] [-lose 500] [-jobs 1000] [-for 20s]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
	"hyperscale/internal/member"
	"hyperscale/internal/plan"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
	"hyperscale/internal/store/memstore"
	"hyperscale/internal/tier"
)

func main() {
	workers := flag.Int("workers", 10_000, "simulated workers")
	lose := flag.Int("lose", 500, "workers that are lost at once")
	jobs := flag.Int("jobs", 1000, "jobs at once, in a datacenter of their own")
	length := flag.Duration("for", 20*time.Second, "how long the CPU is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := large(ctx, *workers, *lose, *length)
	if err == nil {
		err = many(ctx, *jobs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		stop()
		os.Exit(1)
	}
}

// datacenter is one tier's node and its children.
type datacenter struct {
	tier     *tier.Tier
	children []*child
	end      func() // ends all, and waits
	driving  time.Duration
	mu       sync.Mutex // of driving: CPU time that the children took to speak
}

// alone is a manager without others.
type alone struct{}

func (alone) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (alone) Alive() []member.Member        { return []member.Member{{ID: "m1"}} }
func (alone) Unheard() []string             { return nil }
func (alone) Update([]byte) error           { return nil }
func (alone) Leave(context.Context) error   { return nil }
func (alone) Stall() int                    { return 0 }

// drivers is how many threads let children speak.
const drivers = 2

// open begins a datacenter of so many workers and waits until all are heard.
func open(ctx context.Context, workers, cores int) (*datacenter, error) {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	d := &datacenter{end: func() { stop(); running.Wait() }}
	self := identity.ID{Cluster: "hyperscale", Env: "bench", Role: identity.Manager, DC: "dc1", Node: "m1"}
	d.tier = tier.New(tier.Config{Self: "m1", Boot: 1, Datacenter: "dc1", Address: "127.0.0.1:1", Version: "bench"}, tier.Deps{
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Store: memstore.New(nil), Members: alone{}, Dialing: rpc.Dialing{Self: self},
	})
	running.Go(func() {
		if err := d.tier.Run(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "the tier ended:", err)
		}
	})
	if err := until(ctx, 30*time.Second, func() error { return d.tier.Ready() }); err != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	rec := record()
	for i := range workers {
		d.children = append(d.children, attach(ctx, d.tier, hyperscale.NodeID(fmt.Sprintf("w%05d", i)), cores, rec, &running))
	}
	for n := range drivers {
		running.Go(func() { d.drive(ctx, n) })
	}
	return d, until(ctx, time.Minute, func() error {
		heard := 0
		members, err := d.tier.Cluster().Members(ctx, asker)
		for _, m := range members {
			if m.Role == "worker" && m.State == "alive" && m.Cores > 0 {
				heard++
			}
		}
		if heard < workers {
			return fmt.Errorf("%d of %d workers are heard: %w", heard, workers, err)
		}
		return nil
	})
}

// drive lets its part of the children speak once a second, spread over it.
func (d *datacenter) drive(ctx context.Context, n int) {
	runtime.LockOSThread() // its CPU time is its own
	defer runtime.UnlockOSThread()
	const steps = 100
	tick := time.NewTicker(time.Second / steps)
	defer tick.Stop()
	last := threadTime()
	for step := 0; ; step++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for i := n + drivers*(step%steps); i < len(d.children); i += drivers * steps {
			d.children[i].beat()
		}
		now := threadTime()
		d.mu.Lock()
		d.driving += now - last
		d.mu.Unlock()
		last = now
	}
}

// until asks again until it is so, or why not.
func until(ctx context.Context, patience time.Duration, so func() error) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := so()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %v: %w", patience, err)
		case <-tick.C:
		}
	}
}

// steps is how many steps the plan has.
const steps = 5

// record is what one worker does in a second: 100 iterations of 5 steps.
func record() *stats.Record {
	layout := &stats.Layout{Workflow: "load", FaultName: func(uint32) string { return "timeout" }}
	for i := range steps {
		layout.Steps = append(layout.Steps, stats.StepLayout{Name: fmt.Sprint("step", i)})
	}
	rec := stats.NewRecord(layout)
	const each = 100
	rec.Due, rec.Slots.Started, rec.Completed = each, each, each
	for i := range each {
		d := time.Duration(i) * time.Millisecond / 10
		rec.Lateness.Record(time.Duration(i) * time.Microsecond)
		rec.FirstByte.Record(d)
		rec.Transfer.Record(d / 3)
		for s := range rec.Steps {
			rec.Steps[s].Requests.Started++
			rec.Steps[s].OK++
			rec.Steps[s].Status(200)
			rec.Steps[s].Answered(true, time.Millisecond+d, time.Millisecond+d)
		}
	}
	return rec
}

// submission is a plan of about 16 KiB for so many cores.
func submission(name string, cores int) (rpc.Submission, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "name: %s\ntarget: http://127.0.0.1:1\nworkflows:\n  load:\n    load: {rate: %d/s, for: 10m, max-in-flight: %d}\n    steps:\n", name, 100*cores, 10*cores)
	for i := range steps {
		fmt.Fprintf(&text, "      - {name: step%d, post: /, body: %q}\n", i, strings.Repeat("0123456789abcdef", 200))
	}
	loaded, err := plan.Read("plan.yaml", strings.NewReader(text.String()), plan.Options{})
	if err != nil {
		return rpc.Submission{}, err
	}
	loaded.Plan.Deadline = job.DefaultDeadline(loaded.Plan)
	content, err := spec.Encode(loaded.Plan, nil)
	return rpc.Submission{Key: name, Name: name, Spec: content, Options: rpc.Options{Cores: cores}}, err
}

// who asks.
var asker = rpc.Caller{ID: identity.ID{Cluster: "hyperscale", Env: "bench", Role: identity.Client, Tenant: "default", Name: "bench"}}

// shares is how many shares of a state are held, of a turn or above.
func (d *datacenter) shares(state link.State, turn hyperscale.Turn) int {
	n := 0
	for _, c := range d.children {
		n += c.count(state, turn)
	}
	return n
}

// large is one job on all workers.
func large(ctx context.Context, workers, lose int, length time.Duration) error {
	d, err := open(ctx, workers, 2)
	if err != nil {
		return err
	}
	defer d.end()
	pause(ctx, 3*time.Second) // a new placer waits for statements
	sub, err := submission("large", workers)
	if err != nil {
		return err
	}
	asked := time.Now()
	if _, err := d.tier.Jobs().Submit(ctx, asker, sub); err != nil {
		return err
	}
	accepted := time.Since(asked)
	for _, stage := range []struct {
		word  string
		state link.State
	}{{"prepared", link.Prepared}, {"running", link.Running}} {
		err := until(ctx, time.Minute, func() error { return d.atLeast(workers, stage.state, 0) })
		if err != nil {
			return err
		}
		fmt.Printf("a plan of %d bytes %s on %d workers: %v after it was accepted (goal of placing: 1 s)\n", len(sub.Spec), stage.word, workers, (time.Since(asked) - accepted).Round(time.Millisecond))
	}
	pause(ctx, 3*time.Second)
	d.cost(ctx, length)
	return d.losing(ctx, lose)
}

// cost prints the CPU that the load costs for a while.
func (d *datacenter) cost(ctx context.Context, length time.Duration) {
	cpu, driven, began := processTime(), d.drivenSoFar(), time.Now()
	pause(ctx, length)
	took := time.Since(began).Seconds()
	all, driving := (processTime()-cpu).Seconds()/took, (d.drivenSoFar()-driven).Seconds()/took
	waiting := 0
	for _, c := range d.children {
		waiting += c.unacknowledged()
	}
	fmt.Printf("%d workers, %d steps: %.2f cores, and %.2f more for the simulated workers (goal: 1 core); %.1f windows each wait for their receipt\n",
		len(d.children), steps, all-driving, driving, float64(waiting)/float64(len(d.children)))
}

func (d *datacenter) drivenSoFar() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.driving
}

// losing ends workers at once and waits for the cover of their shares.
func (d *datacenter) losing(ctx context.Context, lose int) error {
	died := time.Now()
	lost := d.children[:lose]
	for _, c := range lost {
		c.stop()
	}
	for _, c := range lost {
		c.mu.Lock()
		clear(c.holds)
		c.mu.Unlock()
	}
	if err := until(ctx, time.Minute, func() error { return d.atLeast(lose, link.Running, 2) }); err != nil {
		fmt.Printf("%d workers lost at once: not covered, %v (goal: 3 s)\n", lose, err)
		return ctx.Err()
	}
	fmt.Printf("%d workers lost at once: covered after %.2f s (goal: 3 s)\n", lose, time.Since(died).Seconds())
	return nil
}

func (d *datacenter) atLeast(n int, state link.State, turn hyperscale.Turn) error {
	if got := d.shares(state, turn); got < n {
		return fmt.Errorf("%d of %d shares", got, n)
	}
	return nil
}

// many is many jobs at once.
func many(ctx context.Context, jobs int) error {
	if jobs == 0 {
		return nil
	}
	d, err := open(ctx, 100, (jobs+99)/100)
	if err != nil {
		return err
	}
	defer d.end()
	pause(ctx, 3*time.Second)
	before := heap()
	began := time.Now()
	for i := range jobs {
		sub, err := submission(fmt.Sprint("job", i), 1)
		if err != nil {
			return err
		}
		if _, err := d.tier.Jobs().Submit(ctx, asker, sub); err != nil {
			return err
		}
	}
	if err := until(ctx, 2*time.Minute, func() error { return d.atLeast(jobs, link.Running, 0) }); err != nil {
		return err
	}
	fmt.Printf("%d jobs at once: all run %.2f s after the first was handed in\n", jobs, time.Since(began).Seconds())
	pause(ctx, 20*time.Second)
	d.cost(ctx, 10*time.Second)
	fmt.Printf("%d jobs at once: %.2f MiB each, simulated workers and store in memory included (goal: 2 MiB)\n",
		jobs, float64(heap()-before)/float64(jobs)/(1<<20))
	return nil
}

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// processTime is the CPU time of this process.
func processTime() time.Duration { return usage(syscall.RUSAGE_SELF) }

func usage(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
