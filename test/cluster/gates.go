//go:build unix

package cluster

import (
	"context"
	"path/filepath"
	"strconv"

	"hyperscale"
	"hyperscale/internal/rpc"
	"hyperscale/internal/testkit/ports"
)

// Gates are gates of one cluster, each a process, on loopback.
type Gates struct {
	All []*Node // g1, g2 …

	program, dir string
	ports        *ports.Taken
}

// NewGates makes so many gates, of which none runs. Program is of [Build], dir for data
// and logs.
func NewGates(program, dir string, n int) (*Gates, error) {
	taken, err := ports.Take(3 * n)
	if err != nil {
		return nil, err
	}
	g := &Gates{program: program, dir: dir, ports: taken}
	for i := range n {
		name, call := "g"+strconv.Itoa(i+1), taken.At(3*i)
		g.All = append(g.All, &Node{
			Name: hyperscale.NodeID(name), Address: call, log: filepath.Join(dir, name+".log"), program: program,
			args: append(stationed("gate", dir, taken, i, n), "--name", name, "--listen", call),
		})
	}
	return g, nil
}

// Front is the gates as those who submit jobs see them, and watch: like the managers of a
// datacenter without workers. It is not to be started or closed.
func (g *Gates) Front() *Datacenter {
	return &Datacenter{Managers: g.All, setup: Setup{Program: g.program, Dir: g.dir}, dialing: rpc.Dialing{Self: client}}
}

// Data is where a gate keeps its data.
func (g *Gates) Data(n *Node) string { return filepath.Join(g.dir, string(n.Name)) }

// Ask calls a gate, for at most 5 s.
func (g *Gates) Ask(ctx context.Context, n *Node, call func(context.Context, *rpc.Conn) error) error {
	return n.ask(ctx, rpc.Dialing{Self: client}, call)
}

// States are the states of all gates as one of them sees them, by name.
func (g *Gates) States(ctx context.Context, n *Node) (map[hyperscale.NodeID]string, error) {
	states := map[hyperscale.NodeID]string{}
	err := g.Ask(ctx, n, func(ctx context.Context, c *rpc.Conn) error {
		list, err := c.Members(ctx)
		for _, m := range list {
			states[m.Node] = m.State
		}
		return err
	})
	return states, err
}

// Close ends all at once and waits until all are gone.
func (g *Gates) Close() {
	for _, n := range g.All {
		if n.Process != nil {
			n.Kill()
		}
	}
	g.ports.GiveUp()
}
