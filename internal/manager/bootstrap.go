package manager

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hyperscale/internal/member"
	"hyperscale/internal/member/gossip"
	"hyperscale/internal/store"
	"hyperscale/internal/store/etcdstore"
)

// meta is what a manager tells of itself by gossip.
type meta struct {
	Calls string // address for calls
	Store string // URL of its store member; "": the store is external
	Fresh bool   // its data directory was empty when it started
}

// newGossip makes the failure detector.
func (m *Manager) newGossip(ctx context.Context) (*gossip.Gossip, error) {
	text, err := m.meta(true)
	if err != nil {
		return nil, err
	}
	advertise := ""
	if m.cfg.Advertise != "" {
		_, port, _ := net.SplitHostPort(m.cfg.Gossip)
		advertise = net.JoinHostPort(m.cfg.Advertise, port)
	}
	return gossip.New(gossip.Config{
		ID: m.cfg.Name, Boot: m.boot, Label: gossip.Datacenter(m.cfg.Cluster, m.cfg.Env, m.cfg.DC),
		Bind: m.cfg.Gossip, Advertise: advertise, Join: m.cfg.Join, Keyring: m.cfg.Keyring, Meta: text,
	}, gossip.Deps{Log: m.log, Heard: func(ev member.Event) {
		select {
		case <-m.heard:
			m.tier.Heard(ev)
		case <-ctx.Done():
		}
	}})
}

// meta is what this manager tells of itself, at its start or once its store has
// begun: from then on nobody may take it for new.
func (m *Manager) meta(start bool) ([]byte, error) {
	told := meta{Calls: m.address(m.listen.Addr().String())}
	if m.cfg.Store == "" {
		fresh, err := etcdstore.Empty(m.storeDir())
		if err != nil {
			return nil, err
		}
		told.Store, told.Fresh = m.storeURL(), fresh && start
	}
	return json.Marshal(told)
}

func (m *Manager) storeDir() string { return filepath.Join(m.cfg.Data, "store") }

// storeURL is where other members of the store reach this one.
func (m *Manager) storeURL() string {
	scheme := "http://"
	if m.cfg.StoreTLS.Certificate != "" {
		scheme = "https://"
	}
	return scheme + m.address(m.cfg.StoreListen)
}

// openStore makes this manager's access to its store.
func (m *Manager) openStore(ctx context.Context) (storage, error) {
	if m.cfg.Store != "" {
		return m.external()
	}
	initial, err := m.initial(ctx)
	if err != nil {
		return nil, err
	}
	scheme, _, _ := strings.Cut(m.storeURL(), "://")
	node, err := etcdstore.New(etcdstore.Config{
		Name: string(m.cfg.Name), Dir: m.storeDir(), Listen: scheme + "://" + m.cfg.StoreListen, Address: m.storeURL(),
		Initial: initial, Cluster: m.cfg.Cluster + "." + m.cfg.Env + "." + m.cfg.DC, TLS: m.cfg.StoreTLS,
	}, etcdstore.Deps{Log: m.log})
	if err != nil {
		return nil, err
	}
	return embedded{node, m}, nil
}

// embedded is a member of the store in this process.
type embedded struct {
	*etcdstore.Node
	manager *Manager
}

// Run is the member's life.
func (e embedded) Run(ctx context.Context) error {
	return within(ctx, e.Node.Run, func(ctx context.Context) error {
		select {
		case <-e.Node.Ready():
			text, err := e.manager.meta(false)
			if err == nil {
				err = e.manager.gossip.Update(text)
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

// initial is with whom the store begins, if the data directory is empty: the same
// on all managers.
func (m *Manager) initial(ctx context.Context) (map[string]string, error) {
	self := map[string]string{string(m.cfg.Name): m.storeURL()}
	fresh, err := etcdstore.Empty(m.storeDir())
	switch {
	case err != nil:
		return nil, err
	case !fresh:
		return self, nil // what is in the directory counts
	case m.cfg.Peers != nil:
		return m.cfg.Peers, nil
	case m.cfg.Expect == 1:
		return self, nil
	}
	return m.meet(ctx)
}

// meet waits until so many managers as expected have met, all of them new.
func (m *Manager) meet(ctx context.Context) (map[string]string, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	said := 0
	for {
		all := map[string]string{}
		for _, other := range m.gossip.Alive() {
			var told meta
			if err := json.Unmarshal(other.Meta, &told); err != nil || told.Store == "" {
				return nil, fmt.Errorf("manager %s does not tell where its store is reached; it may be of another version", other.ID)
			}
			if !told.Fresh {
				return nil, fmt.Errorf("manager %s has a store already, and this directory, %s, is empty: a cluster that runs is joined with --join-store", other.ID, m.storeDir())
			}
			all[string(other.ID)] = told.Store
		}
		switch {
		case len(all) == m.cfg.Expect:
			return all, nil
		case len(all) > m.cfg.Expect:
			return nil, fmt.Errorf("%d managers met (%s), and --expect is %d", len(all), strings.Join(slices.Sorted(maps.Keys(all)), ", "), m.cfg.Expect)
		case len(all) != said:
			said = len(all)
			m.log.Info("waiting for the other managers", "here", said, "expected", m.cfg.Expect)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}
