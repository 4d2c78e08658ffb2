package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/stats"
)

// manager is a manager that knows one worker, and does what a test says.
type manager struct {
	t       *testing.T
	id      identity.ID
	boot    hyperscale.Boot
	address string
	stop    func() // ends it, and waits
	parents []link.Parent

	certificates *identity.Source // nil: none

	mu      sync.Mutex
	changed chan struct{} // closed and made anew with each change
	last    link.Statement
	stated  int
	stream  rpc.AttachStream // nil: the worker is not attached
	links   int              // streams of beats so far
	tally   *stats.Tally
	marks   map[link.Hold]uint64 // windows merged
	dealt   int                  // deliveries, each time one came
	ending  *link.Ending
	deaf    bool // acknowledges nothing
	mute    bool // says no words
}

func self(role identity.Role, node string) identity.ID {
	return identity.ID{Cluster: "hyperscale", Env: "test", Role: role, DC: "fra", Node: hyperscale.NodeID(node)}
}

// newManager begins a manager at an address; "": any that is free.
func newManager(t *testing.T, node, address string, change ...func(*manager)) *manager {
	t.Helper()
	m := &manager{
		t: t, id: self(identity.Manager, node), boot: 1, changed: make(chan struct{}),
		tally: stats.NewTally(), marks: map[link.Hold]uint64{},
	}
	for _, c := range change {
		c(m)
	}
	server, err := rpc.NewServer(rpc.ServerConfig{Self: m.id}, rpc.ServerDeps{Log: slog.New(slog.DiscardHandler), Links: m, Certificates: m.certificates})
	if err != nil {
		t.Fatal(err)
	}
	if address == "" {
		address = "127.0.0.1:0"
		if runtime.GOOS == "linux" {
			address = "127.0.7.1:0" // where nobody calls from, so that its ports stay free for a restart
		}
	}
	ln, err := net.Listen("tcp", address)
	for again := 0; err != nil && again < 100; again++ {
		<-time.After(50 * time.Millisecond)
		ln, err = net.Listen("tcp", address)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.address = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, ln) }()
	m.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(m.stop)
	return m
}

// next of it, with the same address and all that it merged, as after a restart.
func (m *manager) restart() *manager {
	m.stop()
	return newManager(m.t, string(m.id.Node), m.address, func(n *manager) {
		m.mu.Lock()
		defer m.mu.Unlock()
		n.boot, n.tally, n.marks, n.ending = m.boot+1, m.tally, m.marks, m.ending
	})
}

// Attach hears statements and says a word each second, the first at once.
func (m *manager) Attach(ctx context.Context, _ rpc.Caller, s rpc.AttachStream) error {
	m.change(func() { m.stream = s; m.links++ })
	defer m.change(func() {
		if m.stream == s {
			m.stream = nil
		}
	})
	heard := make(chan error, 1)
	go func() {
		for {
			up, err := s.Recv()
			if err != nil {
				heard <- err
				return
			}
			if st, ok := up.(link.Statement); ok {
				m.change(func() { m.last = st; m.stated++ })
			}
		}
	}()
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	if err := s.Send(link.Word{Node: "other", Boot: 1, Seq: 1}); err != nil { // which this one passes on
		return err
	}
	for seq := uint64(1); ; seq++ {
		if err := m.word(s, seq); err != nil {
			return err
		}
		select {
		case err := <-heard:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-beat.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *manager) word(s rpc.AttachStream, seq uint64) error {
	m.mu.Lock()
	w := link.Word{Node: m.id.Node, Boot: m.boot, Seq: seq, Parents: m.parents}
	for _, h := range m.last.Holds {
		w.Owns = append(w.Owns, link.Owned{Job: h.Job, Epoch: h.Epoch})
	}
	mute := m.mute
	m.mu.Unlock()
	if mute {
		return nil
	}
	return s.Send(w)
}

// Deliver merges windows and acknowledges them.
func (m *manager) Deliver(_ context.Context, _ rpc.Caller, s rpc.DeliverStream) error {
	for {
		d, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		w, err := stats.DecodeWindow(d.Window)
		if err != nil {
			m.t.Errorf("a window can't be read: %v", err)
			return err
		}
		var mark uint64
		var deaf bool
		m.change(func() {
			m.dealt++
			if w.ID.First == m.marks[d.Hold]+1 && !m.deaf {
				m.tally.Add(w)
				m.marks[d.Hold] = w.ID.Seq
				m.ending = d.Ending
			}
			mark, deaf = m.marks[d.Hold], m.deaf
		})
		if deaf {
			continue
		}
		if err := s.Send(link.Receipt{Hold: d.Hold, Seq: mark, Epoch: 1, Owner: link.Parent{Node: m.id.Node, Address: m.address}}); err != nil {
			return err
		}
	}
}

func (m *manager) change(what func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	what()
	close(m.changed)
	m.changed = make(chan struct{})
}

// until waits until something holds of the manager, for 20 s at most.
func (m *manager) until(what string, holds func() bool) {
	m.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		m.mu.Lock()
		is, changed := holds(), m.changed
		m.mu.Unlock()
		if is {
			return
		}
		select {
		case <-changed:
		case <-limit:
			m.mu.Lock()
			defer m.mu.Unlock()
			m.t.Fatalf("%s never: %+v", what, m.last)
		}
	}
}

// state waits until the worker states so of what it holds.
func (m *manager) state(want link.State) {
	m.t.Helper()
	m.until("state "+stateNames[want], func() bool { return len(m.last.Holds) == 1 && m.last.Holds[0].State == want })
}

// order gives the worker an order.
func (m *manager) order(o link.Order) {
	m.t.Helper()
	o.Epoch, o.Owner = 1, m.id.Node
	m.say(o)
}

// say says something to the worker.
func (m *manager) say(down link.Down) {
	m.t.Helper()
	m.until("attached", func() bool { return m.stream != nil })
	m.mu.Lock()
	s := m.stream
	m.mu.Unlock()
	if err := s.Send(down); err != nil {
		m.t.Error(err)
	}
}
