package doors

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/mailbox"
	"hyperscale/internal/rpc"
)

// Config is what doors are made for. All but Lookup is needed.
type Config struct {
	Kind    string   // what parents are called: manager, gate
	Names   []string // host:port of parents, see [Check]; of a name all addresses are tried
	Dialing rpc.Dialing
	Log     *slog.Logger
	Tell    func(Event) // hears what happens, one after the other; it neither waits nor calls the doors

	// Lookup finds the addresses of a parent's name; nil: as the system does.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Event is something that happened at a door.
type Event interface{ event() }

// The events. Of one parent there is one link at a time, and what it says comes
// between Linked and Unlinked.
type (
	// Linked: the connection to a parent stands, and it said who it is.
	Linked struct {
		Parent hyperscale.NodeID
		Boot   hyperscale.Boot
	}

	// Unlinked: it does no more.
	Unlinked struct{ Parent hyperscale.NodeID }

	// Said is what came over the link to a parent: its own, or what it passes on.
	Said struct {
		By   hyperscale.NodeID
		Down link.Down
	}
)

func (Linked) event()   {}
func (Unlinked) event() {}
func (Said) event()     {}

// Doors are those of one node. Its methods may be called at any time and from any
// goroutine.
type Doors struct {
	cfg     Config
	began   time.Time     // when the clock was zero
	leaving chan struct{} // closed: say what there is to say, and go
	running sync.WaitGroup

	mu     sync.Mutex
	ctx    context.Context    // of all doors
	unseek context.CancelFunc // ends the search for names; nil: Run was not called
	gone   bool               // leaving is closed
	book   book
	doors  map[string]*door            // by address
	pipes  map[hyperscale.NodeID]*pipe // to parents that are linked
}

// pipe is what is to be said over one connection. Whoever fills it never waits.
type pipe struct {
	attach  *mailbox.Mailbox[link.Up]       // statements and refusals
	deliver *mailbox.Mailbox[link.Delivery] // windows
}

// New makes doors that do nothing yet.
func New(cfg Config) *Doors {
	if cfg.Lookup == nil {
		cfg.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	return &Doors{
		cfg: cfg, began: time.Now(), leaving: make(chan struct{}),
		book: book{map[string]*place{}}, doors: map[string]*door{}, pipes: map[hyperscale.NodeID]*pipe{},
	}
}

func (d *Doors) now() time.Duration { return time.Since(d.began) }

// Run keeps up the links until ctx ends, or until all is said after [Doors.Leave].
// When it returns, all that it started has returned.
func (d *Doors) Run(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	seeking, unseek := context.WithCancel(ctx)
	defer unseek()
	d.mu.Lock()
	d.ctx, d.unseek = ctx, unseek
	gone := d.gone
	d.mu.Unlock()
	if gone {
		return
	}
	d.running.Go(func() { d.seek(seeking) })
	d.running.Wait()
}

// Leave makes every parent that is linked hear the last of what was said, and then
// ends the links. Nothing more is told.
func (d *Doors) Leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return
	}
	d.gone = true
	close(d.leaving)
	if d.unseek != nil {
		d.unseek()
	}
	for a, door := range d.doors {
		if p := d.book.places[a]; p == nil || !p.linked {
			door.close() // nobody listens there
		}
	}
}

// Say puts what is to be said to a parent on its way. It is false if there is no
// link to it.
func (d *Doors) Say(to hyperscale.NodeID, up link.Up) bool {
	d.mu.Lock()
	p := d.pipes[to]
	d.mu.Unlock()
	if p == nil {
		return false
	}
	if delivery, is := up.(link.Delivery); is {
		p.deliver.Put(delivery)
	} else {
		p.attach.Put(up)
	}
	return true
}

// Links is how many parents are linked.
func (d *Doors) Links() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.pipes)
}

// greeted takes a new link, unless there is one to that parent.
func (d *Doors) greeted(at *door, p *pipe, word link.Word) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone || !d.book.greet(d.now(), at.address, word.Node) {
		return false
	}
	d.pipes[word.Node] = p
	d.cfg.Tell(Linked{Parent: word.Node, Boot: word.Boot})
	return true
}

// said passes on what came over a link, and notes where other parents are.
func (d *Doors) said(p *pipe, by hyperscale.NodeID, down link.Down) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone || d.pipes[by] != p {
		return // the link is no more
	}
	switch down := down.(type) {
	case link.Word:
		for _, parent := range down.Parents {
			d.open(parent.Address)
		}
	case link.Receipt:
		d.open(down.Owner.Address)
	}
	d.cfg.Tell(Said{By: by, Down: down})
}

// parted ends a link. Other addresses of the parent are tried at once.
func (d *Doors) parted(at *door, p *pipe, by hyperscale.NodeID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.book.part(d.now(), at.address) {
		if other := d.doors[a]; other != nil {
			select {
			case other.again <- struct{}{}:
			default: // it was told
			}
		}
	}
	if d.pipes[by] != p {
		return
	}
	delete(d.pipes, by)
	if !d.gone {
		d.cfg.Tell(Unlinked{Parent: by})
	}
}

// found opens doors at the addresses that a lookup found, and forgets those that are
// of no use.
func (d *Doors) found(addresses []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return
	}
	d.open(addresses...)
	for _, a := range d.book.sweep(d.now()) {
		d.cfg.Log.Info("a "+d.cfg.Kind+"'s address is forgotten", "address", a)
		d.doors[a].close()
		delete(d.doors, a)
	}
}

// open makes sure that there is a door at each address. Whoever calls it is one of
// those that Run waits for.
func (d *Doors) open(addresses ...string) {
	for _, a := range d.book.name(d.now(), addresses...) {
		ctx, stop := context.WithCancel(d.ctx)
		door := &door{Doors: d, address: a, close: stop, again: make(chan struct{}, 1)}
		d.doors[a] = door
		d.running.Go(func() {
			defer stop()
			door.run(ctx)
		})
	}
}
