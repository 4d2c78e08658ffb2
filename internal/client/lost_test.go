package client

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
)

// desk is what several real nodes know together: the jobs by their keys.
type desk struct {
	mu   sync.Mutex
	keys map[string]hyperscale.JobID
	busy int // so many next submissions are put off
	all  []rpc.Member
	told chan struct{} // closed once somebody was told of the others
}

// clerk is one of these nodes. One that falters takes a submission and never answers.
type clerk struct {
	rpc.Jobs
	*desk
	falters atomic.Bool
	taken   chan struct{}
}

const wait = 400 * time.Millisecond // that a submission is put off for

func (c *clerk) Members(context.Context, rpc.Caller) ([]rpc.Member, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.told:
	default:
		close(c.told)
	}
	return c.all, nil
}

func (c *clerk) Drain(context.Context, rpc.Caller, hyperscale.NodeID) error { return nil }

func (c *clerk) Submit(ctx context.Context, _ rpc.Caller, s rpc.Submission) (rpc.Accepted, error) {
	job, again, busy := c.take(s.Key)
	switch {
	case c.falters.Load():
		<-c.told
		close(c.taken)
		<-ctx.Done()
		return rpc.Accepted{}, ctx.Err()
	case busy:
		return rpc.Accepted{}, &rpc.Error{Kind: rpc.RateLimited, Text: "too many", Retry: wait}
	}
	return rpc.Accepted{Job: job, Again: again}, nil
}

// take makes a job of a key, or finds it.
func (c *clerk) take(key string) (job hyperscale.JobID, again, busy bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.falters.Load() && c.busy > 0 {
		c.busy--
		return "", false, true
	}
	_, again = c.keys[key]
	c.keys[key] = "7"
	return "7", again, false
}

// Over real connections: the only node that is named takes a submission and dies before
// it answers. One of those that it told of is asked then, waits for as long as that says,
// and gives the job that the key made.
func TestTheNamedNodeDies(t *testing.T) {
	d := &desk{keys: map[string]hyperscale.JobID{}, busy: 1, told: make(chan struct{})}
	first, second := &clerk{desk: d, taken: make(chan struct{})}, &clerk{desk: d}
	first.falters.Store(true)
	addressA, stopA := serve(t, first, first)
	addressB, _ := serve(t, second, second)
	d.all = []rpc.Member{{Role: "manager", Address: addressA}, {Role: "manager", Address: addressB}}
	client, err := New(Config{Nodes: []string{addressA}, Dialing: rpc.Dialing{
		Self: identity.ID{Cluster: "hs", Env: "dev", Role: identity.Client, Tenant: "local", Name: "eve"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	died := make(chan time.Time, 1)
	go func() {
		<-first.taken
		for len(client.nodes()) < 2 { // the answer is on its way
			<-time.After(time.Millisecond)
		}
		died <- time.Now()
		stopA()
	}()
	accepted, err := client.Submit(ctx, rpc.Submission{Name: "shop", Spec: []byte("x")})
	if err != nil || accepted.Job != "7" || !accepted.Again || len(d.keys) != 1 {
		t.Errorf("%+v, %v; jobs by key: %v", accepted, err, d.keys)
	}
	if waited := time.Since(<-died); d.busy != 0 || waited < wait {
		t.Errorf("it did not wait as it was told to, but %v", waited)
	}
}
