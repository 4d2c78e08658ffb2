//go:build linux

package epoll

import (
	"io"
	"net"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// A peer that always has more to say than was read does not keep the lane from
// its timers and its other connections.
func TestFloodLeavesTheLaneItsTurn(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()

	var peer net.Conn
	more, fed, sent := make([]byte, readSize), 0, int64(0)
	l := &lane{poller: p, begun: time.Now()}
	// The clock is read after each full buffer: then there is another one.
	clock := func() hyperscale.JobTime {
		if peer != nil && fed < 100*fill {
			fed++
			_ = peer.SetWriteDeadline(time.Now().Add(time.Millisecond))
			n, _ := peer.Write(more) // what does not fit is of no interest
			sent += int64(n)
		}
		return time.Since(l.begun)
	}
	var ended int
	l.Driver = New(p, Config{Names: dial.NewNames(), Done: func(*wire.Exchange) { ended++ }, Post: l.post, Now: &l.now, Clock: clock})
	defer l.Close()
	l.buf = l.buf[:readSize/64] // so that the kernel always holds more

	_, port, _ := net.SplitHostPort(ln.Addr().String())
	origin := &session.Origin{Key: "flood", Scheme: "http", Host: "127.0.0.1", Port: port, Transport: &hyperscale.Transport{}}
	x := &wire.Exchange{Request: &session.Request{Origin: origin, Head: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}, Owner: &wire.Owner{}}
	l.Send(x)
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for x.Stage != wire.Waiting {
		l.turn(time.Second)
	}
	const head = "HTTP/1.1 200 OK\r\n\r\n"
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	peer = c
	for range 3 {
		before := fed
		l.turn(time.Second)
		if n := fed - before; n == 0 || n > fill+2 {
			t.Fatalf("one turn read %d times from one connection, of which more was to be had; at most %d wanted", n, fill)
		}
	}
	// What it left behind is read all the same, without word of more.
	peer = nil
	parser, over := &x.Conn.(*conn).parser, time.Now().Add(5*time.Second)
	for parser.BytesIn() < sent+int64(len(head)) {
		if l.turn(10 * time.Millisecond); time.Now().After(over) {
			t.Fatalf("%d bytes were read of %d", parser.BytesIn(), sent)
		}
	}
	if l.Cancel(x) != wire.Receiving || ended != 0 {
		t.Errorf("the request ended by itself")
	}
}
