//go:build unix

package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/testkit/ports"
)

// Setup says what a datacenter is made of. Zero numbers stand for the defaults.
type Setup struct {
	Program  string // see [Build]
	Dir      string // for data and logs
	Managers int    // 0: 3
	Workers  int    // 0: 3
	Cores    int    // of each worker; 0: 2

	Hosts   []string // where each manager takes calls; nil: loopback. Others need certificates
	Certify bool     // everybody has certificates
	Name    string   // of the datacenter; "": the usual
	Gates   []string // where the gates above take calls; nil: there are none

	Within []string // command that workers are run through; nil: none
	Beside []string // the same of managers
}

// Datacenter is managers and workers of one datacenter, each a process.
type Datacenter struct {
	Managers, Workers []*Node

	setup   Setup
	ports   *ports.Taken
	dialing rpc.Dialing // of who asks
}

// Node is one gate, manager or worker, over all its starts.
type Node struct {
	*Process // the newest start; nil: none yet

	Name    hyperscale.NodeID
	Address string // of a gate or manager: where it takes calls
	log     string
	prefix  []string
	program string
	args    []string
}

// New makes a datacenter of which nothing runs.
func New(setup Setup) (*Datacenter, error) {
	for _, n := range []*int{&setup.Managers, &setup.Workers} {
		if *n == 0 {
			*n = 3
		}
	}
	if setup.Cores == 0 {
		setup.Cores = 2
	}
	d := &Datacenter{setup: setup, dialing: rpc.Dialing{Self: client}}
	if err := d.certify(); err != nil {
		return nil, err
	}
	taken, err := ports.Take(3 * setup.Managers)
	if err != nil {
		return nil, err
	}
	d.ports = taken
	for i := range setup.Managers {
		name, call := "m"+strconv.Itoa(i+1), taken.At(3*i)
		if setup.Hosts != nil {
			call = net.JoinHostPort(setup.Hosts[i], strconv.Itoa(taken.Port(3*i)))
		}
		args := append(stationed("manager", setup.Dir, taken, i, setup.Managers), "--name", name, "--listen", call)
		for _, gate := range setup.Gates {
			args = append(args, "--gates", gate)
		}
		m := d.node(name, call, append(args, d.files("manager", name)...))
		m.prefix = setup.Beside
		d.Managers = append(d.Managers, m)
	}
	calls := d.Addresses(0)
	for i := range setup.Workers {
		d.Workers = append(d.Workers, d.worker("w"+strconv.Itoa(i+1), calls))
	}
	return d, nil
}

// stationed are the arguments of the i-th of so many nodes of a tier, but its name and
// where it takes calls: the first of three ports.
func stationed(role, dir string, taken *ports.Taken, i, all int) []string {
	args := []string{role, "--data", filepath.Join(dir, role[:1]+strconv.Itoa(i+1)), "--http", "off",
		"--gossip", taken.At(3*i + 1), "--store-listen", taken.At(3*i + 2), "--expect", strconv.Itoa(all)}
	for k := range all {
		if k != i {
			args = append(args, "--join", taken.At(3*k+1))
		}
	}
	return args
}

// worker is a worker that knows managers at these addresses.
func (d *Datacenter) worker(name string, managers []string) *Node {
	args := []string{"worker", "--name", name, "--data", filepath.Join(d.setup.Dir, name), "--cores", strconv.Itoa(d.setup.Cores)}
	for _, at := range managers {
		args = append(args, "--join", at)
	}
	n := d.node(name, "", append(args, d.files("worker", name)...))
	n.prefix = d.setup.Within
	return n
}

func (d *Datacenter) node(name, address string, args []string) *Node {
	if d.setup.Name != "" {
		args = append(args, "--dc", d.setup.Name)
	}
	return &Node{
		Name: hyperscale.NodeID(name), Address: address,
		log: filepath.Join(d.setup.Dir, name+".log"), program: d.setup.Program, args: args,
	}
}

// certify makes certificates for everybody, if there are to be any.
func (d *Datacenter) certify() error {
	if !d.setup.Certify {
		return nil
	}
	dir := filepath.Join(d.setup.Dir, "certs")
	managers, workers := []string{"issue", dir, "manager"}, []string{"issue", dir, "worker"}
	for i := range d.setup.Managers {
		managers = append(managers, "m"+strconv.Itoa(i+1))
	}
	for i := range d.setup.Workers {
		workers = append(workers, "w"+strconv.Itoa(i+1))
	}
	for _, args := range [][]string{{"init", dir}, managers, workers, {"issue", dir, "client", client.Name}} {
		if out, err := exec.Command(d.setup.Program, append([]string{"certs"}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("making certificates: %w\n%s", err, out)
		}
	}
	own := filepath.Join(dir, "client-"+client.Name)
	var err error
	d.dialing.Certificates, err = identity.Load(identity.Files{
		Cert: filepath.Join(own, "node.crt"), Key: filepath.Join(own, "node.key"), Authorities: filepath.Join(own, "ca.crt"),
	}, slog.New(slog.DiscardHandler))
	return err
}

// files are the flags that name somebody's certificates.
func (d *Datacenter) files(role, name string) []string {
	if !d.setup.Certify {
		return nil
	}
	own := filepath.Join(d.setup.Dir, "certs", role+"-"+name)
	return []string{"--cert", filepath.Join(own, "node.crt"), "--key-file", filepath.Join(own, "node.key"), "--ca", filepath.Join(own, "ca.crt")}
}

// Start starts the node, again on its data if it ran before.
func (n *Node) Start() (err error) {
	n.Process, err = run(n.log, n.prefix, n.program, n.args...)
	return err
}

// nodes are all of them, managers first.
func (d *Datacenter) nodes() []*Node {
	return append(append([]*Node(nil), d.Managers...), d.Workers...)
}

// Start starts what does not run and waits until every manager hears all others.
func (d *Datacenter) Start(ctx context.Context) error {
	for _, n := range d.nodes() {
		if n.Process == nil || !n.Running() {
			if err := n.Start(); err != nil {
				return err
			}
		}
	}
	return d.Ready(ctx)
}

// Ready waits until every manager that runs calls every node that runs alive, and
// the cores of all workers free.
func (d *Datacenter) Ready(ctx context.Context) error {
	for _, m := range d.Managers {
		if m.Process == nil || !m.Running() {
			continue
		}
		err := Until(ctx, func() error {
			if !m.Running() {
				return nil
			}
			return d.hearsAll(ctx, m)
		})
		if err != nil || !m.Running() {
			return fmt.Errorf("manager %s does not see the whole datacenter: %w; its log:\n%s", m.Name, err, m.Tail(20))
		}
	}
	return nil
}

// hearsAll says which node a manager does not hear, or hears that still works.
func (d *Datacenter) hearsAll(ctx context.Context, m *Node) error {
	members, err := d.Members(ctx, m)
	if err != nil {
		return err
	}
	heard := make(map[hyperscale.NodeID]rpc.Member)
	for _, member := range members {
		heard[member.Node] = member
	}
	for _, n := range d.nodes() {
		if n.Process == nil || !n.Running() {
			continue
		}
		switch member, ok := heard[n.Name]; {
		case !ok:
			return fmt.Errorf("%s is not known", n.Name)
		case member.State != "alive" || member.Free != member.Cores:
			return fmt.Errorf("%s is %s with %d of %d cores free", n.Name, member.State, member.Free, member.Cores)
		}
	}
	return nil
}

// Close ends all at once and waits until all are gone.
func (d *Datacenter) Close() {
	for _, n := range d.nodes() {
		if n.Process != nil {
			n.Kill()
		}
	}
	d.ports.GiveUp()
}

// Addresses are where the managers take calls, beginning with the i-th.
func (d *Datacenter) Addresses(i int) []string {
	var all []string
	for k := range d.Managers {
		all = append(all, d.Managers[(i+k)%len(d.Managers)].Address)
	}
	return all
}

// Find is the node of that name.
func (d *Datacenter) Find(name hyperscale.NodeID) *Node {
	for _, n := range d.nodes() {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Leader is the manager that leads the store, and its place.
func (d *Datacenter) Leader(ctx context.Context) (leader int, err error) {
	err = Until(ctx, func() error {
		for i, m := range d.Managers {
			members, err := d.Members(ctx, m)
			if err != nil {
				continue
			}
			for _, member := range members {
				if member.Node == m.Name && member.StoreLeader {
					leader = i
					return nil
				}
			}
		}
		return errors.New("no manager leads the store")
	})
	return leader, err
}

// client is who asks.
var client = identity.ID{Cluster: "hyperscale", Env: "dev", Role: identity.Client, Tenant: "default", Name: "test"}

// Ask calls a manager, for at most 5 s.
func (d *Datacenter) Ask(ctx context.Context, m *Node, call func(context.Context, *rpc.Conn) error) error {
	return m.ask(ctx, d.dialing, call)
}

func (n *Node) ask(ctx context.Context, dialing rpc.Dialing, call func(context.Context, *rpc.Conn) error) error {
	conn, err := rpc.Dial(n.Address, dialing)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // all was said
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	return call(ctx, conn)
}

// Members are the nodes as a manager sees them.
func (d *Datacenter) Members(ctx context.Context, m *Node) (list []rpc.Member, err error) {
	err = d.Ask(ctx, m, func(ctx context.Context, c *rpc.Conn) error {
		list, err = c.Members(ctx)
		return err
	})
	return list, err
}

// AskStatus is how a job fares, as one manager says.
func (d *Datacenter) AskStatus(ctx context.Context, m *Node, job hyperscale.JobID) (s rpc.Status, err error) {
	err = d.Ask(ctx, m, func(ctx context.Context, c *rpc.Conn) error {
		s, err = c.Get(ctx, job)
		return err
	})
	return s, err
}

// Status is how a job fares, as the first manager says that knows.
func (d *Datacenter) Status(ctx context.Context, job hyperscale.JobID) (s rpc.Status, err error) {
	for _, m := range d.Managers {
		if s, err = d.AskStatus(ctx, m, job); err == nil {
			return s, nil
		}
	}
	return s, err
}

// Data is where a node keeps its data.
func (d *Datacenter) Data(n *Node) string { return filepath.Join(d.setup.Dir, string(n.Name)) }

// Logs is the last of what every node wrote.
func (d *Datacenter) Logs(lines int) string {
	text := ""
	for _, n := range d.nodes() {
		if n.Process != nil {
			text += "--- " + string(n.Name) + "\n" + n.Tail(lines) + "\n"
		}
	}
	return text
}

// command runs the command beside the datacenter, as a user would.
func (d *Datacenter) command(name string, args ...string) (*Process, error) {
	args = append(args, d.files("client", client.Name)...)
	log := filepath.Join(d.setup.Dir, name)
	if err := os.Remove(log); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return run(log, nil, d.setup.Program, args...)
}
