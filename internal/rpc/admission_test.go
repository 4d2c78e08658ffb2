package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hyperscale/internal/link"
	"hyperscale/internal/rpc/identity"
)

func TestAdmissionByPriority(t *testing.T) {
	// How many of 100 places a priority may fill, under each pressure.
	want := map[Priority][4]int{
		Critical: {1000, 1000, 1000, 1000}, // never shed
		Work:     {100, 100, 100, 0},
		Progress: {85, 85, 50, 0},
		Queries:  {70, 25, 0, 0},
	}
	for _, standing := range []bool{false, true} {
		for priority, places := range want {
			for pressure, n := range places {
				a := &admission{calls: 100, watches: 100}
				a.press(Pressure(pressure))
				got := 0
				for range 1000 {
					if a.enter(method{priority: priority, standing: standing}) != nil {
						got++
					}
				}
				if got != n {
					t.Errorf("priority %d under pressure %d: %d got in, want %d", priority, pressure, got, n)
				}
			}
		}
	}
}

func TestPlacesAreGivenBack(t *testing.T) {
	a := &admission{calls: 1, watches: 1}
	for range 10 {
		leave := a.enter(method{priority: Work})
		if leave == nil {
			t.Fatal("the place was not given back")
		}
		if a.enter(method{priority: Work}) != nil {
			t.Fatal("one place was given twice")
		}
		leave()
	}
}

func TestRates(t *testing.T) {
	r := newRates(Limits{}.withDefaults())
	now := time.Unix(1000, 0)
	for bucket, most := range map[bucket]int{submits: 50, cancels: 20, queries: 100} {
		for i := range most {
			if wait := r.take(now, "eve", bucket); wait != 0 {
				t.Fatalf("call %d of %d has to wait %s", i+1, most, wait)
			}
		}
		wait := r.take(now, "eve", bucket)
		if want := 10 * time.Second / time.Duration(most); wait < want-time.Millisecond || wait > want {
			t.Errorf("one call above %d has to wait %s, want %s", most, wait, want)
		}
		if r.take(now, "bob", bucket) != 0 {
			t.Error("one client waits for another")
		}
		if r.take(now.Add(wait+time.Millisecond), "eve", bucket) != 0 {
			t.Error("after the wait it is still too early")
		}
	}
}

func TestRatesForgetClients(t *testing.T) {
	r := newRates(Limits{}.withDefaults())
	now := time.Unix(1000, 0)
	for i := range 3 * mostRates {
		r.take(now, fmt.Sprint(i), submits)
		if len(r.tally) > mostRates {
			t.Fatalf("%d clients are remembered", len(r.tally))
		}
	}
	r.take(now.Add(time.Minute), "last", submits)
	r.forget(now.Add(2 * time.Minute))
	if len(r.tally) != 0 {
		t.Errorf("%d clients are remembered that have all their calls left", len(r.tally))
	}
}

func TestRateLimitsOfClientsOnly(t *testing.T) {
	r := serve(t, &node{}, Limits{Query: Rate{Calls: 3, Per: time.Hour}})
	client, peer, ctx := r.call(t, identity.Client), r.call(t, identity.Manager), soon(t)
	for range 3 {
		if _, err := client.Get(ctx, "7"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.Get(ctx, "7")
	var e *Error
	if !errors.As(err, &e) || e.Kind != RateLimited || e.Retry < 19*time.Minute || e.Retry > 20*time.Minute {
		t.Errorf("the fourth call of three an hour: %+v", err)
	}
	if status, err := client.Cancel(ctx, Cancellation{Job: "7"}); err != nil {
		t.Errorf("cancelling has a rate of its own: %v, %v", status, err)
	}
	for range 10 {
		if _, err := peer.Get(ctx, "7"); err != nil {
			t.Fatalf("nodes have no rate: %v", err)
		}
	}
}

func TestPressureShedsQueriesFirst(t *testing.T) {
	r := serve(t, &node{}, Limits{})
	client, worker, ctx := r.call(t, identity.Client), r.call(t, identity.Worker), soon(t)
	r.Press(Full)
	_, err := client.Get(ctx, "7")
	var e *Error
	if !errors.As(err, &e) || e.Kind != Overloaded || e.Retry < time.Second || e.Retry > 1500*time.Millisecond {
		t.Errorf("a query under full pressure: %+v", err)
	}
	if _, err := client.Cancel(ctx, Cancellation{Job: "7"}); err != nil {
		t.Errorf("cancelling was shed: %v", err)
	}
	attach, err := worker.Attach(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := attach.Send(link.Statement{Seq: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := attach.Recv(); err != nil {
		t.Errorf("a beat was shed: %v", err)
	}
	r.Press(Calm)
	if _, err := client.Get(ctx, "7"); err != nil {
		t.Errorf("after the pressure: %v", err)
	}
}

// Up to the cap connections come in, a tenth more to be told, the rest is closed.
func TestConnectionCaps(t *testing.T) {
	r := serve(t, &node{}, Limits{Connections: 20, Turnaway: time.Minute})
	ctx := soon(t)
	in, told, closed := 0, 0, 0
	for range 30 {
		_, err := dial(t, r.address, Dialing{Self: as(identity.Client)}).Get(ctx, "7")
		var e *Error
		switch errors.As(err, &e); {
		case err == nil:
			in++
		case e.Kind == Overloaded && e.Retry > 0:
			told++
		case e.Kind == Unavailable:
			closed++
		default:
			t.Errorf("a connection over the cap: %v", err)
		}
	}
	if in != 20 || told != 2 || closed != 8 {
		t.Errorf("%d came in, %d were told, %d were closed; want 20, 2, 8", in, told, closed)
	}
}

// Five thousand connections at once neither end the node nor keep it from those
// that it serves.
func TestConnectionStorm(t *testing.T) {
	const storm, most = 5000, 500
	r := serve(t, &node{}, Limits{Connections: most, Turnaway: 100 * time.Millisecond})
	worker := r.call(t, identity.Worker)
	ctx, stop := context.WithCancel(soon(t))
	defer stop()
	attach, err := worker.Attach(ctx)
	if err != nil {
		t.Fatal(err)
	}
	beat := func() {
		t.Helper()
		if err := attach.Send(link.Statement{Seq: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := attach.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	beat()
	var open atomic.Int64
	var all sync.WaitGroup
	conns := make(chan net.Conn, storm)
	for range 50 {
		all.Go(func() {
			for range storm / 50 {
				c, err := new(net.Dialer).DialContext(ctx, "tcp", r.address)
				if err != nil {
					continue // the kernel's queue was full: as good as closed
				}
				open.Add(1)
				conns <- c
			}
		})
	}
	beat()
	all.Wait()
	beat()
	if open.Load() < most {
		t.Fatalf("only %d connections were made", open.Load())
	}
	close(conns)
	for c := range conns {
		c.Close()
	}
	beat()
	late := r.call(t, identity.Worker)
	for ctx.Err() == nil {
		again, err := late.Attach(ctx)
		if err == nil {
			err = errors.Join(again.Send(link.Statement{Seq: 2}))
		}
		if err == nil {
			_, err = again.Recv()
		}
		if err == nil {
			break
		}
		if kind := KindOf(err); kind != Overloaded && kind != Unavailable && !strings.Contains(err.Error(), "EOF") {
			t.Fatalf("after the storm: %v", err)
		}
	}
	if ctx.Err() != nil {
		t.Error("nobody came in after the storm")
	}
	if r.count("refused", "connection closed") == 0 {
		t.Error("the storm was no storm: nothing was closed")
	}
}

func TestHandshakesAreBounded(t *testing.T) {
	d := newDoorman(Limits{Handshakes: 2, Handshake: time.Nanosecond}.withDefaults(), new(counts))
	for range 2 {
		d.handshakes <- struct{}{}
	}
	ours, theirs := net.Pipe()
	defer theirs.Close()
	v := d.enter(ours)
	defer v.Close()
	_, _, err := handshake{doorman: d}.ServerHandshake(v)
	if err == nil || !strings.Contains(err.Error(), "too many handshakes") {
		t.Errorf("the third of two: %v", err)
	}
}

func TestTheDoormanForgets(t *testing.T) {
	d := newDoorman(Limits{Connections: 10, PerIdentity: 2}.withDefaults(), new(counts))
	for range 100 {
		var in []*visitor
		for range 3 {
			ours, theirs := net.Pipe()
			theirs.Close()
			v := d.enter(ours)
			d.name(v, "eve")
			in = append(in, v)
		}
		if in[1].tooMany() || !in[2].tooMany() {
			t.Fatal("the third connection of an identity that may have two is not the one too many")
		}
		for _, v := range in {
			v.Close()
			v.Close()
		}
	}
	if d.open != 0 || len(d.of) != 0 {
		t.Errorf("%d connections and %d identities are remembered", d.open, len(d.of))
	}
}
