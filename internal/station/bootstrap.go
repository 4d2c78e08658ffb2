package station

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"hyperscale/internal/member"
	"hyperscale/internal/member/gossip"
	"hyperscale/internal/store"
	"hyperscale/internal/store/etcdstore"
)

// meta is what a node tells of itself by gossip.
type meta struct {
	Calls    string // address for calls
	Store    string // URL of its store member; "": the store is external
	Fresh    bool   // its data directory was empty when it started
	Draining bool   `json:",omitempty"` // it takes nothing new
}

// newGossip makes the failure detector. What it hears waits for the tier to be
// there.
func (l *life) newGossip() (*gossip.Gossip, error) {
	text, err := l.meta(true)
	if err != nil {
		return nil, err
	}
	advertise := ""
	if l.cfg.At.Advertise != "" {
		_, port, _ := net.SplitHostPort(l.cfg.At.Gossip)
		advertise = net.JoinHostPort(l.cfg.At.Advertise, port)
	}
	return gossip.New(gossip.Config{
		ID: l.cfg.Self.Node, Boot: l.boot, Label: l.kind.Pool, Timing: l.kind.Pace.Gossip,
		Bind: l.cfg.At.Gossip, Advertise: advertise, Join: l.cfg.Join, Keyring: l.cfg.Keyring, Meta: text,
	}, gossip.Deps{Log: l.log, Heard: func(ev member.Event) {
		select {
		case <-l.begun:
			l.tier.Heard(ev)
			var told meta
			err := json.Unmarshal(ev.Meta, &told) // one whose words are not understood is as any other
			l.tier.Draining(ev.ID, ev.Boot, err == nil && told.Draining)
		case <-l.over:
		}
	}})
}

// meta is what this node tells of itself, at its start or once its store has
// begun: from then on nobody may take it for new.
func (l *life) meta(start bool) ([]byte, error) {
	told := meta{Calls: l.reached(l.listen.Addr().String()), Draining: l.draining.Load()}
	if l.cfg.Store.External == "" {
		fresh, err := etcdstore.Empty(l.data.store())
		if err != nil {
			return nil, err
		}
		told.Store, told.Fresh = l.storeURL(), fresh && start && l.cfg.Store.Restore == ""
	}
	return json.Marshal(told)
}

// drains tells the others that this node takes nothing new.
func (l *life) drains() error {
	l.draining.Store(true)
	text, err := l.meta(false)
	if err != nil {
		return err
	}
	return l.gossip.Update(text)
}

// reached is a local address as others reach it.
func (l *life) reached(local string) string {
	host, port, err := net.SplitHostPort(local)
	if err != nil {
		return local
	}
	return net.JoinHostPort(cmp.Or(l.cfg.At.Advertise, host), port)
}

func (l *life) storeScheme() string {
	if l.cfg.Store.TLS.Certificate == "" {
		return "http://"
	}
	return "https://"
}

// storeURL is where other members of the store reach this one.
func (l *life) storeURL() string { return l.storeScheme() + l.reached(l.cfg.At.Store) }

// opening is how a life comes to a store: alone, with the others who begin, or let
// in by those who run.
type opening struct{ *life }

// store makes this node's access to its store.
func (l opening) store(ctx context.Context) (storage, error) {
	if l.cfg.Store.External != "" {
		return l.external()
	}
	b, err := l.beginning(ctx)
	if err != nil {
		return nil, err
	}
	c := etcdstore.Config{
		Name: string(l.cfg.Self.Node), Dir: l.data.store(), Listen: l.storeScheme() + l.cfg.At.Store, Address: l.storeURL(),
		Initial: b.initial, Join: b.join, Cluster: l.kind.Store, TLS: l.cfg.Store.TLS, Heartbeat: l.kind.Pace.Heartbeat,
	}
	if err := l.data.restore(c, l.cfg.Store.Restore, b.fresh); err != nil {
		return nil, err
	}
	node, err := etcdstore.New(c, etcdstore.Deps{Log: l.log})
	if err != nil {
		return nil, err
	}
	return embedded{node, l.life}, nil
}

// embedded is a member of the store in this process.
type embedded struct {
	*etcdstore.Node
	life *life
}

// Run is the member's life.
func (e embedded) Run(ctx context.Context) error {
	return within(ctx, e.Node.Run, func(ctx context.Context) error {
		select {
		case <-e.Node.Ready():
			text, err := e.life.meta(false)
			if err == nil {
				err = e.life.gossip.Update(text)
			}
			if err != nil {
				return fmt.Errorf("telling the others that the store has begun: %w", err)
			}
		case <-ctx.Done():
		}
		<-ctx.Done()
		return context.Cause(ctx)
	})
}

func (e embedded) Store() store.Store { return e.Node.Store() }

// beginning is with whom a member of the store begins. It matters to an empty
// directory only: what is in one that is not counts.
type beginning struct {
	fresh   bool
	initial map[string]string
	join    bool // the others let it in
}

// beginning finds out how this node's store begins: the same on all that begin
// together.
func (l opening) beginning(ctx context.Context) (beginning, error) {
	self := map[string]string{string(l.cfg.Self.Node): l.storeURL()}
	fresh, err := etcdstore.Empty(l.data.store())
	switch {
	case err != nil:
		return beginning{}, err
	case !fresh:
		return beginning{initial: self}, nil
	case l.wiped:
		return l.meet(ctx)
	case l.cfg.Store.Peers != nil:
		return beginning{fresh: true, initial: l.cfg.Store.Peers}, nil
	case len(l.cfg.Join) == 0:
		return beginning{fresh: true, initial: self}, nil
	}
	return l.meet(ctx)
}

// meet waits until so many nodes as expected have met, all of them new; or
// until one is there that has a store already, which is asked to let this one in.
func (l opening) meet(ctx context.Context) (beginning, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	said := -1
	for {
		here, err := l.company()
		switch {
		case err != nil:
			return beginning{}, err
		case len(here.running) > 0:
			initial, err := l.askIn(ctx, here.running)
			return beginning{fresh: true, initial: initial, join: true}, err
		case l.cfg.Expect > 0 && len(here.fresh) == l.cfg.Expect:
			return beginning{fresh: true, initial: here.fresh}, nil
		case l.cfg.Expect > 0 && len(here.fresh) > l.cfg.Expect:
			return beginning{}, fmt.Errorf("%d %ss met (%s), and --expect is %d",
				len(here.fresh), l.cfg.Self.Role, strings.Join(slices.Sorted(maps.Keys(here.fresh)), ", "), l.cfg.Expect)
		case len(here.fresh) != said:
			said = len(here.fresh)
			l.sayWaiting(said)
		}
		select {
		case <-ctx.Done():
			return beginning{}, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (l opening) sayWaiting(here int) {
	if l.cfg.Expect > 0 {
		l.log.Info("waiting for the others", "here", here, "expected", l.cfg.Expect)
		return
	}
	l.log.Info("waiting for one that runs, to be let in by", "looked for at", strings.Join(l.cfg.Join, ", "))
}

// company is who is met.
type company struct {
	fresh   map[string]string // names and store addresses of those that are new, this one too
	running []string          // addresses for calls of those that have a store
}

func (l opening) company() (company, error) {
	here := company{fresh: map[string]string{}}
	for _, other := range l.gossip.Alive() {
		var told meta
		if err := json.Unmarshal(other.Meta, &told); err != nil {
			return here, fmt.Errorf("%s %s does not tell where its store is reached; it may be of another version", l.cfg.Self.Role, other.ID)
		}
		switch {
		case told.Store == "":
			return here, fmt.Errorf("%s %s has an external store, and this one is to have its own", l.cfg.Self.Role, other.ID)
		case told.Fresh:
			here.fresh[string(other.ID)] = told.Store
		case other.ID != l.cfg.Self.Node:
			here.running = append(here.running, told.Calls)
		}
	}
	return here, nil
}
