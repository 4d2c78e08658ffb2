// Package client asks a cluster as its users do: of any of its nodes, and so
// that nothing is lost or done twice when one of them goes. It remembers who
// owns a job, follows when that changed, asks anybody when lost, and waits when
// it is told to. With a submission and a watch it learns of the nodes that it was not
// named. A node is asked once it has shown that it is there; while one is
// late another is tried beside it, so no call is made twice for that. A watch goes on
// with the event after the last one heard, also when its node stands still.
package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc"
)

// Config says whom to ask, and for how long. Zero times stand for the defaults.
type Config struct {
	Nodes    []string // host:port of any managers or gates; at least one
	Dialing  rpc.Dialing
	Owner    time.Duration // for how long a job's owner is remembered; 0: 30 s
	Patience time.Duration // how long a call is tried while nobody can answer it; 0: 60 s

	// Silent is told by a watch, once, that no node answers it any more and why,
	// and nil when one does again; a nil Silent is told nothing.
	Silent func(why error)
}

// Client is safe for concurrent use. It keeps connections until it is closed.
type Client struct {
	config Config
	dial   func(address string) (node, error)

	mu     sync.Mutex
	begin  string // who is asked first: the one that was there last; at first any, for not all clients are to ask the same
	owners map[hyperscale.JobID]owner
	lines  map[string]*line
	met    []string // nodes that others told of; asked after those that are named
	told   bool     // some node told of the others
}

// node is one node as a client calls it: a [rpc.Conn].
type node interface {
	Ready(context.Context) error
	Submit(context.Context, rpc.Submission) (rpc.Accepted, error)
	Get(context.Context, hyperscale.JobID) (rpc.Status, error)
	List(context.Context, rpc.Query) ([]rpc.Status, error)
	Watch(ctx context.Context, job hyperscale.JobID, after uint64, got func(rpc.Update) error) error
	Cancel(context.Context, rpc.Cancellation) (rpc.CancelStatus, error)
	Adjust(ctx context.Context, job hyperscale.JobID, key string, a hyperscale.Adjustment) (hyperscale.Adjustment, error)
	Result(context.Context, hyperscale.JobID) ([]byte, error)
	Members(context.Context) ([]rpc.Member, error)
	Drain(context.Context, hyperscale.NodeID) error
	io.Closer
}

// owner is where a job's owner was last found.
type owner struct {
	address string
	until   time.Time
}

// What a client remembers at most before it forgets what it does not need.
const (
	mostOwners = 1000
	mostLines  = 16
)

// New makes a client. It connects when it is first asked.
func New(config Config) (*Client, error) {
	if len(config.Nodes) == 0 {
		return nil, rpc.Errorf(rpc.Invalid, "asking a cluster: name at least one of its nodes")
	}
	if config.Owner <= 0 {
		config.Owner = 30 * time.Second
	}
	if config.Patience <= 0 {
		config.Patience = 60 * time.Second
	}
	if config.Silent == nil {
		config.Silent = func(error) {}
	}
	return &Client{
		config: config,
		dial:   func(address string) (node, error) { return rpc.Dial(address, config.Dialing) },
		begin:  config.Nodes[mathrand.IntN(len(config.Nodes))],
		owners: make(map[hyperscale.JobID]owner),
		lines:  make(map[string]*line),
	}, nil
}

// Close ends all connections, and every call with them.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	for address, l := range c.lines {
		err = errors.Join(err, l.node.Close())
		delete(c.lines, address)
	}
	return err
}

// Submit hands a job in. Without a key it makes one up, so that trying again
// never makes a second job; if all tries fail the error names the key, or says that
// nothing was taken.
func (c *Client) Submit(ctx context.Context, s rpc.Submission) (rpc.Accepted, error) {
	if s.Key == "" {
		s.Key = rand.Text()
	}
	var accepted rpc.Accepted
	open := false
	err := c.ask(ctx, "", func(n node) (err error) {
		defer c.meeting(ctx, n, true)() // it may go before it has answered
		accepted, err = n.Submit(ctx, s)
		open = open || err != nil && !rpc.Undone(err)
		return err
	})
	switch kind := rpc.KindOf(err); {
	case err == nil:
	case open:
		return accepted, fmt.Errorf("submitting %q: whether it was taken is open; try again with the same key, %s: %w", s.Name, s.Key, err)
	case kind.Again():
		return accepted, fmt.Errorf("submitting %q: nothing was taken: %w", s.Name, err)
	default:
		return accepted, fmt.Errorf("submitting %q: %w", s.Name, err)
	}
	c.found(accepted.Job, accepted.Address)
	return accepted, nil
}

// Get tells how a job fares.
func (c *Client) Get(ctx context.Context, job hyperscale.JobID) (rpc.Status, error) {
	var status rpc.Status
	err := c.ask(ctx, job, func(n node) (err error) {
		status, err = n.Get(ctx, job)
		return err
	})
	return status, explain(err, "asking for job", job)
}

// List tells of the jobs that are remembered, the newest first.
func (c *Client) List(ctx context.Context, q rpc.Query) ([]rpc.Status, error) {
	var list []rpc.Status
	err := c.ask(ctx, "", func(n node) (err error) {
		list, err = n.List(ctx, q)
		return err
	})
	return list, explain(err, "listing jobs", "")
}

// Cancel ends a job or one of its workflows.
func (c *Client) Cancel(ctx context.Context, what rpc.Cancellation) (rpc.CancelStatus, error) {
	var status rpc.CancelStatus
	err := c.ask(ctx, what.Job, func(n node) (err error) {
		status, err = n.Cancel(ctx, what)
		return err
	})
	return status, explain(err, "cancelling job", what.Job)
}

// Adjust changes the load of a running workflow, once however often it has to be
// tried.
func (c *Client) Adjust(ctx context.Context, job hyperscale.JobID, a hyperscale.Adjustment) (hyperscale.Adjustment, error) {
	key := rand.Text()
	err := c.ask(ctx, job, func(n node) error {
		done, err := n.Adjust(ctx, job, key, a)
		if err == nil {
			a = done
		}
		return err
	})
	return a, explain(err, "adjusting job", job)
}

// Result gives what a finished job found.
func (c *Client) Result(ctx context.Context, job hyperscale.JobID) ([]byte, error) {
	var result []byte
	err := c.ask(ctx, job, func(n node) (err error) {
		result, err = n.Result(ctx, job)
		return err
	})
	return result, explain(err, "asking for the result of job", job)
}

// Members tells of all nodes of the tier that is asked, and their children.
func (c *Client) Members(ctx context.Context) ([]rpc.Member, error) {
	var members []rpc.Member
	err := c.ask(ctx, "", func(n node) (err error) {
		members, err = n.Members(ctx)
		return err
	})
	return members, explain(err, "asking for the members", "")
}

// Drain takes a node out.
func (c *Client) Drain(ctx context.Context, which hyperscale.NodeID) error {
	err := c.ask(ctx, "", func(n node) error { return n.Drain(ctx, which) })
	return explain(err, "draining node", hyperscale.JobID(which))
}

// explain puts around an error what was being done, and to what.
func explain(err error, doing string, what hyperscale.JobID) error {
	switch {
	case err == nil:
		return nil
	case what == "":
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s %s: %w", doing, what, err)
}
