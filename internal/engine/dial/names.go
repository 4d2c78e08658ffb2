package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hyperscale/internal/session"
)

const (
	again        = 60 * time.Second // from one lookup of a name in use to the next
	againMissing = 5 * time.Second  // … when it was not found
	patience     = 10 * time.Second // of one lookup
	atOnce       = 16               // lookups under way
	idle         = 10 * time.Minute // after which a name that nobody uses is forgotten
)

// Lookup finds the addresses of a host name.
type Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// Names knows the addresses of names. Its methods may be called from any
// goroutine, and none but Preload and Run waits for anything.
type Names struct {
	lookup  Lookup
	targets *Targets // nil: all
	usable  func(ctx context.Context, port string, addrs []netip.Addr) []netip.Addr
	slots   chan struct{} // holds as many as lookups are under way
	changed chan struct{} // wakes Run: some host is due

	mu    sync.Mutex
	hosts map[string]*host
}

// host is one name with what was last found. Its times and waiters belong to
// Names.mu.
type host struct {
	key     string // in Names.hosts
	name    string
	port    string // of the first to ask, for what has to be tried
	found   atomic.Pointer[found]
	used    atomic.Bool   // since the last lookup began
	cursors atomic.Uint32 // Name values handed out
	busy    bool          // a lookup is under way
	due     time.Time     // of the next lookup, if the host is in use
	waiters []func()
}

// found is the outcome of a lookup. It never changes.
type found struct {
	all   []netip.Addr // as looked up, in order
	addrs []netip.Addr // to be used; empty: there are none, and why says why
	why   string

	refused bool // there are some, and none that is allowed
}

// NewNames gives names that are looked up as the system does.
func NewNames() *Names {
	return NamesBy(func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	})
}

// NamesBy gives names that are looked up by f, which may be called by several
// goroutines at once.
func NamesBy(f Lookup) *Names {
	return &Names{
		lookup:  f,
		usable:  reachable,
		slots:   make(chan struct{}, atOnce),
		changed: make(chan struct{}, 1),
		hosts:   map[string]*host{},
	}
}

// Only bounds where connections may be opened. It is called before anything else.
// Names and addresses that are not allowed are as if they were not found.
func (n *Names) Only(t Targets) { n.targets = &t }

// Preload looks up the names that connections for the origins need, and waits
// for them. The error names those that were not found; the others are known all
// the same.
func (n *Names) Preload(ctx context.Context, origins ...*session.Origin) error {
	var hosts []*host
	for _, o := range origins {
		if h := n.Of(o).host; h != nil && !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	var g sync.WaitGroup
	errs := make([]error, len(hosts))
	for i, h := range hosts {
		g.Go(func() {
			n.look(ctx, h)
			if f := h.found.Load(); f != nil && len(f.addrs) == 0 {
				errs[i] = fmt.Errorf("look up %s: %s", h.name, f.why)
			}
		})
	}
	g.Wait()
	return errors.Join(errs...)
}

// Run looks names up as they come into use and fall due, until ctx ends. When it
// returns no lookup is under way.
func (n *Names) Run(ctx context.Context) {
	var g sync.WaitGroup
	defer g.Wait()
	timer := time.NewTimer(again)
	defer timer.Stop()
	for {
		due, next := n.due(time.Now())
		for _, h := range due {
			g.Go(func() { n.look(ctx, h) })
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return
		case <-n.changed:
		case <-timer.C:
		}
	}
}

// due gives the hosts to look up now, and the time until there may be more.
func (n *Names) due(now time.Time) (due []*host, next time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	next = again
	for _, h := range n.hosts {
		switch wait := h.due.Sub(now); {
		case h.busy:
		case !h.used.Load() && !h.due.IsZero() && -wait > idle:
			delete(n.hosts, h.key)
		case !h.used.Load():
		case wait <= 0:
			h.busy = true
			due = append(due, h)
		default:
			next = min(next, wait)
		}
	}
	return due, next
}

// look looks h up and tells who waits for it.
func (n *Names) look(ctx context.Context, h *host) {
	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
	case <-ctx.Done():
		return
	}
	h.used.Store(false)
	f := n.find(ctx, h)
	if ctx.Err() != nil {
		return
	}
	wait := again
	if len(f.addrs) == 0 {
		wait = againMissing
		if old := h.found.Load(); old != nil && len(old.addrs) > 0 {
			f = old
		}
	}
	h.found.Store(f)
	n.mu.Lock()
	h.busy, h.due = false, time.Now().Add(wait)
	waiters := h.waiters
	h.waiters = nil
	n.mu.Unlock()
	for _, tell := range waiters {
		tell()
	}
	n.wake()
}

// find does the looking up.
func (n *Names) find(ctx context.Context, h *host) *found {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	addrs, err := n.lookup(ctx, h.name)
	if err != nil {
		return &found{why: plainly(err)}
	}
	if len(addrs) == 0 {
		return &found{why: "it has no address"}
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	if old := h.found.Load(); old != nil && slices.Equal(old.all, addrs) {
		return old
	}
	allowed := n.targets.usableOf(h, addrs)
	if len(allowed) == 0 {
		return &found{all: addrs, refused: true, why: refusal(fmt.Sprintf("%s (%v)", h.name, addrs[0]))}
	}
	return &found{all: addrs, addrs: n.usable(ctx, h.port, allowed)}
}

// plainly is the cause of a failed lookup without the name, which is known.
func plainly(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.Err
	}
	return err.Error()
}

// wake makes Run look what is due.
func (n *Names) wake() {
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// Of gives the name that connections for o are opened to: that of its proxy, if
// it has one, else its own.
func (n *Names) Of(o *session.Origin) *Name {
	name, port := o.Host, o.Port
	if o.Transport.Proxy != "" {
		p, err := ParseProxy(o.Transport.Proxy)
		if err != nil {
			return &Name{why: err.Error()}
		}
		if why := n.behind(name, port); why != "" {
			return &Name{why: why, forbidden: true}
		}
		name, port = p.Host, p.Port
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return &Name{why: fmt.Sprintf("no port %q", port)}
	}
	for _, r := range o.Transport.Resolve {
		if strings.EqualFold(r.Name, name) {
			name = r.Value
			break
		}
	}
	out := &Name{names: n, port: uint16(number)}
	if ip, err := netip.ParseAddr(name); err == nil {
		if !n.targets.allow("", ip, port) {
			return &Name{why: refusal(name), forbidden: true}
		}
		out.fixed = netip.AddrPortFrom(ip.Unmap(), out.port)
		return out
	}
	out.host = n.host(strings.ToLower(name), port)
	out.turn = out.host.cursors.Add(1) - 1
	return out
}

// remember takes h, which comes into use, back if it was forgotten. It gives the
// one that is known in its place.
func (n *Names) remember(h *host) *host {
	defer n.wake()
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.hosts[h.key]; known != nil && known != h {
		known.used.Store(true)
		h.used.Store(false) // so that others who hold it come here too
		return known
	}
	n.hosts[h.key] = h
	return h
}

// host gives what is known under a name.
func (n *Names) host(name, port string) *host {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := name
	if !n.targets.open() {
		key = net.JoinHostPort(name, port) // another port may not be allowed
	}
	h := n.hosts[key]
	if h == nil {
		h = &host{key: key, name: name, port: port}
		n.hosts[key] = h
	}
	return h
}
