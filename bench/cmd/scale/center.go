//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/member"
	"hyperscale/internal/plan"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/spec"
	"hyperscale/internal/store/memstore"
	"hyperscale/internal/tier"
)

// center is one manager: its tier, over a store in memory.
type center struct {
	tier    *tier.Tier
	address string // where it is reached, if it listens
	end     func() // ends it, and waits
}

// alone is a manager without others.
type alone struct{}

func (alone) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (alone) Alive() []member.Member        { return []member.Member{{ID: "m1"}} }
func (alone) Unheard() []string             { return nil }
func (alone) Update([]byte) error           { return nil }
func (alone) Leave(context.Context) error   { return nil }
func (alone) Stall() int                    { return 0 }

// open begins a manager, which may listen on loopback, and waits until it serves.
func open(ctx context.Context, listen bool) (*center, error) {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	d := &center{end: func() { stop(); running.Wait() }}
	self := identity.ID{Cluster: "hyperscale", Env: "bench", Role: identity.Manager, DC: "dc1", Node: "m1"}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	d.tier = tier.New(tier.Config{Self: "m1", Boot: 1, Datacenter: "dc1", Address: "127.0.0.1:1", Version: "bench"}, tier.Deps{
		Log: log, Store: memstore.New(nil), Members: alone{}, Dialing: rpc.Dialing{Self: self},
	})
	if listen {
		if err := d.listen(ctx, self, log, &running); err != nil {
			d.end()
			return nil, err
		}
	}
	running.Go(func() {
		if err := d.tier.Run(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "the tier ended:", err)
		}
	})
	for d.tier.Ready() != nil {
		if pause(ctx, 10*time.Millisecond); ctx.Err() != nil {
			return nil, errors.Join(d.tier.Ready(), ctx.Err())
		}
	}
	return d, nil
}

// listen takes calls on loopback.
func (d *center) listen(ctx context.Context, self identity.ID, log *slog.Logger, running *sync.WaitGroup) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server, err := rpc.NewServer(rpc.ServerConfig{Self: self}, rpc.ServerDeps{Log: log, Jobs: d.tier.Jobs(), Cluster: d.tier.Cluster(), Links: d.tier.Links(), Peers: d.tier.Peers()})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	d.address = listener.Addr().String()
	running.Go(func() {
		if err := server.Run(ctx, listener); err != nil {
			fmt.Fprintln(os.Stderr, "the server ended:", err)
		}
	})
	return nil
}

// who asks.
var asker = rpc.Caller{ID: identity.ID{Cluster: "hyperscale", Env: "bench", Role: identity.Client, Tenant: "default", Name: "bench"}}

// submit hands a job in, and gives its plan and the moment at which it was accepted.
func (d *center) submit(ctx context.Context, name string, cores int, load time.Duration) (submitted, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "name: %s\ntarget: http://127.0.0.1:1\nworkflows:\n  load:\n    load: {rate: %d/s, for: %v, max-in-flight: %d}\n    steps:\n",
		name, iterations*cores, load, 10*cores)
	for i := range steps {
		fmt.Fprintf(&text, "      - {name: %s, post: /, body: %q}\n", stepName(i), strings.Repeat("0123456789abcdef", 200))
	}
	loaded, err := plan.Read("plan.yaml", strings.NewReader(text.String()), plan.Options{})
	if err != nil {
		return submitted{}, err
	}
	loaded.Plan.Deadline = job.DefaultDeadline(loaded.Plan)
	content, err := spec.Encode(loaded.Plan, nil)
	if err != nil {
		return submitted{}, err
	}
	accepted, err := d.tier.Jobs().Submit(ctx, asker, rpc.Submission{Key: name, Name: name, Spec: content, Options: rpc.Options{Cores: cores}})
	return submitted{plan: loaded.Plan, job: accepted.Job, size: len(content), at: time.Now()}, err
}

// submitted is a job that was accepted.
type submitted struct {
	plan *hyperscale.Plan
	job  hyperscale.JobID
	size int // of the plan, in bytes
	at   time.Time
}

func stepName(i int) string { return fmt.Sprint("step", i) }
