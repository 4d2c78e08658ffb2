package cluster_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"hyperscale/test/cluster"
)

// network is a network of its own for workers, which reaches managers by an
// address for each.
type network struct {
	*testing.T
	name, workers string
	managers      []string
	table         string // of routes from managers
}

// newNetwork makes a network, or skips the test where that is not allowed.
func newNetwork(t *testing.T) *network {
	t.Helper()
	id := os.Getpid() % 200
	n := &network{
		T: t, name: fmt.Sprintf("hyperscale-%d", id), workers: fmt.Sprintf("10.213.%d.100", id), table: fmt.Sprint(21300 + id),
	}
	near, far := fmt.Sprintf("hsn%d", id), fmt.Sprintf("hsf%d", id)
	if out, err := exec.Command("ip", "netns", "add", n.name).CombinedOutput(); err != nil {
		t.Skipf("networks can't be made here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		n.try("netns", "del", n.name)
		n.try("link", "del", near)
	})
	if out, err := n.ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", n.name); err != nil {
		t.Skipf("networks can't be joined here: %v: %s", err, out)
	}
	for i := range 3 {
		at := fmt.Sprintf("10.213.%d.%d", id, i+1)
		n.managers = append(n.managers, at)
		n.must("addr", "add", at+"/24", "dev", near)
	}
	n.must("link", "set", near, "up")
	n.must("-n", n.name, "addr", "add", n.workers+"/24", "dev", far)
	n.must("-n", n.name, "link", "set", far, "up")
	n.must("-n", n.name, "link", "set", "lo", "up")
	return n
}

func (n *network) ip(args ...string) (string, error) {
	out, err := exec.Command("ip", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (n *network) must(args ...string) {
	n.Helper()
	if out, err := n.ip(args...); err != nil {
		n.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// try undoes what perhaps was not done.
func (n *network) try(args ...string) { _, _ = n.ip(args...) }

// cutUp drops what workers send to a manager; healUp undoes it.
func (n *network) cutUp(i int) {
	n.must("-n", n.name, "route", "add", "blackhole", n.managers[i]+"/32")
}

func (n *network) healUp(i int) {
	n.must("-n", n.name, "route", "del", "blackhole", n.managers[i]+"/32")
}

// cutDown drops what a manager sends to workers; healDown undoes it.
func (n *network) cutDown(i int) {
	n.must("route", "add", "blackhole", "default", "table", n.table)
	n.must("rule", "add", "from", n.managers[i], "to", n.workers, "lookup", n.table)
	n.Cleanup(func() { n.try("rule", "del", "from", n.managers[i], "to", n.workers, "lookup", n.table) })
	n.Cleanup(func() { n.try("route", "flush", "table", n.table) })
}

func (n *network) healDown(i int) {
	n.must("rule", "del", "from", n.managers[i], "to", n.workers, "lookup", n.table)
	n.must("route", "flush", "table", n.table)
}

// Workers that their job's owner can't hear, or that can't hear it, are heard by
// others; their load goes on, and what they did is told in the end.
func TestWorkersAreCutFromTheOwner(t *testing.T) {
	needsProcesses(t)
	n := newNetwork(t)
	s := start(t, cluster.Setup{Hosts: n.managers, Certify: true, Within: []string{"ip", "netns", "exec", n.name}})
	// The target is at another manager's address.
	l := steady("cut", 1)
	l.For = 18 * time.Second
	j := s.submit(l)
	j.at(2 * time.Second)
	n.cutUp(1)
	j.at(5 * time.Second)
	n.healUp(1)
	j.at(7 * time.Second)
	n.cutDown(1)
	j.at(10 * time.Second)
	n.healDown(1)
	j.at(12 * time.Second)
	n.cutUp(1)
	n.cutDown(1)
	j.at(15 * time.Second)
	n.healUp(1)
	n.healDown(1)
	j.exact(j.end())
	j.flowed()
}
