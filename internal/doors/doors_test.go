package doors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/mailbox"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func of(role identity.Role, node string) identity.ID {
	id := identity.ID{Cluster: "hyperscale", Env: "test", Role: role, Node: hyperscale.NodeID(node)}
	if role != identity.Gate {
		id.DC = "fra"
	}
	return id
}

// parent is a gate that says a word each second and keeps what it hears.
type parent struct {
	id      identity.ID
	address string
	stop    func() // ends it, and waits
	parents []link.Parent
	mute    bool // says no word
	deaf    bool // reads nothing

	heard *mailbox.Mailbox[link.Up] // statements, refusals, windows
}

// newParent begins one at an address; "": any that is free.
func newParent(t *testing.T, node, address string, change ...func(*parent)) *parent {
	t.Helper()
	p := &parent{id: of(identity.Gate, node), heard: mailbox.New[link.Up]()}
	for _, c := range change {
		c(p)
	}
	server, err := rpc.NewServer(rpc.ServerConfig{Self: p.id}, rpc.ServerDeps{Log: slog.New(slog.DiscardHandler), Links: p})
	if err != nil {
		t.Fatal(err)
	}
	if address == "" {
		address = "127.0.0.1:0"
		if runtime.GOOS == "linux" {
			address = "127.0.8.1:0" // where nobody calls from, so that its port stays free for a restart
		}
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	p.address = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, ln) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(p.stop)
	return p
}

func (p *parent) Attach(ctx context.Context, _ rpc.Caller, s rpc.AttachStream) error {
	ended := make(chan error, 1)
	go func() {
		for !p.deaf {
			up, err := s.Recv()
			if err != nil {
				ended <- err
				return
			}
			p.heard.Put(up)
		}
	}()
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	for seq := uint64(1); ; seq++ {
		if !p.mute {
			if err := s.Send(link.Word{Node: p.id.Node, Boot: 1, Seq: seq, Parents: p.parents}); err != nil {
				return err
			}
		}
		select {
		case err := <-ended:
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

func (p *parent) Deliver(ctx context.Context, _ rpc.Caller, s rpc.DeliverStream) error {
	for {
		if p.deaf {
			<-ctx.Done()
			return ctx.Err()
		}
		d, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		p.heard.Put(d)
		if err := s.Send(link.Receipt{Hold: d.Hold, Seq: 1}); err != nil {
			return err
		}
	}
}

// hears waits until the parent hears so much, and gives it in words.
func (p *parent) hears(t *testing.T, n int) string {
	t.Helper()
	var list []string
	for limit := time.After(20 * time.Second); len(list) < n; {
		select {
		case <-p.heard.Bell():
			for _, up := range p.heard.Take() {
				list = append(list, fmt.Sprintf("%T", up))
			}
		case <-limit:
			t.Fatalf("%s heard no more than %v", p.id.Node, list)
		}
	}
	return strings.Join(list, " ")
}

// house has the doors of a manager.
type house struct {
	*Doors
	t      *testing.T
	log    *testkit.Log
	told   *mailbox.Mailbox[Event]
	events []Event // told, and not yet looked for
	stop   func()
	done   chan struct{}
}

func newHouse(t *testing.T, names ...string) *house {
	h := &house{t: t, log: new(testkit.Log), told: mailbox.New[Event](), done: make(chan struct{})}
	h.Doors = New(Config{
		Kind: "gate", Names: names, Dialing: rpc.Dialing{Self: of(identity.Manager, "m1"), Boot: 1},
		Log: slog.New(slog.NewTextHandler(h.log, nil)), Tell: func(ev Event) { h.told.Put(ev) },
	})
	ctx, stop := context.WithCancel(t.Context())
	h.stop = stop
	go func() { h.Run(ctx); close(h.done) }()
	t.Cleanup(func() {
		stop()
		<-h.done
		if t.Failed() {
			t.Log(h.log)
		}
	})
	return h
}

// until waits until something is told, and forgets all up to there.
func (h *house) until(what string, is func(Event) bool) {
	h.t.Helper()
	for limit := time.After(20 * time.Second); ; {
		for i, ev := range h.events {
			if is(ev) {
				h.events = h.events[i+1:]
				return
			}
		}
		h.events = nil
		select {
		case <-h.told.Bell():
			h.events = h.told.Take()
		case <-limit:
			h.t.Fatalf("never: %s", what)
		}
	}
}

func (h *house) linked(node hyperscale.NodeID) {
	h.t.Helper()
	h.until("linked to "+string(node), func(ev Event) bool { l, is := ev.(Linked); return is && l.Parent == node })
}

func (h *house) unlinked(node hyperscale.NodeID) {
	h.t.Helper()
	h.until("unlinked from "+string(node), func(ev Event) bool { l, is := ev.(Unlinked); return is && l.Parent == node })
}

// A manager finds the gates that one gate names, says to each what it has to say, and
// hears their answers; when one is gone it is told so, and finds it again.
func TestLinksToGates(t *testing.T) {
	second := newParent(t, "g2", "")
	first := newParent(t, "g1", "", func(p *parent) { p.parents = []link.Parent{{Node: "g1"}, {Node: "g2", Address: second.address}} })
	h := newHouse(t, first.address)
	h.linked("g1")
	h.linked("g2")
	if h.Links() != 2 {
		t.Errorf("%d links", h.Links())
	}
	for _, p := range []*parent{first, second} {
		if !h.Say(p.id.Node, link.Statement{Node: "m1", Boot: 1, Seq: 1}) || !h.Say(p.id.Node, link.Delivery{Hold: link.Hold{Job: "7", Workflow: "a", Share: hyperscale.Whole}}) {
			t.Errorf("there is no link to %s", p.id.Node)
		}
		p.hears(t, 2)
		h.until("a receipt of "+string(p.id.Node), func(ev Event) bool {
			said, is := ev.(Said)
			_, receipt := said.Down.(link.Receipt)
			return is && receipt && said.By == p.id.Node
		})
	}
	second.stop()
	h.unlinked("g2")
	if h.Say("g2", link.Statement{}) || h.Links() != 1 {
		t.Error("a link that is no more takes what is said")
	}
	newParent(t, "g2", second.address)
	h.linked("g2")
}

// What one parent does, or does not, delays nothing of another.
func TestABadParentDelaysNothing(t *testing.T) {
	hole, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and that is all
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	mute := newParent(t, "g1", "", func(p *parent) { p.mute = true })
	deaf := newParent(t, "g2", "", func(p *parent) { p.deaf = true })
	good := newParent(t, "g3", "")
	h := newHouse(t, hole.Addr().String(), mute.address, "127.0.0.1:1", deaf.address, good.address)
	began := time.Now()
	met := map[hyperscale.NodeID]bool{}
	h.until("linked to those that speak", func(ev Event) bool {
		if l, is := ev.(Linked); is {
			met[l.Parent] = true
		}
		return met["g2"] && met["g3"]
	})
	window := link.Delivery{Hold: link.Hold{Job: "7", Workflow: "a", Share: hyperscale.Whole}, Window: make([]byte, 1<<20)}
	for range 20 {
		h.Say("g2", window)
		h.Say("g2", link.Statement{Node: "m1", Boot: 1, Seq: 1})
	}
	h.Say("g3", window)
	good.hears(t, 1)
	if took := time.Since(began); took > firstWord {
		t.Errorf("the good one heard something after %v", took)
	}
	h.Leave()
	<-h.done // those who do not listen are not waited for
}

// Who leaves says the last of what there is to say, whatever else is dialled then.
func TestLeaves(t *testing.T) {
	p := newParent(t, "g1", "")
	h := newHouse(t, p.address, "127.0.0.1:1")
	h.linked("g1")
	for range 10 {
		h.Say("g1", link.Delivery{Hold: link.Hold{Job: "7", Workflow: "a", Share: hyperscale.Whole}})
	}
	h.Say("g1", link.Statement{Node: "m1", Boot: 1, Seq: 1, Draining: true})
	h.Leave()
	<-h.done
	if got := p.hears(t, 11); !strings.Contains(got, "Statement") {
		t.Errorf("heard %s", got)
	}
	h.Leave() // again
	late := New(Config{Kind: "gate", Names: []string{p.address}, Log: slog.New(slog.DiscardHandler)})
	late.Leave()
	late.Run(t.Context()) // it has left before
}

func TestCheck(t *testing.T) {
	for name, want := range map[string]string{
		"10.0.0.1:7400":  "gate 10.0.0.1:7400: without certificates only gates on loopback are called",
		"127.0.0.1:7400": "",
		"gates:7400":     "",
		"gates":          `gate "gates": host:port is wanted, such as 10.0.0.1:7400`,
		":7400":          `gate ":7400": host:port is wanted, such as 10.0.0.1:7400`,
	} {
		got := ""
		if err := Check("gate", name, false); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if err := Check("gate", "10.0.0.1:7400", true); err != nil {
		t.Error(err)
	}
}
