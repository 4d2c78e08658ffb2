//go:build unix

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/plan"
	"hyperscale/internal/rpc"
	"hyperscale/internal/spec"
	"hyperscale/test/cluster"
)

// above is a test with gates of its own.
type above struct {
	*testing.T
	*cluster.Gates
	ctx context.Context
}

func startGates(t *testing.T) *above {
	t.Helper()
	needsProcesses(t)
	t.Parallel()
	all, err := cluster.NewGates(program, t.TempDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	a := &above{T: t, Gates: all, ctx: t.Context()}
	t.Cleanup(func() {
		all.Close()
		for _, g := range all.All {
			if t.Failed() && g.Process != nil {
				t.Logf("log of %s:\n%s", g.Name, g.Tail(30))
			}
		}
	})
	for _, g := range all.All {
		a.begin(g)
	}
	return a
}

func (a *above) begin(g *cluster.Node) {
	a.Helper()
	if err := g.Start(); err != nil {
		a.Fatal(err)
	}
}

// see waits until every gate that runs says that the three are in these states.
func (a *above) see(states ...string) {
	a.Helper()
	want := map[hyperscale.NodeID]string{}
	for i, g := range a.All {
		want[g.Name] = states[i]
	}
	ctx, stop := context.WithTimeout(a.ctx, time.Minute)
	defer stop()
	for _, g := range a.All {
		if !g.Running() {
			continue
		}
		err := cluster.Until(ctx, func() error {
			got, err := a.States(ctx, g)
			if err == nil && !maps.Equal(got, want) {
				err = fmt.Errorf("it sees %v, not %v", got, want)
			}
			return err
		})
		if err != nil {
			a.Fatalf("gate %s: %v", g.Name, err)
		}
	}
}

// submit makes a job at a gate.
func (a *above) submit(at *cluster.Node, key string) (job hyperscale.JobID) {
	a.Helper()
	const text = "target: http://127.0.0.1:1\nworkflows:\n  main:\n    load: {rate: 10/s, for: 10s}\n    steps: [{get: /}]\n"
	loaded, err := plan.Read("p.yaml", strings.NewReader(text), plan.Options{})
	if err != nil {
		a.Fatal(err)
	}
	content, err := spec.Encode(loaded.Plan, spec.Rows{})
	if err != nil {
		a.Fatal(err)
	}
	err = a.Ask(a.ctx, at, func(ctx context.Context, c *rpc.Conn) error {
		accepted, err := c.Submit(ctx, rpc.Submission{Key: key, Spec: content})
		job = accepted.Job
		return err
	})
	if err != nil {
		a.Fatal(err)
	}
	return job
}

// own waits until a gate says that somebody other than one owns the job.
func (a *above) own(at *cluster.Node, job hyperscale.JobID, not hyperscale.NodeID) {
	a.Helper()
	ctx, stop := context.WithTimeout(a.ctx, time.Minute)
	defer stop()
	err := cluster.Until(ctx, func() error {
		return a.Ask(ctx, at, func(ctx context.Context, c *rpc.Conn) error {
			s, err := c.Get(ctx, job)
			if e := new(rpc.Error); errors.As(err, &e) && e.Kind == rpc.NotOwner {
				s.Owner, err = e.Owner, nil
			}
			if err == nil && (s.Owner == "" || s.Owner == not) {
				err = fmt.Errorf("it is owned by %q", s.Owner)
			}
			return err
		})
	})
	if err != nil {
		a.Fatalf("job %s: %v", job, err)
	}
}

// Three gates go on without any one of them, take its jobs over, and take it back: with
// its data, and with none. Submitting again with the key of before gives the same job.
func TestGatesSurviveTheDeathOfAny(t *testing.T) {
	a := startGates(t)
	a.see("alive", "alive", "alive")
	for i, g := range a.All {
		other := a.All[(i+1)%3]
		key := "of " + string(g.Name)
		job := a.submit(g, key)
		g.Kill()
		a.own(other, job, g.Name)
		if again := a.submit(other, key); again != job {
			t.Errorf("the key of job %s gives job %s", job, again)
		}
		states := []string{"alive", "alive", "alive"}
		states[i] = "dead"
		a.see(states...)
		if i == 2 { // its machine is a new one, which has no vote at once
			if err := os.RemoveAll(a.Data(g)); err != nil {
				t.Fatal(err)
			}
		}
		a.begin(g)
		a.see("alive", "alive", "alive")
	}
}

// A gate that is drained, or asked to end, hands over first; and so all are started anew
// one after the other, as in an upgrade.
func TestGatesHandOver(t *testing.T) {
	a := startGates(t)
	a.see("alive", "alive", "alive")
	job := a.submit(a.All[0], "k")
	for i, g := range a.All {
		next := a.All[(i+1)%3]
		err := a.Ask(a.ctx, next, func(ctx context.Context, c *rpc.Conn) error { return c.Drain(ctx, g.Name) })
		if err != nil {
			t.Fatal(err)
		}
		a.own(next, job, g.Name)
		if i == 0 {
			a.see("draining", "alive", "alive")
		}
		if err := g.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code, err := g.Wait(a.ctx); err != nil || code != 0 {
			t.Errorf("gate %s ended with code %d, %v", g.Name, code, err)
		}
		a.begin(g)
		a.see("alive", "alive", "alive")
	}
}
