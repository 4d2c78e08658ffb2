package tier

import (
	"log/slog"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
)

// lines are the ways out to others: to children, to the other nodes of the tier,
// and the connections on which those are called.
type lines struct {
	log     *slog.Logger
	dialing rpc.Dialing
	readers sync.WaitGroup // of streams; none is added once the lines are closed

	mu       sync.Mutex
	talks    map[hyperscale.NodeID]*outlet[link.Said]
	children map[hyperscale.NodeID]*outlet[link.Down]
	receipts map[hyperscale.NodeID]*outlet[link.Receipt]
	conns    map[hyperscale.NodeID]*rpc.Conn
	breakers map[hyperscale.NodeID]*rpc.Breaker // of forwards; one goes with its node
	last     uint64                             // the number of the last stream
	closed   bool
}

func newLines(dialing rpc.Dialing, log *slog.Logger) *lines {
	return &lines{
		log: log, dialing: dialing,
		talks: map[hyperscale.NodeID]*outlet[link.Said]{}, children: map[hyperscale.NodeID]*outlet[link.Down]{},
		receipts: map[hyperscale.NodeID]*outlet[link.Receipt]{}, conns: map[hyperscale.NodeID]*rpc.Conn{},
		breakers: map[hyperscale.NodeID]*rpc.Breaker{},
	}
}

// enter makes the outlet of a new stream, which replaces one before to the same
// start of the same node. While one of another start stands, it is refused: two
// that go by one name would take each other's work, and who has it keeps it. A start
// that ended without a word is hung up as soon as it misses its beats.
func enter[T any](l *lines, all map[hyperscale.NodeID]*outlet[T], to hyperscale.NodeID, boot hyperscale.Boot) (*outlet[T], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := all[to]
	if before != nil && boot != 0 && before.boot != 0 && before.boot != boot {
		return nil, rpc.Errorf(rpc.Conflict, "another %s is linked here: each needs a name of its own (--name); "+
			"if it is an earlier start of this one, it is waited for until it misses its beats", to)
	}
	l.last++
	out := newOutlet[T](l.last, boot)
	all[to] = out
	if before != nil {
		before.hangUp(rpc.Errorf(rpc.Unavailable, "%s began a new stream", to))
	}
	return out, nil
}

// leave forgets the outlet of a stream that has ended. It is false if a new one
// replaced it.
func leave[T any](l *lines, all map[hyperscale.NodeID]*outlet[T], to hyperscale.NodeID, out *outlet[T]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all[to] != out {
		return false
	}
	delete(all, to)
	return true
}

// child is the stream of a child, if it is that one.
func (l *lines) child(id hyperscale.NodeID, conn uint64) *outlet[link.Down] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if out := l.children[id]; out != nil && out.conn == conn {
		return out
	}
	return nil
}

// say says something to another node, if it is there.
func (l *lines) say(to hyperscale.NodeID, said link.Said) {
	l.mu.Lock()
	out := l.talks[to]
	l.mu.Unlock()
	if out != nil {
		out.box.Put(said)
	}
}

// acknowledge says a receipt to a child, if it is there.
func (l *lines) acknowledge(to hyperscale.NodeID, r link.Receipt) {
	l.mu.Lock()
	out := l.receipts[to]
	l.mu.Unlock()
	if out != nil {
		out.box.Put(r)
	}
}

// dial gives the connection to a node, which is kept.
func (l *lines) dial(to link.Parent) (*rpc.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.conns[to.Node]; c != nil {
		if c.Address() == to.Address {
			return c, nil
		}
		_ = c.Close() // it was of an address that is no more
	}
	c, err := rpc.Dial(to.Address, l.dialing)
	if err != nil {
		return nil, err
	}
	l.conns[to.Node] = c
	return c, nil
}

// errLeftAlone is of calls that a breaker keeps from a node.
var errLeftAlone = rpc.Errorf(rpc.Unavailable, "it did not answer again and again, and is left alone for a while")

// forward calls a node on its connection, unless its breaker keeps the call from it:
// one that fails again and again is left alone for a while.
func (l *lines) forward(to link.Parent, call func(*rpc.Conn) error) error {
	l.mu.Lock()
	b := l.breakers[to.Node]
	if b == nil {
		b = new(rpc.Breaker)
		l.breakers[to.Node] = b
	}
	permit, may := b.Ask(time.Now())
	l.mu.Unlock()
	if !may {
		return errLeftAlone
	}
	conn, err := l.dial(to)
	if err == nil {
		err = call(conn)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b.Done(time.Now(), permit, rpc.OutcomeOf(err))
	return err
}

// forget closes the connection to a node that is no more, and drops its breaker: when
// it returns it is called like a new one.
func (l *lines) forget(id hyperscale.NodeID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.conns[id]; c != nil {
		_ = c.Close() // nobody is there to hear
		delete(l.conns, id)
	}
	delete(l.breakers, id)
}

// read begins to read a stream, unless the lines are closed.
func (l *lines) read(stream func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return rpc.Errorf(rpc.Unavailable, "this node is leaving")
	}
	l.readers.Go(stream)
	return nil
}

// close ends all connections, and waits for the streams.
func (l *lines) close() {
	l.mu.Lock()
	l.closed = true
	for id, c := range l.conns {
		_ = c.Close() // nothing more is to be said
		delete(l.conns, id)
	}
	l.mu.Unlock()
	l.readers.Wait()
}
