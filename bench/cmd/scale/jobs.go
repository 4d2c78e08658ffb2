//go:build unix

package main

import (
	"context"
	"fmt"
	"time"

	"hyperscale/internal/stats"
)

// jobsLoad is how long the load of each of many jobs is.
const jobsLoad = 30 * time.Second

// many is many jobs at once, of one core each, on a hundred workers. All must end
// with what the workers told.
func many(ctx context.Context, jobs int) error {
	d, err := open(ctx, false)
	if err != nil {
		return err
	}
	defer d.end()
	const hosts = 100
	ctx, stop := context.WithCancel(ctx)
	f := newFleet(ctx, hosts, (jobs+hosts-1)/hosts, jobsLoad, inMemory(d.tier))
	defer func() { stop(); f.running.Wait() }()
	if _, err := f.when(ctx, attached, hosts, time.Minute); err != nil {
		return err
	}
	pause(ctx, settle)
	name := fmt.Sprintf("%d jobs at once", jobs)
	before, began := heap(), time.Now()
	var all []submitted
	for i := range jobs {
		sub, err := d.submit(ctx, fmt.Sprint("job", i), 1, jobsLoad)
		if err != nil {
			return err
		}
		all = append(all, sub)
	}
	at, err := f.when(ctx, running, jobs, time.Minute)
	if err != nil {
		return err
	}
	figure(name+": all run, after the first was handed in", at.Sub(began).Seconds(), "s", 0)
	pause(ctx, 2*time.Second)
	cost(ctx, f, size{name: name, workers: hosts, length: 10 * time.Second})
	figure(name+": memory of each, simulated workers and store included", float64(heap()-before)/float64(jobs)/(1<<20), "MiB", 2)
	if _, err := f.when(ctx, over, jobs, time.Minute); err != nil {
		missed(name+": all end", err)
		return ctx.Err()
	}
	figure(name+": that did not end with exactly what was done", float64(d.inexact(ctx, all)), "jobs", 0.1)
	return ctx.Err()
}

// inexact is how many jobs have no result, or another than what was done.
func (d *center) inexact(ctx context.Context, all []submitted) int {
	const slots = uint64(iterations * jobsLoad / time.Second)
	const head = 16 // before the plan, which is before the result
	wrong := 0
	for _, s := range all {
		var text []byte
		var err error
		for range 100 { // the last of them are being finished
			if text, err = d.tier.Jobs().Result(ctx, asker, s.job); err == nil {
				break
			}
			pause(ctx, 100*time.Millisecond)
		}
		r, bad := stats.DecodeResult(s.plan, text[min(head+s.size, len(text)):])
		if err != nil || bad != nil {
			wrong++
			continue
		}
		sums := r.Tally.Job()
		exact := sums.Slots.Started == slots && sums.Requests.Started == steps*slots && sums.Requests.Lost == 0 && sums.Missed == 0
		if !exact || len(stats.Identities(r.Tally)) > 0 {
			wrong++
		}
	}
	return wrong
}
