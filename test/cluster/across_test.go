//go:build unix

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hyperscale/test/cluster"
)

// across is a test with gates and datacenters of its own. Jobs are submitted to the gates.
type across struct {
	*scenario
	below []*cluster.Datacenter
}

// startAcross starts three gates, and datacenters below them.
func startAcross(t *testing.T, names ...string) *across {
	t.Helper()
	needsProcesses(t)
	if !*long {
		t.Parallel()
	}
	target, err := cluster.NewTarget("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	dir := t.TempDir()
	gates, err := cluster.NewGates(program, dir, 3)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), bound)
	t.Cleanup(stop)
	a := &across{scenario: &scenario{T: t, Datacenter: gates.Front(), target: target, ctx: ctx}}
	t.Cleanup(func() {
		gates.Close()
		for _, d := range append(a.below, a.Datacenter) {
			if t.Failed() {
				t.Log("the ends of all logs:\n" + d.Logs(25))
			}
		}
	})
	for _, g := range gates.All {
		if err := g.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		a.begin(cluster.Setup{Program: program, Dir: filepath.Join(dir, name), Name: name, Gates: a.Addresses(0), Managers: 3, Workers: 2})
	}
	a.until("all gates to hear all managers", time.Minute, a.heard)
	return a
}

// begin starts a datacenter.
func (a *across) begin(setup cluster.Setup) {
	a.Helper()
	if err := os.Mkdir(setup.Dir, 0o700); err != nil {
		a.Fatal(err)
	}
	d, err := cluster.New(setup)
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(d.Close)
	a.below = append(a.below, d)
	if err := d.Start(a.ctx); err != nil {
		a.Fatal(err)
	}
}

// heard says which gate does not hear all managers.
func (a *across) heard() error {
	var errs []error
	for _, g := range a.Managers {
		alive := 0
		members, err := a.Members(a.ctx, g)
		for _, m := range members {
			if m.Role == "manager" && m.State == "alive" {
				alive++
			}
		}
		if err == nil && alive != 3*len(a.below) {
			err = fmt.Errorf("%s hears %d managers", g.Name, alive)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// killOwner kills the manager of a datacenter that owns a job.
func (a *across) killOwner(d *cluster.Datacenter, j *job) {
	a.Helper()
	a.until("an owner in a datacenter", 10*time.Second, func() error {
		s, err := d.Status(a.ctx, j.ID)
		if n := d.Find(s.Owner); err == nil && n != nil {
			n.Kill()
			return nil
		}
		return fmt.Errorf("it is owned by %q, %w", s.Owner, err)
	})
}

// One job runs in two datacenters; the gate that owns it is killed, and then the manager
// that owns it in one of them: all is counted once, and whoever watches through a gate
// that lives hears everything once.
func TestAJobOverDatacentersSurvivesItsOwners(t *testing.T) {
	a := startAcross(t, "a", "b")
	l := cluster.Load{Name: "over", Rate: 1000, For: 16 * time.Second, Cores: 4, Count: 2}
	gate, manager := 4*time.Second, 9*time.Second
	if *long {
		l.Rate, l.For, gate, manager = 4000, 30*time.Second, 8*time.Second, 15*time.Second
	}
	j := a.submit(l)
	j.at(gate)
	a.Managers[0].Kill()
	j.at(manager)
	a.killOwner(a.below[0], j)
	j.exact(j.end())
	j.flowed()
	j.changed(0)
	for _, w := range j.watchers {
		if h, ok := w.Find("datacenter's owner changed"); !ok || h.Epoch != 2 || !strings.HasPrefix(string(h.Node), "a/") {
			t.Errorf("a watcher heard of a new owner in datacenter a: %v, %+v", ok, h.Event)
		}
	}
	for _, d := range a.below {
		a.until("the end in a datacenter", 20*time.Second, func() error {
			s, err := d.Status(a.ctx, j.ID)
			if err == nil && s.Phase != "COMPLETED" {
				err = fmt.Errorf("it is %s: %s", s.Phase, s.Reason)
			}
			return err
		})
	}
}
