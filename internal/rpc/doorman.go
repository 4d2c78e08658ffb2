package rpc

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"hyperscale/internal/rpc/identity"
)

// doorman counts connections. Up to the cap they come in; a tenth more come in
// to be told that there is no room; the others are closed at once.
type doorman struct {
	limits     Limits
	counts     *counts
	handshakes chan struct{}

	mu   sync.Mutex
	open int
	of   map[string]int // connections by identity
}

func newDoorman(l Limits, c *counts) *doorman {
	return &doorman{limits: l, counts: c, handshakes: make(chan struct{}, l.Handshakes), of: make(map[string]int)}
}

// door is a listener that the doorman stands at.
type door struct {
	net.Listener
	doorman *doorman
}

func (d door) Accept() (net.Conn, error) {
	for {
		raw, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := d.doorman.enter(raw); c != nil {
			return c, nil
		}
		_ = raw.Close() // it is not wanted
	}
}

func (d *doorman) enter(raw net.Conn) *visitor {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open >= d.limits.Connections+max(d.limits.Connections/10, 1) {
		d.counts.add("refused", "connection closed")
		return nil
	}
	d.open++
	v := &visitor{Conn: raw, doorman: d}
	if d.open > d.limits.Connections {
		d.turnAway(v)
	}
	return v
}

// turnAway marks a connection as one too many. It stays for a moment, so that
// its first call is told.
func (d *doorman) turnAway(v *visitor) {
	if v.excess {
		return
	}
	v.excess = true
	v.timer = time.AfterFunc(d.limits.Turnaway, func() { _ = v.Conn.Close() })
	d.counts.add("refused", "connection over the cap")
}

// name counts the connection for an identity, once the handshake told it.
func (d *doorman) name(v *visitor, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.left {
		return
	}
	v.id = id
	d.of[id]++
	if d.of[id] > d.limits.PerIdentity {
		d.turnAway(v)
	}
}

func (d *doorman) leave(v *visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.left {
		return
	}
	v.left = true
	d.open--
	if v.id != "" {
		if d.of[v.id]--; d.of[v.id] == 0 {
			delete(d.of, v.id)
		}
	}
	if v.timer != nil {
		v.timer.Stop()
	}
}

// visitor is a connection that was let in. Its fields belong to the doorman.
type visitor struct {
	net.Conn
	doorman *doorman
	excess  bool
	left    bool
	id      string
	timer   *time.Timer
}

func (v *visitor) Close() error {
	v.doorman.leave(v)
	return v.Conn.Close()
}

func (v *visitor) tooMany() bool {
	v.doorman.mu.Lock()
	defer v.doorman.mu.Unlock()
	return v.excess
}

// badge is what a connection's handshake told, for the calls that come on it.
type badge struct {
	credentials.CommonAuthInfo
	inner   credentials.AuthInfo
	visitor *visitor
	id      identity.ID
	proved  bool
}

// AuthType names the way in which the caller was looked at.
func (b badge) AuthType() string { return b.inner.AuthType() }

// handshake lets the inner credentials do their work, not too many at once, and
// pins the result to the connection.
type handshake struct {
	credentials.TransportCredentials
	doorman *doorman
	refused func(addr net.Addr, err error)
}

func (h handshake) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	v, ok := raw.(*visitor)
	if !ok {
		return nil, nil, fmt.Errorf("a connection came past the doorman")
	}
	wait, stop := context.WithTimeout(context.Background(), h.doorman.limits.Handshake)
	defer stop()
	select {
	case h.doorman.handshakes <- struct{}{}:
		defer func() { <-h.doorman.handshakes }()
	case <-wait.Done():
		return nil, nil, fmt.Errorf("too many handshakes are under way")
	}
	conn, info, err := h.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		h.refused(raw.RemoteAddr(), err)
		return nil, nil, err
	}
	b := badge{inner: info, visitor: v}
	if common, ok := info.(interface {
		GetCommonAuthInfo() credentials.CommonAuthInfo
	}); ok {
		b.CommonAuthInfo = common.GetCommonAuthInfo()
	}
	if tls, ok := info.(credentials.TLSInfo); ok {
		if b.id, err = identity.Of(tls.State); err != nil {
			return nil, nil, err
		}
		b.proved = true
		h.doorman.name(v, b.id.String())
	}
	return conn, b, nil
}

func (h handshake) Clone() credentials.TransportCredentials {
	h.TransportCredentials = h.TransportCredentials.Clone()
	return h
}
