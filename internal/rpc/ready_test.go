package rpc

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hyperscale/internal/rpc/identity"
)

// mute accepts connections and says nothing, as a process that stands still does.
func mute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c); c.Close() }()
		}
	}()
	return l.Addr().String()
}

// Of a node that stands still it is said that it says nothing, in the time of one
// attempt; who does not wait so long hears that it does not answer. Nothing was done.
func TestANodeThatStandsStillIsNotReady(t *testing.T) {
	for name, d := range map[string]Dialing{
		"plain":             {Self: as(identity.Client)},
		"with certificates": {Certificates: certified(t, authority(t), as(identity.Client))},
	} {
		d.Connect = 300 * time.Millisecond
		c := dial(t, mute(t), d)
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Millisecond)
		if err := c.Ready(ctx); KindOf(err) != OutOfTime || !Undone(err) {
			t.Errorf("%s: %v", name, err)
		}
		stop()
		began := time.Now()
		if err := c.Ready(soon(t)); KindOf(err) != Unavailable || !Undone(err) || !strings.Contains(err.Error(), "stands still") {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > connectTime {
			t.Errorf("%s: it took %s", name, took)
		}
	}
}

// cuttable is a connection that can be made to carry nothing more.
type cuttable struct {
	net.Conn
	cut *atomic.Bool
}

func (c cuttable) Write(b []byte) (int, error) {
	if c.cut.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// A connection that stood is believed for a while; then the node has to answer.
func TestAConnectionThatStoodIsTried(t *testing.T) {
	var cut atomic.Bool
	address := serve(t, &node{}, Limits{}).address
	c := dial(t, address, Dialing{Self: as(identity.Client), Dial: func(ctx context.Context, address string) (net.Conn, error) {
		raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		return cuttable{raw, &cut}, err
	}})
	ready := func() error {
		ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer stop()
		return c.Ready(ctx)
	}
	if err := ready(); err != nil {
		t.Fatal(err)
	}
	if err := ready(); err != nil || c.heard.at.Load() == 0 {
		t.Errorf("it was not asked for a sign of life, %v", err)
	}
	cut.Store(true)
	if err := ready(); err != nil {
		t.Errorf("what was heard just now is not believed: %v", err)
	}
	c.heard.at.Store(time.Now().Add(-quiet).UnixNano())
	if err := ready(); KindOf(err) != OutOfTime || !Undone(err) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("a node that does not answer is ready: %v", err)
	}
}
