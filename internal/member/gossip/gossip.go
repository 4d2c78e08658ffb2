package gossip

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"hyperscale/internal/member"
)

// Deps is what a member needs of its node.
type Deps struct {
	Log   *slog.Logger // nil: nothing is told
	Heard member.Heard // nil: nobody listens
}

// Gossip is a member of a group that gossips.
type Gossip struct {
	config Config
	log    *slog.Logger
	heard  member.Heard
	began  time.Time
	news   chan struct{} // holds one when there is something to tell

	mu     sync.Mutex // guards what follows; nothing blocks under it
	roster member.Roster
	meta   []byte
	found  map[string]bool     // configured peers that were heard from
	places map[string][]string // and what their names were last looked up as

	running sync.RWMutex           // held for reading while list is used
	list    *memberlist.Memberlist // nil: not running
}

var _ member.Members = (*Gossip)(nil)

// New makes a member. Its error says all that is wrong with the configuration.
func New(config Config, deps Deps) (*Gossip, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	g := &Gossip{
		config: config, log: deps.Log, heard: deps.Heard, meta: slices.Clone(config.Meta),
		news: make(chan struct{}, 1), found: make(map[string]bool), places: make(map[string][]string),
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.heard == nil {
		g.heard = func(member.Event) {}
	}
	return g, nil
}

// Run gossips until ctx ends. It fails if it can't listen, or if the keys can't
// be read. It does not return before what listens to events does, nor before the
// time of a last probe is over: half a second where all is well.
func (g *Gossip) Run(ctx context.Context) error {
	keys, err := g.config.keyring()
	if err != nil {
		return err
	}
	settings, err := g.config.settings(keys)
	if err != nil {
		return err
	}
	settings.Logger = log.New(&journal{log: g.log}, "", 0)
	settings.Delegate, settings.Events = delegate{g}, delegate{g}
	g.began = time.Now()
	network, err := listen(ctx, settings)
	if err != nil {
		return err
	}
	settings.Transport = network
	var parts sync.WaitGroup
	defer parts.Wait()
	stopped := make(chan struct{})
	defer close(stopped)
	parts.Go(func() { network.forward(stopped) })
	list, err := memberlist.Create(settings)
	if err != nil {
		_ = network.Shutdown()
		return fmt.Errorf("gossip: beginning at %s: %w", g.config.Bind, err)
	}
	g.running.Lock()
	g.list = list
	g.running.Unlock()

	parts.Go(func() { g.tell(ctx) })
	parts.Go(func() { g.join(ctx, list) })
	parts.Go(func() { g.reap(ctx) })
	if keys != nil {
		parts.Go(func() { g.watchKeys(ctx, keys) })
	}
	<-ctx.Done()
	g.running.Lock() // a farewell goes first
	g.list = nil
	err = list.Shutdown()
	g.running.Unlock()
	g.lastProbe(list)
	return err
}

// lastProbe waits for the end of the probe that may be under way: memberlist
// does not break it off, though it sends nothing any more.
func (g *Gossip) lastProbe(list *memberlist.Memberlist) {
	g.mu.Lock()
	alone := g.roster.Len() <= 1
	g.mu.Unlock()
	if !alone {
		<-time.After(g.config.timing().Probe * time.Duration(list.GetHealthScore()+1))
	}
}

// tell passes news on. It is the only one that waits for the listener.
func (g *Gossip) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.news:
		}
		g.mu.Lock()
		events := g.roster.Take()
		g.mu.Unlock()
		for _, e := range events {
			g.heard(e)
		}
	}
}

// note changes the roster and wakes who tells of it.
func (g *Gossip) note(change func(r *member.Roster, now time.Duration)) {
	g.mu.Lock()
	change(&g.roster, time.Since(g.began))
	g.mu.Unlock()
	select {
	case g.news <- struct{}{}:
	default: // it is awake
	}
}

// reap forgets who is gone for long.
func (g *Gossip) reap(ctx context.Context) {
	for wait(ctx, time.Second) {
		g.note(func(r *member.Roster, now time.Duration) { r.Reap(now) })
	}
}

// wait waits, and reports whether ctx goes on.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Alive is the members that are not known to be gone, by name.
func (g *Gossip) Alive() []member.Member {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.roster.Alive()
}

// Update changes what this member tells of itself. Before Run it is what the
// member begins with.
func (g *Gossip) Update(meta []byte) error {
	if err := member.CheckMeta(meta); err != nil {
		return err
	}
	changed := g.config
	changed.Meta = meta
	if err := changed.check(); err != nil {
		return err
	}
	g.mu.Lock()
	g.meta = slices.Clone(meta)
	g.mu.Unlock()
	g.running.RLock()
	defer g.running.RUnlock()
	if g.list == nil {
		return nil
	}
	// That it was passed on within the time is not needed: it will be.
	_ = g.list.UpdateNode(time.Millisecond)
	return nil
}

// Leave says farewell: to each member directly, and to all by gossip.
func (g *Gossip) Leave(ctx context.Context) error {
	g.running.RLock()
	defer g.running.RUnlock()
	if g.list == nil {
		return nil
	}
	message := []byte(farewell + nameOf(g.config.ID, g.config.Boot))
	var sent sync.WaitGroup
	var told atomic.Bool
	for _, m := range g.Alive() {
		if to := nodeOf(m); (m.ID != g.config.ID || m.Boot != g.config.Boot) && to != nil {
			sent.Go(func() { // who does not get it hears it by gossip
				if g.list.SendReliable(to, message) == nil {
					told.Store(true)
				}
			})
		}
	}
	sent.Wait()
	limit := patience
	if end, bounded := ctx.Deadline(); bounded {
		limit = max(min(limit, time.Until(end)), time.Millisecond)
	}
	// Gossip that reached nobody matters only if nobody was told otherwise, and there
	// is somebody: all may leave at once.
	if err := g.list.Leave(limit); err != nil && !told.Load() && len(g.Alive()) > 1 {
		return fmt.Errorf("gossip: leaving: %w", err)
	}
	return ctx.Err()
}

// nodeOf is where a member is reached; nil: its address can't be read.
func nodeOf(m member.Member) *memberlist.Node {
	host, port, err := split(m.Addr)
	if err != nil {
		return nil
	}
	return &memberlist.Node{Name: nameOf(m.ID, m.Boot), Addr: net.ParseIP(host), Port: uint16(port)}
}

// Stall is Lifeguard's score of this member's own health; 0: well, or not running.
func (g *Gossip) Stall() int {
	g.running.RLock()
	defer g.running.RUnlock()
	if g.list == nil {
		return 0
	}
	return g.list.GetHealthScore()
}

// delegate is what memberlist calls, under its own locks: it only takes notes.
type delegate struct{ g *Gossip }

// NotifyJoin notes a member that is there.
func (d delegate) NotifyJoin(n *memberlist.Node) {
	id, boot, ok := readName(n.Name)
	if !ok {
		d.g.log.Debug("a member with a name that is none of ours", "name", n.Name)
		return
	}
	m := member.Member{
		ID: id, Boot: boot, Meta: slices.Clone(n.Meta),
		Addr: net.JoinHostPort(n.Addr.String(), strconv.Itoa(int(n.Port))),
	}
	d.g.note(func(r *member.Roster, _ time.Duration) { r.Heard(m) })
	d.g.find()
}

// NotifyUpdate notes what a member tells of itself.
func (d delegate) NotifyUpdate(n *memberlist.Node) { d.NotifyJoin(n) }

// NotifyLeave notes a member that is gone.
func (d delegate) NotifyLeave(n *memberlist.Node) {
	d.gone(n.Name, n.Name == nameOf(d.g.config.ID, d.g.config.Boot)) // oneself only leaves
}

func (d delegate) gone(name string, leaves bool) {
	if id, boot, ok := readName(name); ok {
		d.g.note(func(r *member.Roster, now time.Duration) { r.Gone(now, id, boot, leaves) })
	}
}

// NotifyMsg takes farewells.
func (d delegate) NotifyMsg(message []byte) {
	if id, boot, ok := readFarewell(message); ok {
		d.gone(nameOf(id, boot), true)
	}
}

// NodeMeta is what this member tells of itself.
func (d delegate) NodeMeta(int) []byte {
	d.g.mu.Lock()
	defer d.g.mu.Unlock()
	return d.g.meta
}

// GetBroadcasts has nothing to add.
func (d delegate) GetBroadcasts(_, _ int) [][]byte { return nil }

// LocalState has nothing to add.
func (d delegate) LocalState(bool) []byte { return nil }

// MergeRemoteState expects nothing.
func (d delegate) MergeRemoteState([]byte, bool) {}
